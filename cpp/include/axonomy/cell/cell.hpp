// A recurrent cell whose parameters enter through one affine map, h = W a_hat, s = f(s_prev, h), and its
// read-out z = W_out a + b_out. Cells are met by the rest of the library through this interface alone.
//
// A kind of cell is one function, `respond`: from s_prev and h to s, F = ds/ds_prev at fixed h, and D = ds/dh.
#pragma once

#include "../core/gemv.hpp"
#include "../core/large.hpp"
#include "../core/run_owner.hpp"
#include "../core/weights.hpp"
#include "../loss/loss.hpp"
#include "linearisation.hpp"

namespace axonomy {

// Who keeps changes of W back, or relies on it to stay as it is.
class Behind {
 public:
  virtual ~Behind() = default;
  virtual void catch_up() = 0;
};

template <class T>
struct Parameters {
  explicit Parameters(const Shape& shape)
      : W(shape.R(), shape.m), W_out(Matrix<T>::Zero(shape.n + 1, shape.n_out)) {}

  LargeMatrix<T> W;    // (R, m)
  // A column for each output, so that all that is done to them runs along the units.
  Matrix<T> W_out;     // (n + 1, n_out): [W_out, b_out]
  Matrix<T> feedback;  // (n, n_out), or empty: q through W_out
  T state_noise = T(0);
  RunOwner run_owner;
  std::uint64_t version = 1;  // grows whenever W changes
  Behind* behind = nullptr;   // where there is one
};

template <class T>
class Cell : public Transition<T> {
  std::shared_ptr<Parameters<T>> parameters_;

 public:
  Cell(const Shape& shape, Loss loss)
      : parameters_(std::make_shared<Parameters<T>>(shape)),
        W(parameters_->W),
        W_out(parameters_->W_out),
        feedback(parameters_->feedback),
        state_noise(parameters_->state_noise),
        run_owner(parameters_->run_owner),
        state(Vector<T>::Zero(shape.S())),
        shape_(shape),
        loss_(loss),
        rectangles_(rectangles(shape)),
        a_hat_(Vector<T>::Zero(shape.regressors())),
        h_(Vector<T>::Zero(shape.R())),
        z_(Vector<T>::Zero(shape.n_out)),
        e_(Vector<T>::Zero(shape.n_out)),
        q_(Vector<T>::Zero(shape.S())),
        previous_(Vector<T>::Zero(shape.S())),
        disturbance_(Vector<T>::Zero(shape.S())),
        other_h_(shape.R()),
        other_a_hat_(shape.regressors()),
        other_z_(shape.n_out),
        other_e_(shape.n_out),
        D_(shape.n, shape.states_per_unit, shape.rows_per_unit),
        leak_(shape.n, shape.states_per_unit, shape.states_per_unit),
        other_D_(D_),
        other_leak_(leak_),
        J_(shape) {}
  Cell& operator=(const Cell&) = delete;

  // A cell of the same kind with the same parameters, which both then hold in common, and a state of its own.
  virtual std::shared_ptr<Cell> sibling() const = 0;

  const Shape& shape() const { return shape_; }
  Loss loss() const { return loss_; }
  // W has changed, or is about to.
  void weights_change() { ++parameters_->version; }
  std::uint64_t version() const { return parameters_->version; }
  // Who has to be asked before W is read or written from outside a run; null: nobody.
  void fall_behind(Behind* behind) { parameters_->behind = behind; }
  void catch_up() const {
    if (parameters_->behind != nullptr) parameters_->behind->catch_up();
  }
  const Vector<T>& a_hat() const { return a_hat_; }
  const Vector<T>& output() const { return z_; }
  const Vector<T>& error() const { return e_; }
  // The activity, the last n entries of the state.
  auto activity() const { return state.tail(shape_.n); }

  // One step: a_hat = [a_prev, x, 1], h = W a_hat, the new state, and with it F and D. `noise` (S,) or null is
  // added to the new state.
  void forward(const T* x, const T* noise) {
    take_input(x);
    multiply();
    settle(noise);
  }

  // The parts of a step, for whoever multiplies W by the regressors of many cells at once.
  void take_input(const T* x) {
    const Index n = shape_.n, R = shape_.R(), back = shape_.returning() * n;
    if (!shape_.element_wise) {
      copy(n, state.data() + back, a_hat_.data());
      for (Index j = 0; j < shape_.n_in; ++j) a_hat_[n + j] = x[j];
      a_hat_[shape_.m - 1] = T(1);
      return;
    }
    for (Index gate = 0; gate < shape_.rows_per_unit; ++gate) a_hat_.segment(gate * n, n) = state.segment(back, n);
    for (Index j = 0; j < shape_.n_in; ++j) a_hat_.segment((1 + j) * R, R).setConstant(x[j]);
    a_hat_.tail(R).setOnes();
  }
  // W is gone through there and back; from its end, if it has been changed, which is done from the first column to the last.
  void multiply() {
    begin_ = begin_ == End::first || version_ != version() ? End::last : End::first;
    version_ = version();
    product(a_hat_, h_, begin_);
  }
  void bind_weights(const DelayedTrace<T>* weights) { J_.bind_weights(weights); }
  T* drive() { return h_.data(); }  // h (R,)
  void settle(const T* noise) {
    previous_.swap(state);
    respond(previous_.data(), h_.data(), state.data(), leak_, D_);
    disturbed_ = noise != nullptr;
    if (disturbed_) {
      disturbance_ = state_noise * Eigen::Map<const Vector<T>>(noise, shape_.S());
      state += disturbance_;
    }
    J_.bind(&leak_, &D_, W.data());
  }

  // The same step, input, weights and noise from another state.
  void advance(const T* from, T* next) const final {
    const Index n = shape_.n;
    const T* back = from + shape_.returning() * n;
    other_a_hat_ = a_hat_;
    const Index copies = shape_.element_wise ? shape_.rows_per_unit : 1;
    for (Index copy = 0; copy < copies; ++copy)
      other_a_hat_.segment(copy * n, n) = Eigen::Map<const Vector<T>>(back, n);
    product(other_a_hat_, other_h_, End::first);
    respond(from, other_h_.data(), next, other_leak_, other_D_);
    if (disturbed_) Eigen::Map<Vector<T>>(next, shape_.S()) += disturbance_;
  }

  const Vector<T>& read_out() {
    read_out(state.data(), z_);
    return z_;
  }

  // The loss of the last read-out, with e = dL/dz and q = dL/ds = e W_out (or e W_FB) on the activity.
  T evaluate(const T* y) {
    const T loss = evaluate_loss(loss_, z_.data(), y, e_.data(), shape_.n_out);
    const Matrix<T>& of = feedback.size() > 0 ? feedback : W_out;
    const T* const back = of.data();
    T* const q = q_.data() + shape_.S() - shape_.n;
    const T first = e_[0];
    for_packs<T>(shape_.n, [=](Index k, auto P) { P.store(q + k, first * P.load(back + k)); });
    for (Index i = 1; i < shape_.n_out; ++i) add_scaled(shape_.n, e_[i], back + i * of.rows(), q);
    return loss;
  }
  void no_error() {
    e_.setZero();
    q_.setZero();
  }

  T loss_at(const T* from, const T* y) const final {
    read_out(from, other_z_);
    return evaluate_loss(loss_, other_z_.data(), y, other_e_.data(), shape_.n_out);
  }

  // What the learner sees of the step just made; `y` null where there was no target.
  Step<T> linearised(const T* y) const {
    return {&J_, &D_, &leak_, a_hat_.data(), q_.data(), state.data(), y, parameters_->version, W.data(), this};
  }

  void visit(StateVisitor<T>& v) {
    v.matrix("W", W);
    v.matrix("W_out", W_out);
    v.vector("state", state);
  }

  // What siblings hold in common.
  LargeMatrix<T>& W;
  Matrix<T>& W_out;
  Matrix<T>& feedback;
  T& state_noise;
  RunOwner& run_owner;

  Vector<T> state;  // (S,)

 protected:
  Cell(const Cell&) = default;

  // s = f(before, h) into `next`, F and D; entries of F and D that are always zero may be left alone, and h be used as
  // workspace.
  virtual void respond(const T* before, T* h, T* next, BlockDiagonal<T>& F, BlockDiagonal<T>& D) const = 0;

 private:
  void read_out(const T* of, Vector<T>& z) const {
    const Index n = shape_.n;
    const T* const activity = of + shape_.S() - n;
    for (Index i = 0; i < shape_.n_out; ++i) z[i] = dot(n, activity, W_out.data() + i * (n + 1)) + W_out(n, i);
  }

  // h = W a_hat, by the weights that exist.
  void product(const Vector<T>& a_hat, Vector<T>& h, End begin) const {
    const Index n = shape_.n, R = shape_.R();
    if (shape_.element_wise) {
      h.array() = W.col(0).array() * a_hat.head(R).array();
      for (Index j = 1; j < shape_.m; ++j) h += a_hat[j * R] * W.col(j);  // the same for all rows
    } else if (shape_.pattern) {
      const Index rest = shape_.m - n;
      gemv<T>(R, rest, W.data() + n * R, R, a_hat.data() + n, h.data());
      shape_.pattern->add_product(R, W.data(), a_hat.data(), h.data());
    } else if (rectangles_.size() == 1) {
      gemv<T>(R, shape_.m, W.data(), R, a_hat.data(), h.data(), false, begin);
    } else {
      h.setZero();
      for (const Rectangle& r : rectangles_)
        gemv<T>(r.rows, r.columns, W.data() + r.column * R + r.row, R, a_hat.data() + r.column, h.data() + r.row, true);
    }
  }

  Shape shape_;
  Loss loss_;
  std::vector<Rectangle> rectangles_;
  Vector<T> a_hat_, h_, z_, e_, q_, previous_, disturbance_;
  // Of a state that is not the network's own.
  mutable Vector<T> other_h_, other_a_hat_, other_z_, other_e_;
  bool disturbed_ = false;
  End begin_ = End::first;     // at which the last product began,
  std::uint64_t version_ = 0;  // and of which W it was
  BlockDiagonal<T> D_, leak_;
  mutable BlockDiagonal<T> other_D_, other_leak_;
  Jacobian<T> J_;
};

}  // namespace axonomy

// A recurrent cell whose parameters enter through one affine map, h = W a_hat, s = f(s_prev, h), and its
// read-out z = W_out a + b_out. Cells are met by the rest of the library through this interface alone.
#pragma once

#include "../loss/loss.hpp"
#include "linearisation.hpp"

namespace axonomy {

template <class T>
class Cell : public Transition<T> {
 public:
  Cell(const Shape& shape, Loss loss)
      : W(Matrix<T>::Zero(shape.R(), shape.m)),
        W_out(Matrix<T>::Zero(shape.n_out, shape.n + 1)),
        state(Vector<T>::Zero(shape.S())),
        shape_(shape),
        loss_(loss),
        a_hat_(Vector<T>::Zero(shape.m)),
        z_(Vector<T>::Zero(shape.n_out)),
        e_(Vector<T>::Zero(shape.n_out)),
        q_(Vector<T>::Zero(shape.S())),
        disturbance_(Vector<T>::Zero(shape.S())),
        other_z_(shape.n_out),
        other_e_(shape.n_out),
        D_(shape.n, shape.states_per_unit, shape.rows_per_unit),
        leak_(shape.n, shape.states_per_unit, shape.states_per_unit),
        J_(shape) {}
  Cell(const Cell&) = delete;
  Cell& operator=(const Cell&) = delete;

  const Shape& shape() const { return shape_; }
  const Vector<T>& a_hat() const { return a_hat_; }
  const Vector<T>& output() const { return z_; }
  const Vector<T>& error() const { return e_; }
  // The activity, the last n entries of the state.
  auto activity() const { return state.tail(shape_.n); }

  // One step: a_hat = [a_prev, x, 1], the new state, and with it F and D. `noise` (S,) or null is added
  // to the new state.
  void forward(const T* x, const T* noise) {
    const Index n = shape_.n;
    a_hat_.head(n) = activity();
    a_hat_.segment(n, shape_.n_in) = Eigen::Map<const Vector<T>>(x, shape_.n_in);
    a_hat_[shape_.m - 1] = T(1);
    advance_and_linearise();
    disturbed_ = noise != nullptr;
    if (disturbed_) {
      disturbance_ = state_noise * Eigen::Map<const Vector<T>>(noise, shape_.S());
      state += disturbance_;
    }
    J_.bind(&leak_, &D_, &W);
  }

  // The same step, input, weights and noise from another state.
  void advance(const T* from, T* next) const final {
    transition(from, next);
    if (disturbed_) Eigen::Map<Vector<T>>(next, shape_.S()) += disturbance_;
  }

  const Vector<T>& read_out() {
    if (shape_.n_out > 4) {
      z_.noalias() = W_out.leftCols(shape_.n) * activity();
      z_ += W_out.col(shape_.n);
      return z_;
    }
    // A few short rows: row by row, four sums at a time.
    const Index n = shape_.n, n_out = shape_.n_out;
    const T* a = state.data() + state.size() - n;
    for (Index i = 0; i < n_out; ++i) {
      const T* w = W_out.data() + i;
      T sums[4] = {w[n * n_out], T(0), T(0), T(0)};
      Index j = 0;
      for (; j + 4 <= n; j += 4)
        for (Index lane = 0; lane < 4; ++lane) sums[lane] += w[(j + lane) * n_out] * a[j + lane];
      for (; j < n; ++j) sums[0] += w[j * n_out] * a[j];
      z_[i] = (sums[0] + sums[1]) + (sums[2] + sums[3]);
    }
    return z_;
  }

  // The loss of the last read-out, with e = dL/dz and q = dL/ds = e W_out (or e W_FB) on the activity.
  T evaluate(const T* y) {
    const T loss = evaluate_loss(loss_, z_.data(), y, e_.data(), shape_.n_out);
    if (feedback.size() > 0)
      q_.tail(shape_.n).noalias() = feedback.transpose() * e_;
    else
      q_.tail(shape_.n).noalias() = W_out.leftCols(shape_.n).transpose() * e_;
    return loss;
  }
  void no_error() {
    e_.setZero();
    q_.setZero();
  }

  T loss_at(const T* from, const T* y) const final {
    const Index n = shape_.n;
    other_z_.noalias() = W_out.leftCols(n) * Eigen::Map<const Vector<T>>(from + shape_.S() - n, n);
    other_z_ += W_out.col(n);
    return evaluate_loss(loss_, other_z_.data(), y, other_e_.data(), shape_.n_out);
  }

  // What the learner sees of the step just made; `y` null where there was no target.
  Step<T> linearised(const T* y) const {
    return {&J_, &D_, &leak_, a_hat_.data(), q_.data(), state.data(), y, &W, this};
  }

  void visit(StateVisitor<T>& v) {
    v.matrix("W", W);
    v.matrix("W_out", W_out);
    v.vector("state", state);
  }

  Matrix<T> W;         // (R, m)
  Matrix<T> W_out;     // (n_out, n + 1): [W_out, b_out]
  Matrix<T> feedback;  // (n_out, n), or empty: q through W_out
  Vector<T> state;     // (S,)
  T state_noise = T(0);

 protected:
  // From `state` and a_hat_ to the new `state`, leak_ and D_.
  virtual void advance_and_linearise() = 0;
  // f(from, W [a(from), x, 1]) with the x of the last step.
  virtual void transition(const T* from, T* next) const = 0;

  Shape shape_;
  Loss loss_;
  Vector<T> a_hat_, z_, e_, q_, disturbance_;
  mutable Vector<T> other_z_, other_e_;  // of a state that is not the network's own
  bool disturbed_ = false;
  BlockDiagonal<T> D_, leak_;
  Jacobian<T> J_;
};

}  // namespace axonomy

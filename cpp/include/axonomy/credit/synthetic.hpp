// A linear model of the credit, learned from its own prediction a step later:
//
//     c^t ~ A a~^t,   a~ = [s, y, 1]        target for A a~^{t-1}:   q^{t-1} + (A* a~^t) J^t
//     gradient^t = (A a~^t D^t) (x) a_hat^t
//
// DNI: one step of gradient descent on A at each step, A* <- A at every `refresh`-th (Jaderberg et al. 2017;
// Czarnecki et al. 2017; Marschall, Cho & Savin 2020, section 4.4). Options: an L2 pull on A; a tanh around all that
// A predicts; a tanh around the label A* a~ alone; a learned J~ in place of J,
// J~ <- J~ - rate (J~ s^{t-1} - s^t) (x) s^{t-1}, which starts as W_rec. The last two make DNI(b).
//
// current = exact predicts the losses after this step only, and adds this step's q as it is:
// c^t = q^t + A a~^t, target for A a~^{t-1}: (q^t + A* a~^t) J^t.
//
// RLS: the same target, A by recursive least squares with forgetting lambda and ridge delta,
//
//     v = P x,  g = v / (lambda + x v),  A <- A - (A x - target) g,  P <- (P - g v) / lambda,   x = a~^{t-1}
//
// Forgetting alone lets P grow without bound in directions that the stream does not excite, and then A. So each step
// also takes in a made-up sample without forgetting, x = sqrt((1 - lambda) d delta) e_i with target 0, i running
// through the d regressors: what is forgotten of the ridge is put back, P stays below about 1/delta, and A is drawn to
// zero where nothing speaks for anything else.
//
// Memory and time O(n^2).
#pragma once

#include "../core/elementary.hpp"
#include "../learner.hpp"

namespace axonomy {

struct SyntheticOptions {
  Current current = Current::estimated;
  Index refresh = 5;
  bool tanh_output = false;  // around all that A predicts
  bool tanh_label = false;   // around A* a~ in the target
  bool learned_jacobian = false;
  double jacobian_rate = 0;
  // gradient descent
  double learning_rate = 0, l2 = 0;
  // least squares
  bool least_squares = false;
  double forgetting = 1, ridge = 1;
};

template <class T>
class SyntheticCredit final : public Learner<T> {
 public:
  SyntheticCredit(const Shape& shape, const SyntheticOptions& options)
      : shape_(shape),
        options_(options),
        d_(shape.S() + shape.n_out + 1),
        A_(Matrix<T>::Zero(shape.S(), d_)),
        A_star_(A_),
        regressors_(Vector<T>::Zero(d_)),
        next_(Vector<T>::Zero(d_)),
        q_(Vector<T>::Zero(shape.S())),
        product_(Vector<T>::Zero(shape.S())),
        prediction_(shape.S()),
        label_(shape.S()),
        target_(shape.S()),
        credit_(Vector<T>::Zero(shape.S())),
        row_(shape.R()) {
    if (options.learned_jacobian) J_ = Matrix<T>::Zero(shape.S(), shape.S());
    if (options.least_squares) {
      P_ = Matrix<T>::Zero(d_, d_);
      v_ = Vector<T>::Zero(d_);
    }
    reset(nullptr);
  }

  bool looks_ahead() const override { return true; }

  void reset(const T* state) override {
    A_.setZero();
    if (options_.least_squares) {
      P_.setZero();
      P_.diagonal().setConstant(T(1 / options_.ridge));
    }
    regressors_.setZero();
    if (state != nullptr) regressors_.head(shape_.S()) = Eigen::Map<const Vector<T>>(state, shape_.S());
    q_.setZero();
    product_.setZero();
    credit_.setZero();
    count_ = 0;
    begins_ = 0;
    error_ = T(0);
  }
  // The last step of a sequence has no credit but its own q.
  void new_sequence(const T* state) override {
    if (count_ > 0)
      begins_ = 1;
    else
      regressors_.head(shape_.S()) = Eigen::Map<const Vector<T>>(state, shape_.S());
  }

  void step(const Step<T>& step, const T*, T scale, T* target) override {
    const Index S = shape_.S(), n_out = shape_.n_out;
    if (step.state == nullptr)
      throw std::invalid_argument("step: this rule predicts the credit from the state, but no state was given");
    next_.head(S) = Eigen::Map<const Vector<T>>(step.state, S);
    if (step.y != nullptr)
      next_.segment(S, n_out) = Eigen::Map<const Vector<T>>(step.y, n_out);
    else
      next_.segment(S, n_out).setZero();
    next_[d_ - 1] = T(1);
    if (count_ == 0) {
      A_star_ = A_;
      regressors_.tail(n_out + 1) = next_.tail(n_out + 1);
      multiply(A_, regressors_, product_);
      if (options_.learned_jacobian) start_jacobian(step);
    } else if (options_.learned_jacobian && begins_ == 0) {
      learn_jacobian();
    }
    learn(step);
    ++count_;
    if (count_ % static_cast<std::uint64_t>(options_.refresh) == 0) A_star_ = A_;

    credit_ = product_;
    if (options_.tanh_output) tanh_inplace(credit_.data(), credit_.size());
    const Eigen::Map<const Vector<T>> q(step.q, S);
    if (options_.current == Current::exact) credit_ += q;
    if (target != nullptr) {
      step.D->multiply_left(credit_.data(), row_.data());
      add_immediate(shape_, scale, row_.data(), step.a_hat, target);
    }
    regressors_.swap(next_);
    q_ = q;
    begins_ = 0;
  }

  bool credit(Vector<T>& c) const override {
    c = credit_;
    return true;
  }

  void visit(StateVisitor<T>& v) override {
    v.matrix("A", A_);
    v.matrix("A_star", A_star_);
    if (options_.learned_jacobian) v.matrix("J", J_);
    if (options_.least_squares) v.matrix("P", P_);
    v.vector("regressors", regressors_);
    v.vector("q", q_);
    v.vector("product", product_);
    v.vector("credit", credit_);
    v.word("count", count_);
    v.word("begins", begins_, 1);
  }

  Diagnostics diagnostics() const override { return {{"prediction_error", static_cast<double>(error_)}}; }

 private:
  static void multiply(const Matrix<T>& A, const Vector<T>& x, Vector<T>& out) {
    gemv<T>(A.rows(), A.cols(), A.data(), A.rows(), x.data(), out.data());
  }

  static void multiply_left(const Vector<T>& c, const Matrix<T>& J, Vector<T>& out) {
    out.setZero();
    add_dots<T>(J.rows(), J.cols(), J.data(), c.data(), T(1), out.data());
  }

  void start_jacobian(const Step<T>& step) {
    if (step.W != nullptr && shape_.R() == shape_.S() && shape_.states_per_unit == 1 && !shape_.element_wise)
      copy(J_.size(), step.W, J_.data());
    else
      step.J->write_dense(J_.data());
    learn_jacobian();
  }

  void learn_jacobian() {
    const Index S = shape_.S();
    gemv<T>(S, S, J_.data(), S, regressors_.data(), target_.data());
    target_ -= next_.head(S);
    add_outer(-T(options_.jacobian_rate), target_.data(), S, regressors_.data(), S, J_.data());
  }

  // One step of A towards q^{t-1} + (A* a~^t) J^t at a~^{t-1}; product_, A a~^{t-1} before, is A a~^t then.
  void learn(const Step<T>& step) {
    const bool exact = options_.current == Current::exact;
    if (begins_ != 0) {
      target_.setZero();
    } else {
      multiply(A_star_, next_, label_);
      if (options_.tanh_output) tanh_inplace(label_.data(), label_.size());
      if (options_.tanh_label) tanh_inplace(label_.data(), label_.size());
      if (exact) label_ += Eigen::Map<const Vector<T>>(step.q, shape_.S());
      if (options_.learned_jacobian)
        multiply_left(label_, J_, target_);
      else
        step.J->pull_back(label_.data(), target_.data());
    }
    if (!exact) target_ += q_;
    prediction_ = product_;
    if (options_.tanh_output) tanh_inplace(prediction_.data(), prediction_.size());
    target_ = prediction_ - target_;  // the error
    error_ = target_.norm();
    if (options_.tanh_output) target_.array() *= T(1) - prediction_.array().square();
    if (options_.least_squares) {
      learn_by_least_squares();
      return multiply(A_, next_, product_);
    }
    const T rate = T(options_.learning_rate);
    if (options_.l2 > 0) A_ *= T(1) - rate * T(options_.l2);
    target_ *= -rate;
    update_and_multiply<T>(shape_.S(), d_, A_.data(), target_.data(), regressors_.data(), next_.data(), product_.data());
  }

  void learn_by_least_squares() {
    const T lambda = T(options_.forgetting);
    multiply(P_, regressors_, v_);
    update(regressors_.dot(v_), lambda);
    if (lambda == T(1)) return;
    const auto i = static_cast<Index>(count_ % static_cast<std::uint64_t>(d_));
    const T x = root(T((1 - options_.forgetting) * static_cast<double>(d_) * options_.ridge));
    v_ = x * P_.col(i);
    target_ = x * A_.col(i);
    update(x * v_[i], T(1));
  }

  // A and P take in a sample with v = P x, its x v, and its error.
  void update(T xv, T lambda) {
    const T gain = T(1) / (lambda + xv);
    A_.noalias() -= gain * target_ * v_.transpose();
    // Symmetric to the last bit: what is not would grow as lambda^-t, unseen by any sample.
    v_ *= root(gain);
    P_.noalias() -= v_ * v_.transpose();
    if (lambda != T(1)) P_ *= T(1) / lambda;
  }

  Shape shape_;
  SyntheticOptions options_;
  Index d_;                       // S + n_out + 1
  Matrix<T> A_, A_star_;          // (S, d)
  Matrix<T> J_;                   // (S, S), learned
  Matrix<T> P_;                   // (d, d)
  Vector<T> regressors_, next_;   // (d,): a~ of the step before, and of this one
  Vector<T> q_;                   // (S,): of the step before
  Vector<T> product_;             // (S,): A a~ of the last step, kept as A is gone through in any case when it changes
  Vector<T> prediction_, label_, target_, credit_, row_, v_;
  std::uint64_t count_ = 0, begins_ = 0;
  T error_ = T(0);
};

}  // namespace axonomy

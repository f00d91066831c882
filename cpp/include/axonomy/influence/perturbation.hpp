// KeRNL (Roth, Kanitscheider & Fiete 2019): the tensor of ki|ij, its left factor learned by perturbation.
//
//     ds^t / ds^{t'} ~ A k^{t-t'}        B <- k B + M_bar  (p, R, m)        gradient_ij = sum_k (q A)_k B[k,i,j]
//
// A second copy of the network runs under noise; A (S, S) predicts its deviation from the noise that has
// already acted, and only then is new noise added:
//
//     psi = s~ - s,   A <- A - (lr / sigma^2) (A k Omega - psi) (k Omega)^T,   Omega <- k Omega + xi,   s~ <- s~ + xi
//
// with xi ~ N(0, sigma^2). (Fed with the fresh noise instead, A would shrink by k^2.) Memory and time O(n^2).
#pragma once

#include "../learner.hpp"

namespace axonomy {

template <class T>
class PerturbationInfluence final : public Learner<T> {
 public:
  PerturbationInfluence(const Shape& shape, T sigma, T learning_rate, T decay, Current current)
      : shape_(shape),
        sigma_(sigma),
        learning_rate_(learning_rate / (sigma * sigma)),
        decay_(decay),
        current_(current),
        A_(Matrix<T>::Identity(shape.S(), shape.S())),
        omega_(Vector<T>::Zero(shape.S())),
        perturbed_(Vector<T>::Zero(shape.S())),
        next_(shape.S()),
        error_(shape.S()),
        credit_(shape.S()),
        row_(shape.R()) {
    for (Index a = 0; a < shape.states_per_unit; ++a)
      B_.push_back(Matrix<T>::Zero(shape.R(), shape.m));
  }

  NoiseKind noise_kind() const override { return NoiseKind::normal; }
  Index noise_size() const override { return shape_.S(); }

  void reset(const T* state) override {
    A_.setIdentity();
    new_sequence(state);
  }
  // A is learned of the network, and stays.
  void new_sequence(const T* state) override {
    for (auto& b : B_) b.setZero();
    omega_.setZero();
    perturbed_ = Eigen::Map<const Vector<T>>(state, shape_.S());
  }

  void step(const Step<T>& step, const T* noise, T scale, T* target) override {
    if (step.network == nullptr)
      throw std::invalid_argument(
          "step: this rule perturbs the network itself and cannot be driven by J, D and a_hat alone");
    const Index S = shape_.S();
    step.network->advance(perturbed_.data(), next_.data());
    perturbed_.swap(next_);
    omega_ *= decay_;  // k Omega: the noise that has acted
    gemv<T>(S, S, A_.data(), S, omega_.data(), error_.data());
    error_ -= perturbed_ - Eigen::Map<const Vector<T>>(step.state, S);
    add_outer(-learning_rate_, error_.data(), S, omega_.data(), S, A_.data());
    omega_ += sigma_ * Eigen::Map<const Vector<T>>(noise, S);
    perturbed_ += sigma_ * Eigen::Map<const Vector<T>>(noise, S);

    credit_.setZero();
    add_dots<T>(S, S, A_.data(), step.q, scale, credit_.data());
    for (Index a = 0; a < shape_.states_per_unit; ++a)
      for (Index gate = 0; gate < shape_.rows_per_unit; ++gate)
        with_regressors(shape_, step.a_hat, gate * shape_.n,
                        [&](const auto& a_hat) { advance(step, a, gate, a_hat, target); });
    if (target != nullptr && current_ == Current::exact) {
      step.D->multiply_left(step.q, row_.data());
      add_immediate(shape_, scale, row_.data(), step.a_hat, target);
    }
  }

  bool influence(Matrix<T>& M) const override {
    const Index S = shape_.S(), R = shape_.R(), n = shape_.n;
    M.setZero(S, R * shape_.m);
    for (Index a = 0; a < shape_.states_per_unit; ++a)
      for (Index j = 0; j < shape_.m; ++j)
        for (Index i = 0; i < R; ++i)
          M.col(i + R * j) += A_.col(a * n + i % n) * B_[static_cast<std::size_t>(a)](i, j);
    return true;
  }

  void visit(StateVisitor<T>& v) override {
    v.matrix("A", A_);
    for (std::size_t a = 0; a < B_.size(); ++a)
      v.matrix(("trace_" + std::to_string(a)).c_str(), B_[a]);
    v.vector("omega", omega_);
    v.vector("perturbed", perturbed_);
  }

  Diagnostics diagnostics() const override {
    return {{"prediction_error", static_cast<double>(error_.norm())}};
  }

 private:
  // The rows of one gate in B[a].
  template <class Regressors>
  void advance(const Step<T>& step, Index a, Index gate, const Regressors& a_hat, T* target) {
    const Index n = shape_.n, R = shape_.R();
    T* const B = B_[static_cast<std::size_t>(a)].data() + gate * n;
    T* const out = target == nullptr ? nullptr : target + gate * n;
    const T* const credit = credit_.data() + a * n;
    const T* const D = step.D->part(a, gate);
    const T decay = decay_;
    if (current_ == Current::exact)
      sweep<T>(n, shape_.m, R, {D, credit}, a_hat, {B, out}, [decay](const auto& c, const auto& r, auto& x) {
        x[0] = decay * x[0];
        x[1] = multiply_add(c[1], x[0], x[1]);
        x[0] = multiply_add(r, c[0], x[0]);
      });
    else
      sweep<T>(n, shape_.m, R, {D, credit}, a_hat, {B, out}, [decay](const auto& c, const auto& r, auto& x) {
        x[0] = multiply_add(r, c[0], decay * x[0]);
        x[1] = multiply_add(c[1], x[0], x[1]);
      });
  }

  Shape shape_;
  T sigma_, learning_rate_, decay_;
  Current current_;
  Matrix<T> A_;               // (S, S)
  std::vector<Matrix<T>> B_;  // p times (R, m)
  Vector<T> omega_, perturbed_, next_, error_, credit_, row_;
};

}  // namespace axonomy

// Leaky RNN:  h = W a_hat,   a = (1 - alpha) a_prev + alpha phi(h).
//
//     S = R = n     F = (1 - alpha) I     D = alpha diag phi'(h)     J = (1 - alpha) I + D W_rec
#pragma once

#include "../core/activation.hpp"
#include "cell.hpp"

namespace axonomy {

template <class T>
class LeakyRNN final : public Cell<T> {
 public:
  LeakyRNN(const Shape& shape, Loss loss, Activation activation, T alpha)
      : Cell<T>(shape, loss), activation_(activation), alpha_(alpha), h_(shape.n), phi_(shape.n), unused_(shape.n) {
    std::fill_n(this->leak_.part(0, 0), shape.n, T(1) - alpha);
  }

 protected:
  void advance_and_linearise() override {
    const Index n = this->shape_.n;
    T* D = this->D_.part(0, 0);
    if (this->shape_.pattern)
      multiply_existing(this->a_hat_.data(), h_);
    else
      h_.noalias() = this->W * this->a_hat_;
    activate(activation_, h_.data(), D, n);
    if (alpha_ == T(1)) {
      this->state = h_;
      return;
    }
    this->state = (T(1) - alpha_) * this->state + alpha_ * h_;
    this->D_.entries() *= alpha_;
  }

  void transition(const T* from, T* next) const override {
    const Index n = this->shape_.n, rest = this->shape_.m - n;
    Eigen::Map<const Vector<T>> state(from, n);
    if (this->shape_.pattern) {
      multiply_existing(from, phi_);
    } else {
      phi_.noalias() = this->W.leftCols(n) * state;
      phi_.noalias() += this->W.rightCols(rest) * this->a_hat_.tail(rest);
    }
    activate(activation_, phi_.data(), unused_.data(), n);
    Eigen::Map<Vector<T>>(next, n) = (T(1) - alpha_) * state + alpha_ * phi_;
  }

 private:
  // h = W [a, x, 1] with the x of the last step, by the recurrent weights that exist.
  void multiply_existing(const T* a, Vector<T>& h) const {
    const Index rest = this->shape_.m - this->shape_.n;
    h.noalias() = this->W.rightCols(rest) * this->a_hat_.tail(rest);
    this->shape_.pattern->add_product(this->W, a, h.data());
  }

  Activation activation_;
  T alpha_;
  Vector<T> h_;
  mutable Vector<T> phi_, unused_;
};

}  // namespace axonomy

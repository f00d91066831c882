// IndRNN (Li et al. 2018): every unit gets from itself alone.
//
//     a = phi(w a_prev + W_in x + b)
//
//     S = R = n, element-wise: one set of regressors a row, [a_prev of the unit, x, 1]
//     F = 0     D = diag phi'(h)     J = diag(phi'(h) w)
#pragma once

#include "../core/activation.hpp"
#include "cell.hpp"

namespace axonomy {

template <class T>
class IndRnn final : public Cell<T> {
 public:
  IndRnn(const Shape& shape, Loss loss, Activation activation) : Cell<T>(shape, loss), activation_(activation) {}

  std::shared_ptr<Cell<T>> sibling() const override { return std::make_shared<IndRnn>(*this); }

 protected:
  void respond(const T*, T* h, T* next, BlockDiagonal<T>&, BlockDiagonal<T>& D) const override {
    activate(activation_, h, D.part(0, 0), D.n());
    std::copy_n(h, D.n(), next);
  }

 private:
  Activation activation_;
};

}  // namespace axonomy

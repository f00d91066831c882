// Leaky RNN:  h = W a_hat,   a = (1 - alpha) a_prev + alpha phi(h), alpha (n,) of each unit.
//
//     S = R = n     F = diag(1 - alpha)     D = diag(alpha phi'(h))     J = F + D W_rec
#pragma once

#include "../core/activation.hpp"
#include "cell.hpp"

namespace axonomy {

template <class T>
class LeakyRNN final : public Cell<T> {
 public:
  LeakyRNN(const Shape& shape, Loss loss, Activation activation, const std::vector<double>& alpha)
      : Cell<T>(shape, loss), activation_(activation), alpha_(shape.n) {
    for (Index u = 0; u < shape.n; ++u) alpha_[u] = T(alpha.at(static_cast<std::size_t>(u)));
    leaks_ = (alpha_.array() != T(1)).any();
  }

  std::shared_ptr<Cell<T>> sibling() const override { return std::make_shared<LeakyRNN>(*this); }

 protected:
  void respond(const T* before, T* h, T* next, BlockDiagonal<T>& F, BlockDiagonal<T>& D) const override {
    const Index n = alpha_.size();
    activate(activation_, h, D.part(0, 0), n);
    if (!leaks_) {
      copy(n, h, next);
      return;
    }
    T* const leak = F.part(0, 0);
    T* const gain = D.part(0, 0);
    for (Index u = 0; u < n; ++u) {
      leak[u] = T(1) - alpha_[u];
      next[u] = leak[u] * before[u] + alpha_[u] * h[u];
      gain[u] *= alpha_[u];
    }
  }

 private:
  Activation activation_;
  Vector<T> alpha_;
  bool leaks_;
};

}  // namespace axonomy

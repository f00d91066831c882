// Pointwise activations and their derivatives, expressed in the output where that is possible.
#pragma once

#include "elementary.hpp"

namespace axonomy {

enum class Activation { tanh, relu, sigmoid, softplus, identity };

// phi <- phi(h) in place; derivative <- phi'(h).
template <class T>
void activate(Activation kind, T* phi, T* derivative, Index n) {
  switch (kind) {
    case Activation::tanh:
      tanh_inplace(phi, n);
      for (Index i = 0; i < n; ++i) derivative[i] = T(1) - phi[i] * phi[i];
      return;
    case Activation::relu:
      for (Index i = 0; i < n; ++i) {
        derivative[i] = phi[i] > T(0) ? T(1) : T(0);
        // Not max(0, h): that would turn a NaN into a zero and hide it.
        phi[i] = phi[i] < T(0) ? T(0) : phi[i];
      }
      return;
    case Activation::sigmoid:
      sigmoid_inplace(phi, n);
      for (Index i = 0; i < n; ++i) derivative[i] = phi[i] * (T(1) - phi[i]);
      return;
    case Activation::softplus:
      for (Index i = 0; i < n; ++i) {
        derivative[i] = phi[i];
        phi[i] = std::max(phi[i], T(0)) + std::log1p(std::exp(-std::abs(phi[i])));
      }
      sigmoid_inplace(derivative, n);
      return;
    case Activation::identity:
      std::fill(derivative, derivative + n, T(1));
      return;
  }
}

}  // namespace axonomy

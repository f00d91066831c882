// Losses of one step and their derivative e = dL/dz.
//
//     softmax cross-entropy   L = -sum_i y_i log p_i,  p = softmax(z)       e = (sum y) p - y
//     sigmoid cross-entropy   L = sum_i log(1 + exp(z_i)) - y_i z_i          e = sigmoid(z) - y
//     mean squared error      L = 1/2 sum_i (z_i - y_i)^2                    e = z - y
#pragma once

#include "../core/types.hpp"

namespace axonomy {

enum class Loss { cross_entropy, binary_cross_entropy, mse };

template <class T>
T evaluate_loss(Loss kind, const T* z, const T* y, T* e, Index n) {
  T loss(0);
  switch (kind) {
    case Loss::cross_entropy: {
      T largest = z[0], total(0), mass(0), picked(0);
      for (Index i = 1; i < n; ++i) largest = std::max(largest, z[i]);
      for (Index i = 0; i < n; ++i) {
        e[i] = std::exp(z[i] - largest);
        total += e[i];
        mass += y[i];
        picked += y[i] * (z[i] - largest);
      }
      for (Index i = 0; i < n; ++i) e[i] = mass * (e[i] / total) - y[i];
      return mass * std::log(total) - picked;
    }
    case Loss::binary_cross_entropy:
      for (Index i = 0; i < n; ++i) {
        const T decay = std::exp(-std::abs(z[i]));
        loss += std::max(z[i], T(0)) - y[i] * z[i] + std::log1p(decay);
        e[i] = (z[i] >= T(0) ? T(1) : decay) / (T(1) + decay) - y[i];
      }
      return loss;
    case Loss::mse:
      for (Index i = 0; i < n; ++i) {
        e[i] = z[i] - y[i];
        loss += T(0.5) * e[i] * e[i];
      }
      return loss;
  }
  return loss;
}

}  // namespace axonomy

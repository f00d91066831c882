// GRU, the reset gate applied to the recurrent product (Cho et al. 2014, as cuDNN, PyTorch and Keras have it):
//
//     r = sigma(h_r)   z = sigma(h_z)   c = tanh(h_x + r h_a)   a = (1 - z) c + z a_prev
//
//     S = n     R = 4 n, gates r, z, x, a; h_x sees x and 1 only, h_a sees a_prev and 1 only
//     F = z     D = [(1 - z) c' h_a r',  (a_prev - c) z',  (1 - z) c',  (1 - z) c' r],   c' = 1 - c^2,  r' = r (1 - r)
#pragma once

#include "../core/elementary.hpp"
#include "cell.hpp"

namespace axonomy {

template <class T>
class Gru final : public Cell<T> {
 public:
  Gru(const Shape& shape, Loss loss) : Cell<T>(shape, loss) {}

  std::shared_ptr<Cell<T>> sibling() const override { return std::make_shared<Gru>(*this); }

 protected:
  void respond(const T* before, T* h, T* next, BlockDiagonal<T>& F, BlockDiagonal<T>& D) const override {
    const Index n = F.n();
    T *const r = h, *const z = h + n, *const c = h + 2 * n;
    const T* const h_a = h + 3 * n;
    sigmoid_inplace(h, 2 * n);
    for (Index u = 0; u < n; ++u) c[u] += r[u] * h_a[u];
    tanh_inplace(c, n);
    T* const keep = F.part(0, 0);
    T *const D_r = D.part(0, 0), *const D_z = D.part(0, 1), *const D_x = D.part(0, 2), *const D_a = D.part(0, 3);
    for (Index u = 0; u < n; ++u) {
      const T fresh = T(1) - z[u];
      next[u] = fresh * c[u] + z[u] * before[u];
      keep[u] = z[u];
      D_x[u] = fresh * (T(1) - c[u] * c[u]);
      D_a[u] = D_x[u] * r[u];
      D_r[u] = D_a[u] * h_a[u] * (T(1) - r[u]);
      D_z[u] = (before[u] - c[u]) * z[u] * fresh;
    }
  }
};

}  // namespace axonomy

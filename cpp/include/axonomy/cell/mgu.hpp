// Minimal gated unit (Zhou et al. 2016): one gate that forgets and resets, here applied to the recurrent product as in the
// GRU, so that the parameters enter through one affine map:
//
//     f = sigma(h_f)   c = tanh(h_x + f h_a)   a = (1 - f) a_prev + f c
//
//     S = n         R = 3 n, gates f, x, a; h_x sees x and 1 only, h_a sees a_prev and 1 only
//     F = 1 - f     D = [(c - a_prev + f c' h_a) f',  f c',  f^2 c'],   c' = 1 - c^2,  f' = f (1 - f)
#pragma once

#include "../core/elementary.hpp"
#include "cell.hpp"

namespace axonomy {

template <class T>
class Mgu final : public Cell<T> {
 public:
  Mgu(const Shape& shape, Loss loss) : Cell<T>(shape, loss) {}

  std::shared_ptr<Cell<T>> sibling() const override { return std::make_shared<Mgu>(*this); }

 protected:
  void respond(const T* before, T* h, T* next, BlockDiagonal<T>& F, BlockDiagonal<T>& D) const override {
    const Index n = F.n();
    T *const f = h, *const c = h + n;
    const T* const h_a = h + 2 * n;
    sigmoid_inplace(f, n);
    for (Index u = 0; u < n; ++u) c[u] += f[u] * h_a[u];
    tanh_inplace(c, n);
    T* const keep = F.part(0, 0);
    T *const D_f = D.part(0, 0), *const D_x = D.part(0, 1), *const D_a = D.part(0, 2);
    for (Index u = 0; u < n; ++u) {
      keep[u] = T(1) - f[u];
      next[u] = keep[u] * before[u] + f[u] * c[u];
      D_x[u] = f[u] * (T(1) - c[u] * c[u]);
      D_a[u] = D_x[u] * f[u];
      D_f[u] = (c[u] - before[u] + D_x[u] * h_a[u]) * f[u] * keep[u];
    }
  }
};

}  // namespace axonomy

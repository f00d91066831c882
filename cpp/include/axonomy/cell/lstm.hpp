// LSTM (Hochreiter & Schmidhuber 1997; with the forget gate of Gers et al. 2000):
//
//     i = sigma(h_i)   f = sigma(h_f)   g = tanh(h_g)   o = sigma(h_o)
//     c = f c_prev + i g      a = o tanh(c)
//
//     S = 2 n, components c, a     R = 4 n, gates i, f, g, o
//     F = [f, 0; o t' f, 0]        D = [g i', c_prev f', i g', 0; o t' times these, t o'],   t = tanh(c),  t' = 1 - t^2
#pragma once

#include "../core/elementary.hpp"
#include "cell.hpp"

namespace axonomy {

template <class T>
class Lstm final : public Cell<T> {
 public:
  Lstm(const Shape& shape, Loss loss) : Cell<T>(shape, loss) {}

  std::shared_ptr<Cell<T>> sibling() const override { return std::make_shared<Lstm>(*this); }

 protected:
  void respond(const T* before, T* h, T* next, BlockDiagonal<T>& F, BlockDiagonal<T>& D) const override {
    const Index n = F.n();
    T *const i = h, *const f = h + n, *const g = h + 2 * n, *const o = h + 3 * n;
    T *const c = next, *const a = next + n;
    sigmoid_inplace(h, 2 * n);
    tanh_inplace(g, n);
    sigmoid_inplace(o, n);
    for (Index u = 0; u < n; ++u) a[u] = c[u] = f[u] * before[u] + i[u] * g[u];
    tanh_inplace(a, n);
    for (Index u = 0; u < n; ++u) {
      const T t = a[u], open = o[u] * (T(1) - t * t);
      a[u] = o[u] * t;
      F.part(0, 0)[u] = f[u];
      F.part(1, 0)[u] = open * f[u];
      D.part(0, 0)[u] = g[u] * i[u] * (T(1) - i[u]);
      D.part(0, 1)[u] = before[u] * f[u] * (T(1) - f[u]);
      D.part(0, 2)[u] = i[u] * (T(1) - g[u] * g[u]);
      for (Index gate = 0; gate < 3; ++gate) D.part(1, gate)[u] = open * D.part(0, gate)[u];
      D.part(1, 3)[u] = t * o[u] * (T(1) - o[u]);
    }
  }
};

}  // namespace axonomy

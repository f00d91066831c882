// Element-wise LSTM (eLSTM; Irie, Gopalakrishnan & Schmidhuber 2024): the gates of a unit see the input and the unit's own
// memory before the step alone, and the input gate is the forget gate's complement. The paper's output gate differs
// twice: it sees the memories of all units, and the present ones, c.
//
//     f = sigma(h_f)   g = tanh(h_g)   o = sigma(h_o)      h = w c_prev + W_in x + b
//     c = f c_prev + (1 - f) g      a = o c
//
//     S = 2 n, components c, a     R = 3 n, gates f, g, o; element-wise, the memory c comes back
//     F = [f, 0; o f, 0]           D = [(c_prev - g) f', (1 - f) g', 0; o times these, c o']
#pragma once

#include "../core/elementary.hpp"
#include "cell.hpp"

namespace axonomy {

template <class T>
class ElementwiseLstm final : public Cell<T> {
 public:
  ElementwiseLstm(const Shape& shape, Loss loss) : Cell<T>(shape, loss) {}

  std::shared_ptr<Cell<T>> sibling() const override { return std::make_shared<ElementwiseLstm>(*this); }

 protected:
  void respond(const T* before, T* h, T* next, BlockDiagonal<T>& F, BlockDiagonal<T>& D) const override {
    const Index n = F.n();
    T *const f = h, *const g = h + n, *const o = h + 2 * n;
    T *const c = next, *const a = next + n;
    sigmoid_inplace(f, n);
    tanh_inplace(g, n);
    sigmoid_inplace(o, n);
    for (Index u = 0; u < n; ++u) {
      c[u] = f[u] * before[u] + (T(1) - f[u]) * g[u];
      a[u] = o[u] * c[u];
      F.part(0, 0)[u] = f[u];
      F.part(1, 0)[u] = o[u] * f[u];
      D.part(0, 0)[u] = (before[u] - g[u]) * f[u] * (T(1) - f[u]);
      D.part(0, 1)[u] = (T(1) - f[u]) * (T(1) - g[u] * g[u]);
      D.part(1, 0)[u] = o[u] * D.part(0, 0)[u];
      D.part(1, 1)[u] = o[u] * D.part(0, 1)[u];
      D.part(1, 2)[u] = c[u] * o[u] * (T(1) - o[u]);
    }
  }
};

}  // namespace axonomy

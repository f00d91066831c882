// W and a trace B of its size, both (R, m), as they were when a block of steps began, and what the steps since then add:
//
//     W = W_0 + omega B_0 + sum_s Omega_s (x) a_hat_s        B = kappa B_0 + sum_s beta_s (x) a_hat_s
//
// omega, kappa, Omega_s, beta_s (R,): row by row. A step of a rule whose gradient is such a trace changes these vectors
// alone, and h = W a_hat reads W_0 and B_0 once: two passes over memory a step, where it takes five to keep both up to
// date. When a block is full it is folded into W_0 and B_0, in one pass.
//
// W_0 and B_0 lie in panels of a few rows, column after column, as they are read. Who looks at W and B in the midst of a
// block gets a copy (`write`): to look changes nothing, and the numbers of a run do not depend on it.
#pragma once

#include "gemm.hpp"
#include "large.hpp"
#include "sweep.hpp"

namespace axonomy {

// One step, for each row: W <- W + give B + own (x) a_hat, and then B <- keep B + enter (x) a_hat.
template <class T>
struct TraceStep {
  Vector<T> give, own, keep, enter;  // (R,), or longer and zero from there on
};

template <class T>
class DelayedTrace {
 public:
  static constexpr Index steps = 16;  // in a block

  // A row a unit, whose weight from itself is on the diagonal.
  DelayedTrace(Index rows, Index columns)
      : rows_(rows),
        columns_(columns),
        panels_((rows + height - 1) / height),
        W_(height * columns, panels_),
        B_(height * columns, panels_),
        Omega_(Matrix<T>::Zero(height * steps, panels_)),
        beta_(Omega_),
        regressors_(Matrix<T>::Zero(steps, columns)),
        omega_(Vector<T>::Zero(height * panels_)),
        kappa_(omega_),
        own_weights_(Vector<T>::Zero(rows)),
        own_trace_(own_weights_),
        next_{omega_, omega_, omega_, omega_} {}

  // A block begins, with W and B as they are.
  void begin(const Matrix<T>& W, const Matrix<T>& B) {
    for (Index panel = 0; panel < panels_; ++panel) {
      const Index first = panel * height, rows = std::min(height, rows_ - first);
      for (Index j = 0; j < columns_; ++j) {
        std::copy_n(W.data() + j * rows_ + first, rows, at(W_, panel, j));
        std::copy_n(B.data() + j * rows_ + first, rows, at(B_, panel, j));
      }
    }
    begin_block();
  }

  // h (R,) = W a_hat
  void multiply(const T* a_hat, T* h) const {
    alignas(64) T overlaps[steps] = {};  // of a_hat with those of the block's steps
    if (count_ > 0) gemm<T>(steps, 1, columns_, regressors_.data(), steps, a_hat, columns_, overlaps, steps);
    for (Index panel = 0; panel < panels_; ++panel)
      for (Index row = 0; row < height; row += part) {
        Packs h_part = gives_start_ ? weigh<true>(panel, row, a_hat) : weigh<false>(panel, row, a_hat);
        for (Index s = 0; s < block(); ++s) h_part.add(overlaps[s], Packs(at(Omega_, panel, s) + row));
        h_part.store(h, panel * height + row, rows_);
      }
  }

  // To be filled in for `take`; its vectors are longer than R, and zero from there on.
  TraceStep<T>& next() { return next_; }
  void take(const T* a_hat) {
    const Index now = block(), alive = static_cast<Index>(alive_);
    T* const regressors = regressors_.data() + now;
    for (Index j = 0, columns = columns_; j < columns; ++j) regressors[j * steps] = a_hat[j];
    const bool gives = next_.give.cwiseAbs().sum() != T(0), keeps = next_.keep.cwiseAbs().sum() != T(0);
    if (keeps_start_ != 0 && gives) gives_start_ = 1;
    for (Index panel = 0; panel < panels_; ++panel)
      for (Index row = 0; row < height; row += part) {
        const Index i = panel * height + row;
        const Packs give(next_.give.data() + i), keep(next_.keep.data() + i);
        for (Index s = alive; s < now; ++s) move(at(Omega_, panel, s) + row, at(beta_, panel, s) + row, give, keep);
        if (keeps_start_ != 0) move(omega_.data() + i, kappa_.data() + i, give, keep);
        Packs(next_.own.data() + i).store(at(Omega_, panel, now) + row);
        Packs(next_.enter.data() + i).store(at(beta_, panel, now) + row);
      }
    if (!keeps) {
      keeps_start_ = 0;
      alive_ = count_;
    }
    const Eigen::Map<const Vector<T>> activity(a_hat, rows_);
    const auto of = [&](const Vector<T>& x) { return x.head(rows_); };
    own_weights_ += of(next_.give).cwiseProduct(own_trace_) + of(next_.own).cwiseProduct(activity);
    own_trace_ = of(next_.keep).cwiseProduct(own_trace_) + of(next_.enter).cwiseProduct(activity);
    if (++count_ < static_cast<std::uint64_t>(steps)) return;
    for (Index panel = 0; panel < panels_; ++panel) add_block(panel, height, at(W_, panel, 0), at(B_, panel, 0), height);
    begin_block();
  }

  // B <- 0
  void forget() {
    kappa_.setZero();
    beta_.setZero();
    own_trace_.setZero();
    keeps_start_ = 0;
    alive_ = count_;
  }

  // W and B as they are now.
  void write(Matrix<T>& W, Matrix<T>& B) const {
    for (Index panel = 0; panel < panels_; ++panel) {
      const Index first = panel * height, rows = std::min(height, rows_ - first);
      for (Index j = 0; j < columns_; ++j) {
        std::copy_n(at(W_, panel, j), rows, W.data() + j * rows_ + first);
        std::copy_n(at(B_, panel, j), rows, B.data() + j * rows_ + first);
      }
      add_block(panel, rows, W.data() + first, B.data() + first, rows_);
    }
  }

  // (R,): the weights of the units from themselves, as they are now.
  const T* own_weights() const { return own_weights_.data(); }

  void visit(StateVisitor<T>& v) {
    v.array("W", W_.data(), {height, columns_, panels_});
    v.array("B", B_.data(), {height, columns_, panels_});
    v.array("Omega", Omega_.data(), {height, steps, panels_});
    v.array("beta", beta_.data(), {height, steps, panels_});
    v.matrix("regressors", regressors_);
    v.vector("omega", omega_);
    v.vector("kappa", kappa_);
    v.vector("own_weights", own_weights_);
    v.vector("own_trace", own_trace_);
    v.word("count", count_, steps - 1);
    v.word("alive", alive_, steps);
    v.word("keeps_start", keeps_start_, 1);
    v.word("gives_start", gives_start_, 1);
  }

 private:
  // Rows of a panel, the same for any instruction set, so that a saved state fits all.
  static constexpr Index height = 256 / static_cast<Index>(sizeof(T));
#if AXONOMY_VECTORS
  using Pack = detail::Pack<T, simd_bytes>;
#else
  using Pack = detail::One<T>;
#endif
  static constexpr Index in_part = 4, part = in_part * Pack::size;  // a panel is one part or several

  // As many rows of something as are worked on at once.
  struct Packs {
    typename Pack::type of[in_part] = {};
    Packs() = default;
    explicit Packs(const T* from) {
      for (Index v = 0; v < in_part; ++v) of[v] = Pack::load(from + v * Pack::size);
    }
    void add(const T& factor, const Packs& x) {
      for (Index v = 0; v < in_part; ++v) of[v] = multiply_add(factor, x.of[v], of[v]);
    }
    void add(const Packs& factor, const Packs& x) {
      for (Index v = 0; v < in_part; ++v) of[v] = multiply_add(factor.of[v], x.of[v], of[v]);
    }
    void scale(const Packs& factor) {
      for (Index v = 0; v < in_part; ++v) of[v] = factor.of[v] * of[v];
    }
    void store(T* to) const {
      for (Index v = 0; v < in_part; ++v) Pack::store(to + v * Pack::size, of[v]);
    }
    // To the rows from `row` on of a column that has `rows`.
    void store(T* column, Index row, Index rows) const {
      if (row + part <= rows) return store(column + row);
      alignas(64) T all[part];
      store(all);
      if (row < rows) std::copy_n(all, rows - row, column + row);
    }
  };

  template <class M>
  static auto at(M& matrix, Index panel, Index column) {
    return matrix.data() + panel * matrix.rows() + column * height;
  }
  Index block() const { return static_cast<Index>(count_); }

  void begin_block() {
    count_ = alive_ = gives_start_ = 0;
    keeps_start_ = 1;
    omega_.setZero();
    kappa_.setOnes();
    for (Index i = 0; i < rows_; ++i) {
      own_weights_[i] = at(W_, i / height, i)[i % height];
      own_trace_[i] = at(B_, i / height, i)[i % height];
    }
  }

  // W_0 a_hat, or (W_0 + omega B_0) a_hat.
  template <bool trace>
  Packs weigh(Index panel, Index row, const T* a_hat) const {
    const T* w = at(W_, panel, 0) + row;
    const T* b = at(B_, panel, 0) + row;
    Packs from_w, from_b;
    for (Index j = 0; j < columns_; ++j, w += height, b += height) {
      from_w.add(a_hat[j], Packs(w));
      if constexpr (trace) from_b.add(a_hat[j], Packs(b));
    }
    if constexpr (trace) from_w.add(Packs(omega_.data() + panel * height + row), from_b);
    return from_w;
  }

  // What of a term is in W, and what of it in B, one step on.
  static void move(T* in_weights, T* in_trace, const Packs& give, const Packs& keep) {
    Packs W(in_weights), B(in_trace);
    W.add(give, B);
    B.scale(keep);
    W.store(in_weights);
    B.store(in_trace);
  }

  // What the block's steps add to `rows` rows of W_0 and B_0, ld from one column to the next.
  void add_block(Index panel, Index rows, T* W, T* B, Index ld) const {
    const Index first = panel * height, alive = static_cast<Index>(alive_);
    if (keeps_start_ == 0 && gives_start_ == 0) {
      for (Index j = 0; j < columns_; ++j) std::fill_n(B + j * ld, rows, T(0));
    } else {
      const T* const vectors[] = {omega_.data() + first, kappa_.data() + first};
      T* const both[] = {W, B};
      sweep<T>(rows, columns_, ld, vectors, PerColumn<T>{regressors_.data()}, both,
               [](const auto& c, const auto&, auto& x) {
                 x[0] = multiply_add(c[0], x[1], x[0]);
                 x[1] = c[1] * x[1];
               });
    }
    const auto add = [&](const Matrix<T>& terms, Index from, T* to) {
      if (from == block()) return;
      gemm<T>(rows, columns_, block() - from, at(terms, panel, from), height, regressors_.data() + from, steps, to, ld, true);
    };
    add(Omega_, 0, W);
    add(beta_, alive, B);
  }

  Index rows_, columns_, panels_;
  LargeMatrix<T> W_, B_;               // (height m, panels)
  Matrix<T> Omega_, beta_;             // (height steps, panels)
  Matrix<T> regressors_;               // (steps, m)
  Vector<T> omega_, kappa_;            // (height panels,)
  Vector<T> own_weights_, own_trace_;  // (R,)
  TraceStep<T> next_;
  std::uint64_t count_ = 0;        // steps of the block
  std::uint64_t alive_ = 0;        // the first of them that B still has a part of
  std::uint64_t keeps_start_ = 0;  // whether B has a part of B_0,
  std::uint64_t gives_start_ = 0;  // and W
};

}  // namespace axonomy

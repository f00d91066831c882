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
  T square;                          // |B|^2 before the step, for rules that ask for it
};

template <class T>
class DelayedTrace {
 public:
  static constexpr Index steps = 16;  // in a block

  // A row a unit, whose weight from itself is on the diagonal. `measures`: |B|^2 is asked for.
  DelayedTrace(Index rows, Index columns, bool measures)
      : rows_(rows),
        columns_(columns),
        measures_(measures),
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
        from_trace_(omega_),
        from_x_(Vector<T>::Zero(rows)),
        squares_(omega_),
        next_{omega_, omega_, omega_, omega_, T(0)} {}

  // A block begins, with W and B as they are.
  void begin(const T* W, const T* B) {
    for (Index panel = 0; panel < panels_; ++panel) {
      const Index first = panel * height, rows = std::min(height, rows_ - first);
      for (Index j = 0; j < columns_; ++j) {
        std::copy_n(W + j * rows_ + first, rows, at(W_, panel, j));
        std::copy_n(B + j * rows_ + first, rows, at(B_, panel, j));
      }
    }
    begin_block();
  }

  // h (R,) = W a_hat, of a step that is to be taken; in the same pass, unless it is null, W_rec x of an x (R,) by which it
  // will be asked for before x changes.
  void multiply(const T* a_hat, T* h, const T* x) {
    x_ = x;
    T* const from_trace = measures_ ? from_trace_.data() : nullptr;
    if (x == nullptr)
      product<1>({a_hat}, {columns_}, {h}, from_trace);
    else
      product<2>({a_hat, x}, {columns_, rows_}, {h, from_x_.data()}, from_trace);
  }
  // y (R,) = W_rec x
  void multiply_recurrent(const T* x, T* y) const {
    if (x == x_)
      std::copy_n(from_x_.data(), rows_, y);
    else
      product<1>({x}, {rows_}, {y}, nullptr);
  }

  // To be filled in for `take`; its vectors are longer than R, and zero from there on.
  TraceStep<T>& next() {
    next_.square = squares_.sum();
    return next_;
  }
  // A step by the a_hat that was multiplied last.
  void take(const T* a_hat) {
    if (measures_) {
      const T square = Eigen::Map<const Vector<T>>(a_hat, columns_).squaredNorm();
      const auto keep = next_.keep.array(), enter = next_.enter.array();
      squares_ = (keep * (keep * squares_.array() + T(2) * enter * from_trace_.array()) + enter * enter * square).max(T(0));
    }
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
    squares_.setZero();
    x_ = nullptr;
    keeps_start_ = 0;
    alive_ = count_;
  }

  // W and B as they are now.
  void write(T* W, T* B) const {
    for (Index panel = 0; panel < panels_; ++panel) {
      const Index first = panel * height, rows = std::min(height, rows_ - first);
      for (Index j = 0; j < columns_; ++j) {
        std::copy_n(at(W_, panel, j), rows, W + j * rows_ + first);
        std::copy_n(at(B_, panel, j), rows, B + j * rows_ + first);
      }
      add_block(panel, rows, W + first, B + first, rows_);
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
    v.vector("squares", squares_);
    v.word("count", count_, steps - 1);
    v.word("alive", alive_, steps);
    v.word("keeps_start", keeps_start_, 1);
    v.word("gives_start", gives_start_, 1);
  }

 private:
  // Rows of a panel, the same for any instruction set, so that a saved state fits all.
  static constexpr Index height = 256 / static_cast<Index>(sizeof(T));
#if AXONOMY_VECTORS
  using Pack = std::conditional_t<detail::has_vectors<T>, detail::Pack<T, simd_bytes>, detail::One<T>>;
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
    if (!measures_) return;
    for (Index panel = 0; panel < panels_; ++panel)
      for (Index row = 0; row < height; row += part) {
        Packs square;
        for (Index j = 0; j < columns_; ++j) {
          const Packs b(at(B_, panel, j) + row);
          square.add(b, b);
        }
        square.store(squares_.data() + panel * height + row);
      }
  }

  // y = W x of N vectors x side by side, each by as many columns of W as it has entries, the first the most; and B x of the
  // first, unless that is not wanted.
  template <int N>
  void product(const T* const (&x)[N], const Index (&columns)[N], T* const (&y)[N], T* from_trace) const {
    alignas(64) T overlaps[N][steps] = {};  // of x with the a_hat of the block's steps
    for (int c = 0; c < N && count_ > 0; ++c)
      gemm<T>(steps, 1, columns[c], regressors_.data(), steps, x[c], columns[c], overlaps[c], steps);
    const bool reads_trace = gives_start_ != 0 || (from_trace != nullptr && keeps_start_ != 0);
    for (Index panel = 0; panel < panels_; ++panel)
      for (Index row = 0; row < height; row += part) {
        const Index i = panel * height + row;
        Packs w[N], b[N];
        if (reads_trace)
          weigh<N, true>(panel, row, x, columns, w, b);
        else
          weigh<N, false>(panel, row, x, columns, w, b);
        for (int c = 0; c < N; ++c) {
          if (gives_start_ != 0) w[c].add(Packs(omega_.data() + i), b[c]);
          for (Index s = 0; s < block(); ++s) w[c].add(overlaps[c][s], Packs(at(Omega_, panel, s) + row));
          w[c].store(y[c], i, rows_);
        }
        if (from_trace == nullptr) continue;
        b[0].scale(Packs(kappa_.data() + i));
        for (Index s = static_cast<Index>(alive_); s < block(); ++s)
          b[0].add(overlaps[0][s], Packs(at(beta_, panel, s) + row));
        b[0].store(from_trace + i);
      }
  }

  // W_0 x and, if it is read, B_0 x.
  template <int N, bool trace>
  void weigh(Index panel, Index row, const T* const (&x)[N], const Index (&columns)[N], Packs (&from_w)[N],
             Packs (&from_b)[N]) const {
    const T* w = at(W_, panel, 0) + row;
    const T* b = at(B_, panel, 0) + row;
    Index j = 0;
    if constexpr (N > 1)
      for (; j < columns[N - 1]; ++j, w += height, b += height) add_column<N, trace>(w, b, j, x, from_w, from_b);
    for (; j < columns[0]; ++j, w += height, b += height) add_column<1, trace>(w, b, j, x, from_w, from_b);
  }
  template <int N, bool trace, int all>
  static void add_column(const T* w, const T* b, Index j, const T* const (&x)[all], Packs (&from_w)[all],
                         Packs (&from_b)[all]) {
    const Packs weights(w);
    for (int c = 0; c < N; ++c) from_w[c].add(x[c][j], weights);
    if constexpr (trace) {
      const Packs kept(b);
      for (int c = 0; c < N; ++c) from_b[c].add(x[c][j], kept);
    }
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

  Index rows_, columns_;
  bool measures_;
  Index panels_;
  LargeMatrix<T> W_, B_;               // (height m, panels)
  Matrix<T> Omega_, beta_;             // (height steps, panels)
  Matrix<T> regressors_;               // (steps, m)
  Vector<T> omega_, kappa_;            // (height panels,)
  Vector<T> own_weights_, own_trace_;  // (R,)
  Vector<T> from_trace_;               // B a_hat, longer than R
  const T* x_ = nullptr;               // what was multiplied beside the last a_hat,
  Vector<T> from_x_;                   // and what came of it
  Vector<T> squares_;                  // |B_i|^2, likewise
  TraceStep<T> next_;
  std::uint64_t count_ = 0;        // steps of the block
  std::uint64_t alive_ = 0;        // the first of them that B still has a part of
  std::uint64_t keeps_start_ = 0;  // whether B has a part of B_0,
  std::uint64_t gives_start_ = 0;  // and W
};

}  // namespace axonomy

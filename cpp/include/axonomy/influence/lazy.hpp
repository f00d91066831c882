// RTRL by lazy propagation: the same gradient at every step, the weights changing at every step, at O(n^3) a
// step. M is kept as of the start of a block of L steps, with the J, D and a_hat of the steps since:
//
//     gradient   c <- q;  for s = t ... 1:  gradient += (c D^s) (x) a_hat^s,  c <- c J^s;   gradient += c M
//     fold       M <- P^0 M + sum_s (P^s D^s) (x) a_hat^s,    P^s = J^L ... J^{s+1}
//
// (Schmidhuber 1992 has the block for one gradient a block.) The fold takes one row of W at a time: what M has of it is a
// matrix (S, m), and the new one a product of depth S + L, P^0 beside columns of the P^s D^s times the old above the a_hat^s. Reading
// M once a step is most of the time where M is larger than a cache. Where gradients are summed before they are used, the
// credits of all steps are pulled back together, and the product with M is made once a sum. Memory O(n^3), M and the block.
//
// With even latency the fold of a block is spread over the steps of the next: every step takes its share, first of the
// P^s, then of the rows. Rows that are not folded yet have their M as of the start of the block before, to which c is pulled
// back for them, by the P^s where these are there. As this block gets longer, fewer rows and columns of the P^s are left of
// the last one, so that a step's work hardly changes; there is more of it by half a block's pull-back.
#pragma once

#include "../cell/stored_jacobians.hpp"
#include "../core/large.hpp"
#include "../learner.hpp"

namespace axonomy {

template <class T>
class LazyInfluence final : public Learner<T> {
 public:
  // `block` 0: near the optimum for these sizes.
  LazyInfluence(const Shape& shape, Index block, bool even)
      : shape_(shape),
        block_(block > 0 ? block : default_block(shape, even)),
        rectangles_(rectangles(shape)),
        M_(shape.S(), count(rectangles_)),
        now_(std::make_unique<Steps>(shape, block_)),
        last_(even ? std::make_unique<Steps>(shape, block_) : nullptr),
        q_(Matrix<T>::Zero(shape.S(), block_)),
        P_(Matrix<T>::Identity(shape.S(), shape.S())),
        rows_(shape.R(), block_),
        credit_(shape.S()),
        earlier_(shape.S()),
        pulled_(Vector<T>::Zero(shape.S())),
        P_next_(shape.S(), shape.S()),
        before_(shape.S() + block_, shape.m),
        factors_(shape.S(), shape.S() + block_),
        gains_(block_) {
    const bool all = M_.cols() == shape.R() * shape.m;
    constexpr Index chunk = 1024;
    if (all)
      for (Index start = 0; start < M_.cols(); start += chunk)
        chunks_.push_back({start, std::min(chunk, M_.cols() - start), start});
    else
      for_pieces(rectangles_, 0, M_.cols(), [&](Index i, Index j, Index entry, Index rows) {
        chunks_.push_back({entry, rows, j * shape.R() + i});
      });
    if (even) count_work();
  }

  static Index default_block(const Shape& shape, bool even) {
    // A step's part of the fold is 2 S^2 R m / L operations; its pull-back is S^2 L, a chain of short products in small
    // networks and from ever farther out in memory in large ones, and about twice that with even latency. Measured from 8
    // to 512 units: the optimum is flat.
    const Index block = 8 + shape.S() / 2;
    return even ? 2 * block / 3 : block;
  }

  bool keeps_absent() const override { return shape_.pattern == nullptr; }

  void use(Team* team) override {
    team_ = if_enough(team, static_cast<double>(M_.size()));  // by the product with M alone
  }

  void reset(const T*) override {
    forget();
    q_.setZero();
    waiting_ = 0;
    if (deferred_) sum_.setZero();
  }

  void new_sequence(const T* state) override {
    if (!deferred_) return reset(state);
    if (waiting_ > 0) collect(sum_.data());
    forget();
  }

  void defer() override {
    deferred_ = true;
    sum_ = Matrix<T>::Zero(shape_.R(), shape_.m);
  }

  void flush(T* target) override {
    if (!deferred_) return;
    if (waiting_ > 0) collect(target);
    Eigen::Map<Matrix<T>>(target, shape_.R(), shape_.m) += sum_;
    sum_.setZero();
  }

  void step(const Step<T>& step, const T*, T scale, T* target) override {
    const auto slot = static_cast<Index>(held_);
    now_->J.store(slot, *step.J);
    now_->D[static_cast<std::size_t>(slot)].entries() = step.D->entries();
    now_->regressors.row(slot) = Eigen::Map<const Vector<T>>(step.a_hat, shape_.m).transpose();
    ++held_;
    if (folding_ != 0) fold(*last_, folded_after(slot), folded_after(slot + 1));
    if (target == nullptr) {
      q_.col(slot).setZero();
    } else if (deferred_) {
      q_.col(slot) = scale * Eigen::Map<const Vector<T>>(step.q, shape_.S());
      waiting_ = held_;
    } else {
      credit_ = scale * Eigen::Map<const Vector<T>>(step.q, shape_.S());
      for (Index s = slot; s >= 0; --s) pull_back(*now_, s, credit_);
      add(slot + 1, target);
    }
    if (held_ < static_cast<std::uint64_t>(block_)) return;
    if (waiting_ > 0) collect(sum_.data());
    held_ = 0;
    P_.setIdentity();
    if (last_ == nullptr) return fold(*now_, {0, 0}, {block_, shape_.R()});
    now_.swap(last_);
    folding_ = 1;
  }

  bool influence(Matrix<T>& M) const override {
    const Index R = shape_.R();
    expand(shape_, rectangles_, M_.data(), M);
    const Folded done = folded();
    if (done.rows < R) {
      Matrix<T> rest = M;
      const Index left = block_ - done.products;
      for (Index s = 0; s < left; ++s) propagate(*last_, s, rest);
      rest = (P_ * rest).eval();
      Matrix<T> D(shape_.S(), R);
      for (Index s = left; s < block_; ++s) {
        D.setZero();
        last_->D[static_cast<std::size_t>(s)].add_to(D.data(), shape_.S());
        add_immediate_influence(last_->product(s, shape_.S()) * D, last_->regressors.row(s), rest);
      }
      for (Index j = 0; j < shape_.m; ++j)
        M.middleCols(j * R + done.rows, R - done.rows) = rest.middleCols(j * R + done.rows, R - done.rows);
    }
    for (Index s = 0; s < static_cast<Index>(held_); ++s) propagate(*now_, s, M);
    return true;
  }

  void visit(StateVisitor<T>& v) override {
    v.array("influence", M_.data(), influence_shape(shape_, rectangles_));
    now_->visit(v);
    if (last_ != nullptr) {
      v.enter("last");
      last_->visit(v);
      v.leave();
      v.matrix("P", P_);
      v.word("folding", folding_, 1);
    }
    v.matrix("q", q_);
    v.word("held", held_, static_cast<std::uint64_t>(block_ - 1));
    v.word("waiting", waiting_, static_cast<std::uint64_t>(block_ - 1));
    if (deferred_) v.matrix("sum", sum_);
    v.scratch(sizeof(T) *
              static_cast<std::size_t>(rows_.size() + (last_ == nullptr ? 2 : 1) * P_.size() + before_.size() +
                                       factors_.size() + gains_.size()));
  }

 private:
  // What a block holds of its L steps.
  struct Steps {
    Steps(const Shape& shape, Index length)
        : J(shape, length),
          D(static_cast<std::size_t>(length), BlockDiagonal<T>(shape.n, shape.states_per_unit, shape.rows_per_unit)),
          regressors(Matrix<T>::Zero(length, shape.m)) {}
    void visit(StateVisitor<T>& v) {
      J.visit(v);
      for (std::size_t s = 0; s < D.size(); ++s) v.matrix(("D_" + std::to_string(s)).c_str(), D[s].entries());
      v.matrix("a_hat", regressors);
    }
    // P^s, once it has taken the place of J^s.
    Eigen::Map<const Matrix<T>> product(Index s, Index S) { return {J.data(s), S, S}; }

    StoredJacobians<T> J;
    std::vector<BlockDiagonal<T>> D;  // L times (S, R)
    Matrix<T> regressors;             // (L, m)
  };

  // How far a fold is: P^s of so many last steps, then so many first rows of W.
  struct Folded {
    Index products, rows;
  };

  // Columns start ... of M, and the entry of W where they begin.
  struct Chunk {
    Index start, size, entry;
  };

  // The multiplications up to each of the P^s, then to each row; those of a gate that sees little are cheap but for what is
  // gathered for them.
  void count_work() {
    const Index S = shape_.S();
    const auto add = [this](Index work) {
      work_.push_back((work_.empty() ? 0 : work_.back()) + static_cast<double>(work));
    };
    for (Index s = 0; s < block_; ++s) add(S * S * shape_.n);
    for (Index i = 0; i < shape_.R(); ++i) add(S * (S * columns_of(i) + block_ * (columns_of(i) + 8)));
  }

  void forget() {
    M_.setZero();
    held_ = folding_ = 0;
  }

  // Of the last block, after so many steps of this one: a share of the fold's work a step.
  Folded folded_after(Index steps) const {
    if (folding_ == 0 || steps == block_) return {block_, shape_.R()};
    const double done = work_.back() * static_cast<double>(steps) / static_cast<double>(block_);
    const Index parts = std::upper_bound(work_.begin(), work_.end(), done) - work_.begin();
    return {std::min(block_, parts), std::max<Index>(0, parts - block_)};
  }
  Folded folded() const { return folded_after(static_cast<Index>(held_)); }

  // One step back: its row of credits, and the credit of the step before.
  void pull_back(Steps& steps, Index s, Vector<T>& credit) {
    steps.D[static_cast<std::size_t>(s)].multiply_left(credit.data(), rows_.col(s).data());
    steps.J.pull_back(team_, s, credit.data(), pulled_.data());
    credit.swap(pulled_);
  }

  // target += sum over `steps` of this block of row (x) a_hat, + credit . M
  void add(Index steps, T* target) {
    add_rows(*now_, steps, 0, target);
    const Folded done = folded();
    if (done.rows == shape_.R()) return add_product(credit_, target);
    pull_back_further(done);
    add_rows(*last_, block_, done.rows, target);
    if (done.rows == 0) return add_product(earlier_, target);
    add_products(done.rows, target);
  }

  // The rows of credits of the last block, those of W's rows from done.rows on, and the credit of its first step's past.
  void pull_back_further(const Folded& done) {
    const Index S = shape_.S(), n = shape_.n;
    const Index unit = std::max<Index>(0, done.rows - (shape_.R() - n));  // of those before it all rows are folded
    for (Index s = block_ - 1; s >= block_ - done.products; --s) {
      for (Index a = 0; a < shape_.states_per_unit; ++a)
        multiply_left(last_->J.data(s) + (a * n + unit) * S, n - unit, pulled_.data() + a * n + unit);
      last_->D[static_cast<std::size_t>(s)].multiply_left(pulled_.data(), rows_.col(s).data());
    }
    multiply_left(P_.data(), S, earlier_.data());
    for (Index s = block_ - done.products - 1; s >= 0; --s) pull_back(*last_, s, earlier_);
  }
  // out = credit . A (S, columns)
  void multiply_left(const T* A, Index columns, T* out) {
    std::fill_n(out, columns, T(0));
    add_dots<T>(team_, shape_.S(), columns, A, credit_.data(), T(1), out);
  }

  // target += sum over `count` steps of row (x) a_hat, of W's rows from `first` on.
  void add_rows(const Steps& steps, Index count, Index first, T* target) {
    const Index R = shape_.R();
    for (const Rectangle& r : rectangles_) {
      const Index row = std::max(r.row, first), rows = r.row + r.rows - row;
      if (rows <= 0) continue;
      gemm<T>(team_, rows, r.columns, count, rows_.data() + row, R, steps.regressors.col(r.column).data(), block_,
              target + r.column * R + row, R, true);
    }
  }

  // target += credit . M. M there and back: its end is still in cache from the step before, and of a large M that is all
  // that can be.
  void add_product(const Vector<T>& credit, T* target) {
    const auto chunks = static_cast<Index>(chunks_.size());
    share_out(team_, chunks, 1, [&](Index first, Index last) {
      for (Index i = first; i < last; ++i) {
        const Chunk& c = chunks_[static_cast<std::size_t>(held_ % 2 == 0 ? i : last - 1 - (i - first))];
        add_dots<T>(shape_.S(), c.size, M_.col(c.start).data(), credit.data(), T(1), target + c.entry, is_far());
      }
    });
  }
  // The same, with a credit for the first rows of W and the earlier one for the others.
  void add_products(Index rows, T* target) {
    const Index S = shape_.S(), R = shape_.R();
    for (const Rectangle& r : rectangles_) {
      const Index folded = std::min(r.rows, std::max<Index>(0, rows - r.row));
      share_out(team_, r.columns, 1, [&](Index first, Index last) {
        for (Index i = first; i < last; ++i) {
          const Index j = held_ % 2 == 0 ? i : last - 1 - (i - first);
          const Index column = r.offset + j * r.rows;
          T* const entry = target + (r.column + j) * R + r.row;
          add_dots<T>(S, folded, M_.col(column).data(), credit_.data(), T(1), entry, is_far());
          add_dots<T>(S, r.rows - folded, M_.data() + (column + folded) * S, earlier_.data(), T(1), entry + folded,
                      is_far());
        }
      });
    }
  }
  bool is_far() const { return M_.size() * static_cast<Index>(sizeof(T)) > 1048576; }

  // The gradients of all steps that wait, summed.
  void collect(T* target) {
    const auto count = static_cast<Index>(waiting_);
    credit_.setZero();
    for (Index s = count - 1; s >= 0; --s) {
      credit_ += q_.col(s);
      pull_back(*now_, s, credit_);
    }
    add(count, target);
    q_.leftCols(count).setZero();
    waiting_ = 0;
  }

  // Takes the fold of a block on. P, at first the identity, becomes the product of the J so far.
  void fold(Steps& steps, const Folded& from, const Folded& to) {
    for (Index s = block_ - 1 - from.products; s >= block_ - to.products; --s) {
      steps.J.multiply(team_, P_, s, P_next_);
      std::copy_n(P_.data(), P_.size(), steps.J.data(s));
      P_.swap(P_next_);
    }
    if (from.rows == to.rows) return;
    factors_.leftCols(shape_.S()) = P_;
    before_.bottomRows(block_) = steps.regressors;
    for (Index i = from.rows; i < to.rows; ++i) fold_row(steps, i);
  }

  // What M has of row i of W: (S, columns), those of all its weights.
  void fold_row(Steps& steps, Index i) {
    const Index S = shape_.S(), depth = S + block_;
    gather_driven(steps, i);
    share_out(team_, columns_of(i), whole_tiles, [&](Index first, Index last) {
      for_parts(i, first, last, [&](auto part, Index j) {
        T* const before = before_.col(j).data();
        copy_columns<T>(S, part.cols(), part.data(), part.outerStride(), before, depth);
        gemm<T>(S, part.cols(), depth, factors_.data(), S, before, depth, part.data(), part.outerStride());
      });
    });
  }

  // Calls f(columns of M, the regressor of the first) for what row i has first ... last - 1 in each rectangle.
  template <class F>
  void for_parts(Index i, Index first, Index last, const F& f) {
    const Index S = shape_.S();
    Index at = 0;
    for (const Rectangle& r : rectangles_) {
      if (i < r.row || i >= r.row + r.rows) continue;
      const Index from = std::max(first, at), to = std::min(last, at + r.columns);
      using Columns = Eigen::Map<Matrix<T>, 0, Eigen::OuterStride<>>;
      if (from < to)
        f(Columns(M_.col(r.offset + (from - at) * r.rows + i - r.row).data(), S, to - from,
                  Eigen::OuterStride<>(S * r.rows)),
          r.column + from - at);
      at += r.columns;
    }
  }
  Index columns_of(Index i) const {
    Index columns = 0;
    for (const Rectangle& r : rectangles_)
      if (i >= r.row && i < r.row + r.rows) columns += r.columns;
    return columns;
  }

  // Of factors_, behind P^0: (P^s D^s)[:, i], a column a step.
  void gather_driven(Steps& steps, Index i) {
    const Index S = shape_.S(), n = shape_.n, gate = i / n, unit = i % n;
    share_out(team_, block_, 1, [&](Index first, Index last) {
      const auto gain = [&](Index s, Index a) { return steps.D[static_cast<std::size_t>(s)].part(a, gate)[unit]; };
      T* const driven = factors_.col(S + first).data();
      copy_columns<T>(S, last - first, steps.J.data(first) + unit * S, steps.J.stride(), driven, S);
      for (Index s = first; s < last; ++s) gains_[s] = gain(s, 0);
      scale_columns<T>(S, last - first, gains_.data() + first, driven);
      for (Index a = 1; a < shape_.states_per_unit; ++a)
        for (Index s = first; s < last; ++s) factors_.col(S + s) += gain(s, a) * steps.product(s, S).col(a * n + unit);
    });
  }

  // M (S, R m) <- J M + M_bar, of one step
  void propagate(const Steps& steps, Index s, Matrix<T>& M) const {
    Matrix<T> D = Matrix<T>::Zero(shape_.S(), shape_.R()), J(shape_.S(), shape_.S());
    steps.J.write_dense(s, J);
    steps.D[static_cast<std::size_t>(s)].add_to(D.data(), shape_.S());
    M = (J * M).eval();
    add_immediate_influence(D, steps.regressors.row(s), M);
  }
  template <class Row>
  void add_immediate_influence(const Matrix<T>& D, const Row& a_hat, Matrix<T>& M) const {
    for (const Rectangle& r : rectangles_)
      for (Index j = r.column; j < r.column + r.columns; ++j)
        M.middleCols(j * shape_.R() + r.row, r.rows) += D.middleCols(r.row, r.rows) * a_hat[j];
  }

  Shape shape_;
  Index block_;
  Team* team_ = nullptr;
  bool deferred_ = false;
  std::vector<Rectangle> rectangles_;
  std::vector<Chunk> chunks_;
  std::vector<double> work_;      // (L + R,): of the parts of a fold, summed up
  LargeMatrix<T> M_;              // (S, entries of W), as of the start of this block or, where not folded, the last
  std::unique_ptr<Steps> now_;    // this block
  std::unique_ptr<Steps> last_;   // with even latency the one before it, P^s taking the place of J^s one by one
  Matrix<T> q_;                   // (S, L): of the gradients that wait
  Matrix<T> P_;                   // (S, S): the product of the J whose P^s are there
  Matrix<T> sum_;                 // (R, m): gradients whose block is over
  Matrix<T> rows_;                // (R, L), workspace
  Vector<T> credit_, earlier_;    // (S,), workspace: of the start of this block and of the last
  Vector<T> pulled_;              // (S,), workspace
  Matrix<T> P_next_;              // (S, S), workspace
  Matrix<T> before_;              // (S + L, m), workspace of the fold: of one row of W, above the regressors of the steps
  Matrix<T> factors_;             // (S, S + L), likewise: P^0 and of that row the columns of the P^s D^s
  Vector<T> gains_;               // (L,), likewise: entries of the D
  std::uint64_t held_ = 0, waiting_ = 0;
  std::uint64_t folding_ = 0;  // whether the last block is there and being folded
};

}  // namespace axonomy

// RTRL by lazy propagation: the same gradient at every step, the weights changing at every step, at O(n^3) a
// step. M is kept as of the start of a block of L steps, with the J, D and a_hat of the steps since:
//
//     gradient   c <- q;  for s = t ... 1:  gradient += (c D^s) (x) a_hat^s,  c <- c J^s;   gradient += c M
//     fold       M <- P^0 M + sum_s (P^s D^s) (x) a_hat^s,    P^s = J^L ... J^{s+1}
//
// (Schmidhuber 1992 has the block for one gradient a block.) The fold takes one row of W at a time: what M has of it is a
// matrix (S, m), to which P^0 is applied, and one product of depth L, columns of the P^s D^s times a_hat^s, added. Reading
// M once a step is most of the time where M is larger than a cache. Where gradients are summed before they are used, the
// credits of all steps are pulled back together, and the product with M is made once a sum. Memory O(n^3), M and the block.
#pragma once

#include "../cell/stored_jacobians.hpp"
#include "../core/large.hpp"
#include "../learner.hpp"

namespace axonomy {

template <class T>
class LazyInfluence final : public Learner<T> {
 public:
  // `block` 0: near the optimum for these sizes.
  LazyInfluence(const Shape& shape, Index block)
      : shape_(shape),
        block_(block > 0 ? block : default_block(shape)),
        rectangles_(rectangles(shape)),
        M_(shape.S(), count(rectangles_)),
        J_(shape, block_),
        D_(static_cast<std::size_t>(block_),
           BlockDiagonal<T>(shape.n, shape.states_per_unit, shape.rows_per_unit)),
        q_(Matrix<T>::Zero(shape.S(), block_)),
        regressors_(Matrix<T>::Zero(block_, shape.m)),
        rows_(shape.R(), block_),
        credit_(shape.S()),
        pulled_(shape.S()),
        P_(shape.S(), shape.S()),
        P_next_(shape.S(), shape.S()),
        old_(shape.S(), shape.m),
        new_(shape.S(), shape.m),
        regressors_of_row_(block_, shape.m),
        driven_(shape.S(), block_) {
    const bool all = M_.cols() == shape.R() * shape.m;
    constexpr Index chunk = 1024;
    if (all)
      for (Index start = 0; start < M_.cols(); start += chunk)
        chunks_.push_back({start, std::min(chunk, M_.cols() - start), start});
    else
      for_pieces(rectangles_, 0, M_.cols(), [&](Index i, Index j, Index entry, Index rows) {
        chunks_.push_back({entry, rows, j * shape.R() + i});
      });
  }

  static Index default_block(const Shape& shape) {
    // A step's part of the fold is 2 S^2 R m / L operations; its pull-back is S^2 L, a chain of short products in small
    // networks and from ever farther out in memory in large ones. Measured from 8 to 512 units: the optimum is flat.
    return 8 + shape.S() / 2;
  }

  bool keeps_absent() const override { return shape_.pattern == nullptr; }

  void reset(const T*) override {
    M_.setZero();
    q_.setZero();
    held_ = waiting_ = 0;
    if (deferred_) sum_.setZero();
  }

  void new_sequence(const T* state) override {
    if (!deferred_) return reset(state);
    if (waiting_ > 0) collect(sum_.data());
    M_.setZero();
    held_ = 0;
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
    J_.store(slot, *step.J);
    D_[static_cast<std::size_t>(slot)].entries() = step.D->entries();
    regressors_.row(slot) = Eigen::Map<const Vector<T>>(step.a_hat, shape_.m).transpose();
    ++held_;
    if (target == nullptr) {
      q_.col(slot).setZero();
    } else if (deferred_) {
      q_.col(slot) = scale * Eigen::Map<const Vector<T>>(step.q, shape_.S());
      waiting_ = held_;
    } else {
      credit_ = scale * Eigen::Map<const Vector<T>>(step.q, shape_.S());
      for (Index s = slot; s >= 0; --s) pull_back(s);
      add(slot + 1, target);
    }
    if (held_ < static_cast<std::uint64_t>(block_)) return;
    if (waiting_ > 0) collect(sum_.data());
    fold();
  }

  bool influence(Matrix<T>& M) const override {
    const Index S = shape_.S(), R = shape_.R();
    expand(shape_, rectangles_, M_.data(), M);
    Matrix<T> D(S, R), J(S, S);
    for (Index s = 0; s < static_cast<Index>(held_); ++s) {
      J_.write_dense(s, J);
      M = (J * M).eval();
      D.setZero();
      D_[static_cast<std::size_t>(s)].add_to(D.data(), S);
      for (const Rectangle& r : rectangles_)
        for (Index j = r.column; j < r.column + r.columns; ++j)
          M.middleCols(j * R + r.row, r.rows) += D.middleCols(r.row, r.rows) * regressors_(s, j);
    }
    return true;
  }

  void visit(StateVisitor<T>& v) override {
    v.array("influence", M_.data(), influence_shape(shape_, rectangles_));
    J_.visit(v);
    for (std::size_t s = 0; s < D_.size(); ++s)
      v.matrix(("D_" + std::to_string(s)).c_str(), D_[s].entries());
    v.matrix("q", q_);
    v.matrix("a_hat", regressors_);
    v.word("held", held_, static_cast<std::uint64_t>(block_ - 1));
    v.word("waiting", waiting_, static_cast<std::uint64_t>(block_ - 1));
    if (deferred_) v.matrix("sum", sum_);
    v.scratch(sizeof(T) *
              static_cast<std::size_t>(rows_.size() + 2 * P_.size() + 2 * old_.size() + driven_.size() +
                                                       regressors_of_row_.size()));
  }

 private:
  // Columns start ... of M, and the entry of W where they begin.
  struct Chunk {
    Index start, size, entry;
  };

  // One step back: its row of credits, and the credit of the step before.
  void pull_back(Index s) {
    D_[static_cast<std::size_t>(s)].multiply_left(credit_.data(), rows_.col(s).data());
    J_.pull_back(s, credit_.data(), pulled_.data());
    credit_.swap(pulled_);
  }

  // target += sum over `steps` of row (x) a_hat, + credit . M
  void add(Index steps, T* target) {
    const Index S = shape_.S(), R = shape_.R();
    for (const Rectangle& r : rectangles_)
      gemm<T>(r.rows, r.columns, steps, rows_.data() + r.row, R, regressors_.col(r.column).data(), block_,
              target + r.column * R + r.row, R, true);
    // M there and back: its end is still in cache from the step before, and of a large M that is all that can be.
    const bool far = M_.size() * static_cast<Index>(sizeof(T)) > 1048576;
    const std::size_t chunks = chunks_.size();
    for (std::size_t i = 0; i < chunks; ++i) {
      const Chunk& c = chunks_[held_ % 2 == 0 ? i : chunks - 1 - i];
      add_dots<T>(S, c.size, M_.col(c.start).data(), credit_.data(), T(1), target + c.entry, far);
    }
  }

  // The gradients of all steps that wait, summed.
  void collect(T* target) {
    const auto count = static_cast<Index>(waiting_);
    credit_.setZero();
    for (Index s = count - 1; s >= 0; --s) {
      credit_ += q_.col(s);
      pull_back(s);
    }
    add(count, target);
    q_.leftCols(count).setZero();
    waiting_ = 0;
  }

  void fold() {
    const Index S = shape_.S();
    // P^s takes the place of J^s, and P becomes the whole product.
    J_.write_dense(block_ - 1, P_);
    P_next_.setIdentity();
    std::copy_n(P_next_.data(), P_.size(), J_.data(block_ - 1));
    for (Index s = block_ - 2; s >= 0; --s) {
      J_.multiply(P_, s, P_next_);
      std::copy_n(P_.data(), P_.size(), J_.data(s));
      P_.swap(P_next_);
    }
    for (Index i = 0; i < shape_.R(); ++i) fold_row(S, i);
    held_ = 0;
  }

  // What M has of row i of W: (S, columns), those of all its weights side by side.
  void fold_row(Index S, Index i) {
    Index columns = 0;
    for (const Rectangle& r : rectangles_) {
      if (i < r.row || i >= r.row + r.rows) continue;
      old_.middleCols(columns, r.columns) = row_of(r, i);
      if (rectangles_.size() > 1)
        regressors_of_row_.middleCols(columns, r.columns) = regressors_.middleCols(r.column, r.columns);
      columns += r.columns;
    }
    gather_driven(S, i);
    gemm<T>(S, columns, S, P_.data(), S, old_.data(), S, new_.data(), S);
    const Matrix<T>& regressors = rectangles_.size() > 1 ? regressors_of_row_ : regressors_;
    gemm<T>(S, columns, block_, driven_.data(), S, regressors.data(), block_, new_.data(), S, true);
    columns = 0;
    for (const Rectangle& r : rectangles_) {
      if (i < r.row || i >= r.row + r.rows) continue;
      row_of(r, i) = new_.middleCols(columns, r.columns);
      columns += r.columns;
    }
  }

  // Column s: (P^s D^s)[:, i]
  void gather_driven(Index S, Index i) {
    const Index n = shape_.n, gate = i / n, unit = i % n;
    for (Index s = 0; s < block_; ++s) {
      const BlockDiagonal<T>& D = D_[static_cast<std::size_t>(s)];
      const Eigen::Map<const Matrix<T>> P(J_.data(s), S, S);
      auto column = driven_.col(s);
      column = D.part(0, gate)[unit] * P.col(unit);
      for (Index a = 1; a < shape_.states_per_unit; ++a) column += D.part(a, gate)[unit] * P.col(a * n + unit);
    }
  }

  Eigen::Map<Matrix<T>, 0, Eigen::OuterStride<>> row_of(const Rectangle& r, Index i) {
    const Index S = shape_.S();
    return {M_.col(r.offset + i - r.row).data(), S, r.columns, Eigen::OuterStride<>(S * r.rows)};
  }

  Shape shape_;
  Index block_;
  bool deferred_ = false;
  std::vector<Rectangle> rectangles_;
  std::vector<Chunk> chunks_;
  LargeMatrix<T> M_;                 // (S, entries of W), as of the block's start
  StoredJacobians<T> J_;             // of the L steps; during the fold P^s
  std::vector<BlockDiagonal<T>> D_;  // L times (S, R)
  Matrix<T> q_;                      // (S, L): of the gradients that wait
  Matrix<T> regressors_;             // (L, m)
  Matrix<T> sum_;                    // (R, m): gradients whose block is over
  Matrix<T> rows_;                   // (R, L), workspace
  Vector<T> credit_, pulled_;        // (S,), workspace
  Matrix<T> P_, P_next_;             // (S, S), workspace
  Matrix<T> old_, new_;              // (S, m), workspace
  Matrix<T> regressors_of_row_;      // (L, m), workspace
  Matrix<T> driven_;                 // (S, L), workspace
  std::uint64_t held_ = 0, waiting_ = 0;
};

}  // namespace axonomy

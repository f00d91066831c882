// RTRL by lazy propagation: the same gradient at every step, the weights changing at every step, at O(n^3) a
// step. M is kept as of the start of a block of L steps, with the J, D and a_hat of the steps since:
//
//     gradient   c <- q;  for s = t ... 1:  gradient += (c D^s) (x) a_hat^s,  c <- c J^s;   gradient += c M
//     fold       M <- P^0 M + sum_s (P^s D^s) (x) a_hat^s,    P^s = J^L ... J^{s+1}
//
// (Schmidhuber 1992 has the block for one gradient a block.) The fold takes one row of W at a time: what M has of it is a
// matrix (S, m), to which P^0 is applied, and one product of depth L, columns of the P^s times D^s a_hat^s, added. Reading
// M once a step is most of the time where M is larger than a cache. Where gradients are summed before they are used, the
// credits of all steps are pulled back together, and the product with M is made once a sum. Memory O(n^3), M and the block.
#pragma once

#include "../core/dots.hpp"
#include "../learner.hpp"

namespace axonomy {

template <class T>
class LazyInfluence final : public Learner<T> {
 public:
  // `block` 0: near the optimum for these sizes.
  LazyInfluence(const Shape& shape, Index block)
      : shape_(shape),
        block_(block > 0 ? block : default_block(shape)),
        M_(Matrix<T>::Zero(shape.S(), shape.R() * shape.m)),
        J_(Matrix<T>::Zero(shape.S() * shape.S(), block_)),
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
        driven_(block_, shape.m),
        effect_(block_) {}

  static Index default_block(const Shape& shape) {
    // A step's part of the fold is 2 S^2 R m / L operations; its pull-back is S^2 L, a chain of short products in small
    // networks and from ever farther out in memory in large ones. Measured from 8 to 512 units: the optimum is flat.
    return 8 + shape.S() / 2;
  }

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
    step.J->write_dense(J_.col(slot).data());
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
    M = M_;
    Matrix<T> D(S, R);
    for (Index s = 0; s < static_cast<Index>(held_); ++s) {
      M = (Eigen::Map<const Matrix<T>>(J_.col(s).data(), S, S) * M).eval();
      D.setZero();
      D_[static_cast<std::size_t>(s)].add_to(D.data(), S);
      for (Index j = 0; j < shape_.m; ++j) M.middleCols(j * R, R) += D * regressors_(s, j);
    }
    return true;
  }

  void visit(StateVisitor<T>& v) override {
    v.array("influence", M_.data(), {shape_.S(), shape_.R(), shape_.m});
    v.matrix("J", J_);
    for (std::size_t s = 0; s < D_.size(); ++s)
      v.matrix(("D_" + std::to_string(s)).c_str(), D_[s].entries());
    v.matrix("q", q_);
    v.matrix("a_hat", regressors_);
    v.word("held", held_, static_cast<std::uint64_t>(block_ - 1));
    v.word("waiting", waiting_, static_cast<std::uint64_t>(block_ - 1));
    if (deferred_) v.matrix("sum", sum_);
    v.scratch(sizeof(T) *
              static_cast<std::size_t>(rows_.size() + 2 * P_.size() + 2 * old_.size() + driven_.size()));
  }

 private:
  // One step back: its row of credits, and the credit of the step before.
  void pull_back(Index s) {
    const Index S = shape_.S();
    D_[static_cast<std::size_t>(s)].multiply_left(credit_.data(), rows_.col(s).data());
    pulled_.setZero();
    add_dots<T>(S, S, J_.col(s).data(), credit_.data(), T(1), pulled_.data());
    credit_.swap(pulled_);
  }

  // target += sum over `count` steps of row (x) a_hat, + credit . M
  void add(Index count, T* target) {
    const Index S = shape_.S(), R = shape_.R(), m = shape_.m;
    gemm<T>(R, m, count, rows_.data(), R, regressors_.data(), block_, target, R, true);
    // M there and back: its end is still in cache from the step before, and of a large M that is all that can be.
    constexpr Index chunk = 1024;
    const bool fetch = M_.size() * static_cast<Index>(sizeof(T)) > 1048576;
    const Index chunks = (R * m + chunk - 1) / chunk;
    for (Index i = 0; i < chunks; ++i) {
      const Index start = (held_ % 2 == 0 ? i : chunks - 1 - i) * chunk;
      add_dots<T>(S, std::min(chunk, R * m - start), M_.col(start).data(), credit_.data(), T(1), target + start, fetch);
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
    const Index S = shape_.S(), R = shape_.R(), m = shape_.m, n = shape_.n;
    // P^s takes the place of J^s, and P becomes the whole product.
    P_ = J_.col(block_ - 1).reshaped(S, S);
    J_.col(block_ - 1).reshaped(S, S).setIdentity();
    for (Index s = block_ - 2; s >= 0; --s) {
      gemm<T>(S, S, S, P_.data(), S, J_.col(s).data(), S, P_next_.data(), S);
      J_.col(s) = P_.reshaped();
      P_.swap(P_next_);
    }
    for (Index i = 0; i < R; ++i) {
      const Index gate = i / n, unit = i % n;
      Eigen::Map<Matrix<T>, 0, Eigen::OuterStride<>> row(M_.col(i).data(), S, m, Eigen::OuterStride<>(S * R));
      old_ = row;
      gemm<T>(S, m, S, P_.data(), S, old_.data(), S, new_.data(), S);
      for (Index a = 0; a < shape_.states_per_unit; ++a) {
        for (Index s = 0; s < block_; ++s) effect_[s] = D_[static_cast<std::size_t>(s)].part(a, gate)[unit];
        driven_.array() = regressors_.array().colwise() * effect_.array();
        gemm<T>(S, m, block_, J_.data() + (a * n + unit) * S, S * S, driven_.data(), block_, new_.data(), S, true);
      }
      row = new_;
    }
    held_ = 0;
  }

  Shape shape_;
  Index block_;
  bool deferred_ = false;
  Matrix<T> M_;                      // (S, R m), as of the block's start
  Matrix<T> J_;                      // (S S, L), during the fold P^s
  std::vector<BlockDiagonal<T>> D_;  // L times (S, R)
  Matrix<T> q_;                      // (S, L): of the gradients that wait
  Matrix<T> regressors_;             // (L, m)
  Matrix<T> sum_;                    // (R, m): gradients whose block is over
  Matrix<T> rows_;                   // (R, L), workspace
  Vector<T> credit_, pulled_;        // (S,), workspace
  Matrix<T> P_, P_next_;             // (S, S), workspace
  Matrix<T> old_, new_;              // (S, m), workspace
  Matrix<T> driven_;                 // (L, m), workspace: D^s a_hat^s of one row
  Vector<T> effect_;                 // (L,), workspace
  std::uint64_t held_ = 0, waiting_ = 0;
};

}  // namespace axonomy

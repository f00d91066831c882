// M[k,i,j] kept only where k and i belong to the same unit: B (p, R, m).
//
//     B[.,i,j] <- K_u B[.,i,j] + D[.,i] a_hat[j]       gradient_ij = sum_k q_k B[k,i,j]
//
// K is the leak F for RFLO (Murray 2019), the unit's diagonal block of J for SnAp-1 (Menick et al. 2021),
// which is e-prop with self-weights (Bellec et al. 2020). Memory and time O(R m). In an element-wise cell J has no other
// blocks, and with them the rule is RTRL.
#pragma once

#include "../learner.hpp"

namespace axonomy {

enum class Kept { leak, diagonal };

template <class T>
class UnitDiagonalInfluence final : public Learner<T> {
 public:
  UnitDiagonalInfluence(const Shape& shape, Kept kept)
      : shape_(shape),
        kept_(kept),
        K_(shape.n, shape.states_per_unit, shape.states_per_unit),
        old_(shape.n, shape.states_per_unit) {
    for (Index a = 0; a < shape.states_per_unit; ++a)
      B_.push_back(Matrix<T>::Zero(shape.R(), shape.m));
  }

  void reset(const T*) override {
    for (auto& b : B_) b.setZero();
  }

  void step(const Step<T>& step, const T*, T scale, T* target) override {
    if (kept_ == Kept::leak && step.leak == nullptr)
      throw std::invalid_argument("step: this rule keeps the leak of the cell, but no leak was given");
    if (kept_ == Kept::diagonal) step.J->unit_blocks(K_);
    const BlockDiagonal<T>& K = kept_ == Kept::diagonal ? K_ : *step.leak;
    if (shape_.element_wise)
      advance<true>(step, K, scale, target);
    else
      advance<false>(step, K, scale, target);
  }

  bool influence(Matrix<T>& M) const override {
    const Index n = shape_.n, R = shape_.R();
    M.setZero(shape_.S(), R * shape_.m);
    for (Index a = 0; a < shape_.states_per_unit; ++a)
      for (Index j = 0; j < shape_.m; ++j)
        for (Index i = 0; i < R; ++i) M(a * n + i % n, i + R * j) = B_[a](i, j);
    return true;
  }

  void visit(StateVisitor<T>& v) override {
    for (std::size_t a = 0; a < B_.size(); ++a)
      v.matrix(("trace_" + std::to_string(a)).c_str(), B_[a]);
  }

 private:
  using Array = Eigen::Array<T, Eigen::Dynamic, 1>;

  // Own: one set of regressors a row.
  template <bool own>
  void advance(const Step<T>& step, const BlockDiagonal<T>& K, T scale, T* target) {
    const Index n = shape_.n, R = shape_.R(), p = shape_.states_per_unit;
    for (Index j = 0; j < shape_.m; ++j) {
      for (Index gate = 0; gate < shape_.rows_per_unit; ++gate) {
        const Index offset = gate * n;
        T* out = target == nullptr ? nullptr : target + j * R + offset;
        const auto driven = [&](Index a) {
          if constexpr (own)
            return Eigen::Map<const Array>(step.a_hat + j * R + offset, n) * step.D->array(a, gate);
          else
            return step.a_hat[j] * step.D->array(a, gate);
        };
        if (p == 1) {
          auto b = B_[0].col(j).segment(offset, n).array();
          b = K.array(0, 0) * b + driven(0);
          if (out) Eigen::Map<Array>(out, n) += scale * (Eigen::Map<const Array>(step.q, n) * b);
          continue;
        }
        for (Index a = 0; a < p; ++a) old_.col(a) = B_[a].col(j).segment(offset, n);
        for (Index a = 0; a < p; ++a) {
          auto b = B_[a].col(j).segment(offset, n).array();
          b = driven(a);
          for (Index c = 0; c < p; ++c) b += K.array(a, c) * old_.col(c).array();
          if (out) Eigen::Map<Array>(out, n) += scale * (Eigen::Map<const Array>(step.q + a * n, n) * b);
        }
      }
    }
  }

  Shape shape_;
  Kept kept_;
  BlockDiagonal<T> K_;        // (S, S)
  Matrix<T> old_;             // (n, p), workspace
  std::vector<Matrix<T>> B_;  // p times (R, m)
};

}  // namespace axonomy

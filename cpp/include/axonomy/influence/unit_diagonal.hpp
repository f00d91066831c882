// M[k,i,j] kept only where k and i belong to the same unit: B (p, R, m).
//
//     B[.,i,j] <- K_u B[.,i,j] + D[.,i] a_hat[j]       gradient_ij = sum_k q_k B[k,i,j]
//
// K is the leak F for RFLO (Murray 2019), the unit's diagonal block of J for SnAp-1 (Menick et al. 2021),
// which is e-prop with self-weights (Bellec et al. 2020). Memory and time O(R m). In an element-wise cell J has no other
// blocks, and with them the rule is RTRL.
#pragma once

#include "../core/delayed_trace.hpp"
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
        q_(Vector<T>::Zero(shape.S())),
        old_(shape.states_per_unit) {
    for (Index a = 0; a < shape.states_per_unit; ++a)
      B_.push_back(Matrix<T>::Zero(shape.R(), shape.m));
  }

  void reset(const T*) override {
    for (auto& b : B_) b.setZero();
  }

  void step(const Step<T>& step, const T*, T scale, T* target) override {
    const BlockDiagonal<T>& K = kept_blocks(step);
    if (target != nullptr) q_ = scale * Eigen::Map<const Vector<T>>(step.q, shape_.S());
    for (Index gate = 0; gate < shape_.rows_per_unit; ++gate) {
      T* const out = target == nullptr ? nullptr : target + gate * shape_.n;
      with_regressors(shape_, step.a_hat, gate * shape_.n,
                      [&](const auto& a_hat) { advance(step, K, gate, a_hat, out); });
    }
  }

  // Of a cell with one state and one row a unit.
  T* trace() override { return has_one_row_a_unit(shape_) ? B_[0].data() : nullptr; }
  void trace_step(const Step<T>& step, const T*, T scale, bool learns, TraceStep<T>& out) override {
    const BlockDiagonal<T>& K = kept_blocks(step);
    q_ = (learns ? scale : T(0)) * Eigen::Map<const Vector<T>>(step.q, shape_.n);
    out.keep.head(shape_.n) = K.array(0, 0);
    out.enter.head(shape_.n) = step.D->array(0, 0);
    out.give.head(shape_.n) = q_.array() * K.array(0, 0);
    out.own.head(shape_.n) = q_.array() * step.D->array(0, 0);
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
  const BlockDiagonal<T>& kept_blocks(const Step<T>& step) {
    if (kept_ == Kept::leak) {
      if (step.leak == nullptr)
        throw std::invalid_argument("step: this rule keeps the leak of the cell, but no leak was given");
      return *step.leak;
    }
    step.J->unit_blocks(K_);
    return K_;
  }

  // The rows of one gate.
  template <class Regressors>
  void advance(const Step<T>& step, const BlockDiagonal<T>& K, Index gate, const Regressors& a_hat, T* target) {
    const Index n = shape_.n, R = shape_.R(), m = shape_.m;
    const T* const q = q_.data();
    T* const B = B_[0].data() + gate * n;
    if (shape_.states_per_unit == 1)
      sweep<T>(n, m, R, {K.part(0, 0), step.D->part(0, gate), q}, a_hat, {B, target},
               [](const auto& c, const auto& a, auto& x) {
                 x[0] = multiply_add(a, c[1], c[0] * x[0]);
                 x[1] = multiply_add(c[2], x[0], x[1]);
               });
    else if (shape_.states_per_unit == 2)
      sweep<T>(n, m, R, {K.part(0, 0), K.part(0, 1), K.part(1, 0), K.part(1, 1), step.D->part(0, gate),
                         step.D->part(1, gate), q, q + n},
               a_hat, {B, B_[1].data() + gate * n, target}, [](const auto& c, const auto& a, auto& x) {
                 const auto old = x[0];
                 x[0] = multiply_add(a, c[4], multiply_add(c[1], x[1], c[0] * old));
                 x[1] = multiply_add(a, c[5], multiply_add(c[3], x[1], c[2] * old));
                 x[2] = multiply_add(c[6], x[0], multiply_add(c[7], x[1], x[2]));
               });
    else
      for (Index j = 0; j < m; ++j)
        for (Index u = 0; u < n; ++u) advance_entry(step, K, gate, u, j, a_hat(u, j), target);
  }

  // With any number of states a unit.
  void advance_entry(const Step<T>& step, const BlockDiagonal<T>& K, Index gate, Index u, Index j, T a_hat, T* target) {
    const Index n = shape_.n, p = shape_.states_per_unit, at = j * shape_.R() + gate * n + u;
    for (Index a = 0; a < p; ++a) old_[a] = B_[a].data()[at];
    for (Index a = 0; a < p; ++a) {
      T& b = B_[a].data()[at];
      b = step.D->part(a, gate)[u] * a_hat;
      for (Index c = 0; c < p; ++c) b += K.part(a, c)[u] * old_[c];
      if (target != nullptr) target[at - gate * n] += q_[a * n + u] * b;
    }
  }

  Shape shape_;
  Kept kept_;
  BlockDiagonal<T> K_;        // (S, S)
  Vector<T> q_;               // (S,), scaled
  Vector<T> old_;             // (p,), workspace
  std::vector<Matrix<T>> B_;  // p times (R, m)
};

}  // namespace axonomy

// What a cell shows a learner of one step: J, D, a_hat and the error, in the terms of the theory.
//
// For every cell whose parameters enter through h = W a_hat,
//
//     J = ds/ds_prev = F + D W_a E_a,        F = ds/ds_prev at fixed h, block diagonal per unit
//                                            W_a = W[:, :n],  E_a picks out of s the component that comes back
//
// so J is applied to a vector by its structure, and of its columns only those of that component are ever built as a
// dense matrix, for whoever multiplies many columns by it. Where recurrent weights are sparse, the part with W_a takes the
// existing ones alone; in an element-wise cell W_a is one weight a row, and J couples no two units.
#pragma once

#include "../core/block_diagonal.hpp"
#include "../core/delayed_trace.hpp"
#include "../core/dots.hpp"
#include "../core/gemv.hpp"
#include "../core/shared.hpp"
#include "../core/sparsity.hpp"
#include "../core/sweep.hpp"
#include "../core/types.hpp"

namespace axonomy {

template <class T>
class Jacobian {
 public:
  Jacobian() = default;
  explicit Jacobian(const Shape& shape)
      : shape_(shape),
        coupled_(shape.element_wise ? 0 : shape.S(), shape.element_wise ? 0 : shape.n),
        dense_(shape.S(), shape.S()),
        rows_(Vector<T>::Zero(shape.R())) {}

  // A step of a cell: F and D are the cell's, W its weights, which must not change while this is used.
  void bind(const BlockDiagonal<T>* F, const BlockDiagonal<T>* D, const T* W) {
    F_ = F;
    D_ = D;
    W_ = W;
    behind_ = nullptr;
    has_dense_ = has_coupled_ = false;
  }
  // W is behind, of a cell with dense recurrent weights and one row a unit: vectors are multiplied by what it is now.
  void bind_weights(const DelayedTrace<T>* weights) { behind_ = weights; }
  // A step given as a matrix,
  void bind(const Matrix<T>& J) { bind_matrix() = J; }
  // which is to be written (S, S) to what is returned.
  Matrix<T>& bind_matrix() {
    F_ = D_ = nullptr;
    W_ = nullptr;
    has_dense_ = true;
    return dense_;
  }

  // Y (S, columns) = J X, of many columns shared out over a team unless it is null.
  void apply(const T* X, Index columns, T* Y) const { apply(nullptr, X, columns, Y); }
  void apply(Team* team, const T* X, Index columns, T* Y) const {
    const Index S = shape_.S();
    if (W_ != nullptr && (shape_.element_wise || columns <= 2)) {
      for (Index c = 0; c < columns; ++c) apply_vector(X + c * S, Y + c * S);
      return;
    }
    const bool scaled = is_scaled_W();
    if (!scaled) prepare();
    share_out(team, columns, whole_tiles, [&](Index first, Index last) {
      if (scaled)
        scaled_gemm<T>(S, last - first, S, D_->part(0, 0), W_, S, X + first * S, S, Y + first * S, S);
      else
        apply_prepared(X + first * S, last - first, Y + first * S);
    });
  }

  // Builds the matrix by which many columns are multiplied, not of an element-wise cell. From then on W may change, and
  // several threads may multiply by it.
  void prepare() const {
    if (W_ != nullptr) coupled();
  }
  void apply_prepared(const T* X, Index columns, T* Y) const {
    const Index S = shape_.S(), n = shape_.n;
    if (W_ == nullptr) {
      gemm<T>(S, columns, S, dense_.data(), S, X, S, Y, S);
    } else if (shape_.states_per_unit == 1) {
      gemm<T>(S, columns, S, coupled().data(), S, X, S, Y, S);
    } else {
      for (Index c = 0; c < columns; ++c) apply_others(X + c * S, Y + c * S);
      gemm<T>(S, columns, n, coupled().data(), S, X + shape_.returning() * n, S, Y, S, true);
    }
  }

  // y = c J, c a row vector of S. `rows` (R,): c D, where that is known. `begin`: the cell goes through W from its first column
  // to its last.
  void pull_back(const T* c, T* y, const T* rows = nullptr, End begin = End::last) const {
    const Index S = shape_.S(), n = shape_.n;
    if (W_ == nullptr) {
      Eigen::Map<Vector<T>>(y, S).noalias() =
          dense_.transpose() * Eigen::Map<const Vector<T>>(c, S);
      return;
    }
    F_->multiply_left(c, y);
    if (rows == nullptr) {
      D_->multiply_left(c, rows_.data());
      rows = rows_.data();
    }
    T* const back = y + shape_.returning() * n;
    if (shape_.element_wise) {
      for (Index gate = 0; gate < shape_.rows_per_unit; ++gate)
        for (Index u = 0; u < n; ++u) back[u] += rows[gate * n + u] * W_[gate * n + u];
    } else if (shape_.pattern) {
      shape_.pattern->add_product_left(shape_.R(), W_, rows, back);
    } else {
      add_dots<T>(shape_.R(), n, W_, rows, T(1), back, false, begin);
    }
  }

  // Whether the columns of J outside the component that comes back are those of F.
  bool structured() const { return W_ != nullptr; }
  // (S, n): those of that component, of a cell with dense or sparse recurrent weights.
  const Matrix<T>& coupled() const {
    if (!has_coupled_) {
      build_coupled(coupled_.data());
      has_coupled_ = true;
    }
    return coupled_;
  }
  const BlockDiagonal<T>& leak() const { return *F_; }

  const Matrix<T>& dense() const {
    if (is_all_coupled()) return coupled();
    if (!has_dense_) {
      build(dense_.data());
      has_dense_ = true;
    }
    return dense_;
  }
  // out (S, S) = J
  void write_dense(T* out) const {
    if (is_all_coupled()) return write_coupled(out);
    if (has_dense_)
      std::copy_n(dense_.data(), dense_.size(), out);
    else
      build(out);
  }
  // out (S, n) = coupled()
  void write_coupled(T* out) const {
    if (has_coupled_)
      std::copy_n(coupled_.data(), coupled_.size(), out);
    else
      build_coupled(out);
  }

  // The blocks of J that couple the states of one unit.
  void unit_blocks(BlockDiagonal<T>& out) const {
    const Index n = shape_.n, p = shape_.states_per_unit, g = shape_.rows_per_unit;
    if (W_ == nullptr) {
      for (Index b = 0; b < p; ++b)
        for (Index a = 0; a < p; ++a)
          for (Index u = 0; u < n; ++u) out.part(a, b)[u] = dense_(a * n + u, b * n + u);
      return;
    }
    out.entries() = F_->entries();
    for (Index a = 0; a < p; ++a)
      for (Index gate = 0; gate < g; ++gate) {
        const T* D = D_->part(a, gate);
        T* own = out.part(a, shape_.returning());
        if (behind_ != nullptr)
          for (Index u = 0; u < n; ++u) own[u] += D[u] * behind_->own_weights()[u];
        else
          for (Index u = 0; u < n; ++u) own[u] += D[u] * weight(gate * n + u, shape_.element_wise ? 0 : u);
      }
  }

  // The blocks (p, p) of J that couple two units, one for each weight of the pattern. The state of the unit
  // that the weight comes from acts from component first_coupled() on; earlier columns are left as they are.
  void couplings(T* out) const {
    const Sparsity& pattern = *shape_.pattern;
    const Index n = shape_.n, p = shape_.states_per_unit, g = shape_.rows_per_unit;
    for (Index v = 0; v < n; ++v)
      for (Index w = pattern.begin(v); w < pattern.end(v); ++w) {
        const Index u = pattern.unit(w);
        T* block = out + w * p * p;
        for (Index a = 0; a < p; ++a) {
          if (W_ == nullptr) {
            for (Index b = 0; b < p; ++b) block[a + p * b] = dense_(a * n + u, b * n + v);
            continue;
          }
          T sum(0);
          for (Index gate = 0; gate < g; ++gate) sum += D_->part(a, gate)[u] * weight(gate * n + u, v);
          block[a + p * (p - 1)] = sum;
        }
      }
  }
  Index first_coupled() const { return W_ == nullptr ? 0 : shape_.states_per_unit - 1; }

 private:
  using Array = Eigen::Array<T, Eigen::Dynamic, 1>;

  const T& weight(Index row, Index column) const { return W_[column * shape_.R() + row]; }

  void apply_vector(const T* x, T* y) const {
    const Index n = shape_.n;
    const T* const back = x + shape_.returning() * n;
    if (shape_.element_wise) {
      for (Index gate = 0; gate < shape_.rows_per_unit; ++gate)
        for (Index u = 0; u < n; ++u) rows_[gate * n + u] = W_[gate * n + u] * back[u];
    } else if (shape_.pattern) {
      rows_.setZero();
      shape_.pattern->add_product(shape_.R(), W_, back, rows_.data());
    } else if (behind_ != nullptr) {
      behind_->multiply_recurrent(back, rows_.data());
    } else {
      gemv<T>(shape_.R(), n, W_, shape_.R(), back, rows_.data());
    }
    F_->multiply(x, y);
    for (Index a = 0; a < shape_.states_per_unit; ++a) {
      Eigen::Map<Array> out(y + a * n, n);
      for (Index gate = 0; gate < shape_.rows_per_unit; ++gate)
        out += D_->array(a, gate) * rows_.segment(gate * n, n).array();
    }
  }

  // y = F x, but for the component that comes back.
  void apply_others(const T* x, T* y) const {
    const Index n = shape_.n, p = shape_.states_per_unit;
    for (Index a = 0; a < p; ++a) {
      Eigen::Map<Array> out(y + a * n, n);
      out.setZero();
      for (Index b = 0; b < p; ++b)
        if (b != shape_.returning()) out += F_->array(a, b) * Eigen::Map<const Array>(x + b * n, n);
    }
  }

  bool is_all_coupled() const { return W_ != nullptr && !shape_.element_wise && shape_.states_per_unit == 1; }
  // Whether J = D W_a, which need not be built to multiply by it.
  bool is_scaled_W() const {
    return is_all_coupled() && shape_.rows_per_unit == 1 && !shape_.pattern && (F_->entries().array() == T(0)).all();
  }
  // Whether the rows of a gate have recurrent weights.
  bool recurs(Index gate) const {
    return shape_.sees.empty() || (shape_.sees[static_cast<std::size_t>(gate)] & sees_state) != 0;
  }

  void build(T* out) const {
    const Index S = shape_.S(), n = shape_.n, p = shape_.states_per_unit, back = shape_.returning();
    std::fill_n(out, S * S, T(0));
    for (Index b = 0; b < p; ++b) {
      if (b == back && !shape_.element_wise) {
        build_coupled(out + b * n * S);
        continue;
      }
      for (Index a = 0; a < p; ++a) {
        for (Index u = 0; u < n; ++u) out[(b * n + u) * S + a * n + u] = F_->part(a, b)[u];
        if (b != back) continue;
        for (Index gate = 0; gate < shape_.rows_per_unit; ++gate)
          for (Index u = 0; u < n; ++u)
            out[(b * n + u) * S + a * n + u] += D_->part(a, gate)[u] * W_[gate * n + u];
      }
    }
  }

  void build_coupled(T* out) const {
    const Index S = shape_.S(), n = shape_.n;
    const Index p = shape_.states_per_unit, g = shape_.rows_per_unit, back = shape_.returning();
    if (shape_.pattern) {
      build_sparse(out);
    } else {
      for (Index a = 0; a < p; ++a)
        for (Index gate = 0; gate < g; ++gate) {
          if (gate > 0 && !recurs(gate)) continue;
          const PerEntry<T> W{W_ + gate * n, shape_.R()};
          if (gate == 0)
            sweep<T>(n, n, S, {D_->part(a, gate)}, W, {out + a * n},
                     [](const auto& D, const auto& w, auto& J) { J[0] = D[0] * w; });
          else
            sweep<T>(n, n, S, {D_->part(a, gate)}, W, {out + a * n},
                     [](const auto& D, const auto& w, auto& J) { J[0] = multiply_add(w, D[0], J[0]); });
        }
    }
    for (Index a = 0; a < p; ++a)
      for (Index u = 0; u < n; ++u) out[u * S + a * n + u] += F_->part(a, back)[u];
  }

  void build_sparse(T* out) const {
    const Index S = shape_.S(), n = shape_.n;
    const Sparsity& pattern = *shape_.pattern;
    std::fill_n(out, S * n, T(0));
    for (Index v = 0; v < n; ++v)
      for (Index a = 0; a < shape_.states_per_unit; ++a)
        for (Index gate = 0; gate < shape_.rows_per_unit; ++gate) {
          T* column = out + v * S + a * n;
          const T* D = D_->part(a, gate);
          const T* W = W_ + v * shape_.R() + gate * n;
          for (Index w = pattern.begin(v); w < pattern.end(v); ++w)
            column[pattern.unit(w)] += D[pattern.unit(w)] * W[pattern.unit(w)];
        }
  }

  Shape shape_;
  const BlockDiagonal<T>* F_ = nullptr;
  const BlockDiagonal<T>* D_ = nullptr;
  const T* W_ = nullptr;  // (R, m)
  const DelayedTrace<T>* behind_ = nullptr;
  mutable Matrix<T> coupled_;  // (S, n)
  mutable Matrix<T> dense_;    // (S, S)
  mutable Vector<T> rows_;     // (R,), workspace
  mutable bool has_dense_ = false, has_coupled_ = false;
};

// Runs the network from another state under the same weights and input: for rules that perturb.
template <class T>
class Transition {
 public:
  virtual ~Transition() = default;
  virtual void advance(const T* state, T* next) const = 0;
  // The loss of the read-out of `state`.
  virtual T loss_at(const T* state, const T* y) const = 0;
};

template <class T>
struct Step {
  const Jacobian<T>* J = nullptr;
  const BlockDiagonal<T>* D = nullptr;     // (S, R)
  const BlockDiagonal<T>* leak = nullptr;  // (S, S), F above; null when a caller gave none
  const T* a_hat = nullptr;                // (m,); (R, m) of an element-wise cell
  const T* q = nullptr;                    // (S,), dL/ds: zero outside the activity
  const T* state = nullptr;                // (S,), after the step; null when a caller gave none
  const T* y = nullptr;                    // (n_out,), null where there is no target
  std::uint64_t version = 0;               // of W: another one, once W has changed; 0 where that is not known
  const T* W = nullptr;                    // (R, m), and
  const Transition<T>* network = nullptr;  // both null when a caller drives the learner by hand
};

}  // namespace axonomy

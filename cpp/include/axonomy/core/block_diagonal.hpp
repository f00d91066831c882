// A matrix that couples only what belongs to the same unit: D = ds/dh (S, R), the leak ds/ds_prev at
// fixed h (S, S), and the per-unit diagonal blocks of J (S, S).
#pragma once

#include "types.hpp"

namespace axonomy {

template <class T>
class BlockDiagonal {
 public:
  BlockDiagonal() = default;
  // `row_parts` blocks of n rows, `col_parts` blocks of n columns.
  BlockDiagonal(Index n, Index row_parts, Index col_parts)
      : row_parts_(row_parts),
        col_parts_(col_parts),
        entries_(Matrix<T>::Zero(n, row_parts * col_parts)) {}

  Index n() const { return entries_.rows(); }
  Index row_parts() const { return row_parts_; }
  Index col_parts() const { return col_parts_; }
  Index rows() const { return n() * row_parts_; }
  Index cols() const { return n() * col_parts_; }

  // The n entries that couple row part `a` with column part `b`.
  T* part(Index a, Index b) { return entries_.data() + (a + row_parts_ * b) * n(); }
  const T* part(Index a, Index b) const { return entries_.data() + (a + row_parts_ * b) * n(); }
  Eigen::Map<const Eigen::Array<T, Eigen::Dynamic, 1>> array(Index a, Index b) const {
    return {part(a, b), n()};
  }
  Matrix<T>& entries() { return entries_; }
  const Matrix<T>& entries() const { return entries_; }

  // y = B x
  void multiply(const T* x, T* y) const {
    using Array = Eigen::Array<T, Eigen::Dynamic, 1>;
    for (Index a = 0; a < row_parts_; ++a) {
      Eigen::Map<Array> out(y + a * n(), n());
      out = array(a, 0) * Eigen::Map<const Array>(x, n());
      for (Index b = 1; b < col_parts_; ++b)
        out += array(a, b) * Eigen::Map<const Array>(x + b * n(), n());
    }
  }

  // y = x B, x a row vector
  void multiply_left(const T* x, T* y) const {
    using Array = Eigen::Array<T, Eigen::Dynamic, 1>;
    for (Index b = 0; b < col_parts_; ++b) {
      Eigen::Map<Array> out(y + b * n(), n());
      out = array(0, b) * Eigen::Map<const Array>(x, n());
      for (Index a = 1; a < row_parts_; ++a)
        out += array(a, b) * Eigen::Map<const Array>(x + a * n(), n());
    }
  }

  // dense += B
  void add_to(T* dense, Index ld) const {
    for (Index b = 0; b < col_parts_; ++b)
      for (Index a = 0; a < row_parts_; ++a)
        for (Index u = 0; u < n(); ++u) dense[(b * n() + u) * ld + a * n() + u] += part(a, b)[u];
  }

  // out (cols,): squared norms of the columns; (rows,): of the rows.
  template <class Out>
  void squared_column_norms(Out* out) const {
    for (Index b = 0; b < col_parts_; ++b) sum_squares(row_parts_, [&](Index a) { return part(a, b); }, out + b * n());
  }
  template <class Out>
  void squared_row_norms(Out* out) const {
    for (Index a = 0; a < row_parts_; ++a) sum_squares(col_parts_, [&](Index b) { return part(a, b); }, out + a * n());
  }
  T squared_column_norm(Index column) const {
    const Index u = column % n(), b = column / n();
    T sum(0);
    for (Index a = 0; a < row_parts_; ++a) sum += part(a, b)[u] * part(a, b)[u];
    return sum;
  }

 private:
  // out (n,): entry by entry, over so many parts.
  template <class Part, class Out>
  void sum_squares(Index count, const Part& part, Out* out) const {
    for (Index i = 0; i < count; ++i) {
      const T* const x = part(i);
      for (Index u = 0; u < n(); ++u) {
        const Out square = Out(x[u] * x[u]);
        out[u] = i == 0 ? square : out[u] + square;
      }
    }
  }

  Index row_parts_ = 0, col_parts_ = 0;
  Matrix<T> entries_;  // (n, row_parts * col_parts)
};

}  // namespace axonomy

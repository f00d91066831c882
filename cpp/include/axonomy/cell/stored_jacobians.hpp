// The J of several steps, kept by their structure: the blocks within units of an element-wise cell; the columns of the
// component that comes back and, for the others, F; or the whole matrix where a step was given as one.
#pragma once

#include "../core/large.hpp"
#include "linearisation.hpp"

namespace axonomy {

template <class T>
class StoredJacobians {
 public:
  StoredJacobians(const Shape& shape, Index length)
      : shape_(shape),
        blocks_(shape.n, shape.states_per_unit, shape.states_per_unit),
        kept_(entries(shape), length),
        structured_(static_cast<std::size_t>(length), 0) {}

  void store(Index slot, const Jacobian<T>& J) {
    structured_[static_cast<std::size_t>(slot)] = J.structured() ? 1 : 0;
    T* out = kept_.col(slot).data();
    if (shape_.element_wise) {
      J.unit_blocks(blocks_);
      std::copy_n(blocks_.entries().data(), blocks_.entries().size(), out);
    } else if (J.structured()) {
      J.write_coupled(out);
      if (shape_.states_per_unit > 1)
        std::copy_n(J.leak().entries().data(), blocks_.entries().size(), out + shape_.S() * shape_.n);
    } else {
      J.write_dense(out);
    }
  }

  // out = c J, c a row vector of S
  void pull_back(Team* team, Index slot, const T* c, T* out) {
    const Index S = shape_.S(), n = shape_.n;
    const T* J = kept_.col(slot).data();
    if (shape_.element_wise) return load_blocks(J).multiply_left(c, out);
    const bool whole = is_whole(slot);
    if (!whole) load_blocks(J + S * n).multiply_left(c, out);
    const Index first = whole ? 0 : shape_.returning() * n, columns = whole ? S : n;
    std::fill_n(out + first, columns, T(0));
    add_dots<T>(team, S, columns, J, c, T(1), out + first, is_far());
  }

  // out (S, S) = P J, not of an element-wise cell
  void multiply(Team* team, const Matrix<T>& P, Index slot, Matrix<T>& out) {
    const Index S = shape_.S(), n = shape_.n, p = shape_.states_per_unit, back = shape_.returning();
    const T* J = kept_.col(slot).data();
    if (is_whole(slot)) return gemm<T>(team, S, S, S, P.data(), S, J, S, out.data(), S);
    const BlockDiagonal<T>& F = load_blocks(J + S * n);
    for (Index b = 0; b < p; ++b)
      for (Index u = 0; b != back && u < n; ++u) {
        auto column = out.col(b * n + u);
        column = F.part(0, b)[u] * P.col(u);
        for (Index a = 1; a < p; ++a) column += F.part(a, b)[u] * P.col(a * n + u);
      }
    gemm<T>(team, S, n, S, P.data(), S, J, S, out.col(back * n).data(), S);
  }

  // out (S, S) = J
  void write_dense(Index slot, Matrix<T>& out) const {
    const Index S = shape_.S(), n = shape_.n;
    const T* J = kept_.col(slot).data();
    if (!shape_.element_wise && is_whole(slot)) {
      std::copy_n(J, S * S, out.data());
      return;
    }
    out.setZero();
    load_blocks(shape_.element_wise ? J : J + S * n).add_to(out.data(), S);
    if (!shape_.element_wise) std::copy_n(J, S * n, out.col(shape_.returning() * n).data());
  }

  // The memory of one step, of a size for a whole matrix but in an element-wise cell.
  T* data(Index slot) { return kept_.col(slot).data(); }
  Index stride() const { return kept_.rows(); }  // from one step to the next

  void visit(StateVisitor<T>& v) {
    v.matrix("J", kept_);
    v.words("structured", structured_.data(), static_cast<Index>(structured_.size()), 1);
  }

 private:
  bool is_whole(Index slot) const {
    return structured_[static_cast<std::size_t>(slot)] == 0 || shape_.states_per_unit == 1;
  }
  // Whether the J come from beyond the second cache: as measured, of more than some times its size.
  bool is_far() const { return kept_.size() * static_cast<Index>(sizeof(T)) > 4 * 1048576; }
  static Index entries(const Shape& shape) {
    const Index blocks = shape.n * shape.states_per_unit * shape.states_per_unit;
    return shape.element_wise ? blocks : std::max(shape.S() * shape.S(), shape.S() * shape.n + blocks);
  }
  const BlockDiagonal<T>& load_blocks(const T* entries) const {
    std::copy_n(entries, blocks_.entries().size(), blocks_.entries().data());
    return blocks_;
  }

  Shape shape_;
  mutable BlockDiagonal<T> blocks_;  // (S, S), workspace
  LargeMatrix<T> kept_;              // one column a step
  // Of each step, as a learner that took over the steps of a cell may be given matrices from then on.
  std::vector<std::uint64_t> structured_;
};

}  // namespace axonomy

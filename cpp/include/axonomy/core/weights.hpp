// Which of W (R, m) are weights. Rows of a gate that sees part of the regressors have the others' columns empty, and a
// pattern leaves recurrent weights out; in memory all these are zeros.
#pragma once

#include "sparsity.hpp"

namespace axonomy {

// Rows row ... of columns column ... of W. `offset`: its first entry, where the entries of all rectangles are numbered one
// after the other, rows fastest.
struct Rectangle {
  Index row, rows, column, columns, offset;
};

// What the gates see, the pattern aside; one rectangle if that is everything.
inline std::vector<Rectangle> rectangles(const Shape& shape) {
  if (shape.sees.empty()) return {{0, shape.R(), 0, shape.m, 0}};
  const Index recurrent = shape.element_wise ? 1 : shape.n;
  const Index starts[4] = {0, recurrent, recurrent + shape.n_in, recurrent + shape.n_in + 1};
  std::vector<Rectangle> all;
  Index offset = 0;
  for (std::size_t gate = 0, next; gate < shape.sees.size(); gate = next) {
    next = gate + 1;
    while (next < shape.sees.size() && shape.sees[next] == shape.sees[gate]) ++next;
    const Index row = static_cast<Index>(gate) * shape.n, rows = static_cast<Index>(next - gate) * shape.n;
    for (unsigned part = 0, stop; part < 3; part = stop) {
      stop = part + 1;
      if ((shape.sees[gate] >> part & 1u) == 0) continue;
      while (stop < 3 && (shape.sees[gate] >> stop & 1u) != 0) ++stop;
      const Index from = std::max<Index>(0, starts[part] - shape.first);
      const Index columns = std::min(shape.m, starts[stop] - shape.first) - from;
      if (columns <= 0) continue;
      all.push_back({row, rows, from, columns, offset});
      offset += rows * columns;
    }
  }
  return all;
}

// How many entries the rectangles have.
inline Index count(const std::vector<Rectangle>& all) {
  return all.empty() ? 0 : all.back().offset + all.back().rows * all.back().columns;
}

// Calls f(row, column, entry, rows) for each column's stretch of the entries start ... start + size.
template <class F>
void for_pieces(const std::vector<Rectangle>& all, Index start, Index size, const F& f) {
  const Index stop = start + size;
  for (const Rectangle& r : all) {
    const Index end = std::min(stop, r.offset + r.rows * r.columns);
    for (Index entry = std::max(start, r.offset); entry < end;) {
      const Index local = entry - r.offset, i = local % r.rows;
      const Index rows = std::min(r.rows - i, end - entry);
      f(r.row + i, r.column + local / r.rows, entry, rows);
      entry += rows;
    }
  }
}

// An influence kept for the weights that exist, (S, entries): its shape, (S, R, m) if that is all; and M (S, R m).
inline std::vector<Index> influence_shape(const Shape& shape, const std::vector<Rectangle>& all) {
  if (count(all) == shape.R() * shape.m) return {shape.S(), shape.R(), shape.m};
  return {shape.S(), count(all)};
}
template <class T>
void expand(const Shape& shape, const std::vector<Rectangle>& all, const T* kept, Matrix<T>& M) {
  const Index S = shape.S();
  M.setZero(S, shape.R() * shape.m);
  for_pieces(all, 0, count(all), [&](Index i, Index j, Index entry, Index rows) {
    M.middleCols(j * shape.R() + i, rows) = Eigen::Map<const Matrix<T>>(kept + entry * S, S, rows);
  });
}

// Entries start ... of W in memory order, column by column.
struct Run {
  Index start, size;
};

// The entries of W that are no weights.
class AbsentWeights {
 public:
  explicit AbsentWeights(const Shape& shape) {
    std::vector<char> there(static_cast<std::size_t>(shape.R() * shape.m), 0);
    for (const Rectangle& r : rectangles(shape))
      for (Index j = r.column; j < r.column + r.columns; ++j)
        std::fill_n(there.begin() + j * shape.R() + r.row, r.rows, char(1));
    if (shape.pattern) {
      const Sparsity& pattern = *shape.pattern;
      std::vector<char> kept(static_cast<std::size_t>(shape.n));
      for (Index v = shape.first; v < std::min(shape.n, shape.first + shape.m); ++v) {
        std::fill(kept.begin(), kept.end(), char(0));
        for (Index w = pattern.begin(v); w < pattern.end(v); ++w) kept[static_cast<std::size_t>(pattern.unit(w))] = 1;
        for (Index i = 0; i < shape.R(); ++i)
          if (!kept[static_cast<std::size_t>(i % shape.n)])
            there[static_cast<std::size_t>((v - shape.first) * shape.R() + i)] = 0;
      }
    }
    for (std::size_t i = 0; i < there.size(); ++i) {
      if (there[i]) continue;
      if (i > 0 && !there[i - 1])
        ++runs_.back().size;
      else
        runs_.push_back({static_cast<Index>(i), 1});
    }
  }

  bool none() const { return runs_.empty(); }

  // W (R, m), or a gradient of it.
  template <class T>
  void clear(T* W) const {
    for (const Run& run : runs_) std::fill_n(W + run.start, run.size, T(0));
  }

 private:
  std::vector<Run> runs_;
};

}  // namespace axonomy

// One pass over matrices (rows, columns) of one size side by side, in which every entry is treated alike:
//
//     body(c, a, x)    c: entry i of a few vectors along the rows,  a: a_j or a_ij,  x: entry ij of each matrix
//
// written once for vectors of any width and for single numbers. What lies in the first or the second cache is taken a
// stretch of rows at a time, whose c stay in registers; what is larger, column by column, as memory likes it.
#pragma once

#include "vectors.hpp"

namespace axonomy {

// a_j, the same for all rows, or a_ij, ld from one column to the next.
template <class T>
struct PerColumn {
  const T* a;
  const T& operator()(Index, Index column) const { return a[column]; }
};
template <class T>
struct PerEntry {
  const T* a;
  Index ld;
  const T& operator()(Index row, Index column) const { return a[column * ld + row]; }
};

namespace detail {

template <class P, class T>
inline const T& load_from(const PerColumn<T>& a, Index row, Index column) {
  return a(row, column);
}
template <class P, class T>
inline typename P::type load_from(const PerEntry<T>& a, Index row, Index column) {
  return P::load(&a(row, column));
}

// `last`: whether the last of the N matrices is there.
template <bool last, int held, int N, class T, class A, class Body>
class Sweep {
 public:
  Sweep(Index columns, Index ld, const T* const (&vectors)[held], const A& a, T* const (&matrices)[N], const Body& body)
      : columns_(columns), ld_(ld), a_(a), body_(body) {
    std::copy_n(vectors, held, vectors_);
    std::copy_n(matrices, N, matrices_);
  }

  // All columns of the rows from `first` on, V packs of them at a time; returns where the rest begins.
  template <class P, int V>
  Index stretches(Index first, Index rows) const {
    for (; first + V * P::size <= rows; first += V * P::size) {
      typename P::type c[V][held];
      for (int v = 0; v < V; ++v) load_vectors<P>(first + v * P::size, c[v]);
      for (Index j = 0; j < columns_; ++j)
        for (int v = 0; v < V; ++v) entry<P>(c[v], first + v * P::size, j);
    }
    return first;
  }

  // The first rows, columns in the order of memory; returns where the rest begins.
  template <class P>
  Index in_order(Index rows) const {
    const Index whole = rows - rows % P::size;
    for (Index j = 0; j < columns_; ++j)
      for (Index i = 0; i < whole; i += P::size) {
        typename P::type c[held];
        load_vectors<P>(i, c);
        entry<P>(c, i, j);
      }
    return whole;
  }

 private:
  template <class P>
  void load_vectors(Index row, typename P::type (&c)[held]) const {
    for (int h = 0; h < held; ++h) c[h] = P::load(vectors_[h] + row);
  }

  template <class P>
  void entry(const typename P::type (&c)[held], Index row, Index column) const {
    constexpr int there = last ? N : N - 1;
    const Index at = column * ld_ + row;
    typename P::type x[N] = {};
    for (int k = 0; k < there; ++k) x[k] = P::load(matrices_[k] + at);
    body_(c, load_from<P>(a_, row, column), x);
    for (int k = 0; k < there; ++k) P::store(matrices_[k] + at, x[k]);
  }

  Index columns_, ld_;
  const T* vectors_[held];
  T* matrices_[N];
  A a_;
  Body body_;
};

template <class T, class S>
void run_sweep(Index rows, Index bytes, const S& sweep) {
#if AXONOMY_VECTORS
  if constexpr (has_vectors<T>) {
    constexpr Index near = 655360;  // bytes
    using Wide = Pack<T, simd_bytes>;
    Index i = bytes > near ? sweep.template in_order<Wide>(rows) : 0;
    i = sweep.template stretches<Wide, simd_bytes == 64 ? 4 : 2>(i, rows);
    i = sweep.template stretches<Wide, 1>(i, rows);
    if constexpr (simd_bytes > 32) i = sweep.template stretches<Pack<T, 32>, 1>(i, rows);
    if constexpr (simd_bytes > 16) i = sweep.template stretches<Pack<T, 16>, 1>(i, rows);
    sweep.template stretches<One<T>, 1>(i, rows);
    return;
  }
#endif
  (void)bytes;
  sweep.template in_order<One<T>>(rows);
}

}  // namespace detail

// ld: from one column of the matrices to the next. The last of them may be null; what `body` does to its entry is lost then.
template <class T, class A, int held, int N, class Body>
void sweep(Index rows, Index columns, Index ld, const T* const (&vectors)[held], const A& a, T* const (&matrices)[N],
           const Body& body) {
  const Index bytes = ld * columns * static_cast<Index>(sizeof(T));
  if (matrices[N - 1] != nullptr)
    detail::run_sweep<T>(rows, N * bytes, detail::Sweep<true, held, N, T, A, Body>(columns, ld, vectors, a, matrices, body));
  else
    detail::run_sweep<T>(rows, (N - 1) * bytes,
                         detail::Sweep<false, held, N, T, A, Body>(columns, ld, vectors, a, matrices, body));
}

}  // namespace axonomy

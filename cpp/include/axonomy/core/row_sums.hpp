// Sums in the work scalar, in vectors of it: over a vector, and over the rows or the columns of a matrix.
#pragma once

#include "dots.hpp"
#include "sweep.hpp"

namespace axonomy {

namespace detail {

#if AXONOMY_VECTORS
// As many numbers as a vector of the work scalar holds.
template <class T>
struct Widened {
  using type = typename Simd<Work<T>>::type;
  static constexpr Index size = lanes<Work<T>>;
  static type load(const T* p) {
    if constexpr (std::is_same_v<T, Work<T>>) {
      return detail::load<T>(p);
    } else {
      const auto narrow = detail::load<T, simd_bytes * static_cast<int>(sizeof(T)) / static_cast<int>(sizeof(Work<T>))>(p);
#if defined(__FMA__) && defined(__AVX512F__)
      return _mm512_cvtps_pd(narrow);  // one instruction, of which some compilers make five
#elif defined(__FMA__)
      return _mm256_cvtps_pd(narrow);
#else
      return __builtin_convertvector(narrow, type);
#endif
    }
  }
  static void store(Work<T>* p, const type& value) { detail::store<Work<T>>(p, value); }
};
#endif

template <class T>
struct OneWidened {
  using type = Work<T>;
  static constexpr Index size = 1;
  static type load(const T* p) { return Work<T>(*p); }
  static void store(Work<T>* p, const type& value) { *p = value; }
};

// Rows `first` ..., V packs of them at a time; returns where the rest begins.
template <class P, int V, class T, class A>
Index add_row_sums(Index first, Index rows, Index columns, const A& a, const T* B, Index ld, Work<T>* squares,
                   Work<T>* products) {
  for (; first + V * P::size <= rows; first += V * P::size) {
    typename P::type square[V] = {}, product[V] = {};
    for (Index j = 0; j < columns; ++j)
      for (int v = 0; v < V; ++v) {
        const Index row = first + v * P::size;
        const typename P::type b = P::load(B + j * ld + row);
        square[v] = multiply_add(b, b, square[v]);
        if (products != nullptr) product[v] = multiply_add(load_from<P>(a, row, j), b, product[v]);
      }
    for (int v = 0; v < V; ++v) {
      P::store(squares + first + v * P::size, square[v]);
      if (products != nullptr) P::store(products + first + v * P::size, product[v]);
    }
  }
  return first;
}

}  // namespace detail

// Of B (rows, columns), ld from one column to the next: squares_i = sum_j B_ij^2 and, unless null, products_i = sum_j a_ij B_ij.
template <class T, class A>
void row_sums(Index rows, Index columns, const A& a, const T* B, Index ld, Work<T>* squares, Work<T>* products) {
  using namespace detail;
  Index i = 0;
#if AXONOMY_VECTORS
  if constexpr (has_vectors<T>) {
    i = add_row_sums<Widened<T>, 4>(i, rows, columns, a, B, ld, squares, products);
    i = add_row_sums<Widened<T>, 1>(i, rows, columns, a, B, ld, squares, products);
  }
#endif
  add_row_sums<OneWidened<T>, 1>(i, rows, columns, a, B, ld, squares, products);
}

// |x|^2 of x (size,).
template <class T>
Work<T> squared_norm(const T* x, Index size) {
  Work<T> sum(0);
  Index i = 0;
#if AXONOMY_VECTORS
  if constexpr (detail::has_vectors<T>) {
    using P = detail::Widened<T>;
    constexpr int V = 4;
    typename P::type squares[V] = {};
    for (; i + V * P::size <= size; i += V * P::size)
      for (int v = 0; v < V; ++v) {
        const typename P::type part = P::load(x + i + v * P::size);
        squares[v] = multiply_add(part, part, squares[v]);
      }
    const typename P::type all = (squares[0] + squares[1]) + (squares[2] + squares[3]);
    for (Index lane = 0; lane < P::size; ++lane) sum += all[lane];
  }
#endif
  for (; i < size; ++i) sum += Work<T>(x[i]) * Work<T>(x[i]);
  return sum;
}

// out_c = |A[:, c]|^2 of A (rows, columns).
template <class T>
void column_squares(Index rows, Index columns, const T* A, Work<T>* out) {
  Index c = 0;
#if AXONOMY_VECTORS
  if constexpr (detail::has_vectors<T>) {
    using P = detail::Widened<T>;
    for (; rows % P::size == 0 && c + P::size <= columns; c += P::size) {
      typename P::type sums[P::size] = {};
      for (Index k = 0; k < rows; k += P::size)
        for (Index i = 0; i < P::size; ++i) {
          const typename P::type part = P::load(A + (c + i) * rows + k);
          sums[i] = multiply_add(part, part, sums[i]);
        }
      detail::add_lanes<Work<T>, P::size / 2>(sums);
      P::store(out + c, sums[0]);
    }
  }
#endif
  for (; c < columns; ++c) out[c] = squared_norm<T>(A + c * rows, rows);
}

}  // namespace axonomy

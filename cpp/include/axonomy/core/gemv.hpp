// Of a matrix A (R, m), column-major, and vectors: y = A x, A += u v^T, and the two in one pass. A is gone through as it lies,
// column after column, which is what a processor fetches ahead: up to three times as fast as a stretch of rows at a time.
#pragma once

#include "sweep.hpp"

namespace axonomy {

namespace detail {

#if AXONOMY_VECTORS

// A += u v^T on the way.
template <class T>
struct RankOne {
  const T* u;
  const T* v;
};

// The rows from `first` on, V packs of them at a time, whose sums stay in registers; returns where the rest begins.
template <class P, int V, bool updates, class T, class Entry>
Index product_rows(Index first, Index rows, Index columns, Entry* A, Index lda, const T* x, const RankOne<T>& update, T* y,
                   bool add) {
  using Vec = typename P::type;
  constexpr int sums = V < 8 ? 8 / V : 1;  // enough of them for additions not to wait for each other
  for (; first + V * P::size <= rows; first += V * P::size) {
    Vec sum[sums][V] = {};
    for (int v = 0; add && v < V; ++v) sum[0][v] = P::load(y + first + v * P::size);
    const T* const u = update.u + first;
    const auto take = [&](Index j, Vec(&into)[V]) {
      Entry* const column = A + j * lda + first;
      const T x_j = x[j], v_j = updates ? update.v[j] : T(0);  // a store may change x for all the compiler knows
      for (int v = 0; v < V; ++v) {
        Vec a = P::load(column + v * P::size);
        if constexpr (updates) {
          a = multiply_add(v_j, P::load(u + v * P::size), a);
          P::store(column + v * P::size, a);
        }
        into[v] = multiply_add(x_j, a, into[v]);
      }
    };
    Index j = 0;
    for (; j + sums <= columns; j += sums)
      for (int s = 0; s < sums; ++s) take(j + s, sum[s]);
    for (; j < columns; ++j) take(j, sum[0]);
    for (int v = 0; v < V; ++v) {
      for (int s = 1; s < sums; ++s) sum[0][v] += sum[s][v];
      P::store(y + first + v * P::size, sum[0][v]);
    }
  }
  return first;
}

// The same of one column, whose sums y go through the first cache.
template <class P, int V, bool updates, bool far, class T, class Entry>
Index product_column(Index first, Index rows, Entry* column, T x, const T* u, T v, T* y) {
  for (; first + V * P::size <= rows; first += V * P::size)
    for (Index i = first; i < first + V * P::size; i += P::size) {
      if constexpr (far) fetch_ahead(column + i);
      typename P::type a = P::load(column + i);
      if constexpr (updates) {
        a = multiply_add(v, P::load(u + i), a);
        P::store(column + i, a);
      }
      P::store(y + i, multiply_add(x, a, P::load(y + i)));
    }
  return first;
}

// The rows from `first` on of A = keep A + scale u v^T, V packs of them at a time, whose u stay in registers.
template <class P, int V, class T>
Index add_outer_rows(Index first, Index rows, Index columns, T scale, const T* u, const T* v, T keep, T* A) {
  for (; first + V * P::size <= rows; first += V * P::size) {
    typename P::type held[V];
    for (int k = 0; k < V; ++k) held[k] = P::load(u + first + k * P::size);
    for (Index j = 0; j < columns; ++j) {
      T* const column = A + j * rows + first;
      const T v_j = scale * v[j];
      for (int k = 0; k < V; ++k)
        P::store(column + k * P::size, multiply_add(v_j, held[k], keep * P::load(column + k * P::size)));
    }
  }
  return first;
}

// The same of one column.
template <class P, int V, class T>
Index add_to_column(Index first, Index rows, T* column, const T* u, T v, T keep) {
  for (; first + V * P::size <= rows; first += V * P::size)
    for (Index i = first; i < first + V * P::size; i += P::size)
      P::store(column + i, multiply_add(v, P::load(u + i), keep * P::load(column + i)));
  return first;
}

template <class T>
void vector_add_outer(T scale, const T* u, Index R, const T* v, Index m, T keep, T* A) {
  using Wide = Pack<T, simd_bytes>;
  if (R > 4 * Wide::size) {
    for (Index j = 0; j < m; ++j, A += R) {
      const T v_j = scale * v[j];
      Index i = add_to_column<Wide, 4>(0, R, A, u, v_j, keep);
      i = add_to_column<Wide, 1>(i, R, A, u, v_j, keep);
      if (i < R) add_to_column<One<T>, 1>(i, R, A, u, v_j, keep);
    }
    return;
  }
  Index i = add_outer_rows<Wide, 4>(0, R, m, scale, u, v, keep, A);
  i = add_outer_rows<Wide, 2>(i, R, m, scale, u, v, keep, A);
  i = add_outer_rows<Wide, 1>(i, R, m, scale, u, v, keep, A);
  if constexpr (simd_bytes > 32) i = add_outer_rows<Pack<T, 32>, 1>(i, R, m, scale, u, v, keep, A);
  if constexpr (simd_bytes > 16) i = add_outer_rows<Pack<T, 16>, 1>(i, R, m, scale, u, v, keep, A);
  add_outer_rows<One<T>, 1>(i, R, m, scale, u, v, keep, A);
}

// All rows, column after column.
template <bool updates, bool far, class T, class Entry>
void product_in_order(Index R, Index m, Entry* A, Index lda, const T* x, const RankOne<T>& update, T* y) {
  using Wide = Pack<T, simd_bytes>;
  for (Index j = 0; j < m; ++j, A += lda) {
    const T v = updates ? update.v[j] : T(0);
    Index i = product_column<Wide, 4, updates, far>(0, R, A, x[j], update.u, v, y);
    i = product_column<Wide, 1, updates, far>(i, R, A, x[j], update.u, v, y);
    if (i < R) product_column<One<T>, 1, updates, false>(i, R, A, x[j], update.u, v, y);
  }
}

// y += A x as the sum of two halves of the columns, of which the one that `begin` says is read first. The sums of one of them
// are on the stack.
inline constexpr Index most_rows_of_halves = 1024;
template <class T, class Entry>
void product_of_halves(Index R, Index m, Entry* A, Index lda, const T* x, T* y, End begin) {
  alignas(64) T other[most_rows_of_halves];
  std::fill_n(other, R, T(0));
  const Index half = m / 2;
  if (begin == End::first) product_in_order<false, false, T>(R, half, A, lda, x, {}, y);
  product_in_order<false, false, T>(R, m - half, A + half * lda, lda, x + half, {}, other);
  if (begin == End::last) product_in_order<false, false, T>(R, half, A, lda, x, {}, y);
  add_scaled(R, T(1), other, y);
}

template <bool updates, class T, class Entry>
void vector_product(Index R, Index m, Entry* A, Index lda, const T* x, const RankOne<T>& update, T* y, bool add,
                    End begin = End::first) {
  using Wide = Pack<T, simd_bytes>;
  constexpr int held = simd_bytes == 64 ? 16 : 8;
  if (R > held * Wide::size) {
    if (!add) std::fill_n(y, R, T(0));
    if constexpr (!updates) {
      const Index bytes = lda * m * static_cast<Index>(sizeof(T));
      if (bytes > second_cache) return product_in_order<updates, true>(R, m, A, lda, x, update, y);
      if (bytes > second_cache / 2 && R <= most_rows_of_halves) return product_of_halves<T>(R, m, A, lda, x, y, begin);
    }
    return product_in_order<updates, false>(R, m, A, lda, x, update, y);
  }
  Index i = 0;
  const auto rows = [&](auto pack, auto V) {
    if (i + V * pack.size > R) return;
    i = product_rows<decltype(pack), V, updates>(i, R, m, A, lda, x, update, y, add);
  };
  rows(Wide{}, std::integral_constant<int, held>{});
  if constexpr (held > 8) rows(Wide{}, std::integral_constant<int, 8>{});
  rows(Wide{}, std::integral_constant<int, 4>{});
  rows(Wide{}, std::integral_constant<int, 2>{});
  rows(Wide{}, std::integral_constant<int, 1>{});
  if constexpr (simd_bytes > 32) rows(Pack<T, 32>{}, std::integral_constant<int, 1>{});
  if constexpr (simd_bytes > 16) rows(Pack<T, 16>{}, std::integral_constant<int, 1>{});
  rows(One<T>{}, std::integral_constant<int, 1>{});
}

#endif

}  // namespace detail

// y (R) = A (R, m) x, or y += A x with `accumulate`. The sums are the same whatever the end.
template <class T>
void gemv(Index R, Index m, const T* A, Index lda, const T* x, T* y, bool accumulate = false, End begin = End::first) {
#if AXONOMY_VECTORS
  if constexpr (detail::has_vectors<T>) {
    if (m > 0) return detail::vector_product<false, T>(R, m, A, lda, x, {}, y, accumulate, begin);
  }
#endif
  (void)begin;
  const Eigen::Map<const Matrix<T>, 0, Eigen::OuterStride<>> a(A, R, m, Eigen::OuterStride<>(lda));
  const Eigen::Map<const Vector<T>> right(x, m);
  Eigen::Map<Vector<T>> out(y, R);
  if (accumulate)
    out.noalias() += a * right;
  else
    out.noalias() = a * right;
}

// A (R, m) += u v^T and then y = A x, in one pass.
template <class T>
void update_and_multiply(Index R, Index m, T* A, const T* u, const T* v, const T* x, T* y) {
#if AXONOMY_VECTORS
  if constexpr (detail::has_vectors<T>) {
    if (m > 0) return detail::vector_product<true, T>(R, m, A, R, x, {u, v}, y, false);
  }
#endif
  Eigen::Map<Matrix<T>> a(A, R, m);
  a.noalias() += Eigen::Map<const Vector<T>>(u, R) * Eigen::Map<const Vector<T>>(v, m).transpose();
  Eigen::Map<Vector<T>>(y, R).noalias() = a * Eigen::Map<const Vector<T>>(x, m);
}

// A (R, m) = keep A + scale u v^T
template <class T>
void add_outer(T scale, const T* u, Index R, const T* v, Index m, T* A, T keep = T(1)) {
#if AXONOMY_VECTORS
  if constexpr (detail::has_vectors<T>) return detail::vector_add_outer(scale, u, R, v, m, keep, A);
#endif
  for (Index j = 0; j < m; ++j) {
    const T v_j = scale * v[j];
    for (Index i = 0; i < R; ++i) A[j * R + i] = multiply_add(v_j, u[i], keep * A[j * R + i]);
  }
}

}  // namespace axonomy

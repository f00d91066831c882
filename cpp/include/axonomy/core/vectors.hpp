// Of a few vectors or columns: what is too little work to be worth preparing for. Sums are taken in the lanes of several vectors
// side by side, so that no addition waits for the one before.
#pragma once

#include "simd.hpp"

namespace axonomy {

namespace detail {

// A number, or a vector of them, in memory.
template <class T>
struct One {
  using type = T;
  static constexpr Index size = 1;
  static T load(const T* p) { return *p; }
  static void store(T* p, const T& value) { *p = value; }
};

#if AXONOMY_VECTORS
template <class T, int bytes>
struct Pack {
  using type = typename Simd<T, bytes>::type;
  static constexpr Index size = bytes / static_cast<Index>(sizeof(T));
  static type load(const T* p) { return detail::load<T, bytes>(p); }
  static void store(T* p, const type& value) { detail::store<T, bytes>(p, value); }
};

// The sum over the lanes, half by half.
template <class T>
inline T sum_of_lanes(typename Simd<T>::type v) {
  constexpr int L = static_cast<int>(lanes<T>);
  unroll<4>([&](auto step) {
    constexpr int half = L >> (step + 1);
    if constexpr (half > 0) {
      typename Lane<T>::type other;
      for (int l = 0; l < L; ++l) other[l] = (l + half) % L;
      v += __builtin_shuffle(v, other);
    }
  });
  return v[0];
}

// x . y from the i-th entry on, V packs at a time, as far as there are so many; moves i on.
template <class P, int V, class T>
inline typename P::type dot_packs(Index& i, Index size, const T* x, const T* y) {
  typename P::type sums[V] = {};
  for (; i + V * P::size <= size; i += V * P::size)
    for (int v = 0; v < V; ++v)
      sums[v] = multiply_add(P::load(x + i + v * P::size), P::load(y + i + v * P::size), sums[v]);
  for (int half = V / 2; half > 0; half /= 2)
    for (int v = 0; v < half; ++v) sums[v] += sums[v + half];
  return sums[0];
}
#endif

}  // namespace detail

// f(i, pack) for the entries of vectors, pack.size of them at a time from the i-th on.
template <class T, class F>
inline void for_packs(Index size, const F& f) {
  Index i = 0;
#if AXONOMY_VECTORS
  if constexpr (detail::has_vectors<T>) {
    using Wide = detail::Pack<T, simd_bytes>;
    for (; i + Wide::size <= size; i += Wide::size) f(i, Wide{});
  }
#endif
  for (; i < size; ++i) f(i, detail::One<T>{});
}

// to = from
template <class T>
inline void copy(Index size, const T* from, T* to) {
  for_packs<T>(size, [=](Index i, auto P) { P.store(to + i, P.load(from + i)); });
}
// y += factor x
template <class T>
inline void add_scaled(Index size, T factor, const T* x, T* y) {
  for_packs<T>(size, [=](Index i, auto P) { P.store(y + i, multiply_add(factor, P.load(x + i), P.load(y + i))); });
}

// x . y
template <class T>
inline T dot(Index size, const T* x, const T* y) {
  T sum(0);
  Index i = 0;
#if AXONOMY_VECTORS
  if constexpr (detail::has_vectors<T>) {
    using P = detail::Pack<T, simd_bytes>;
    if (size >= P::size) {
      typename P::type all = {};
      if (size >= 8 * P::size) all = detail::dot_packs<P, 8>(i, size, x, y);
      all += detail::dot_packs<P, 2>(i, size, x, y);
      if (i + P::size <= size) all += detail::dot_packs<P, 1>(i, size, x, y);
      sum = detail::sum_of_lanes<T>(all);
    }
  }
#endif
  for (; i < size; ++i) sum = multiply_add(x[i], y[i], sum);
  return sum;
}

// Columns of `rows` entries, ld from one to the next.
template <class T>
void copy_columns(Index rows, Index columns, const T* from, Index ld_from, T* to, Index ld_to) {
  for (Index j = 0; j < columns; ++j, from += ld_from, to += ld_to) copy(rows, from, to);
}

// Column j of A (rows, columns) times factors[j].
template <class T>
void scale_columns(Index rows, Index columns, const T* factors, T* A) {
  for (Index j = 0; j < columns; ++j, A += rows) {
    const T factor = factors[j];
    for_packs<T>(rows, [=](Index i, auto P) { P.store(A + i, factor * P.load(A + i)); });
  }
}

}  // namespace axonomy

// out_c += scale q . A[:, c] for every column of A (S, columns): the product of an error with an influence.
// Columns are short, so that adding up the lanes of their sums is most of the work; it is done for as many columns as a
// vector has lanes at once, by a tree of shuffles.
#pragma once

#include "gemm.hpp"

namespace axonomy {

namespace detail {

#if AXONOMY_VECTORS

// From sums[0 .. 2 H) to sums[0 .. H), and on to one vector whose lane c is the sum over the lanes of sums[c].
template <class T, Index H>
inline void add_lanes(typename Simd<T>::type* sums) {
  constexpr Index L = lanes<T>;
  typename Lane<T>::type near, far;
  for (Index l = 0; l < L; ++l) {
    near[l] = static_cast<std::int32_t>((l & H) == 0 ? l : l - H + L);
    far[l] = static_cast<std::int32_t>((l & H) == 0 ? l + H : l + L);
  }
  for (Index i = 0; i < H; ++i)
    sums[i] = __builtin_shuffle(sums[i], sums[i + H], near) + __builtin_shuffle(sums[i], sums[i + H], far);
  if constexpr (H > 1) add_lanes<T, H / 2>(sums);
}

// As many columns as fill whole vectors; returns how many. With `in_order` A is read as it lies; else a vector of each column
// in turn, which makes better use of the registers.
template <class T, bool in_order, bool far = false>
inline Index vector_dots(Index S, Index columns, const T* A, const T* q, T scale, T* out) {
  using Vec = typename Simd<T>::type;
  constexpr Index L = lanes<T>;
  Index c = 0;
  for (; c + L <= columns; c += L, A += L * S) {
    Vec sums[L] = {};
    if constexpr (in_order) {
      for (Index i = 0; i < L; ++i) {
        const T* const column = A + i * S;
        Vec parts[4] = {};
        Index k = 0;
        for (; k + 4 * L <= S; k += 4 * L)
          for (Index part = 0; part < 4; ++part) {
            if constexpr (far) fetch_ahead(column + k + part * L);
            parts[part] = multiply_add(load(column + k + part * L), load(q + k + part * L), parts[part]);
          }
        for (; k < S; k += L) parts[0] = multiply_add(load(column + k), load(q + k), parts[0]);
        sums[i] = (parts[0] + parts[1]) + (parts[2] + parts[3]);
      }
    } else {
      for (Index k = 0; k < S; k += L) {
        const Vec part = load(q + k);
        for (Index i = 0; i < L; ++i) sums[i] = multiply_add(load(A + i * S + k), part, sums[i]);
      }
    }
    add_lanes<T, L / 2>(sums);
    store<T>(out + c, multiply_add(scale, sums[0], load(out + c)));
  }
  return c;
}

// q . column, lane by lane, of K vectors.
template <class T, int K, class Vec>
inline Vec short_dot(const T* column, const Vec (&q)[K]) {
  Vec sum = load(column) * q[0];
  for (Index k = 1; k < K; ++k) sum = multiply_add(load(column + k * lanes<T>), q[k], sum);
  return sum;
}

// The same sums as out of order, of columns of K vectors: q stays in registers, and A is read as it lies. Of more than the
// first cache has, by few instructions: processors fetch ahead by the strides of each, which is a third of the time.
template <class T, int K>
inline Index short_dots(Index columns, const T* A, const T* q, T scale, T* out) {
  using Vec = typename Simd<T>::type;
  constexpr Index L = lanes<T>, near = 32768;  // bytes
  const bool far = columns * K * simd_bytes > near;
  Vec parts[K];
  for (Index k = 0; k < K; ++k) parts[k] = load(q + k * L);
  Index c = 0;
  for (; c + L <= columns; c += L) {
    Vec sums[L];
    if (far) {
#pragma GCC unroll 2
      for (Index i = 0; i < L; ++i, A += K * L) sums[i] = short_dot<T, K>(A, parts);
    } else {
      for (Index i = 0; i < L; ++i, A += K * L) sums[i] = short_dot<T, K>(A, parts);
    }
    add_lanes<T, L / 2>(sums);
    store<T>(out + c, multiply_add(scale, sums[0], load(out + c)));
  }
  return c;
}

// Whether what comes from beyond the second cache is to be read in order. Zen 4 prefetches one stretch: 38 GB/s, and 20 of
// several columns. Zen 5, the only ones of its line to have this instruction, prefetches several: 58 GB/s, and 48 of one.
inline bool reads_in_order() {
#if defined(__x86_64__)
  static const bool one_stretch = !__builtin_cpu_supports("avx512vp2intersect");
  return one_stretch;
#else
  return true;
#endif
}

#endif

}  // namespace detail

// `far`: A lies beyond the second cache. The sums are the same whatever the end.
template <class T>
void add_dots(Index S, Index columns, const T* A, const T* q, T scale, T* out, bool far = false, End begin = End::first) {
  Index done = 0;
#if AXONOMY_VECTORS
  if constexpr (detail::has_vectors<T>) {
    constexpr Index L = detail::lanes<T>, near = 32768, stretch = 32;  // bytes, columns
    const Index bytes = S * columns * static_cast<Index>(sizeof(T));
    if (begin == End::last && S % L == 0 && bytes > second_cache / 2) {
      for (Index c = (columns - 1) / stretch * stretch; c >= 0; c -= stretch)
        add_dots<T>(S, std::min(stretch, columns - c), A + c * S, q, scale, out + c, far);
      return;
    }
    // By S alone: columns that are shared out are to be summed in one way. What the second cache has is best read in order.
    const bool in_order = far ? detail::reads_in_order() : S * S * static_cast<Index>(sizeof(T)) > near;
    if (S == 2 * L)
      done = detail::short_dots<T, 2>(columns, A, q, scale, out);
    else if (S == 4 * L && !in_order)
      done = detail::short_dots<T, 4>(columns, A, q, scale, out);
    else if (S % L == 0 && (S < 4 * L || !in_order))
      done = detail::vector_dots<T, false>(S, columns, A, q, scale, out);
    else if (S % L == 0)
      done = bytes > second_cache ? detail::vector_dots<T, true, true>(S, columns, A, q, scale, out)
                                  : detail::vector_dots<T, true>(S, columns, A, q, scale, out);
  }
#else
  (void)far;
  (void)begin;
#endif
  if (done == columns) return;
  Eigen::Map<Vector<T>>(out + done, columns - done).noalias() +=
      scale * (Eigen::Map<const Matrix<T>>(A + done * S, S, columns - done).transpose() *
               Eigen::Map<const Vector<T>>(q, S));
}

// out_c = q . A[:, c] and, in the same pass, |A|^2 of A (S, columns).
template <class T>
Work<T> dots_and_square(Index S, Index columns, const T* A, const T* q, T* out) {
  Work<T> square(0);
  Index done = 0;
#if AXONOMY_VECTORS
  if constexpr (detail::has_vectors<T>) {
    using Vec = typename detail::Simd<T>::type;
    constexpr Index L = detail::lanes<T>;
    for (; S % L == 0 && done + L <= columns; done += L) {
      Vec sums[L], squares[2] = {};
      for (Index i = 0; i < L; ++i) {
        const T* const column = A + (done + i) * S;
        Vec parts[2] = {};
        const auto take = [&](Index k, Index part) {
          const Vec a = detail::load(column + k);
          parts[part] = multiply_add(a, detail::load(q + k), parts[part]);
          squares[part] = multiply_add(a, a, squares[part]);
        };
        Index k = 0;
        for (; k + 2 * L <= S; k += 2 * L) {
          take(k, 0);
          take(k + L, 1);
        }
        if (k < S) take(k, 0);
        sums[i] = parts[0] + parts[1];
      }
      detail::add_lanes<T, L / 2>(sums);
      detail::store<T>(out + done, sums[0]);
      squares[0] += squares[1];
      for (Index lane = 0; lane < L; ++lane) square += Work<T>(squares[0][lane]);
    }
  }
#endif
  for (; done < columns; ++done) {
    const Eigen::Map<const Vector<T>> column(A + done * S, S);
    out[done] = column.dot(Eigen::Map<const Vector<T>>(q, S));
    square += Work<T>(column.squaredNorm());
  }
  return square;
}

}  // namespace axonomy

// C = A B for column-major float and double, without allocation: the product that propagation spends
// its time in. A register-blocked micro-kernel on compiler vector types; at the sizes of an influence
// matrix Eigen 3.4's own product reaches about half the machine's peak and allocates packing buffers.
// Other scalar types, and other compilers, take Eigen's product.
#pragma once

#include <algorithm>

#include "simd.hpp"

namespace axonomy {

namespace detail {

#if AXONOMY_VECTORS

#if defined(__AVX512F__)
inline constexpr int tile_vectors = 4, tile_columns = 6;  // 24 of 32 registers
#else
inline constexpr int tile_vectors = 3, tile_columns = 4;  // 12 of 16 registers
#endif

// C[0 : V*lanes, 0 : N] (+)= A[:, 0:K] B[0:K, 0:N], held in V*N registers, its rows times `scale` unless that is null.
// `rows` may be short of V*lanes when A is padded; only that many rows of C are touched.
template <class T, int V, int N>
inline void tile(Index K, const T* A, Index lda, const T* B, Index ldb, T* C, Index ldc, Index rows,
                 const T* scale, bool accumulate) {
  using Vec = typename Simd<T>::type;
  constexpr Index L = lanes<T>;
  Vec acc[N][V];
  const auto all = [](const auto& work) {
    unroll<N>([&](auto j) { unroll<V>([&](auto v) { work(j, v); }); });
  };
  all([&](auto j, auto v) { acc[j][v] = Vec{}; });
  for (Index k = 0; k < K; ++k) {
    Vec a[V];
    unroll<V>([&](auto v) { a[v] = load(A + k * lda + v * L); });
    unroll<N>([&](auto j) {
      const T b = B[j * ldb + k];
      unroll<V>([&](auto v) { acc[j][v] = multiply_add(b, a[v], acc[j][v]); });
    });
  }
  if (rows == V * L) {
    if (scale != nullptr) all([&](auto j, auto v) { acc[j][v] *= load(scale + v * L); });
    all([&](auto j, auto v) {
      T* const c = C + j * ldc + v * L;
      store<T>(c, accumulate ? load(c) + acc[j][v] : acc[j][v]);
    });
    return;
  }
  T sums[N][V * L];  // apart from acc, to be counted through
  all([&](auto j, auto v) { store<T>(sums[j] + v * L, acc[j][v]); });
  for (int j = 0; j < N; ++j)
    for (Index i = 0; i < rows; ++i) {
      T& c = C[j * ldc + i];
      const T value = scale != nullptr ? scale[i] * sums[j][i] : sums[j][i];
      c = accumulate ? c + value : value;
    }
}

// A tile of `width` columns, N at most.
template <class T, int V, int N>
inline void tile_of(Index width, Index K, const T* A, Index lda, const T* B, Index ldb, T* C, Index ldc, Index rows,
                    const T* scale, bool accumulate) {
  if constexpr (N > 1)
    if (width < N) return tile_of<T, V, N - 1>(width, K, A, lda, B, ldb, C, ldc, rows, scale, accumulate);
  tile<T, V, N>(K, A, lda, B, ldb, C, ldc, rows, scale, accumulate);
}

// Tiles about as wide each.
template <class T, int V>
inline void columns(Index K, const T* A, Index lda, const T* B, Index ldb, T* C, Index ldc,
                    Index rows, Index N, const T* scale, bool accumulate) {
  if (N == tile_columns) return tile<T, V, tile_columns>(K, A, lda, B, ldb, C, ldc, rows, scale, accumulate);
  const Index tiles = (N + tile_columns - 1) / tile_columns, least = N / tiles, wider = N % tiles;
  for (Index i = 0; i < tiles; ++i) {
    const Index width = i < wider ? least + 1 : least;
    tile_of<T, V, tile_columns>(width, K, A, lda, B, ldb, C, ldc, rows, scale, accumulate);
    B += width * ldb;
    C += width * ldc;
  }
}

template <class T>
inline void row_block(Index vectors, Index K, const T* A, Index lda, const T* B, Index ldb, T* C,
                      Index ldc, Index rows, Index N, const T* scale, bool accumulate) {
  static_assert(tile_vectors == 3 || tile_vectors == 4, "the switch covers what the tile allows");
  switch (vectors) {
    case 1:
      return columns<T, 1>(K, A, lda, B, ldb, C, ldc, rows, N, scale, accumulate);
    case 2:
      return columns<T, 2>(K, A, lda, B, ldb, C, ldc, rows, N, scale, accumulate);
    case 3:
      return columns<T, 3>(K, A, lda, B, ldb, C, ldc, rows, N, scale, accumulate);
    default:
      return columns<T, tile_vectors>(K, A, lda, B, ldb, C, ldc, rows, N, scale, accumulate);
  }
}

// What of A may lie in the second cache, and of a tile's columns of B in the first, while a stretch of rows of C is
// computed.
inline constexpr Index near_A = simd_bytes == 64 ? 524288 : 262144, near_B = 24576;  // bytes

// How many of `all` to take at a time, at most `most`: about as many each time.
inline Index even_part(Index all, Index most) {
  if (all <= most) return all;
  const Index parts = (all + most - 1) / most;
  return (all + parts - 1) / parts;
}

// Panels of A's rows, as high as a tile, one behind the other, each without gaps and filled up to whole vectors.
template <class T>
void pack(const T* A, Index lda, Index rows, Index K, T* packed) {
  constexpr Index L = lanes<T>, block_rows = tile_vectors * L;
  for (Index i = 0; i < rows; i += block_rows) {
    const Index there = std::min(block_rows, rows - i), stride = (there + L - 1) / L * L;
    for (Index k = 0; k < K; ++k, packed += stride) {
      std::copy_n(A + k * lda + i, there, packed);
      std::fill(packed + there, packed + stride, T(0));
    }
  }
}

// Rows of A stay in the second cache, and a tile's columns of B in the first while these rows are gone through. An entry of
// C is a sum over k whose order depends on nothing but K.
template <class T>
void vector_gemm(Index M, Index N, Index K, const T* A, Index lda, const T* B, Index ldb, T* C,
                 Index ldc, const T* scale, bool accumulate) {
  constexpr Index L = lanes<T>, size = sizeof(T), block_rows = tile_vectors * L;
  alignas(64) static thread_local T packed[near_A / size];
  // What is a whole number of vectors high is read where it lies, unless it is too large to stay near or hardly used.
  const bool direct = M % L == 0 && (lda * K * size <= near_A || N <= 2 * tile_columns);
  const Index step_k = even_part(K, near_B / (tile_columns * size));
  const Index blocks = (M + block_rows - 1) / block_rows;
  const Index step_rows = direct ? M : block_rows * even_part(blocks, near_A / (step_k * size * block_rows));
  for (Index k0 = 0; k0 < K; k0 += step_k) {
    const Index nk = std::min(step_k, K - k0);
    for (Index i0 = 0; i0 < M; i0 += step_rows) {
      const Index i1 = std::min(M, i0 + step_rows), step_columns = i1 - i0 <= block_rows ? N : tile_columns;
      if (!direct) pack(A + k0 * lda + i0, lda, i1 - i0, nk, packed);
      for (Index j = 0; j < N; j += step_columns)
        for (Index i = i0; i < i1; i += block_rows) {
          const Index rows = std::min(block_rows, i1 - i), vectors = (rows + L - 1) / L;
          const T* const panel = direct ? A + k0 * lda + i : packed + (i - i0) * nk;
          row_block(vectors, nk, panel, direct ? lda : vectors * L, B + j * ldb + k0, ldb, C + j * ldc + i, ldc, rows,
                    std::min(step_columns, N - j), scale == nullptr ? nullptr : scale + i, accumulate || k0 > 0);
        }
    }
  }
}

#endif  // AXONOMY_VECTORS

}  // namespace detail

// C (M, N) = A (M, K) B (K, N), or C += A B with `accumulate`. C must not overlap A or B.
template <class T>
void gemm(Index M, Index N, Index K, const T* A, Index lda, const T* B, Index ldb, T* C, Index ldc,
          bool accumulate = false) {
#if AXONOMY_VECTORS
  if constexpr (detail::has_vectors<T>) {
    if (M > 0 && N > 0 && K > 0) {
      detail::vector_gemm<T>(M, N, K, A, lda, B, ldb, C, ldc, nullptr, accumulate);
      return;
    }
  }
#endif
  using Stride = Eigen::OuterStride<>;
  Eigen::Map<const Matrix<T>, 0, Stride> a(A, M, K, Stride(lda)), b(B, K, N, Stride(ldb));
  Eigen::Map<Matrix<T>, 0, Stride> c(C, M, N, Stride(ldc));
  if (accumulate)
    c.noalias() += a * b;
  else
    c.noalias() = a * b;
}

// C (M, N) = diag(scale) A (M, K) B (K, N)
template <class T>
void scaled_gemm(Index M, Index N, Index K, const T* scale, const T* A, Index lda, const T* B, Index ldb, T* C,
                 Index ldc) {
#if AXONOMY_VECTORS
  if constexpr (detail::has_vectors<T>) {
    if (M > 0 && N > 0 && K > 0) return detail::vector_gemm<T>(M, N, K, A, lda, B, ldb, C, ldc, scale, false);
  }
#endif
  gemm<T>(M, N, K, A, lda, B, ldb, C, ldc);
  for (Index j = 0; j < N; ++j)
    for (Index i = 0; i < M; ++i) C[j * ldc + i] *= scale[i];
}

}  // namespace axonomy

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

// C[0 : V*lanes, 0 : N] (+)= A[:, 0:K] B[0:K, 0:N], held in V*N registers. `rows` may be short of
// V*lanes when A is padded; only that many rows of C are touched.
template <class T, int V, int N>
inline void tile(Index K, const T* A, Index lda, const T* B, Index ldb, T* C, Index ldc, Index rows,
                 bool accumulate) {
  using Vec = typename Simd<T>::type;
  constexpr Index L = lanes<T>;
  Vec acc[N][V];
  for (int j = 0; j < N; ++j)
    for (int v = 0; v < V; ++v) acc[j][v] = Vec{};
  for (Index k = 0; k < K; ++k) {
    Vec a[V];
    for (int v = 0; v < V; ++v) a[v] = load(A + k * lda + v * L);
    for (int j = 0; j < N; ++j) {
      const T b = B[j * ldb + k];
      for (int v = 0; v < V; ++v) acc[j][v] = multiply_add(b, a[v], acc[j][v]);
    }
  }
  if (rows == V * L) {
    for (int j = 0; j < N; ++j)
      for (int v = 0; v < V; ++v) {
        T* c = C + j * ldc + v * L;
        store<T>(c, accumulate ? load(c) + acc[j][v] : acc[j][v]);
      }
    return;
  }
  for (int j = 0; j < N; ++j)
    for (Index i = 0; i < rows; ++i) {
      T& c = C[j * ldc + i];
      const T value = acc[j][i / L][i % L];
      c = accumulate ? c + value : value;
    }
}

template <class T, int V>
inline void columns(Index K, const T* A, Index lda, const T* B, Index ldb, T* C, Index ldc,
                    Index rows, Index N, bool accumulate) {
  Index j = 0;
  for (; j + tile_columns <= N; j += tile_columns)
    tile<T, V, tile_columns>(K, A, lda, B + j * ldb, ldb, C + j * ldc, ldc, rows, accumulate);
  for (; j + 2 <= N; j += 2)
    tile<T, V, 2>(K, A, lda, B + j * ldb, ldb, C + j * ldc, ldc, rows, accumulate);
  for (; j < N; ++j)
    tile<T, V, 1>(K, A, lda, B + j * ldb, ldb, C + j * ldc, ldc, rows, accumulate);
}

template <class T>
inline void row_block(Index vectors, Index K, const T* A, Index lda, const T* B, Index ldb, T* C,
                      Index ldc, Index rows, Index N, bool accumulate) {
  static_assert(tile_vectors == 3 || tile_vectors == 4, "the switch covers what the tile allows");
  switch (vectors) {
    case 1:
      return columns<T, 1>(K, A, lda, B, ldb, C, ldc, rows, N, accumulate);
    case 2:
      return columns<T, 2>(K, A, lda, B, ldb, C, ldc, rows, N, accumulate);
    case 3:
      return columns<T, 3>(K, A, lda, B, ldb, C, ldc, rows, N, accumulate);
    default:
      return columns<T, tile_vectors>(K, A, lda, B, ldb, C, ldc, rows, N, accumulate);
  }
}

template <class T>
void vector_gemm(Index M, Index N, Index K, const T* A, Index lda, const T* B, Index ldb, T* C,
                 Index ldc, bool accumulate) {
  constexpr Index L = lanes<T>;
  constexpr Index block_rows = tile_vectors * L;
  constexpr Index block_k = 24576 / (block_rows * static_cast<Index>(sizeof(T)));  // half of L1
  constexpr Index block_columns = 16 * tile_columns;  // a panel of B stays in L2
  // A that is small and a whole number of vectors high is read where it lies.
  const bool direct = M % L == 0 && lda * K * static_cast<Index>(sizeof(T)) <= 24576;
  alignas(64) T packed[block_rows * block_k];
  const Index step_k = direct ? K : block_k;
  const Index step_columns = direct ? N : block_columns;
  for (Index j0 = 0; j0 < N; j0 += step_columns) {
    const Index nj = std::min(step_columns, N - j0);
    for (Index k0 = 0; k0 < K; k0 += step_k) {
      const Index nk = std::min(step_k, K - k0);
      for (Index i0 = 0; i0 < M; i0 += block_rows) {
        const Index rows = std::min(block_rows, M - i0);
        const Index vectors = (rows + L - 1) / L;
        const T* a = A + k0 * lda + i0;
        Index stride = lda;
        if (!direct) {
          stride = vectors * L;
          for (Index k = 0; k < nk; ++k) {
            std::copy_n(a + k * lda, rows, packed + k * stride);
            std::fill(packed + k * stride + rows, packed + (k + 1) * stride, T(0));
          }
          a = packed;
        }
        row_block(vectors, nk, a, stride, B + j0 * ldb + k0, ldb, C + j0 * ldc + i0, ldc, rows, nj,
                  accumulate || k0 > 0);
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
      detail::vector_gemm(M, N, K, A, lda, B, ldb, C, ldc, accumulate);
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

}  // namespace axonomy

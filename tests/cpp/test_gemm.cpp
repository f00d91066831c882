// gemm against three loops. The entries are small integers, so that every order of summation gives
// the same numbers and equality is exact; what lies around the operands is NaN, and around C a mark
// that must stay.
#include <limits>

#include "axonomy/core/gemm.hpp"
#include "check.hpp"

namespace {

using namespace axonomy;

constexpr int mark = 12345;

// A column-major operand (rows, cols) with leading dimension rows + pad. Without a guard it ends
// with its last entry, so that a sanitizer sees every read past it.
template <class T>
struct Operand {
  Operand(Index rows, Index cols, Index pad, Index guard, T filler)
      : ld(rows + pad),
        guard(guard),
        memory(static_cast<std::size_t>(2 * guard + (cols > 0 ? (cols - 1) * ld + rows : 0)),
               filler) {}
  T* data() { return memory.data() + guard; }
  T& operator()(Index i, Index j) { return data()[i + j * ld]; }

  Index ld, guard;
  std::vector<T> memory;
};

template <class T>
void compare(Index M, Index N, Index K, Index pad, bool accumulate) {
  const T nan = std::numeric_limits<T>::quiet_NaN();
  Operand<T> A(M, K, pad, 0, nan), B(K, N, 2 * pad, 0, nan), C(M, N, pad, 67, T(mark));
  unsigned state = 1;
  const auto draw = [&state] {
    state = state * 1664525u + 1013904223u;
    return T(static_cast<int>(state >> 29) - 3);
  };
  for (Index k = 0; k < K; ++k)
    for (Index i = 0; i < M; ++i) A(i, k) = draw();
  for (Index j = 0; j < N; ++j)
    for (Index k = 0; k < K; ++k) B(k, j) = draw();
  for (Index j = 0; j < N; ++j)
    for (Index i = 0; i < M; ++i) C(i, j) = accumulate ? draw() : nan;

  Operand<T> expected = C;
  for (Index j = 0; j < N; ++j)
    for (Index i = 0; i < M; ++i) {
      T sum = accumulate ? C(i, j) : T(0);
      for (Index k = 0; k < K; ++k) sum += A(i, k) * B(k, j);
      expected(i, j) = sum;
    }
  gemm<T>(M, N, K, A.data(), A.ld, B.data(), B.ld, C.data(), C.ld, accumulate);
  ++check::checks;
  if (C.memory != expected.memory)
    check::fail(__FILE__, __LINE__,
                "M " + std::to_string(M) + ", N " + std::to_string(N) + ", K " + std::to_string(K) +
                    ", pad " + std::to_string(pad) + (accumulate ? ", accumulated" : ""));
  if (accumulate) return;

  std::vector<T> scale(static_cast<std::size_t>(M));
  for (T& value : scale) value = draw();
  for (Index j = 0; j < N; ++j)
    for (Index i = 0; i < M; ++i) expected(i, j) *= scale[static_cast<std::size_t>(i)];
  scaled_gemm<T>(M, N, K, scale.data(), A.data(), A.ld, B.data(), B.ld, C.data(), C.ld);
  ++check::checks;
  if (C.memory != expected.memory)
    check::fail(__FILE__, __LINE__,
                "scaled, M " + std::to_string(M) + ", N " + std::to_string(N) + ", K " + std::to_string(K));
}

// Columns computed apart are, to the last bit, what they are among others: of A that is read where it lies, and of A that is
// copied.
template <class T>
void compare_stretches(Index M, Index N, Index K) {
  const Matrix<T> A = Matrix<T>::Random(M, K), B = Matrix<T>::Random(K, N);
  Matrix<T> together(M, N), apart(M, N);
  gemm<T>(M, N, K, A.data(), M, B.data(), K, together.data(), M);
  for (Index first = 0, size = 1; first < N; first += size, size = 1 + 2 * size) {
    size = std::min(size, N - first);
    gemm<T>(M, size, K, A.data(), M, B.col(first).data(), K, apart.col(first).data(), M);
  }
  ++check::checks;
  if (together != apart)
    check::fail(__FILE__, __LINE__, "apart, M " + std::to_string(M) + ", N " + std::to_string(N) + ", K " + std::to_string(K));
}

template <class T>
void test(const std::string& type) {
  check::context = type;
  const auto both = [](Index M, Index N, Index K, Index pad) {
    compare<T>(M, N, K, pad, false);
    compare<T>(M, N, K, pad, true);
  };
  for (Index M = 0; M <= 9; ++M)
    for (Index N = 0; N <= 9; ++N)
      for (Index K = 0; K <= 9; ++K)
        for (const Index pad : {0, 3}) both(M, N, K, pad);
  // Around the sizes of a register tile and of the blocks of rows, columns and k.
  for (const Index M : {1, 7, 8, 15, 16, 17, 24, 31, 32, 33, 47, 48, 63, 64, 65, 127, 128, 131})
    for (const Index N : {1, 2, 5, 6, 7, 11, 12, 13, 64, 95, 96, 97})
      for (const Index K : {1, 2, 31, 64, 95, 96, 97, 193, 385}) both(M, N, K, (M + N + K) % 3);
  // Where A is too large to be read as it lies, and its columns are too long for one sum.
  for (const Index M : {100, 512})
    for (const Index K : {515, 1100, 2200}) {
      both(M, 15, K, 0);
      compare_stretches<T>(M, 40, K);
    }
  for (const Index M : {16, 37, 128}) compare_stretches<T>(M, 100, M + 3);
}

}  // namespace

int main() {
  test<double>("f64");
  test<float>("f32");
  // A scalar type without a kernel of its own takes Eigen's product.
  check::context = "long double";
  for (Index M = 0; M <= 5; ++M)
    for (Index N = 0; N <= 5; ++N)
      for (Index K = 0; K <= 5; ++K)
        for (const bool accumulate : {false, true}) compare<long double>(M, N, K, 1, accumulate);
  return check::result();
}

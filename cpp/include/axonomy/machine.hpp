// What the machine can do in one thread: multiply-adds in registers, the product the influence is made of, and reading
// from where so many bytes lie. The limits that a rule's speed is compared with.
#pragma once

#include <chrono>
#include <limits>

#include "core/gemm.hpp"
#include "core/large.hpp"

namespace axonomy {

namespace detail {

// Least seconds a call takes, over calls that last `seconds` in all.
template <class Work>
double least_seconds(double seconds, const Work& work) {
  using Clock = std::chrono::steady_clock;
  const auto elapsed = [](auto since) { return std::chrono::duration<double>(Clock::now() - since).count(); };
  work();
  const auto begun = Clock::now();
  double least = std::numeric_limits<double>::infinity();
  for (long calls = 1; elapsed(begun) < seconds;) {
    const auto start = Clock::now();
    for (long i = 0; i < calls; ++i) work();
    const double taken = elapsed(start);
    if (taken < 1e-3) {
      calls *= 2;
      continue;
    }
    least = std::min(least, taken / static_cast<double>(calls));
  }
  return least;
}

}  // namespace detail

// Operations a second of multiply-adds that wait for nothing; a multiply-add is two.
template <class T>
double peak_flops(double seconds) {
#if AXONOMY_VECTORS
  using Vec = typename detail::Simd<T>::type;
  constexpr int chains = simd_bytes == 64 ? 16 : 12, times = 4096;  // more chains than the latency needs
  Vec sums[chains] = {};
  const Vec factor = Vec{} + T(0.999), term = Vec{} + T(1);
  const double least = detail::least_seconds(seconds, [&] {
    Vec local[chains];
    std::copy_n(sums, chains, local);
    for (int t = 0; t < times; ++t)
      for (int c = 0; c < chains; ++c) local[c] = multiply_add(local[c], factor, term);
    std::copy_n(local, chains, sums);
  });
  volatile T sink = T(0);  // or the sums would not be computed
  for (const Vec& sum : sums) sink = sink + sum[0];
  return 2.0 * times * chains * static_cast<double>(detail::lanes<T>) / least;
#else
  (void)seconds;
  return 0;
#endif
}

// Operations a second of J (n, n) times an influence (n, columns).
template <class T>
double gemm_flops(Index n, Index columns, double seconds) {
  const Matrix<T> J = Matrix<T>::Random(n, n), M = Matrix<T>::Random(n, columns);
  Matrix<T> out = Matrix<T>::Zero(n, columns);
  const double least = detail::least_seconds(
      seconds, [&] { gemm<T>(n, columns, n, J.data(), n, M.data(), n, out.data(), n); });
  return 2.0 * static_cast<double>(n * n * columns) / least;
}

// Bytes a second that are read, of so many that are read again and again.
template <class T>
double read_bandwidth(std::size_t bytes, double seconds) {
  const Index size = static_cast<Index>(bytes / sizeof(T)) / 128 * 128;
  LargeMatrix<T> x(size, 1);
  volatile T sink = T(0);
  const double least = detail::least_seconds(seconds, [&] {
#if AXONOMY_VECTORS
    constexpr Index L = detail::lanes<T>, chains = 8;
    typename detail::Simd<T>::type sums[chains] = {};
    for (Index i = 0; i + chains * L <= size; i += chains * L)
      for (Index c = 0; c < chains; ++c) sums[c] += detail::load<T>(x.data() + i + c * L);
    for (Index c = 1; c < chains; ++c) sums[0] += sums[c];
    sink = sink + sums[0][0];
#else
    sink = sink + x.sum();
#endif
  });
  return static_cast<double>(sizeof(T)) * static_cast<double>(size) / least;
}

}  // namespace axonomy

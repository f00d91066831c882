// tanh and sigmoid that the compiler can vectorise: Eigen 3.4 has no float64 tanh, and libm's is a
// call per element. Both go through expm1 with the argument reduced by multiples of ln 2:
//
//     x = k ln2 + r,   expm1(x) = 2^k expm1(r) + (2^k - 1),   tanh(x) = expm1(2x) / (expm1(2x) + 2)
//
// Branch-free, so that a plain loop vectorises. Error below 3 ulp (tests/cpp/test_elementary.cpp).
#pragma once

#include <array>

#include "simd.hpp"

namespace axonomy {

namespace detail {

template <class To, class From>
inline To bit_cast(From from) {
  static_assert(sizeof(To) == sizeof(From), "sizes differ");
  To to;
  std::memcpy(&to, &from, sizeof(To));
  return to;
}

// c_0 + c_1 r + c_2 r^2 + ..., by pairs, pairs of pairs and so on, which do not wait for each other (Estrin).
template <class T, std::size_t N>
inline T polynomial(T r, const std::array<T, N>& c) {
  if constexpr (N == 1) {
    return c[0];
  } else {
    std::array<T, (N + 1) / 2> pairs{};
    for (std::size_t k = 0; k < N / 2; ++k) pairs[k] = multiply_add(c[2 * k + 1], r, c[2 * k]);
    if (N % 2 != 0) pairs[N / 2] = c[N - 1];
    return polynomial(r * r, pairs);
  }
}

// Of a type of numbers: ln 2 in two parts, the first short enough that its multiples are exact; a number to which to add
// rounds to an integer; where the exponent lies; and p of expm1(r) = r + r^2 p(r) on |r| <= ln2 / 2, by Taylor.
template <class T>
struct Expm1;
template <>
struct Expm1<double> {
  using Bits = std::uint64_t;
  static constexpr double ln2_hi = 6.93147180369123816490e-01, ln2_lo = 1.90821492927058770002e-10;
  static constexpr double log2e = 1.4426950408889634074, shift = 6755399441055744.0;  // 1.5 * 2^52
  static constexpr Bits bias = 1023, digits = 52;
  static double p(double r) {  // truncation below 1e-17 relative
    return polynomial<double, 12>(
        r, {0.5, 1.0 / 6.0, 1.0 / 24.0, 1.0 / 120.0, 1.0 / 720.0, 1.0 / 5040.0, 1.0 / 40320.0, 1.0 / 362880.0, 1.0 / 3628800.0,
            1.0 / 39916800.0, 1.0 / 479001600.0, 1.0 / 6227020800.0});
  }
};
template <>
struct Expm1<float> {
  using Bits = std::uint32_t;
  static constexpr float ln2_hi = 6.93359375e-01f, ln2_lo = -2.12194440e-04f;
  static constexpr float log2e = 1.44269504088896f, shift = 12582912.0f;  // 1.5 * 2^23
  static constexpr Bits bias = 127, digits = 23;
  static float p(float r) {
    return polynomial<float, 6>(r, {0.5f, 1.0f / 6.0f, 1.0f / 24.0f, 1.0f / 120.0f, 1.0f / 720.0f, 1.0f / 5040.0f});
  }
};

// expm1 on [0, 2 limit], the argument being non-negative and bounded by the caller.
template <class T>
inline T expm1_bounded(T x) {
  using Of = Expm1<T>;
  const T shifted = multiply_add(x, Of::log2e, Of::shift);
  const T k = shifted - Of::shift;
  const T r = multiply_add(-k, Of::ln2_lo, multiply_add(-k, Of::ln2_hi, x));
  const T em1 = multiply_add(r * r, Of::p(r), r);
  // 2^k from the low bits of the shifted number, without an integer conversion.
  const auto bits = bit_cast<typename Of::Bits>(shifted);
  const T scale = bit_cast<T>((bits + Of::bias) << Of::digits);
  return multiply_add(scale, em1, scale - T(1));
}

}  // namespace detail

// y_i = tanh(x_i). Beyond |x| = 20 (float: 10) the result is 1 to the last digit. NaN stays NaN.
template <class T>
inline void tanh_inplace(T* x, Index size) {
  constexpr T limit = sizeof(T) == 8 ? T(20) : T(10);
  for (Index i = 0; i < size; ++i) {
    const T magnitude = std::abs(x[i]);
    const T bounded = magnitude < limit ? magnitude : limit;
    const T e = detail::expm1_bounded(T(2) * bounded);
    const T y = std::copysign(e / (e + T(2)), x[i]);
    x[i] = x[i] != x[i] ? x[i] : y;
  }
}

// y_i = 1 / (1 + exp(-x_i)) = (1 + tanh(x_i / 2)) / 2, by the branch that loses no digits:
// with e = expm1(|x|), it is (1 + e) / (2 + e) for x >= 0 and 1 / (2 + e) for x < 0.
template <class T>
inline void sigmoid_inplace(T* x, Index size) {
  constexpr T limit = sizeof(T) == 8 ? T(700) : T(85);
  for (Index i = 0; i < size; ++i) {
    const T magnitude = std::abs(x[i]);
    const T bounded = magnitude < limit ? magnitude : limit;
    const T e = detail::expm1_bounded(bounded);
    const T y = (x[i] < T(0) ? T(1) : T(1) + e) / (T(2) + e);
    x[i] = x[i] != x[i] ? x[i] : y;
  }
}

}  // namespace axonomy

// tanh and sigmoid that the compiler can vectorise: Eigen 3.4 has no float64 tanh, and libm's is a
// call per element. Both go through expm1 with the argument reduced by multiples of ln 2:
//
//     x = k ln2 + r,   expm1(x) = 2^k expm1(r) + (2^k - 1),   tanh(x) = expm1(2x) / (expm1(2x) + 2)
//
// Branch-free, so that a plain loop vectorises. Error below 3 ulp (tests/cpp/test_elementary.cpp).
#pragma once

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

// expm1 on [0, 2 limit], the argument being non-negative and bounded by the caller.
inline double expm1_bounded(double x) {
  constexpr double log2e = 1.4426950408889634074;
  constexpr double ln2_hi = 6.93147180369123816490e-01;
  constexpr double ln2_lo = 1.90821492927058770002e-10;
  constexpr double shift = 6755399441055744.0;  // 1.5 * 2^52: adding it rounds to an integer
  const double shifted = multiply_add(x, log2e, shift);
  const double k = shifted - shift;
  const double r = multiply_add(-k, ln2_lo, multiply_add(-k, ln2_hi, x));
  // expm1(r) = r + r^2 p(r), Taylor to r^13 on |r| <= ln2 / 2: truncation below 1e-17 relative.
  double p = 1.0 / 6227020800.0;
  p = multiply_add(p, r, 1.0 / 479001600.0);
  p = multiply_add(p, r, 1.0 / 39916800.0);
  p = multiply_add(p, r, 1.0 / 3628800.0);
  p = multiply_add(p, r, 1.0 / 362880.0);
  p = multiply_add(p, r, 1.0 / 40320.0);
  p = multiply_add(p, r, 1.0 / 5040.0);
  p = multiply_add(p, r, 1.0 / 720.0);
  p = multiply_add(p, r, 1.0 / 120.0);
  p = multiply_add(p, r, 1.0 / 24.0);
  p = multiply_add(p, r, 1.0 / 6.0);
  p = multiply_add(p, r, 0.5);
  const double em1 = multiply_add(r * r, p, r);
  // 2^k from the low bits of the shifted number, without an integer conversion.
  const auto bits = bit_cast<std::uint64_t>(shifted);
  const double scale = bit_cast<double>((bits + 1023) << 52);
  return multiply_add(scale, em1, scale - 1.0);
}

inline float expm1_bounded(float x) {
  constexpr float log2e = 1.44269504088896f;
  constexpr float ln2_hi = 6.93359375e-01f;
  constexpr float ln2_lo = -2.12194440e-04f;
  constexpr float shift = 12582912.0f;  // 1.5 * 2^23
  const float shifted = multiply_add(x, log2e, shift);
  const float k = shifted - shift;
  const float r = multiply_add(-k, ln2_lo, multiply_add(-k, ln2_hi, x));
  float p = 1.0f / 5040.0f;
  p = multiply_add(p, r, 1.0f / 720.0f);
  p = multiply_add(p, r, 1.0f / 120.0f);
  p = multiply_add(p, r, 1.0f / 24.0f);
  p = multiply_add(p, r, 1.0f / 6.0f);
  p = multiply_add(p, r, 0.5f);
  const float em1 = multiply_add(r * r, p, r);
  const auto bits = bit_cast<std::uint32_t>(shifted);
  const float scale = bit_cast<float>((bits + 127) << 23);
  return multiply_add(scale, em1, scale - 1.0f);
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

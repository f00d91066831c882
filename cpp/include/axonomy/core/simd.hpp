// Vectors of numbers as the compiler knows them, as wide as the instruction set that is compiled for.
#pragma once

#include <cmath>
#include <cstring>
#include <type_traits>
#include <utility>

#include "types.hpp"

#if defined(__FMA__)
#include <immintrin.h>
#elif defined(__ARM_FEATURE_FMA) && defined(__aarch64__)
#include <arm_neon.h>
#endif

#if defined(__GNUC__)
#define AXONOMY_VECTORS 1
#else
#define AXONOMY_VECTORS 0
#endif

namespace axonomy {

inline constexpr Index second_cache = 3 << 19;  // bytes: of what is larger, most is read from beyond it

// At which end of a matrix to begin. Of one that is larger than the second cache, what was read last is still there: whoever
// reads it again begins with that.
enum class End { first, last };

#if AXONOMY_VECTORS

#if defined(__AVX512F__)
inline constexpr int simd_bytes = 64;
#elif defined(__AVX__)
inline constexpr int simd_bytes = 32;
#else
inline constexpr int simd_bytes = 16;
#endif

namespace detail {

template <class T, int bytes = simd_bytes>
struct Simd;
template <int bytes>
struct Simd<double, bytes> {
  typedef double type __attribute__((vector_size(bytes)));
  typedef double anywhere __attribute__((vector_size(bytes), aligned(8)));
};
template <int bytes>
struct Simd<float, bytes> {
  typedef float type __attribute__((vector_size(bytes)));
  typedef float anywhere __attribute__((vector_size(bytes), aligned(4)));
};
template <class T>
inline constexpr Index lanes = simd_bytes / static_cast<Index>(sizeof(T));

// Whole numbers of the same width, which lane goes where.
template <class T>
struct Lane;
template <>
struct Lane<double> {
  typedef std::int64_t type __attribute__((vector_size(simd_bytes)));
};
template <>
struct Lane<float> {
  typedef std::int32_t type __attribute__((vector_size(simd_bytes)));
};

// Unaligned access. Not by std::memcpy: what has its address taken for that is kept in memory rather than in registers.
template <class T, int bytes = simd_bytes>
inline typename Simd<T, bytes>::type load(const T* p) {
  return *reinterpret_cast<const typename Simd<T, bytes>::anywhere*>(p);
}
template <class T, int bytes = simd_bytes>
inline void store(T* p, const typename Simd<T, bytes>::type& v) {
  *reinterpret_cast<typename Simd<T, bytes>::anywhere*>(p) = v;
}

// What is read in order and lies beyond the second cache is asked for so far ahead of its use, and not to be kept there. On Zen 5
// that saves a tenth of the time of reading 2 MB.
template <class T>
inline void fetch_ahead(const T* p) {
  __builtin_prefetch(reinterpret_cast<const char*>(p) + 2048, 0, 0);
}
// f(0), ..., f(N - 1), numbers of the compiler's: what a loop goes through by a variable is in memory rather than in registers.
template <class F, int... I>
inline void unroll(const F& f, std::integer_sequence<int, I...>) {
  (f(std::integral_constant<int, I>{}), ...);
}
template <int N, class F>
inline void unroll(const F& f) {
  unroll(f, std::make_integer_sequence<int, N>{});
}

template <class T>
inline constexpr bool has_vectors = std::is_same_v<T, double> || std::is_same_v<T, float>;

}  // namespace detail

#endif

// a b + c, rounded once where the machine can; a may be one number for all lanes of b and c. It is said where it matters,
// and the compiler makes no such thing of its own (-ffp-contract=off): of a b + c d it may take either product, so that the
// digits would depend on the code around.
template <class A, class T>
inline T multiply_add(const A& a, const T& b, const T& c) {
  if constexpr (!std::is_same_v<A, T> && std::is_arithmetic_v<T>) {
    return multiply_add(static_cast<T>(a), b, c);
  } else if constexpr (!std::is_same_v<A, T>) {
    return multiply_add(static_cast<std::decay_t<decltype(T{}[0])>>(a) - T{}, b, c);
  } else {
#if defined(__FMA__) || (defined(__aarch64__) && defined(__ARM_FEATURE_FMA))
    if constexpr (std::is_same_v<T, double>) return __builtin_fma(a, b, c);
    if constexpr (std::is_same_v<T, float>) return __builtin_fmaf(a, b, c);
#endif
#if AXONOMY_VECTORS && defined(__FMA__)
    if constexpr (std::is_same_v<T, detail::Simd<double, 16>::type>) return _mm_fmadd_pd(a, b, c);
    if constexpr (std::is_same_v<T, detail::Simd<float, 16>::type>) return _mm_fmadd_ps(a, b, c);
    if constexpr (std::is_same_v<T, detail::Simd<double, 32>::type>) return _mm256_fmadd_pd(a, b, c);
    if constexpr (std::is_same_v<T, detail::Simd<float, 32>::type>) return _mm256_fmadd_ps(a, b, c);
#if defined(__AVX512F__)
    if constexpr (std::is_same_v<T, detail::Simd<double, 64>::type>) return _mm512_fmadd_pd(a, b, c);
    if constexpr (std::is_same_v<T, detail::Simd<float, 64>::type>) return _mm512_fmadd_ps(a, b, c);
#endif
#elif AXONOMY_VECTORS && defined(__aarch64__) && defined(__ARM_FEATURE_FMA)
    if constexpr (std::is_same_v<T, detail::Simd<double, 16>::type>) return vfmaq_f64(c, a, b);
    if constexpr (std::is_same_v<T, detail::Simd<float, 16>::type>) return vfmaq_f32(c, a, b);
#endif
    return a * b + c;
  }
}

}  // namespace axonomy

// Vectors of numbers as the compiler knows them, as wide as the instruction set that is compiled for.
#pragma once

#include <cstring>

#include "types.hpp"

#if defined(__GNUC__)
#define AXONOMY_VECTORS 1
#else
#define AXONOMY_VECTORS 0
#endif

namespace axonomy {

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
};
template <int bytes>
struct Simd<float, bytes> {
  typedef float type __attribute__((vector_size(bytes)));
};
template <class T>
inline constexpr Index lanes = simd_bytes / static_cast<Index>(sizeof(T));

// Unaligned access: the compiler turns the copy into one vector move.
template <class T, int bytes = simd_bytes>
inline typename Simd<T, bytes>::type load(const T* p) {
  typename Simd<T, bytes>::type v;
  std::memcpy(&v, p, sizeof(v));
  return v;
}
template <class T, int bytes = simd_bytes>
inline void store(T* p, const typename Simd<T, bytes>::type& v) {
  std::memcpy(p, &v, sizeof(v));
}

template <class T>
inline constexpr bool has_vectors = std::is_same_v<T, double> || std::is_same_v<T, float>;

}  // namespace detail

#endif

}  // namespace axonomy

// One seedable generator with savable state: xoshiro256++ (Blackman & Vigna 2021), seeded through
// splitmix64. Signs are drawn 64 at a time, normals in pairs (Box-Muller).
#pragma once

#include <array>
#include <cmath>

#include "types.hpp"

namespace axonomy {

// mixed: the parts of a hybrid take each their own.
enum class NoiseKind { none, signs, normal, mixed };

class Random {
 public:
  explicit Random(std::uint64_t seed = 0) { this->seed(seed); }

  void seed(std::uint64_t seed) {
    for (auto& word : s_) {
      seed += 0x9e3779b97f4a7c15ULL;
      std::uint64_t z = seed;
      z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
      z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
      word = z ^ (z >> 31);
    }
  }

  std::uint64_t next() {
    const std::uint64_t result = rotl(s_[0] + s_[3], 23) + s_[0];
    const std::uint64_t t = s_[1] << 17;
    s_[2] ^= s_[0];
    s_[3] ^= s_[1];
    s_[1] ^= s_[2];
    s_[0] ^= s_[3];
    s_[2] ^= t;
    s_[3] = rotl(s_[3], 45);
    return result;
  }

  // Uniform on (0, 1).
  double uniform() { return (static_cast<double>(next() >> 11) + 0.5) * 0x1p-53; }

  template <class T>
  void fill(NoiseKind kind, T* out, Index size) {
    if (kind == NoiseKind::signs) signs(out, size);
    if (kind == NoiseKind::normal) normals(out, size);
  }

  template <class T>
  void signs(T* out, Index size) {
    for (Index start = 0; start < size; start += 64) {
      const std::uint64_t bits = next();
      const Index count = std::min<Index>(64, size - start);
      for (Index i = 0; i < count; ++i)
        out[start + i] = T(1 - 2 * static_cast<int>((bits >> i) & 1));
    }
  }

  template <class T>
  void normals(T* out, Index size) {
    constexpr double two_pi = 6.283185307179586476925286766559;
    for (Index i = 0; i < size; i += 2) {
      const double radius = std::sqrt(-2.0 * std::log(uniform()));
      const double angle = two_pi * uniform();
      out[i] = T(radius * std::cos(angle));
      if (i + 1 < size) out[i + 1] = T(radius * std::sin(angle));
    }
  }

  template <class T>
  void visit(StateVisitor<T>& v) {
    v.words("random", s_.data(), 4, ~std::uint64_t(0));
  }

 private:
  static std::uint64_t rotl(std::uint64_t x, int k) { return (x << k) | (x >> (64 - k)); }
  std::array<std::uint64_t, 4> s_{};
};

}  // namespace axonomy

// One seedable generator with savable state: xoshiro256++ (Blackman & Vigna 2021), seeded through
// splitmix64. Signs are drawn 64 at a time, normals by the ziggurat (Marsaglia & Tsang 2000).
#pragma once

#include <array>
#include <cmath>

#include "types.hpp"

namespace axonomy {

// mixed: the parts of a hybrid take each their own.
enum class NoiseKind { none, signs, normal, mixed };
// Of two parts together.
inline NoiseKind joined(NoiseKind one, NoiseKind other) {
  if (one == NoiseKind::none || one == other) return other;
  return other == NoiseKind::none ? one : NoiseKind::mixed;
}

// Layers of equal area under exp(-x^2 / 2), x > 0: layer i, but the lowest, is a rectangle x_i wide and reaches from f(x_i)
// up to f(x_{i+1}). The lowest has the tail beyond `edge` too, and is as if it were x_0 wide.
class Ziggurat {
 public:
  static constexpr int layers = 256;
  static constexpr double edge = 3.6541528853610088;

  static const Ziggurat& normal() {
    static const Ziggurat table;
    return table;
  }
  static double f(double x) { return std::exp(-0.5 * x * x); }

  std::array<double, layers + 1> x, height;  // height: f(x)

 private:
  Ziggurat() {
    const double area = edge * f(edge) + std::sqrt(std::acos(0.0)) * std::erfc(edge / std::sqrt(2.0));
    x[0] = area / f(edge);
    x[1] = edge;
    for (std::size_t i = 1; i + 1 < layers; ++i) x[i + 1] = std::sqrt(-2.0 * std::log(area / x[i] + f(x[i])));
    x[layers] = 0;
    for (std::size_t i = 0; i <= layers; ++i) height[i] = f(x[i]);
  }
};

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
    const Ziggurat& layers = Ziggurat::normal();
    for (Index i = 0; i < size; ++i) out[i] = T(normal(layers));
  }

  template <class T>
  void visit(StateVisitor<T>& v) {
    v.words("random", s_.data(), 4, ~std::uint64_t(0));
  }

 private:
  double normal(const Ziggurat& layers) {
    for (;;) {
      const std::uint64_t bits = next();
      const std::size_t layer = bits % Ziggurat::layers;
      // The sign and the place in the layer, by the 53 bits that did not choose it.
      const double x = ((static_cast<double>(bits >> 11) + 0.5) * 0x1p-52 - 1.0) * layers.x[layer];
      const double size = std::abs(x);
      if (size < layers.x[layer + 1]) return x;  // below the layer above, as nearly always
      if (layer == 0) return std::copysign(tail(), x);
      const double low = layers.height[layer], high = layers.height[layer + 1];
      if (low + uniform() * (high - low) < Ziggurat::f(size)) return x;
    }
  }
  // Beyond the edge (Marsaglia 1964).
  double tail() {
    for (;;) {
      const double beyond = -std::log(uniform()) / Ziggurat::edge;
      if (-2.0 * std::log(uniform()) > beyond * beyond) return Ziggurat::edge + beyond;
    }
  }

  static std::uint64_t rotl(std::uint64_t x, int k) { return (x << k) | (x >> (64 - k)); }
  std::array<std::uint64_t, 4> s_{};
};

}  // namespace axonomy

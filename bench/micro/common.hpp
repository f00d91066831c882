// What the benchmarks share: names, sizes, and the counters flop/s and bytes/s.
#pragma once

#include <benchmark/benchmark.h>

#include <map>

#include "axonomy/core/snapshot.hpp"
#include "work.hpp"

namespace axonomy::bench {

inline const std::vector<Index> sizes = {32, 128, 256, 512};

template <class T>
inline const char* precision = sizeof(T) == 8 ? "f64" : "f32";

// Where one step takes seconds or memory runs to a gigabyte, the larger sizes are left out.
inline bool affordable(const LearnerSpec& spec, Index n) {
  if (spec.tensor == "kij" && spec.solver != "window") return n <= 256;
  if (order(spec) == 4) return n <= 128;
  return true;
}

// The learners to run: every cell at rank 1, and UORO with the options of its paper.
inline std::vector<LearnerSpec> benchmarked() {
  auto specs = cells();
  LearnerSpec uoro = cell("k|ij", "signs");
  uoro.immediate = ImmediateBy::state;
  uoro.normaliser = Normaliser::shared;
  specs.push_back(uoro);
  return specs;
}

// Operations of a learner's step: counted up to the n where counting is quick, scaled by the order
// beyond.
inline double operations(const LearnerSpec& spec, Index n, bool with_gradient) {
  static std::map<std::string, double> known;
  const Index counted_at = std::min<Index>(n, order(spec) < 4 ? 128 : 32);
  const std::string key = name(spec) + (with_gradient ? "+" : "-") + std::to_string(counted_at);
  if (known.find(key) == known.end())
    known[key] = static_cast<double>(operations_of_step(spec, counted_at, with_gradient));
  const double scale = static_cast<double>(n) / static_cast<double>(counted_at);
  return known[key] * std::pow(scale, order(spec));
}

// Everything that outlives a step. Twice this, read and written once, is a step's nominal traffic;
// lazy propagation touches all of it only when a block is folded.
template <class T, class Part>
double bytes(Part& part) {
  ByteCount<T> count;
  part.visit(count);
  return static_cast<double>(count.kept);
}

inline void count_rates(benchmark::State& state, double operations, double bytes) {
  using benchmark::Counter;
  const auto steps = static_cast<double>(state.iterations());
  state.counters["flop/s"] = Counter(operations * steps, Counter::kIsRate);
  state.counters["bytes/s"] = Counter(bytes * steps, Counter::kIsRate, Counter::kIs1024);
}

}  // namespace axonomy::bench

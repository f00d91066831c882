// Every reduction on every split alone: propagation by a dense J, M_bar added, the terms reduced.
// No network, no gradient.
#include "common.hpp"

namespace {

using namespace axonomy;

template <class T>
void reduce(benchmark::State& state, const LearnerSpec& spec, Index n) {
  Driver<T> driver(spec, make_shape(n));
  driver.draw_noise();
  driver.step();
  for (auto _ : state) {
    driver.step();
    benchmark::ClobberMemory();
  }
  bench::count_rates(state, bench::operations(spec, n, false),
                     2 * bench::bytes<T>(*driver.learner));
}

template <class T>
void add(const LearnerSpec& spec, Index n) {
  const std::string title =
      "reduce/" + name(spec) + "/" + bench::precision<T> + "/n:" + std::to_string(n);
  benchmark::RegisterBenchmark(title.c_str(), reduce<T>, spec, n)->Unit(benchmark::kMicrosecond);
}

}  // namespace

int main(int argc, char** argv) {
  auto specs = bench::benchmarked();
  // More factors, for what reduces two terms in closed form at rank 1.
  for (LearnerSpec spec : cells()) {
    spec.rank = 4;
    specs.push_back(spec);
  }
  for (const auto& spec : specs)
    for (const Index n : bench::sizes) {
      if (!is_split(spec) || !bench::affordable(spec, n)) continue;
      add<double>(spec, n);
      add<float>(spec, n);
    }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
}

// Whole training steps, forward to weight update by SGD, of every learner on the leaky RNN.
#include "common.hpp"

#include "axonomy/cell/leaky_rnn.hpp"
#include "axonomy/optimiser/sgd.hpp"
#include "axonomy/trainer.hpp"

namespace {

using namespace axonomy;

template <class T>
void train(benchmark::State& state, const LearnerSpec& spec, Index n) {
  const Shape shape = shape_for(spec, n);
  auto cell =
      std::make_shared<LeakyRNN<T>>(shape, Loss::cross_entropy, Activation::tanh,
                                    std::vector<double>(static_cast<std::size_t>(n), 1.0));
  Random random(1);
  random.normals(cell->W.data(), cell->W.size());
  random.normals(cell->W_out.data(), cell->W_out.size());
  cell->W *= T(1) / std::sqrt(T(n));
  AbsentWeights(shape).clear(cell->W.data());
  cell->W_out *= T(1) / std::sqrt(T(n));
  TrainerOptions options;
  options.schedule.initial = 1e-5;
  Trainer<T> trainer(cell, {std::shared_ptr<Learner<T>>(make_learner<T>(shape, spec))}, std::make_unique<Sgd<T>>(),
                     options, 2);

  constexpr Index length = 64;
  Matrix<T> x(shape.n_in, length), y = Matrix<T>::Zero(shape.n_out, length);
  random.signs(x.data(), x.size());
  for (Index t = 0; t < length; ++t) y(t % shape.n_out, t) = T(1);
  T loss;
  trainer.step({x.data(), y.data()}, &loss);
  Index t = 0;
  bool finite = true;
  for (auto _ : state) {
    finite = trainer.step({x.col(t).data(), y.col(t).data()}, &loss) && finite;
    t = (t + 1) % length;
    benchmark::ClobberMemory();
  }
  if (!finite) state.SkipWithError("diverged");
  // The network's own: W a_hat, the read-out, its error and gradient, q.
  const Index recurrent = shape.pattern ? shape.pattern->size() * shape.rows_per_unit : shape.R() * n;
  const auto W = static_cast<double>(recurrent + shape.R() * (shape.m - n));
  const auto W_out = static_cast<double>(cell->W_out.size());
  bench::count_rates(state, bench::operations(spec, n, true) + 2 * W + 6 * W_out,
                     2 * bench::bytes<T>(trainer));
}

template <class T>
void add(const LearnerSpec& spec, Index n) {
  const std::string title =
      "step/" + name(spec) + "/" + bench::precision<T> + "/n:" + std::to_string(n);
  benchmark::RegisterBenchmark(title.c_str(), train<T>, spec, n)->Unit(benchmark::kMicrosecond);
}

}  // namespace

int main(int argc, char** argv) {
  for (const auto& spec : bench::benchmarked())
    for (const Index n : bench::sizes) {
      if (!bench::affordable(spec, n)) continue;
      add<double>(spec, n);
      add<float>(spec, n);
    }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
}

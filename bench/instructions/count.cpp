// A hundred steps of every learner on the leaky RNN, each in a call of its own, so that a simulator counts their
// instructions apart; prints whose they are. By guard.py.
#include <cstdio>

#include "all_specs.hpp"
#include "axonomy/cell/leaky_rnn.hpp"
#include "axonomy/optimiser/sgd.hpp"
#include "axonomy/trainer.hpp"

namespace {

using namespace axonomy;

constexpr Index units = 32, warm_up = 48, measured = 96;  // multiples of the block of lazy propagation

template <class T>
struct Run {
  Trainer<T>& trainer;
  const Matrix<T>& x;
  const Matrix<T>& y;
};

// What is counted.
template <class T>
void take_steps(const Run<T>& run, Index steps) {
  T loss;
  for (Index t = 0; t < steps; ++t)
    if (!run.trainer.step({run.x.col(t % run.x.cols()).data(), run.y.col(t % run.y.cols()).data()}, &loss)) std::abort();
}

}  // namespace

extern "C" __attribute__((noinline)) void counted_double(const Run<double>& run) { take_steps(run, measured); }
extern "C" __attribute__((noinline)) void counted_single(const Run<float>& run) { take_steps(run, measured); }

namespace {

template <class T>
void count(const LearnerSpec& spec) {
  Shape shape = make_shape(units);
  if (spec.tensor == "sparse") shape.pattern = ring(units);
  auto cell = std::make_shared<LeakyRNN<T>>(shape, Loss::cross_entropy, Activation::tanh,
                                            std::vector<double>(static_cast<std::size_t>(units), 1.0));
  Random random(1);
  random.normals(cell->W.data(), cell->W.size());
  random.normals(cell->W_out.data(), cell->W_out.size());
  cell->W *= T(0.5) / std::sqrt(T(units));
  AbsentWeights(shape).clear(cell->W.data());
  TrainerOptions options;
  options.schedule.initial = 1e-7;
  Trainer<T> trainer(cell, {std::shared_ptr<Learner<T>>(make_learner<T>(shape, spec))}, std::make_unique<Sgd<T>>(),
                     options, 2);
  Matrix<T> x(shape.n_in, measured), y = Matrix<T>::Zero(shape.n_out, measured);
  random.signs(x.data(), x.size());
  for (Index t = 0; t < measured; ++t) y(t % shape.n_out, t) = T(1);
  const Run<T> run{trainer, x, y};
  take_steps(run, warm_up);
  if constexpr (sizeof(T) == 8)
    counted_double(run);
  else
    counted_single(run);
  std::printf("%s %s %d\n", name(spec).c_str(), sizeof(T) == 8 ? "float64" : "float32", static_cast<int>(measured));
}

}  // namespace

int main() {
  for (const LearnerSpec& spec : cells()) {
    count<double>(spec);
    count<float>(spec);
  }
}

// Steps of every learner on the leaky RNN, each in a call of its own, so that a simulator counts their
// instructions apart; prints whose they are. By guard.py.
#include <cstdio>

#include "all_specs.hpp"
#include "axonomy/cell/leaky_rnn.hpp"
#include "axonomy/optimiser/sgd.hpp"
#include "axonomy/trainer.hpp"

namespace axonomy {

// Those of the fourth order are simulated on fewer units. A block of lazy propagation is of 24 steps.
constexpr Index units = 32, units_of_dear_ones = 12, warm_up = 24, measured = 24;

template <class T>
struct Training {
  Trainer<T>& trainer;
  const Matrix<T>& x;
  const Matrix<T>& y;
};

// What is counted.
template <class T>
void take_steps(const Training<T>& run, Index steps) {
  T loss;
  for (Index t = 0; t < steps; ++t)
    if (!run.trainer.step({run.x.col(t % run.x.cols()).data(), run.y.col(t % run.y.cols()).data()}, &loss)) std::abort();
}

}  // namespace axonomy

// One function for all, and no jump at its end, which would leave it before the steps are taken.
extern "C" __attribute__((noinline, noclone)) void counted_steps(void (*take)(const void*), const void* run) {
  take(run);
  asm volatile("" ::: "memory");
}

namespace axonomy {

template <class T>
void count(const LearnerSpec& spec) {
  const Index n = order(spec) == 4 ? units_of_dear_ones : units;
  Shape shape = make_shape(n);
  if (spec.tensor == "sparse") shape.pattern = ring(n);
  auto cell = std::make_shared<LeakyRNN<T>>(shape, Loss::cross_entropy, Activation::tanh,
                                            std::vector<double>(static_cast<std::size_t>(n), 1.0));
  Random random(1);
  random.normals(cell->W.data(), cell->W.size());
  random.normals(cell->W_out.data(), cell->W_out.size());
  cell->W *= T(0.5) / std::sqrt(T(n));
  AbsentWeights(shape).clear(cell->W.data());
  TrainerOptions options;
  options.schedule.initial = 1e-7;
  Trainer<T> trainer(cell, {std::shared_ptr<Learner<T>>(make_learner<T>(shape, spec))}, std::make_unique<Sgd<T>>(),
                     options, 2);
  Matrix<T> x(shape.n_in, measured), y = Matrix<T>::Zero(shape.n_out, measured);
  random.signs(x.data(), x.size());
  for (Index t = 0; t < measured; ++t) y(t % shape.n_out, t) = T(1);
  const Training<T> run{trainer, x, y};
  take_steps(run, warm_up);
  counted_steps([](const void* it) { take_steps(*static_cast<const Training<T>*>(it), measured); }, &run);
  std::printf("%s %s %d\n", name(spec).c_str(), sizeof(T) == 8 ? "float64" : "float32", static_cast<int>(measured));
}

}  // namespace axonomy

int main() {
  for (const axonomy::LearnerSpec& spec : axonomy::cells()) {
    axonomy::count<double>(spec);
    axonomy::count<float>(spec);
  }
}

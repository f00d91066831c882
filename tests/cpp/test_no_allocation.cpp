// Nothing is allocated in a step: not by a learner, not by the whole trainer, for every learner,
// optimiser and scalar. Both ways to the heap are watched: operator new here, Eigen's own
// through its hook, which throws.
#include <cstdlib>
#include <new>

#include "axonomy/cell/elstm.hpp"
#include "axonomy/cell/gru.hpp"
#include "axonomy/cell/leaky_rnn.hpp"
#include "axonomy/cell/lstm.hpp"
#include "axonomy/optimiser/adam.hpp"
#include "axonomy/optimiser/momentum.hpp"
#include "axonomy/optimiser/rmsprop.hpp"
#include "axonomy/optimiser/sgd.hpp"
#include "axonomy/trainer.hpp"
#include "check.hpp"
#include "driver.hpp"

static long allocations = 0;

static void* allocate(std::size_t size, std::size_t alignment) {
  ++allocations;
  if (size == 0) size = 1;
  const std::size_t padded = alignment == 0 ? size : (size + alignment - 1) / alignment * alignment;
  void* memory = alignment == 0 ? std::malloc(size) : std::aligned_alloc(alignment, padded);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

void* operator new(std::size_t size) { return allocate(size, 0); }
void* operator new[](std::size_t size) { return allocate(size, 0); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  return allocate(size, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t size, std::align_val_t alignment) {
  return allocate(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

namespace {

using namespace axonomy;

constexpr int warm_up = 3, watched = 3, whole_block = 17;

// Runs `step` a few times freely and a few times watched.
template <class Step>
void expect_no_allocation(const Step& step, int count = watched) {
  try {
    for (int t = 0; t < warm_up; ++t) step();
    const long before = allocations;
    Eigen::internal::set_is_malloc_allowed(false);
    for (int t = 0; t < count; ++t) step();
    Eigen::internal::set_is_malloc_allowed(true);
    CHECK_EQUAL(allocations - before, 0);
  } catch (const std::logic_error& error) {
    Eigen::internal::set_is_malloc_allowed(true);
    ++check::checks;
    check::fail(__FILE__, __LINE__, error.what());
  }
}

template <class T>
std::unique_ptr<Optimiser<T>> make_optimiser(const std::string& kind, const Shape& shape) {
  const std::vector<std::pair<Index, Index>> shapes = {{shape.R(), shape.m},
                                                       {shape.n + 1, shape.n_out}};
  if (kind == "sgd") return std::make_unique<Sgd<T>>();
  if (kind == "momentum") return std::make_unique<Momentum<T>>(T(0.9), shapes);
  if (kind == "rmsprop") return std::make_unique<RmsProp<T>>(T(0.9), T(1e-8), shapes);
  return std::make_unique<Adam<T>>(T(0.9), T(0.999), T(1e-8), shapes);
}

template <class T>
void test_cell(const LearnerSpec& spec, const std::shared_ptr<Cell<T>>& cell, const std::string& optimiser,
               const TrainerOptions& options, Index streams = 1, int threads = 1) {
  const Shape& shape = cell->shape();
  Random random(1);
  random.normals(cell->W.data(), cell->W.size());
  random.normals(cell->W_out.data(), cell->W_out.size());
  cell->W *= T(0.3);
  AbsentWeights(shape).clear(cell->W.data());
  std::vector<std::shared_ptr<Learner<T>>> learners;
  for (Index b = 0; b < streams; ++b) learners.push_back(make_learner<T>(shape, spec));
  Trainer<T> trainer(cell, std::move(learners), make_optimiser<T>(optimiser, shape), options, 2, threads);
  Vector<T> x = Vector<T>::Ones(streams * shape.n_in), y = Vector<T>::Zero(streams * shape.n_out), loss(streams);
  y[0] = T(1);
  bool finite = true;
  expect_no_allocation([&] {
    x = -x;
    finite = trainer.step({x.data(), y.data()}, loss.data()) && finite;
  }, options.delay_from == 0 ? whole_block : watched);
  CHECK(finite);
}

template <class T>
void test_trainer(const LearnerSpec& spec, Index n, const std::string& optimiser,
                  const TrainerOptions& options, double alpha, bool masked = false) {
  Shape shape = shape_for(spec, n);
  if (masked) shape.pattern = ring(n);
  const std::vector<double> alphas(static_cast<std::size_t>(n), alpha);
  test_cell<T>(spec, std::make_shared<LeakyRNN<T>>(shape, Loss::cross_entropy, Activation::tanh, alphas), optimiser,
               options);
}

template <class T>
void test_gated(const LearnerSpec& spec, const TrainerOptions& options) {
  for (const Shape& shape : gated_shapes(5)) {
    if (!accepts(spec, shape)) continue;
    std::shared_ptr<Cell<T>> cell;
    if (shape.element_wise)
      cell = std::make_shared<ElementwiseLstm<T>>(shape, Loss::mse);
    else if (shape.states_per_unit == 2)
      cell = std::make_shared<Lstm<T>>(shape, Loss::mse);
    else
      cell = std::make_shared<Gru<T>>(shape, Loss::mse);
    test_cell<T>(spec, cell, "sgd", options);
    test_cell<T>(spec, cell, "sgd", options, 3);
  }
}

template <class T>
void test_learner(const LearnerSpec& spec, Index n, Index states_per_unit, Index rows_per_unit) {
  const Shape shape = shape_for(spec, n, states_per_unit, rows_per_unit);
  Driver<T> driver(spec, shape);
  Matrix<T> gradient = Matrix<T>::Zero(shape.R(), shape.m);
  expect_no_allocation([&] {
    driver.draw_noise();
    driver.step(T(1), gradient.data());
    driver.step();  // without a gradient
  });
  CHECK(gradient.allFinite());
}

template <class T>
void test(const std::string& type) {
  TrainerOptions plain;
  plain.schedule.initial = 1e-3;
  TrainerOptions everything = plain;
  everything.clip = 0.1;
  everything.l2 = 1e-4;
  everything.update_every = 2;
  TrainerOptions delayed = plain;
  delayed.delay_from = 0;
  for (LearnerSpec spec : all_specs({1, 2, 3})) {
    spec.block = 2;  // folds happen while the watch is on
    for (const Index n : {6, 40}) {
      // The dearest ones not under every option.
      if (n == 40 && order(spec) == 4 && (spec.rank == 3 || spec.current != Current::exact))
        continue;
      check::context = type + ", " + name(spec) + ", n " + std::to_string(n);
      test_trainer<T>(spec, n, "sgd", plain, 1);
      if (spec.tensor == "k=i") test_trainer<T>(spec, n, "sgd", delayed, 0.5);
      test_learner<T>(spec, n, 1, 1);
      if (n != 6) continue;
      test_learner<T>(spec, n, 2, 4);
      test_gated<T>(spec, plain);
      test_gated<T>(spec, everything);
      test_trainer<T>(spec, n, "sgd", everything, 0.5);
      test_trainer<T>(spec, n, "sgd", plain, 1, true);
      for (const char* optimiser : {"momentum", "rmsprop", "adam"})
        test_trainer<T>(spec, n, optimiser, plain, 0.5);
    }
  }
  for (const auto& spec : hybrids(make_shape(6))) {
    check::context = type + ", " + spec.tensor;
    test_trainer<T>(spec, 6, "sgd", plain, 1);
    test_trainer<T>(spec, 6, "sgd", everything, 0.5);
    test_learner<T>(spec, 6, 1, 1);
  }
  // Large enough for a team within a step.
  for (LearnerSpec spec : {cell("kij", "rtrl"), cell("kij", "lazy"), cell("ki|j", "signs"), cell("ki|ij", "signs"),
                           cell("kj|ij", "signs")}) {
    check::context = type + ", " + name(spec) + ", a team";
    const Shape shape = make_shape(spec.solver == "rtrl" ? 48 : 164);
    spec.block = 2;
    for (const bool even : {false, true}) {
      spec.even = even;
      if (even && spec.solver != "lazy") continue;
      const std::vector<double> alphas(static_cast<std::size_t>(shape.n), 1.0);
      const auto leaky = std::make_shared<LeakyRNN<T>>(shape, Loss::cross_entropy, Activation::tanh, alphas);
      test_cell<T>(spec, leaky, "sgd", plain, 1, 2);
    }
  }
  // Large enough that Eigen's products would leave the stack for their buffers.
  for (const auto& spec : cells()) {
    if (order(spec) == 4 || spec.solver == "lazy") continue;
    check::context = type + ", " + name(spec) + ", n 150";
    test_trainer<T>(spec, 150, "sgd", plain, 1);
  }
}

// That the watch works.
void test_watch() {
  check::context = "watch";
  const long before = allocations;
  delete new int;
  CHECK_EQUAL(allocations - before, 1);
  bool thrown = false;
  Eigen::internal::set_is_malloc_allowed(false);
  try {
    Matrix<double> matrix(3, 3);
  } catch (const std::logic_error&) {
    thrown = true;
  }
  Eigen::internal::set_is_malloc_allowed(true);
  CHECK(thrown);
}

}  // namespace

int main() {
  test_watch();
  test<double>("f64");
  test<float>("f32");
  return check::result();
}

#include "axonomy/optimiser/adam.hpp"
#include "axonomy/optimiser/momentum.hpp"
#include "axonomy/optimiser/rmsprop.hpp"
#include "axonomy/optimiser/sgd.hpp"
#include "common.hpp"

namespace axonomy::bindings {

namespace {

using Mask = std::optional<Array<std::uint8_t>>;

template <class T>
Sequence<T> sequence_of(const Shape& shape, const Array<T>& X, const Array<T>& Y, const Mask& mask,
                        const Mask& reset, Index streams = 1) {
  Sequence<T> s;
  s.length = X.ndim() > 0 ? X.shape(0) : 0;
  const Index rows = s.length * streams;
  s.x = data_of<T>(X, rows * shape.n_in, "X");
  s.y = data_of<T>(Y, rows * shape.n_out, "Y");
  s.mask = data_of<std::uint8_t>(mask, rows, "mask");
  s.reset = data_of<std::uint8_t>(reset, rows, "reset");
  return s;
}

Schedule schedule_of(const py::dict& d) {
  Schedule s;
  const auto kind = d["kind"].cast<std::string>();
  s.initial = d["initial"].cast<double>();
  if (kind == "constant") return s;
  s.steps = d["steps"].cast<double>();
  if (kind == "exponential") {
    s.kind = Schedule::Kind::exponential;
    s.factor = d["factor"].cast<double>();
  } else if (kind == "inverse") {
    s.kind = Schedule::Kind::inverse;
    s.power = d["power"].cast<double>();
  } else {
    throw std::invalid_argument("lr: unknown schedule '" + kind + "'");
  }
  return s;
}

template <class T>
std::unique_ptr<Optimiser<T>> make_optimiser(const py::dict& d, const Cell<T>& cell) {
  const std::vector<std::pair<Index, Index>> shapes = {{cell.W.rows(), cell.W.cols()},
                                                       {cell.W_out.rows(), cell.W_out.cols()}};
  const auto kind = d["kind"].cast<std::string>();
  const auto number = [&](const char* name) { return T(d[name].cast<double>()); };
  if (kind == "sgd") return std::make_unique<Sgd<T>>();
  if (kind == "momentum") return std::make_unique<Momentum<T>>(number("momentum"), shapes);
  if (kind == "rmsprop")
    return std::make_unique<RmsProp<T>>(number("decay"), number("eps"), shapes);
  if (kind == "adam")
    return std::make_unique<Adam<T>>(number("beta1"), number("beta2"), number("eps"), shapes);
  throw std::invalid_argument("optimiser: unknown kind '" + kind + "'");
}

// Signals are looked at with the GIL; an exception from the callback or from Ctrl-C ends the run between
// two steps.
void check_signals() {
  if (PyErr_CheckSignals() != 0) throw py::error_already_set();
}

// Says on a Python exception which step it came from; that step was not taken.
void note_step(const py::error_already_set& error, std::uint64_t step) {
  error.value().attr("add_note")("at step " + std::to_string(step) + ", which was not taken");
}

template <class T>
py::dict run(Trainer<T>& trainer, const Array<T>& X, const Array<T>& Y, const Mask& mask,
             const Mask& reset, Array<T>& losses, const std::vector<std::string>& monitors,
             Index monitor_every, Index poll_every,
             const std::optional<std::function<void(Index)>>& callback) {
  const Sequence<T> sequence = sequence_of<T>(trainer.shape(), X, Y, mask, reset, trainer.streams());
  T* loss = losses.mutable_data();
  if (losses.size() != sequence.length * trainer.streams())
    throw std::invalid_argument("losses: expected one number a step and stream");
  MonitorRequest request;
  request.every = monitors.empty() ? 0 : monitor_every;
  for (const auto& name : monitors) {
    request.gradient_norm |= name == "gradient_norm";
    request.spectral_radius |= name == "spectral_radius";
  }
  const typename Trainer<T>::Turn turn(trainer);
  RunOutcome outcome;
  std::vector<MonitorRecord> records;
  std::exception_ptr failure;
  {
    py::gil_scoped_release unlocked;
    const auto poll = [&](Index done) {
      py::gil_scoped_acquire locked;
      check_signals();
      if (callback) (*callback)(done);
    };
    try {
      trainer.run(sequence, loss, request, records, poll_every, poll, outcome);
    } catch (...) {
      failure = std::current_exception();
    }
  }
  py::dict result;
  result["done"] = outcome.done;
  result["diverged"] = outcome.diverged;
  py::list steps;
  py::dict columns;
  for (const auto& name : monitors) columns[py::str(name)] = py::list();
  for (const auto& record : records) {
    steps.append(record.step);
    const auto put = [&](const char* name, double value) {
      if (columns.contains(name)) columns[name].cast<py::list>().append(value);
    };
    put("loss", record.loss);
    put("gradient_norm", record.gradient_norm);
    put("state_norm", record.state_norm);
    put("spectral_radius", record.spectral_radius);
    for (const auto& [name, value] : record.learner) put(name.c_str(), value);
  }
  result["monitor_steps"] = steps;
  result["monitors"] = columns;
  result["error"] = py::none();
  if (failure) {
    // Handed over as a value, with what was done, so that the caller loses nothing.
    try {
      std::rethrow_exception(failure);
    } catch (py::error_already_set& error) {
      if (outcome.failed) note_step(error, trainer.step_count());
      if (error.trace()) PyException_SetTraceback(error.value().ptr(), error.trace().ptr());
      result["error"] = error.value();
    }
  }
  return result;
}

// One sample of each stream; whether it was taken.
template <class T>
bool take_one(Trainer<T>& trainer, const Samples<T>& samples, T* losses) {
  const typename Trainer<T>::Turn turn(trainer);
  try {
    if (!trainer.has_team()) return trainer.step(samples, losses);
    py::gil_scoped_release unlocked;  // the members may want the lock
    return trainer.step(samples, losses);
  } catch (py::error_already_set& error) {
    note_step(error, trainer.step_count());
    throw;
  }
}

// The losses (streams,), or None if the step was not taken.
template <class T>
py::object learn_one(Trainer<T>& trainer, const Array<T>& x, const std::optional<Array<T>>& y) {
  const Shape& shape = trainer.shape();
  const Index streams = trainer.streams();
  const Samples<T> samples{data_of<T>(x, streams * shape.n_in, "x"), data_of<T>(y, streams * shape.n_out, "y")};
  Array<T> losses(streams);
  if (!take_one(trainer, samples, losses.mutable_data())) return py::none();
  return std::move(losses);
}

// The numbers of an array (size,) that is as the core has them, all finite and from least to most; null of any other.
template <class T>
const T* plain(const py::handle& object, Index size, T least, T most) {
  if (!Array<T>::check_(object)) return nullptr;
  const auto array = py::reinterpret_borrow<py::array>(object);
  if (array.ndim() != 1 || array.shape(0) != size) return nullptr;
  const T* const data = static_cast<const T*>(array.data());
  bool right = true;
  for (Index i = 0; i < size; ++i) right = right && data[i] >= least && data[i] <= most;
  return right ? data : nullptr;
}

// The same for one stream, of a sample that needs no conversion: a fraction of what it takes to look at one in Python. None
// where it does, where anything is wrong with it or where the step cannot be taken: learn_one is there for all that.
template <class T>
py::object learn_plain(Trainer<T>& trainer, const py::object& x, const py::object& y) {
  const Shape& shape = trainer.shape();
  if (trainer.streams() != 1) return py::none();
  const T largest = std::numeric_limits<T>::max();
  const T* const input = plain<T>(x, shape.n_in, -largest, largest);
  if (input == nullptr) return py::none();
  const T* target = nullptr;
  Vector<T> one_hot;
  if (!y.is_none()) {
    const Loss loss = trainer.engine().cell->loss();
    if (py::isinstance<py::array>(y)) {
      target = plain<T>(y, shape.n_out, loss == Loss::mse ? -largest : T(0),
                        loss == Loss::binary_cross_entropy ? T(1) : largest);
    } else if (loss == Loss::cross_entropy && PyIndex_Check(y.ptr()) && !PyBool_Check(y.ptr())) {
      const Index index = PyNumber_AsSsize_t(y.ptr(), PyExc_IndexError);
      if (index == -1) PyErr_Clear();
      if (index < 0 || index >= shape.n_out) return py::none();
      one_hot = Vector<T>::Unit(shape.n_out, index);
      target = one_hot.data();
    }
    if (target == nullptr) return py::none();
  }
  T loss;
  if (!take_one(trainer, Samples<T>{input, target}, &loss)) return py::none();
  return py::float_(static_cast<double>(loss));
}

template <class T>
Array<T> predict_one(Trainer<T>& trainer, const Array<T>& x) {
  const Index streams = trainer.streams(), n_out = trainer.shape().n_out;
  const typename Trainer<T>::Turn turn(trainer);
  trainer.predict(data_of<T>(x, streams * trainer.shape().n_in, "x"));
  Array<T> out({streams, n_out});
  for (Index b = 0; b < streams; ++b)
    std::copy_n(trainer.engine(b).cell->output().data(), n_out, out.mutable_data(b, 0));
  return out;
}

template <class T>
Array<T> states_of(Trainer<T>& trainer) {
  const Index streams = trainer.streams(), S = trainer.shape().S();
  Array<T> out({streams, S});
  for (Index b = 0; b < streams; ++b) std::copy_n(trainer.engine(b).cell->state.data(), S, out.mutable_data(b, 0));
  return out;
}

template <class T>
py::tuple gradients_of(std::shared_ptr<Cell<T>> cell, std::shared_ptr<Learner<T>> learner,
                       std::uint64_t seed, const std::optional<py::dict>& initial,
                       const Array<T>& X, const Array<T>& Y, const Mask& mask, const Mask& reset,
                       const std::optional<Array<T>>& noise, bool record_influence, bool record_credit) {
  const Shape shape = cell->shape();
  const Sequence<T> sequence = sequence_of<T>(shape, X, Y, mask, reset);
  cell->catch_up();
  Engine<T> engine(std::move(cell), learner, seed);
  if (initial) load_state<T>(*learner, *initial, true);
  const T* given = data_of<T>(noise, sequence.length * learner->noise_size(), "noise");
  const Index length = sequence.length;
  Array<T> recurrent({length, shape.R(), shape.m}), output({length, shape.n_out, shape.n + 1});
  Array<T> losses(length);
  Array<T> influence(record_influence ? std::vector<Index>{length, shape.S(), shape.R(), shape.m}
                                      : std::vector<Index>{0});
  Array<T> credit(record_credit ? std::vector<Index>{length, shape.S()} : std::vector<Index>{0});
  std::fill_n(influence.mutable_data(), influence.size(), T(0));
  std::fill_n(credit.mutable_data(), credit.size(), T(0));
  const GradientsOut<T> out{recurrent.mutable_data(), output.mutable_data(), losses.mutable_data(),
                            record_influence ? influence.mutable_data() : nullptr,
                            record_credit ? credit.mutable_data() : nullptr};
  Index done = 0;
  try {
    py::gil_scoped_release unlocked;
    gradients<T>(engine, sequence, given, out, [](Index) {
      py::gil_scoped_acquire locked;
      check_signals();
    }, done);
  } catch (py::error_already_set& error) {
    note_step(error, done);
    throw;
  }
  return py::make_tuple(recurrent, output, losses, influence, credit, done);
}

template <class T>
void bind(py::module_& m) {
  using Tr = Trainer<T>;
  py::class_<Tr>(m, (std::string("Trainer") + suffix<T>()).c_str())
      .def(py::init([](const std::shared_ptr<Cell<T>>& cell, const std::vector<std::shared_ptr<Learner<T>>>& learners,
                       const py::dict& optimiser, Index update_every, std::uint64_t seed, int threads, Index delay_from) {
             if (learners.empty()) throw std::invalid_argument("learners: expected one a stream");
             TrainerOptions options;
             options.schedule = schedule_of(optimiser["lr"].cast<py::dict>());
             options.clip = optimiser["clip"].cast<double>();
             options.l2 = optimiser["l2"].cast<double>();
             options.update_every = update_every;
             options.delay_from = delay_from;
             auto made = make_optimiser<T>(optimiser, *cell);
             return std::make_unique<Tr>(cell, learners, std::move(made), options, seed, threads);
           }),
           py::arg("cell"), py::arg("learners"), py::arg("optimiser"), py::arg("update_every"),
           py::arg("seed"), py::arg("threads"), py::arg("delay_from"))
      .def_property_readonly("step_count", &Tr::step_count)
      .def_property_readonly("update_count", &Tr::update_count)
      .def("run", &run<T>, py::arg("X"), py::arg("Y"), py::arg("mask"), py::arg("reset"),
           py::arg("losses"), py::arg("monitors"), py::arg("monitor_every"), py::arg("poll_every"),
           py::arg("callback"))
      .def("learn_one", &learn_one<T>, py::arg("x"), py::arg("y"))
      .def("learn_plain", &learn_plain<T>, py::arg("x"), py::arg("y"))
      .def("predict_one", &predict_one<T>, py::arg("x"))
      .def_property(
          "states", &states_of<T>,
          [](Tr& t, const Array<T>& value) {
            const typename Tr::Turn turn(t);
            const Index S = t.shape().S();
            const T* data = data_of<T>(value, t.streams() * S, "states");
            for (Index b = 0; b < t.streams(); ++b)
              t.engine(b).cell->state = Eigen::Map<const Vector<T>>(data + b * S, S);
          })
      .def("reset",
           [](Tr& t) {
             const typename Tr::Turn turn(t);
             t.reset();
           })
      .def("diagnostics", [](Tr& t) { return to_dict(t.diagnostics()); })
      .def("state", [](Tr& t) { return state_of<T>(t); })
      .def(
          "load_state",
          [](Tr& t, const py::dict& d) {
            const typename Tr::Turn turn(t);
            load_state<T>(t, d);
          },
          py::arg("state"));
  m.def((std::string("gradients") + suffix<T>()).c_str(), &gradients_of<T>, py::arg("cell"),
        py::arg("learner"), py::arg("seed"), py::arg("initial"), py::arg("X"), py::arg("Y"),
        py::arg("mask"), py::arg("reset"), py::arg("noise"), py::arg("record_influence"),
        py::arg("record_credit"));
}

}  // namespace

void bind_trainer(py::module_& m) {
  bind<float>(m);
  bind<double>(m);
}

}  // namespace axonomy::bindings

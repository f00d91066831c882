#include "python_parts.hpp"

#include <map>

namespace axonomy::bindings {

namespace {

LearnerSpec spec_of(const py::dict& dict);

template <class Enum>
Enum choice(const std::string& argument, const py::handle& given,
            std::initializer_list<std::pair<const char*, Enum>> choices) {
  const auto value = given.cast<std::string>();
  for (const auto& [name, result] : choices)
    if (value == name) return result;
  throw std::invalid_argument(argument + ": unknown value '" + value + "'");
}

using Setter = void (*)(LearnerSpec&, const py::handle&);

// Every option by name. What is not an option of a learner is refused in Python.
const std::map<std::string, Setter>& setters() {
  static const std::map<std::string, Setter> all = {
      {"tensor", [](LearnerSpec& s, const py::handle& v) { s.tensor = v.cast<std::string>(); }},
      {"solver", [](LearnerSpec& s, const py::handle& v) { s.solver = v.cast<std::string>(); }},
      {"rank", [](LearnerSpec& s, const py::handle& v) { s.rank = v.cast<Index>(); }},
      {"window", [](LearnerSpec& s, const py::handle& v) { s.window = v.cast<Index>(); }},
      {"block", [](LearnerSpec& s, const py::handle& v) { s.block = v.cast<Index>(); }},
      {"latency",
       [](LearnerSpec& s, const py::handle& v) {
         s.even = choice<bool>("latency", v, {{"block", false}, {"even", true}});
       }},
      {"hops", [](LearnerSpec& s, const py::handle& v) { s.hops = v.cast<Index>(); }},
      {"sigma", [](LearnerSpec& s, const py::handle& v) { s.sigma = v.cast<double>(); }},
      {"learning_rate", [](LearnerSpec& s, const py::handle& v) { s.learning_rate = v.cast<double>(); }},
      {"decay", [](LearnerSpec& s, const py::handle& v) { s.decay = v.cast<double>(); }},
      {"current",
       [](LearnerSpec& s, const py::handle& v) {
         s.current = choice<Current>("current", v, {{"exact", Current::exact}, {"estimated", Current::estimated}});
       }},
      {"normaliser",
       [](LearnerSpec& s, const py::handle& v) {
         s.normaliser = choice<Normaliser>(
             "normaliser", v, {{"per_term", Normaliser::per_term}, {"shared", Normaliser::shared}});
       }},
      {"noise",
       [](LearnerSpec& s, const py::handle& v) {
         s.noise = choice<NoiseKind>("noise", v, {{"signs", NoiseKind::signs}, {"normal", NoiseKind::normal}});
       }},
      {"immediate",
       [](LearnerSpec& s, const py::handle& v) {
         s.immediate =
             choice<ImmediateBy>("immediate", v, {{"row", ImmediateBy::row}, {"state", ImmediateBy::state}});
       }},
      {"through",
       [](LearnerSpec& s, const py::handle& v) {
         s.through = choice<Through>("through", v, {{"time", Through::time}, {"today", Through::today}});
       }},
      {"refresh", [](LearnerSpec& s, const py::handle& v) { s.synthetic.refresh = v.cast<Index>(); }},
      {"l2", [](LearnerSpec& s, const py::handle& v) { s.synthetic.l2 = v.cast<double>(); }},
      {"jacobian_rate", [](LearnerSpec& s, const py::handle& v) { s.synthetic.jacobian_rate = v.cast<double>(); }},
      {"forgetting", [](LearnerSpec& s, const py::handle& v) { s.synthetic.forgetting = v.cast<double>(); }},
      {"ridge", [](LearnerSpec& s, const py::handle& v) { s.synthetic.ridge = v.cast<double>(); }},
      {"output",
       [](LearnerSpec& s, const py::handle& v) {
         s.synthetic.tanh_output = choice<bool>("output", v, {{"linear", false}, {"tanh", true}});
       }},
      {"label",
       [](LearnerSpec& s, const py::handle& v) {
         s.synthetic.tanh_label = choice<bool>("label", v, {{"linear", false}, {"tanh", true}});
       }},
      {"weights", [](LearnerSpec& s, const py::handle& v) { s.weights = v.cast<std::vector<double>>(); }},
      {"halvings", [](LearnerSpec& s, const py::handle& v) { s.halvings = v.cast<Index>(); }},
      {"every", [](LearnerSpec& s, const py::handle& v) { s.every = v.cast<Index>(); }},
      {"blocks",
       [](LearnerSpec& s, const py::handle& v) {
         for (const auto& [start, width] : v.cast<std::vector<std::pair<Index, Index>>>())
           s.blocks.push_back({start, width});
       }},
      {"parts",
       [](LearnerSpec& s, const py::handle& v) {
         for (const auto& part : v.cast<py::list>()) s.parts.push_back(spec_of(part.cast<py::dict>()));
       }},
      {"reduction", [](LearnerSpec& s, const py::handle& v) { s.reduction = python_reduction(v); }},
      {"learner", [](LearnerSpec& s, const py::handle& v) { s.factory = python_learner_factory(v); }},
  };
  return all;
}

LearnerSpec spec_of(const py::dict& dict) {
  LearnerSpec spec;
  for (const auto& item : dict) {
    const auto key = item.first.cast<std::string>();
    const auto setter = setters().find(key);
    if (setter == setters().end()) throw std::invalid_argument("make_learner: unknown option '" + key + "'");
    setter->second(spec, item.second);
  }
  return spec;
}

template <class T>
std::vector<T> drawn(Random& random, const Learner<T>& learner) {
  std::vector<T> noise(static_cast<std::size_t>(learner.noise_size()));
  learner.draw(random, noise.data());
  return noise;
}

// A learner driven by hand, with its own random numbers and the gradient of its last step.
template <class T>
struct HandDriven {
  HandDriven(const Shape& shape, std::shared_ptr<Learner<T>> learner, std::uint64_t seed)
      : shape(shape),
        learner(std::move(learner)),
        random(seed),
        jacobian(shape),
        D(shape.n, shape.states_per_unit, shape.rows_per_unit),
        leak(shape.n, shape.states_per_unit, shape.states_per_unit),
        gradient(Matrix<T>::Zero(shape.R(), shape.m)),
        absent_(shape) {
    reset();
  }

  void reset(const std::optional<Array<T>>& state = std::nullopt) {
    const Vector<T> zero = Vector<T>::Zero(shape.S());
    before_.whole(*this, [&] { learner->reset(state ? data_of<T>(*state, shape.S(), "state") : zero.data()); });
    gradient.setZero();
  }
  void new_sequence(const std::optional<Array<T>>& state) {
    const Vector<T> zero = Vector<T>::Zero(shape.S());
    before_.whole(*this, [&] { learner->new_sequence(state ? data_of<T>(*state, shape.S(), "state") : zero.data()); });
  }

  void step(const Array<T>& J, const Array<T>& D_dense, const Array<T>& a_hat, const Array<T>& q,
            const std::optional<Array<T>>& leak_dense, const std::optional<Array<T>>& noise,
            const std::optional<Array<T>>& state, const std::optional<Array<T>>& y) {
    const Index S = shape.S(), R = shape.R();
    Matrix<T> dense(S, S);
    assign<T>(dense, J, "J");
    if (shape.element_wise) {
      BlockDiagonal<T> within(shape.n, shape.states_per_unit, shape.states_per_unit);
      blocks(J, within, "J");
    }
    jacobian.bind(dense);
    Matrix<T> regressors(shape.element_wise ? R : shape.m, shape.element_wise ? shape.m : 1);
    assign<T>(regressors, a_hat, "a_hat");
    blocks(D_dense, D, "D");
    if (leak_dense) blocks(*leak_dense, leak, "leak");
    Step<T> seen{&jacobian, &D, leak_dense ? &leak : nullptr,
                 regressors.data(), data_of<T>(q, S, "q"),
                 data_of<T>(state, S, "state"), data_of<T>(y, shape.n_out, "y")};
    const T* given = data_of<T>(noise, learner->noise_size(), "noise");
    before_.whole(*this, [&] {
      const std::vector<T> fresh = given ? std::vector<T>() : drawn(random, *learner);
      gradient.setZero(R, shape.m);
      learner->step(seen, given ? given : fresh.data(), T(1), gradient.data());
    });
    if (!learner->keeps_absent()) absent_.clear(gradient.data());
  }

  // The entries within units; anything between units is refused.
  static void blocks(const Array<T>& dense, BlockDiagonal<T>& out, const char* name) {
    const T* data = data_of<T>(dense, out.rows() * out.cols(), name);
    const Index n = out.n();
    for (Index r = 0; r < out.rows(); ++r)
      for (Index c = 0; c < out.cols(); ++c) {
        const T value = data[r * out.cols() + c];
        if (r % n == c % n)
          out.part(r / n, c / n)[r % n] = value;
        else if (value != T(0))
          throw std::invalid_argument(std::string(name) +
                                      ": expected entries only within units (index modulo n equal), "
                                      "got a non-zero at (" +
                                      std::to_string(r) + ", " + std::to_string(c) + ")");
      }
  }

  void visit(StateVisitor<T>& v) {
    v.enter("learner");
    learner->visit(v);
    v.leave();
    v.enter("driver");
    random.visit(v);
    v.matrix("gradient", gradient);
    v.leave();
  }

  Shape shape;
  std::shared_ptr<Learner<T>> learner;
  Random random;
  Jacobian<T> jacobian;
  BlockDiagonal<T> D, leak;
  Matrix<T> gradient;

 private:
  AbsentWeights absent_;
  Snapshot<T> before_;
};

template <class T>
void bind_learner(py::module_& m) {
  using L = Learner<T>;
  py::class_<L, std::shared_ptr<L>>(m, (std::string("Learner") + suffix<T>()).c_str())
      .def_property_readonly("n_noise", &L::noise_size)
      .def_property_readonly("noise_kind",
                             [](const L& l) -> std::optional<std::string> {
                               if (l.noise_kind() == NoiseKind::none) return std::nullopt;
                               if (l.noise_kind() == NoiseKind::mixed) return "mixed";
                               return l.noise_kind() == NoiseKind::signs ? "signs" : "normal";
                             })
      .def_property_readonly("nbytes",
                             [](L& l) {
                               ByteCount<T> count;
                               l.visit(count);
                               return count.total();
                             })
      .def("state", [](L& l) { return state_of<T>(l); })
      .def("load_state", [](L& l, const py::dict& d) { load_state<T>(l, d); }, py::arg("state"))
      .def("diagnostics", [](const L& l) { return to_dict(l.diagnostics()); });
  m.def((std::string("make_learner") + suffix<T>()).c_str(),
        [](const Shape& shape, const py::dict& spec) -> std::shared_ptr<L> {
          return make_learner<T>(shape, spec_of(spec));
        },
        py::arg("shape"), py::arg("spec"));

  using H = HandDriven<T>;
  py::class_<H>(m, (std::string("HandDriven") + suffix<T>()).c_str())
      .def(py::init<const Shape&, std::shared_ptr<L>, std::uint64_t>(), py::arg("shape"),
           py::arg("learner"), py::arg("seed"))
      .def_readonly("learner", &H::learner)
      .def("reset", &H::reset, py::arg("state"))
      .def("new_sequence", &H::new_sequence, py::arg("state"))
      .def("step", &H::step, py::arg("J"), py::arg("D"), py::arg("a_hat"), py::arg("q"),
           py::arg("leak"), py::arg("noise"), py::arg("state"), py::arg("y"))
      .def("gradient", [](const H& h) { return to_numpy<T>(h.gradient); })
      .def("influence",
           [](const H& h) -> std::optional<py::array_t<T, py::array::f_style>> {
             Matrix<T> M;
             if (!h.learner->influence(M)) return std::nullopt;
             py::array_t<T, py::array::f_style> out({h.shape.S(), h.shape.R(), h.shape.m});
             std::copy_n(M.data(), M.size(), out.mutable_data());
             return out;
           })
      .def("credit",
           [](const H& h) -> std::optional<Array<T>> {
             Vector<T> c;
             if (!h.learner->credit(c)) return std::nullopt;
             return to_numpy<T>(c);
           })
      .def("state", [](H& h) { return state_of<T>(h); })
      .def("load_state", [](H& h, const py::dict& d) { load_state<T>(h, d); }, py::arg("state"));
}

}  // namespace

void bind_learners(py::module_& m) {
  bind_learner<float>(m);
  bind_learner<double>(m);
}

}  // namespace axonomy::bindings

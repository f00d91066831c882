#include "axonomy/cell/elstm.hpp"
#include "axonomy/cell/gru.hpp"
#include "axonomy/cell/ind_rnn.hpp"
#include "axonomy/cell/leaky_rnn.hpp"
#include "axonomy/cell/lstm.hpp"
#include "axonomy/cell/mgu.hpp"
#include "common.hpp"

namespace axonomy::bindings {

namespace {

Activation activation_of(const std::string& name) {
  if (name == "tanh") return Activation::tanh;
  if (name == "relu") return Activation::relu;
  if (name == "sigmoid") return Activation::sigmoid;
  if (name == "softplus") return Activation::softplus;
  if (name == "identity") return Activation::identity;
  throw std::invalid_argument("activation: unknown name '" + name + "'");
}

Loss loss_of(const std::string& name) {
  if (name == "cross_entropy") return Loss::cross_entropy;
  if (name == "binary_cross_entropy") return Loss::binary_cross_entropy;
  if (name == "mse") return Loss::mse;
  throw std::invalid_argument("loss: unknown name '" + name + "'");
}

// Makes a cell that has no settings of its own.
template <class T, template <class> class Kind>
auto plain() {
  return [](const Shape& shape, const std::string& loss) -> std::shared_ptr<Cell<T>> {
    return std::make_shared<Kind<T>>(shape, loss_of(loss));
  };
}

// For those who look at W. In the midst of a run, from another thread, it is what it was at some time before.
template <class T>
const LargeMatrix<T>& weights(const Cell<T>& cell) {
  if (cell.run_owner.may_change()) cell.catch_up();
  return cell.W;
}

// For those who change a network, which during a run is for the run's own thread alone: its callbacks.
template <class T>
Cell<T>& changing(Cell<T>& cell) {
  if (!cell.run_owner.may_change()) throw std::logic_error("the network is in the midst of a run");
  cell.catch_up();
  cell.weights_change();
  return cell;
}

template <class T>
void bind_cell(py::module_& m) {
  const std::string name = std::string("Cell") + suffix<T>();
  using C = Cell<T>;
  py::class_<C, std::shared_ptr<C>>(m, name.c_str())
      .def_property_readonly("shape", [](const C& c) { return c.shape(); })
      .def_property(
          "W", [](const C& c) { return to_numpy<T>(Matrix<T>(weights(c))); },
          [](C& c, const Array<T>& value) { assign<T>(changing(c).W, value, "W"); })
      .def_property(
          "W_out", [](const C& c) { return to_numpy<T>(Matrix<T>(c.W_out.transpose())); },
          [](C& c, const Array<T>& value) {
            Matrix<T> rows(c.W_out.cols(), c.W_out.rows());
            assign<T>(rows, value, "W_out");
            changing(c).W_out = rows.transpose();
          })
      .def_property(
          "feedback",
          [](const C& c) -> std::optional<Array<T>> {
            if (c.feedback.size() == 0) return std::nullopt;
            return to_numpy<T>(Matrix<T>(c.feedback.transpose()));
          },
          [](C& c, const std::optional<Array<T>>& value) {
            Matrix<T> feedback(value ? c.shape().n_out : 0, value ? c.shape().n : 0);
            if (value) assign<T>(feedback, *value, "feedback");
            changing(c).feedback = feedback.transpose();
          })
      .def_property(
          "state", [](const C& c) { return to_numpy<T>(c.state); },
          [](C& c, const Array<T>& value) {
            const T* data = data_of<T>(value, c.state.size(), "state");
            changing(c).state = Eigen::Map<const Vector<T>>(data, c.state.size());
          })
      .def_property(
          "state_noise", [](const C& c) { return static_cast<double>(c.state_noise); },
          [](C& c, double value) { changing(c).state_noise = T(value); })
      .def(
          "forward",
          [](C& c, const Array<T>& X) {
            const Index length = X.ndim() == 2 ? X.shape(0) : 0;
            const T* x = data_of<T>(X, length * c.shape().n_in, "X");
            Array<T> states({length, c.shape().S()}), outputs({length, c.shape().n_out});
            weights(c);
            for (Index t = 0; t < length; ++t) {
              c.forward(x + t * c.shape().n_in, nullptr);
              std::copy_n(c.state.data(), c.state.size(), states.mutable_data(t, 0));
              std::copy_n(c.read_out().data(), c.shape().n_out, outputs.mutable_data(t, 0));
            }
            return py::make_tuple(states, outputs);
          },
          py::arg("X"),
          "Steps without learning or noise: advances the state; returns states (T, S), outputs (T, n_out).")
      .def("linearised", [](const C& c) {
        weights(c);
        const auto step = c.linearised(nullptr);
        const Index S = c.shape().S(), R = c.shape().R();
        Matrix<T> D = Matrix<T>::Zero(S, R), leak = Matrix<T>::Zero(S, S);
        step.D->add_to(D.data(), S);
        step.leak->add_to(leak.data(), S);
        return py::make_tuple(to_numpy<T>(step.J->dense()), to_numpy<T>(D), to_numpy<T>(leak),
                              regressors_to_numpy<T>(c.shape(), step.a_hat));
      });

  const auto make = [&m](const char* kind, const auto& maker, const auto&... arguments) {
    m.def((std::string("make_") + kind + suffix<T>()).c_str(), maker, py::arg("shape"), py::arg("loss"), arguments...);
  };
  using Alpha = std::vector<double>;
  make("leaky_rnn",
       [](const Shape& shape, const std::string& loss, const std::string& activation, const Alpha& alpha)
           -> std::shared_ptr<C> {
         return std::make_shared<LeakyRNN<T>>(shape, loss_of(loss), activation_of(activation), alpha);
       },
       py::arg("activation"), py::arg("alpha"));
  make("ind_rnn",
       [](const Shape& shape, const std::string& loss, const std::string& activation) -> std::shared_ptr<C> {
         return std::make_shared<IndRnn<T>>(shape, loss_of(loss), activation_of(activation));
       },
       py::arg("activation"));
  make("gru", plain<T, Gru>());
  make("mgu", plain<T, Mgu>());
  make("lstm", plain<T, Lstm>());
  make("elstm", plain<T, ElementwiseLstm>());
}

}  // namespace

void bind_shape(py::module_& m) {
  py::class_<Shape>(m, "Shape")
      .def(py::init([](Index n, Index n_in, Index n_out, Index regressors, Index states_per_unit,
                       Index rows_per_unit,
                       const std::optional<std::vector<std::vector<Index>>>& pattern,
                       const std::optional<std::vector<unsigned>>& sees, bool element_wise, Index fed_back) {
             Shape shape{n, n_in, n_out, regressors, states_per_unit, rows_per_unit};
             shape.element_wise = element_wise;
             shape.fed_back = fed_back;
             if (sees) {
               if (static_cast<Index>(sees->size()) != rows_per_unit)
                 throw std::invalid_argument("sees: expected one entry a gate");
               shape.sees = *sees;
             }
             if (pattern) {
               if (static_cast<Index>(pattern->size()) != n)
                 throw std::invalid_argument("pattern: expected one column a unit");
               shape.pattern = std::make_shared<const Sparsity>(*pattern);
             }
             return shape;
           }),
           py::arg("n"), py::arg("n_in"), py::arg("n_out"), py::arg("m"),
           py::arg("states_per_unit"), py::arg("rows_per_unit"), py::arg("pattern"), py::arg("sees"),
           py::arg("element_wise"), py::arg("fed_back"))
      .def_readonly("n", &Shape::n)
      .def_readonly("n_in", &Shape::n_in)
      .def_readonly("n_out", &Shape::n_out)
      .def_readonly("m", &Shape::m)
      .def_readonly("states_per_unit", &Shape::states_per_unit)
      .def_readonly("rows_per_unit", &Shape::rows_per_unit)
      .def_readonly("element_wise", &Shape::element_wise)
      .def_property_readonly("fed_back", &Shape::returning)
      .def_property_readonly("sees", [](const Shape& s) -> std::optional<std::vector<unsigned>> {
        if (s.sees.empty()) return std::nullopt;
        return s.sees;
      })
      .def_property_readonly("pattern", [](const Shape& s) -> std::optional<std::vector<std::vector<Index>>> {
        if (s.pattern == nullptr) return std::nullopt;
        return s.pattern->columns();
      });
}

void bind_cells(py::module_& m) {
  bind_cell<float>(m);
  bind_cell<double>(m);
}

}  // namespace axonomy::bindings

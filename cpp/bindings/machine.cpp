#include "axonomy/machine.hpp"

#include "common.hpp"

namespace axonomy::bindings {

namespace {

template <class T>
void bind_measures(py::module_& m) {
  const std::string of = suffix<T>();
  using Released = py::call_guard<py::gil_scoped_release>;
  m.def(("peak_flops" + of).c_str(), &peak_flops<T>, py::arg("seconds"), Released(),
        "Operations a second of multiply-adds in registers, one thread.");
  m.def(("gemm_flops" + of).c_str(), &gemm_flops<T>, py::arg("n"), py::arg("columns"), py::arg("seconds"),
        Released(), "Operations a second of J (n, n) times an influence (n, columns), one thread.");
  m.def(("read_bandwidth" + of).c_str(), &read_bandwidth<T>, py::arg("bytes"), py::arg("seconds"), Released(),
        "Bytes a second that are read, of so many that are read again and again, one thread.");
}

}  // namespace

void bind_machine(py::module_& m) {
  bind_measures<float>(m);
  bind_measures<double>(m);
}

}  // namespace axonomy::bindings

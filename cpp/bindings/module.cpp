#include "common.hpp"

PYBIND11_MODULE(_core, m) {
  using namespace axonomy::bindings;
  m.doc() = "The compiled core of axonomy.";
  bind_shape(m);
  bind_cells(m);
  bind_learners(m);
  bind_reductions(m);
  bind_passengers(m);
  bind_trainer(m);
  bind_machine(m);
  bind_build_info(m);
}

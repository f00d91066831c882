// Parts of a rule that are written in Python: a reduction, a learner.
#pragma once

#include "common.hpp"

namespace axonomy::bindings {

// An `axonomy.Reduction`.
std::shared_ptr<const ReductionFunction> python_reduction(const py::handle& reduction);

// A callable (core shape, dtype name) -> `axonomy.Learner`.
std::shared_ptr<const LearnerFactory> python_learner_factory(const py::handle& make);

}  // namespace axonomy::bindings

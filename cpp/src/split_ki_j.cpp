#include "axonomy/influence/make_factored.hpp"
#include "axonomy/influence/splits/ki_j.hpp"
#include "scalars.hpp"

namespace axonomy {

template <class T>
std::unique_ptr<Learner<T>> make_ki_j(const Shape& shape, const LearnerSpec& spec) {
  return make_factored<T, SplitKIJoint>(shape, spec);
}

#define AXONOMY_INSTANTIATE(T) \
  template std::unique_ptr<Learner<T>> make_ki_j<T>(const Shape&, const LearnerSpec&);
AXONOMY_FOR_EACH_SCALAR(AXONOMY_INSTANTIATE)

}  // namespace axonomy

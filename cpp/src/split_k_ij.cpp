#include "axonomy/influence/make_factored.hpp"
#include "axonomy/influence/splits/k_ij.hpp"
#include "scalars.hpp"

namespace axonomy {

template <class T>
std::unique_ptr<Learner<T>> make_k_ij(const Shape& shape, const LearnerSpec& spec) {
  return make_factored<T, SplitKIJ>(shape, spec, spec.immediate);
}

#define AXONOMY_INSTANTIATE(T) \
  template std::unique_ptr<Learner<T>> make_k_ij<T>(const Shape&, const LearnerSpec&);
AXONOMY_FOR_EACH_SCALAR(AXONOMY_INSTANTIATE)

}  // namespace axonomy

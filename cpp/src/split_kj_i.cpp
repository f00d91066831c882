#include "axonomy/influence/make_factored.hpp"
#include "axonomy/influence/splits/kj_i.hpp"
#include "scalars.hpp"

namespace axonomy {

template <class T>
std::unique_ptr<Learner<T>> make_kj_i(const Shape& shape, const LearnerSpec& spec) {
  return make_factored<T, SplitKJI>(shape, spec, spec.immediate);
}

#define AXONOMY_INSTANTIATE(T) \
  template std::unique_ptr<Learner<T>> make_kj_i<T>(const Shape&, const LearnerSpec&);
AXONOMY_FOR_EACH_SCALAR(AXONOMY_INSTANTIATE)

}  // namespace axonomy

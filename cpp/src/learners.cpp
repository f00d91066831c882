#include "axonomy/influence/full.hpp"
#include "axonomy/influence/lazy.hpp"
#include "axonomy/influence/output_only.hpp"
#include "axonomy/influence/perturbation.hpp"
#include "axonomy/influence/registry.hpp"
#include "axonomy/influence/sparse.hpp"
#include "axonomy/influence/unit_diagonal.hpp"
#include "axonomy/influence/window.hpp"
#include "scalars.hpp"

namespace axonomy {

template <class T>
std::unique_ptr<Learner<T>> make_learner(const Shape& shape, const LearnerSpec& spec) {
  const std::string key = spec.tensor + "/" + spec.solver;
  if (key == "kij/rtrl") return std::make_unique<FullInfluence<T>>(shape);
  if (key == "kij/lazy") return std::make_unique<LazyInfluence<T>>(shape, spec.block);
  if (key == "kij/window") return std::make_unique<WindowedInfluence<T>>(shape, spec.window);
  if (key == "k=i/leak") return std::make_unique<UnitDiagonalInfluence<T>>(shape, Kept::leak);
  if (key == "k=i/diagonal")
    return std::make_unique<UnitDiagonalInfluence<T>>(shape, Kept::diagonal);
  if (key == "sparse/snap") return std::make_unique<SparseInfluence<T>>(shape, spec.hops);
  if (key == "ki|ij/perturbation")
    return std::make_unique<PerturbationInfluence<T>>(
        shape, T(spec.sigma), T(spec.learning_rate), T(spec.decay), spec.current);
  if (key == "none/none") return std::make_unique<OutputOnly<T>>();
  if (spec.tensor == "k|ij") return make_k_ij<T>(shape, spec);
  if (spec.tensor == "ki|j") return make_ki_j<T>(shape, spec);
  if (spec.tensor == "kj|i") return make_kj_i<T>(shape, spec);
  if (spec.tensor == "ki|ij") return make_ki_ij<T>(shape, spec);
  if (spec.tensor == "kj|ij") return make_kj_ij<T>(shape, spec);
  throw std::invalid_argument("make_learner: no learner named '" + key + "'");
}

#define AXONOMY_INSTANTIATE(T) \
  template std::unique_ptr<Learner<T>> make_learner<T>(const Shape&, const LearnerSpec&);
AXONOMY_FOR_EACH_SCALAR(AXONOMY_INSTANTIATE)

}  // namespace axonomy

#include "axonomy/credit/backpropagation.hpp"
#include "axonomy/credit/node_perturbation.hpp"
#include "axonomy/hybrid/mix.hpp"
#include "axonomy/influence/full.hpp"
#include "axonomy/influence/lazy.hpp"
#include "axonomy/influence/output_only.hpp"
#include "axonomy/influence/perturbation.hpp"
#include "axonomy/influence/sparse.hpp"
#include "axonomy/influence/unit_diagonal.hpp"
#include "axonomy/influence/window.hpp"
#include "axonomy/registry.hpp"
#include "scalars.hpp"

namespace axonomy {

namespace {

template <class T>
std::unique_ptr<Learner<T>> made_outside(const Shape& shape, const LearnerFactory& factory) {
  if constexpr (std::is_same_v<T, float>) return factory.make_single(shape);
  if constexpr (std::is_same_v<T, double>) return factory.make_double(shape);
  throw std::invalid_argument("make_learner: learners from outside are of float or double");
}

template <class T>
std::unique_ptr<Learner<T>> make_hybrid(const Shape& shape, const LearnerSpec& spec) {
  if (spec.parts.empty() || spec.parts.size() != (spec.tensor == "mix" ? spec.weights.size() : spec.blocks.size()))
    throw std::invalid_argument("make_learner: a hybrid needs as many weights or blocks as parts");
  std::vector<std::unique_ptr<Learner<T>>> parts;
  for (std::size_t i = 0; i < spec.parts.size(); ++i) {
    Shape part = shape;
    if (spec.tensor == "by_block") {
      part.m = spec.blocks.at(i).width;
      part.first += spec.blocks[i].start;
    }
    parts.push_back(make_learner<T>(part, spec.parts[i]));
  }
  if (spec.tensor == "by_block") return std::make_unique<ByBlock<T>>(shape, std::move(parts), spec.blocks);
  return std::make_unique<Mix<T>>(shape, std::move(parts), spec.weights);
}

}  // namespace

template <class T>
std::unique_ptr<Learner<T>> make_learner(const Shape& shape, const LearnerSpec& spec) {
  if (spec.factory) return made_outside<T>(shape, *spec.factory);
  if (spec.tensor == "mix" || spec.tensor == "by_block") return make_hybrid<T>(shape, spec);
  if (spec.tensor == "windowed")
    return std::make_unique<WindowedInfluence<T>>(shape, spec.window, make_learner<T>(shape, spec.parts.at(0)),
                                                  spec.halvings, spec.every);
  const std::string key = spec.tensor + "/" + spec.solver;
  const bool shares = spec.tensor == "ki|j" || spec.tensor == "kj|i" || spec.tensor == "kj|ij";
  if (shape.element_wise && shares)
    throw std::invalid_argument("make_learner: this rule needs one set of regressors for all rows");
  if (key == "kij/rtrl" || key == "kij/lazy") {
    // Without couplings between units, the blocks within them are the whole influence.
    if (shape.element_wise) return std::make_unique<UnitDiagonalInfluence<T>>(shape, Kept::diagonal);
    if (spec.solver == "rtrl") return std::make_unique<FullInfluence<T>>(shape);
    return std::make_unique<LazyInfluence<T>>(shape, spec.block, spec.even);
  }
  if (key == "kij/window") return std::make_unique<WindowedInfluence<T>>(shape, spec.window);
  if (key == "k=i/leak") return std::make_unique<UnitDiagonalInfluence<T>>(shape, Kept::leak);
  if (key == "k=i/diagonal")
    return std::make_unique<UnitDiagonalInfluence<T>>(shape, Kept::diagonal);
  if (key == "sparse/snap") return std::make_unique<SparseInfluence<T>>(shape, spec.hops);
  if (key == "ki|ij/perturbation")
    return std::make_unique<PerturbationInfluence<T>>(
        shape, T(spec.sigma), T(spec.learning_rate), T(spec.decay), spec.current);
  if (key == "c_i/f_bptt" || key == "c_i/e_bptt")
    return std::make_unique<Backpropagation<T>>(
        shape, spec.window, spec.solver == "f_bptt" ? Emission::oldest : Emission::window, spec.through);
  if (key == "c_i/node_perturbation")
    return std::make_unique<NodePerturbation<T>>(shape, spec.window, T(spec.sigma), spec.noise);
  if (spec.tensor == "A_il") {
    SyntheticOptions options = spec.synthetic;
    options.current = spec.current;
    options.learning_rate = spec.learning_rate;
    options.learned_jacobian = spec.solver == "dni_b";
    options.least_squares = spec.solver == "rls";
    return std::make_unique<SyntheticCredit<T>>(shape, options);
  }
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

// The reductions, by name, under a given split.
#pragma once

#include "reductions/function.hpp"
#include "reductions/optimal_unbiased.hpp"
#include "reductions/random_signs.hpp"
#include "reductions/truncated_svd.hpp"
#include "../registry.hpp"

namespace axonomy {

template <class T, template <class> class Split, class... SplitArguments>
std::unique_ptr<Learner<T>> make_factored(const Shape& shape, const LearnerSpec& spec,
                                          SplitArguments... arguments) {
  const auto with = [&](auto reduction) -> std::unique_ptr<Learner<T>> {
    using Reduction = decltype(reduction);
    return std::make_unique<FactoredInfluence<T, Split<T>, Reduction>>(
        shape, Split<T>(shape, spec.rank, arguments...), std::move(reduction), spec.current);
  };
  if (spec.solver == "signs") return with(RandomSigns<T>(spec.normaliser, spec.noise));
  if (spec.solver == "optimal") return with(OptimalUnbiased<T>());
  if (spec.solver == "svd") return with(TruncatedSVD<T>());
  if constexpr (std::is_floating_point_v<T>) {
    if (spec.reduction) return with(GivenReduction<T>(spec.reduction));
  }
  throw std::invalid_argument("make_learner: no reduction named '" + spec.solver + "'");
}

}  // namespace axonomy

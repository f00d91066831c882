// Every learner by name. A split, a reduction or another tensor is one header and one line here.
#pragma once

#include <memory>

#include "factored.hpp"
#include "splits/immediate.hpp"

namespace axonomy {

struct LearnerSpec {
  std::string tensor = "kij";  // kij, k=i, sparse, none, or a split
  std::string solver = "rtrl";  // which algorithm fills the tensor; for splits, the reduction
  Current current = Current::exact;
  Index rank = 1;
  Normaliser normaliser = Normaliser::per_term;
  NoiseKind noise = NoiseKind::signs;
  ImmediateBy immediate = ImmediateBy::row;
  Index window = 1;
  Index block = 0;  // lazy propagation; 0: near the optimum
  Index hops = 2;   // n of SnAp-n
  double sigma = 0, learning_rate = 0, decay = 0;  // learned by perturbation
};

template <class T>
std::unique_ptr<Learner<T>> make_learner(const Shape& shape, const LearnerSpec& spec);

// Defined one a source file, so that splits compile side by side.
template <class T>
std::unique_ptr<Learner<T>> make_k_ij(const Shape& shape, const LearnerSpec& spec);
template <class T>
std::unique_ptr<Learner<T>> make_ki_j(const Shape& shape, const LearnerSpec& spec);
template <class T>
std::unique_ptr<Learner<T>> make_kj_i(const Shape& shape, const LearnerSpec& spec);
template <class T>
std::unique_ptr<Learner<T>> make_ki_ij(const Shape& shape, const LearnerSpec& spec);
template <class T>
std::unique_ptr<Learner<T>> make_kj_ij(const Shape& shape, const LearnerSpec& spec);

}  // namespace axonomy

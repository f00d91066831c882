// Every learner by name. A split, a reduction or another tensor is one header and one line here.
#pragma once

#include <memory>

#include "credit/synthetic.hpp"
#include "history.hpp"
#include "hybrid/by_block.hpp"
#include "influence/factored.hpp"
#include "influence/reductions/function.hpp"
#include "influence/splits/immediate.hpp"

namespace axonomy {

// Makes learners that are written outside the core.
class LearnerFactory {
 public:
  virtual ~LearnerFactory() = default;
  virtual std::unique_ptr<Learner<float>> make_single(const Shape& shape) const = 0;
  virtual std::unique_ptr<Learner<double>> make_double(const Shape& shape) const = 0;
};

struct LearnerSpec {
  std::string tensor = "kij";  // of M or c, a split, mix, by_block, windowed or none
  std::string solver = "rtrl";  // which algorithm fills the tensor; for splits, the reduction
  Current current = Current::exact;
  Index rank = 1;
  Normaliser normaliser = Normaliser::per_term;
  NoiseKind noise = NoiseKind::signs;
  ImmediateBy immediate = ImmediateBy::row;
  Index window = 1;
  Index block = 0;  // lazy propagation; 0: near the optimum
  bool even = false;  // the same: its work spread evenly over the steps
  Index hops = 2;   // n of SnAp-n
  Through through = Through::time;  // backpropagation
  double sigma = 0, learning_rate = 0, decay = 0;  // learned by perturbation
  SyntheticOptions synthetic;

  std::vector<LearnerSpec> parts;  // of a hybrid
  std::vector<double> weights;     // mix
  std::vector<Block> blocks;       // by_block
  Index halvings = 0, every = 1;   // windowed

  std::shared_ptr<const ReductionFunction> reduction;
  std::shared_ptr<const LearnerFactory> factory;
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

// A reduction given from outside the core, as a function from Grams to mixing matrices.
#pragma once

#include <memory>

#include "../../learner.hpp"

namespace axonomy {

class ReductionFunction {
 public:
  virtual ~ReductionFunction() = default;
  virtual NoiseKind noise_kind() const = 0;
  // Random numbers for one reduction of N terms to r.
  virtual Index noise_size(Index terms, Index rank) const = 0;
  // G_L, G_R (N, N) to C_L, C_R (N, r). May throw: the step is not taken then.
  virtual void mix(const Matrix<double>& G_left, const Matrix<double>& G_right, Index rank,
                   const Vector<double>& noise, Matrix<double>& C_left, Matrix<double>& C_right) const = 0;
};

template <class T>
class GivenReduction {
 public:
  static constexpr bool needs_grams = true;
  static constexpr bool pair_cross = true;
  static constexpr bool may_throw = true;

  struct Tally {
    void operator+=(const Tally&) {}
  };

  explicit GivenReduction(std::shared_ptr<const ReductionFunction> function) : function_(std::move(function)) {}

  NoiseKind noise_kind() const { return function_->noise_kind(); }
  Index noise_size(Index rank, Index added, bool) const { return function_->noise_size(rank + added, rank); }
  bool takes_pairs(Index, const Dimensions&) const { return false; }

  void mix(const Matrix<double>& GL, const Matrix<double>& GR, const Dimensions&, Index rank, const T* noise,
           Matrix<double>& CL, Matrix<double>& CR, Tally&) {
    const Index size = function_->noise_size(GL.rows(), rank);
    noise_.resize(size);
    for (Index i = 0; i < size; ++i) noise_[i] = static_cast<double>(noise[i]);
    function_->mix(GL, GR, rank, noise_, CL, CR);
  }
  void mix_pairs(Index, Index, Index, bool, double* const*, double* const*, const T*, T* const*,
                 T* const*, Tally&) {}

  static Diagnostics diagnostics(const Tally&) { return {}; }

 private:
  std::shared_ptr<const ReductionFunction> function_;
  Vector<double> noise_;
};

}  // namespace axonomy

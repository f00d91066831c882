// RandomSigns: stochastic, closed form. Unbiased.
//
//     C_L[t,l] = p_t nu_tl / sqrt(r)     C_R[t,l] = nu_tl / (p_t sqrt(r))     E[C_L C_R^T] = I
//
// with p_t = sqrt(|R_t| / |L_t|) for each term, or one p for all added terms from the norms of the mixed
// sums (the paper's normalisers). Rank r is the mean of r independent estimators of rank 1: factor l keeps
// its own propagated term, with coefficients p_l and 1 / p_l, and takes every added term with its own
// signs. (Tallec & Ollivier 2018, eqs. 9-12; Mujika et al. 2018, eqs. 5-7.)
//
// Needs norms only.
#pragma once

#include "../../core/random.hpp"
#include "../../core/types.hpp"
#include "../../learner.hpp"

namespace axonomy {

enum class Normaliser { per_term, shared };

template <class T>
class RandomSigns {
 public:
  static constexpr bool needs_grams = false;
  static constexpr bool may_throw = false;

  RandomSigns(Normaliser normaliser, NoiseKind noise) : normaliser_(normaliser), noise_(noise) {}

  NoiseKind noise_kind() const { return noise_; }
  // Per batch. `signs_propagated`: the propagated term carries a sign too, before the added ones.
  Index noise_size(Index rank, Index added, bool signs_propagated) const {
    return rank * (added + (signs_propagated ? 1 : 0));
  }
  bool takes_pairs(Index, const Dimensions&) const { return true; }
  static constexpr bool pair_cross = false;

  // left, right: norms of the N = r + added terms. mixed(signs, l, r) gives the norms of the sums of the
  // added terms under the given signs.
  template <class Mixed>
  void mix(const Work<T>* left, const Work<T>* right, Index rank, Index added,
           bool signs_propagated, const T* noise, Mixed mixed, Matrix<Work<T>>& CL,
           Matrix<Work<T>>& CR) {
    const Work<T> share = Work<T>(1) / root(Work<T>(rank));
    CL.setZero();
    CR.setZero();
    for (Index l = 0; l < rank; ++l) {
      Work<T> sign(1);
      if (signs_propagated) sign = *noise++;
      set(CL(l, l), CR(l, l), left[l], right[l], sign, sign);
      record(propagated_, propagated_count_, left[l], right[l]);
      if (normaliser_ == Normaliser::shared) {
        Work<T> mixed_left, mixed_right;
        mixed(noise, mixed_left, mixed_right);
        record(immediate_, immediate_count_, mixed_left, mixed_right);
        for (Index t = 0; t < added; ++t)
          set(CL(rank + t, l), CR(rank + t, l), mixed_left, mixed_right, share * noise[t],
              share * noise[t]);
      } else {
        for (Index t = 0; t < added; ++t) {
          record(immediate_, immediate_count_, left[rank + t], right[rank + t]);
          set(CL(rank + t, l), CR(rank + t, l), left[rank + t], right[rank + t], share * noise[t],
              share * noise[t]);
        }
      }
      noise += added;
    }
  }

  // The same for one added term and factor l of `count` problems at once; Grams hold squared norms.
  void mix_pairs(Index count, Index rank, Index l, bool signs_propagated,
                 const Work<T>* const GL[3], const Work<T>* const GR[3], const T* noise,
                 T* const CL[2], T* const CR[2]) {
    const Index per_factor = signs_propagated ? 2 : 1;
    const Index stride = rank * per_factor;
    const Work<T> share = Work<T>(1) / root(Work<T>(rank));
    for (Index i = 0; i < count; ++i) {
      const T* nu = noise + i * stride + l * per_factor;
      const Work<T> sign = signs_propagated ? Work<T>(nu[0]) : Work<T>(1);
      const Work<T> added = share * Work<T>(nu[per_factor - 1]);
      const Work<T> p = normaliser(GL[0][i], GR[0][i]);
      const Work<T> p_added = normaliser(GL[2][i], GR[2][i]);
      const Work<T> zero(0);
      CL[0][i] = T(sign * p);
      CR[0][i] = T(p > zero ? sign / p : zero);
      CL[1][i] = T(added * p_added);
      CR[1][i] = T(p_added > zero ? added / p_added : zero);
      propagated_ += p;
      immediate_ += p_added;
    }
    propagated_count_ += count;
    immediate_count_ += count;
  }

  void begin_step() {
    propagated_ = immediate_ = Work<T>(0);
    propagated_count_ = immediate_count_ = 0;
  }

  // Means over the step's terms.
  Diagnostics diagnostics() const {
    const auto mean = [](const Work<T>& sum, Index count) {
      return count > 0 ? static_cast<double>(sum) / static_cast<double>(count) : 0.0;
    };
    return {{"normaliser_propagated", mean(propagated_, propagated_count_)},
            {"normaliser_immediate", mean(immediate_, immediate_count_)}};
  }

 private:
  // sqrt(|R| / |L|) from squared norms; 0 where either vanishes, and with it the product.
  static Work<T> normaliser(const Work<T>& left, const Work<T>& right) {
    const Work<T> zero(0);
    return left > zero && right > zero ? root(root(right / left)) : zero;
  }
  static void set(Work<T>& cl, Work<T>& cr, const Work<T>& left, const Work<T>& right,
                  const Work<T>& sign_left, const Work<T>& sign_right) {
    if (!(left > Work<T>(0)) || !(right > Work<T>(0))) return;  // the product is zero: drop the term
    const Work<T> p = root(right / left);
    cl = sign_left * p;
    cr = sign_right / p;
  }
  static void record(Work<T>& sum, Index& count, const Work<T>& left, const Work<T>& right) {
    if (left > Work<T>(0) && right > Work<T>(0)) sum += root(right / left);
    ++count;
  }

  Normaliser normaliser_;
  NoiseKind noise_;
  Work<T> propagated_{0}, immediate_{0};
  Index propagated_count_ = 0, immediate_count_ = 0;
};

}  // namespace axonomy

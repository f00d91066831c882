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

  // Sums of p over a step's terms, and how many.
  struct Tally {
    Work<T> propagated{0}, immediate{0};
    Index propagated_count = 0, immediate_count = 0;
    void operator+=(const Tally& other) {
      propagated += other.propagated;
      immediate += other.immediate;
      propagated_count += other.propagated_count;
      immediate_count += other.immediate_count;
    }
  };

  RandomSigns(Normaliser normaliser, NoiseKind noise) : normaliser_(normaliser), noise_(noise) {}

  NoiseKind noise_kind() const { return noise_; }
  // Per batch. `signs_propagated`: the propagated term carries a sign too, before the added ones.
  Index noise_size(Index rank, Index added, bool signs_propagated) const {
    return rank * (added + (signs_propagated ? 1 : 0));
  }
  bool takes_pairs(Index, const Dimensions&) const { return true; }
  static constexpr bool pair_cross = false;

  // Whether it takes the norms of the sums of the added terms under its signs, mixed(signs, l, r), or of each.
  bool mixes_added() const { return normaliser_ == Normaliser::shared; }

  // left, right: norms of the r propagated terms and then, unless they are mixed, of the added ones.
  template <class Mixed>
  void mix(const Work<T>* left, const Work<T>* right, Index rank, Index added,
           bool signs_propagated, const T* noise, Mixed mixed, Matrix<Work<T>>& CL,
           Matrix<Work<T>>& CR, Tally& tally) const {
    const Work<T> share = Work<T>(1) / root(Work<T>(rank));
    CL.setZero();
    CR.setZero();
    for (Index l = 0; l < rank; ++l) {
      const Work<T> one(1);
      const T* const sign = signs_propagated ? noise++ : nullptr;
      tally.propagated += normalise<false>(1, one, sign, 1, left + l, right + l, &CL(l, l), &CR(l, l));
      Work<T>* const cl = CL.col(l).data() + rank;
      Work<T>* const cr = CR.col(l).data() + rank;
      if (mixes_added()) {
        Work<T> mixed_left, mixed_right, p, inverse;
        mixed(noise, mixed_left, mixed_right);
        tally.immediate += normalise<false>(1, one, nullptr, 1, &mixed_left, &mixed_right, &p, &inverse);
        ++tally.immediate_count;
        for (Index t = 0; t < added; ++t) {
          cl[t] = share * noise[t] * p;
          cr[t] = share * noise[t] * inverse;
        }
      } else {
        tally.immediate += normalise<false>(added, share, noise, 1, left + rank, right + rank, cl, cr);
        tally.immediate_count += added;
      }
      noise += added;
    }
    tally.propagated_count += rank;
  }

  // The same for one added term and factor l of `count` problems at once; Grams hold squared norms.
  void mix_pairs(Index count, Index rank, Index l, bool signs_propagated,
                 Work<T>* const GL[3], Work<T>* const GR[3], const T* noise,
                 T* const CL[2], T* const CR[2], Tally& tally) const {
    const Index per_factor = signs_propagated ? 2 : 1;
    const Index stride = rank * per_factor;
    const Work<T> share = Work<T>(1) / root(Work<T>(rank));
    const T* const nu = noise + l * per_factor;
    tally.propagated += normalise<true>(count, Work<T>(1), signs_propagated ? nu : nullptr, stride, GL[0], GR[0],
                                        CL[0], CR[0]);
    tally.immediate += normalise<true>(count, share, nu + per_factor - 1, stride, GL[2], GR[2], CL[1], CR[1]);
    tally.propagated_count += count;
    tally.immediate_count += count;
  }

  // Means over the step's terms.
  static Diagnostics diagnostics(const Tally& tally) {
    const auto mean = [](const Work<T>& sum, Index count) {
      return count > 0 ? static_cast<double>(sum) / static_cast<double>(count) : 0.0;
    };
    return {{"normaliser_propagated", mean(tally.propagated, tally.propagated_count)},
            {"normaliser_immediate", mean(tally.immediate, tally.immediate_count)}};
  }

 private:
  // cl = sign share p, cr = sign share / p, p = sqrt(right / left) of two norms, or of their squares; 0 where either
  // vanishes, and with it the product. Returns the sum of the p. Without branches, so that it is done for many at once.
  template <bool squared, class Number>
  Work<T> normalise(Index count, Work<T> share, const T* signs, Index stride, const Work<T>* left,
                    const Work<T>* right, Number* cl, Number* cr) const {
    for (Index i = 0; i < count; ++i) {
      const Work<T> sign = signs == nullptr ? share : share * signs[i * stride], zero(0), one(1);
      const bool there = (left[i] > zero) & (right[i] > zero);
      const Work<T> ratio = root((there ? right[i] : one) / (there ? left[i] : one));
      const Work<T> p = squared ? root(ratio) : ratio;
      cl[i] = Number(there ? sign * p : zero);
      cr[i] = Number(there ? sign / p : zero);
    }
    return sum_of_normalisers(cl, cr, count, share);
  }
  // Of the p from cl and cr: |cl| / share, unless the noise is not of signs.
  template <class Number>
  Work<T> sum_of_normalisers(const Number* cl, const Number* cr, Index count, Work<T> share) const {
    if (noise_ == NoiseKind::signs)
      return Work<T>(Eigen::Map<const Vector<Number>>(cl, count).template lpNorm<1>()) / share;
    Work<T> sum(0);
    for (Index i = 0; i < count; ++i)
      if (cr[i] != Number(0)) sum += root(Work<T>(cl[i]) / Work<T>(cr[i]));
    return sum;
  }

  Normaliser normaliser_;
  NoiseKind noise_;
};

}  // namespace axonomy

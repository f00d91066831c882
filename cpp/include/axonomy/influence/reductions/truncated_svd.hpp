// TruncatedSVD: deterministic, numerical. Keeps the r largest singular terms of the sum, the best
// approximation of rank r (Eckart & Young 1936). Biased. Needs whole Grams.
#pragma once

#include "singular_terms.hpp"

namespace axonomy {

template <class T>
class TruncatedSVD {
 public:
  static constexpr bool needs_grams = true;
  static constexpr bool may_throw = false;
  static constexpr bool pair_cross = true;

  // Sums of sigma^2 over a step's problems.
  struct Tally {
    Work<T> discarded{0}, total{0};
    void operator+=(const Tally& other) {
      discarded += other.discarded;
      total += other.total;
    }
  };

  NoiseKind noise_kind() const { return NoiseKind::none; }
  Index noise_size(Index, Index, bool) const { return 0; }
  bool takes_pairs(Index rank, const Dimensions& dimensions) const {
    return rank == 1 && dimensions.smaller() > 1;
  }

  void mix(const Matrix<Work<T>>& GL, const Matrix<Work<T>>& GR, const Dimensions& dimensions,
           Index rank, const T*, Matrix<Work<T>>& CL, Matrix<Work<T>>& CR, Tally& tally) {
    terms_.compute(GL, GR, dimensions);
    const auto& sigma = terms_.sigma();
    for (Index l = 0; l < rank; ++l) {
      const Work<T> scale = root(sigma[l]);
      CL.col(l) = scale * terms_.X().col(l);
      CR.col(l) = scale * terms_.Y().col(l);
    }
    tally.discarded += sigma.tail(sigma.size() - rank).squaredNorm();
    tally.total += sigma.squaredNorm();
  }

  void mix_pairs(Index count, Index, Index, bool, Work<T>* const GL[3], Work<T>* const GR[3], const T*,
                 T* const CL[2], T* const CR[2], Tally& tally) {
#if defined(__GNUC__)
#pragma GCC ivdep
#endif
    for (Index i = 0; i < count; ++i) {
      const SingularPair<Work<T>> s(GL[0][i], GL[1][i], GL[2][i], GR[0][i], GR[1][i], GR[2][i]);
      const Work<T> right = s.root_sigma > Work<T>(0) ? Work<T>(1) / s.root_sigma : Work<T>(0);
      CL[0][i] = T(s.keep_left * s.root_sigma * s.x0);
      CL[1][i] = T(s.add_left * s.root_sigma * s.x1);
      CR[0][i] = T(s.keep_right * right * s.w0);
      CR[1][i] = T(s.add_right * right * s.w1);
      // sigma^2 of both, in the place of Gram entries that are done with
      const Work<T> first = s.root_sigma * s.root_sigma;
      GL[1][i] = s.second_left * s.second_right;
      GR[1][i] = first * first;
    }
    const Work<T> second = Eigen::Map<const Vector<Work<T>>>(GL[1], count).sum();
    tally.discarded += second;
    tally.total += Eigen::Map<const Vector<Work<T>>>(GR[1], count).sum() + second;
  }

  static Diagnostics diagnostics(const Tally& tally) {
    const double total = static_cast<double>(tally.total);
    return {{"discarded_energy", total > 0 ? static_cast<double>(tally.discarded) / total : 0.0}};
  }

 private:
  SingularTerms<Work<T>> terms_;
};

}  // namespace axonomy

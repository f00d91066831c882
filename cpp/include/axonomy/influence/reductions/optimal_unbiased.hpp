// OptimalUnbiased: stochastic, numerical. The unbiased reduction of least variance: keeps the largest
// singular terms exactly while (r - m) sigma_{m+1} exceeds the sum of what follows, and mixes the tail by
//
//     sqrt(s / k) diag(signs) Z,     k = r - m, s the sum of the tail's singular values,
//
// Z having k orthonormal columns and squared row norms k sigma_i / s. Variance s^2 / k - sum sigma_i^2 over
// the tail. (Benzing et al. 2019 for ki|j; Z by Schur-Horn, built with Givens rotations.) Needs whole Grams.
#pragma once

#include "singular_terms.hpp"

namespace axonomy {

template <class T>
class OptimalUnbiased {
 public:
  static constexpr bool needs_grams = true;
  static constexpr bool may_throw = false;
  static constexpr bool pair_cross = true;

  // Sums of sigma over a step's problems: of what was mixed, and of all.
  struct Tally {
    Work<T> mixed{0}, total{0};
    void operator+=(const Tally& other) {
      mixed += other.mixed;
      total += other.total;
    }
  };

  NoiseKind noise_kind() const { return NoiseKind::signs; }
  // The sign of the first singular term is fixed: only relative signs matter.
  Index noise_size(Index rank, Index added, bool) const { return rank + added - 1; }
  bool takes_pairs(Index rank, const Dimensions& dimensions) const {
    return rank == 1 && dimensions.smaller() > 1;
  }

  void mix(const Matrix<Work<T>>& GL, const Matrix<Work<T>>& GR, const Dimensions& dimensions,
           Index rank, const T* signs, Matrix<Work<T>>& CL, Matrix<Work<T>>& CR, Tally& tally) {
    terms_.compute(GL, GR, dimensions);
    const auto& sigma = terms_.sigma();
    const Index N = sigma.size();
    Work<T> tail = sigma.sum();
    const Work<T> total = tail;
    Index kept = 0;
    while (kept < rank - 1 && Work<T>(rank - kept) * sigma[kept] > tail) {
      const Work<T> scale = root(sigma[kept]);
      CL.col(kept) = scale * terms_.X().col(kept);
      CR.col(kept) = scale * terms_.Y().col(kept);
      ++kept;
      tail = sigma.tail(N - kept).sum();
    }
    const Index k = rank - kept;
    spread(kept, k, tail);
    const Work<T> scale = root(tail / Work<T>(k));
    for (Index i = kept; i < N; ++i)
      if (i > 0) Z_.row(i - kept) *= Work<T>(signs[i - 1]);
    const auto mixing = Z_.topLeftCorner(N - kept, k);
    CL.rightCols(k).noalias() = terms_.X().rightCols(N - kept) * mixing;
    CR.rightCols(k).noalias() = terms_.Y().rightCols(N - kept) * mixing;
    CL.rightCols(k) *= scale;
    CR.rightCols(k) *= scale;
    tally.mixed += tail;
    tally.total += total;
  }

  void mix_pairs(Index count, Index, Index, bool, Work<T>* const GL[3], Work<T>* const GR[3], const T* signs,
                 T* const CL[2], T* const CR[2], Tally&) {
#if defined(__GNUC__)
#pragma GCC ivdep
#endif
    for (Index i = 0; i < count; ++i) {
      const SingularPair<Work<T>> s(GL[0][i], GL[1][i], GL[2][i], GR[0][i], GR[1][i], GR[2][i]);
      const Work<T> zero(0), one(1), sign = signs[i];
      const Work<T> left = s.root_sigma > zero ? s.root_sigma : one, right = one / left;
      const bool both = s.second_left > zero && s.second_right > zero;
      const Work<T> kappa = both ? root(root(s.second_right / s.second_left)) : one;
      const Work<T> second_left = sign * kappa, second_right = sign / kappa;
      CL[0][i] = T(s.keep_left * (left * s.x0 - second_left * s.w1));
      CL[1][i] = T(s.add_left * (left * s.x1 + second_left * s.w0));
      CR[0][i] = T(s.keep_right * (right * s.w0 - second_right * s.x1));
      CR[1][i] = T(s.add_right * (right * s.w1 + second_right * s.x0));
    }
  }

  static Diagnostics diagnostics(const Tally& tally) {
    const double total = static_cast<double>(tally.total);
    return {{"mixed_mass", total > 0 ? static_cast<double>(tally.mixed) / total : 1.0}};
  }

 private:
  // Z with k orthonormal columns and squared row norms k sigma_i / s. Starting from the first k unit
  // vectors, every rotation moves surplus from one of them to a row below and settles one of the two.
  void spread(Index kept, Index k, const Work<T>& tail) {
    const auto& sigma = terms_.sigma();
    const Index size = sigma.size() - kept;
    Z_.resize(sigma.size(), kept + k);  // the rank: nothing happens after the first time
    Z_.topLeftCorner(size, k).setZero();
    Z_.topLeftCorner(k, k).setIdentity();
    if (!(tail > Work<T>(0))) return;
    const auto target = [&](Index i) { return Work<T>(k) * sigma[kept + i] / tail; };
    Index high = 0, low = k;
    Work<T> have_high(1), have_low(0);
    while (high < k && low < size) {
      const Work<T> surplus = have_high - target(high), deficit = target(low) - have_low;
      const bool settles_high = surplus <= deficit;
      const Work<T> moved = settles_high ? surplus : deficit;
      if (moved > Work<T>(0)) {
        auto upper = Z_.row(high).head(k), lower = Z_.row(low).head(k);
        // tan of the angle that gives the lower row the squared norm have_low + moved
        const Work<T> inner = upper.dot(lower), goal = have_low + moved;
        const Work<T> a = have_high - goal, c = have_low - goal;
        const Work<T> discriminant = inner * inner - a * c;
        const Work<T> rooted = root(discriminant > Work<T>(0) ? discriminant : Work<T>(0));
        const Work<T> denominator = inner > Work<T>(0) ? inner + rooted : inner - rooted;
        const Work<T> tangent = -c / denominator;  // a > 0 > c, so it is not zero
        const Work<T> cosine = Work<T>(1) / root(Work<T>(1) + tangent * tangent);
        const Work<T> sine = tangent * cosine;
        for (Index column = 0; column < k; ++column) {
          const Work<T> u = upper[column], v = lower[column];
          upper[column] = cosine * u - sine * v;
          lower[column] = sine * u + cosine * v;
        }
        have_high -= moved;
        have_low += moved;
      }
      if (settles_high) {
        ++high;
        have_high = Work<T>(1);
      } else {
        ++low;
        have_low = Work<T>(0);
      }
    }
  }

  SingularTerms<Work<T>> terms_;
  Matrix<Work<T>> Z_;
};

}  // namespace axonomy

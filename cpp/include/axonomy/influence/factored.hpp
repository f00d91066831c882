// A past-facing influence held as a sum of r products: one split (how M is cut in two factors) and one
// reduction (how r + added terms become r again), combined at compile time.
//
//     left <- J left;  [gradient from all terms];  C_L, C_R from the reduction;  left C_L, right C_R;
//     [gradient from the reduced factors]
//
// current = exact takes the gradient before the reduction: q.(J left) right + (q D) (x) a_hat. The
// current step's term is then exact and this step's noise or bias stays out, at no cost.
#pragma once

#include "../learner.hpp"
#include "reductions/random_signs.hpp"

namespace axonomy {

template <class T, class Split, class Reduction>
class FactoredInfluence final : public Learner<T> {
 public:
  FactoredInfluence(const Shape& shape, Split split, Reduction reduction, Current current)
      : shape_(shape),
        split_(std::move(split)),
        reduction_(std::move(reduction)),
        current_(current),
        row_(shape.R()) {
    const Index N = split_.rank() + split_.added();
    if constexpr (Split::pairs) {
      if (reduction_.takes_pairs(split_.rank(), split_.dimensions())) {
        pair_grams_ = Matrix<Work<T>>::Zero(split_.batches(), 6);
        pair_mixing_ = Matrix<T>::Zero(split_.batches(), 4);
        return;
      }
    }
    C_left_ = Matrix<Work<T>>::Zero(N, split_.rank());
    C_right_ = C_left_;
    if constexpr (Reduction::needs_grams) {
      G_left_ = Matrix<Work<T>>::Zero(N, N);
      G_right_ = G_left_;
    } else {
      norms_ = Matrix<Work<T>>::Zero(N, 2);
    }
  }

  NoiseKind noise_kind() const override { return reduction_.noise_kind(); }
  bool may_throw() const override { return Reduction::may_throw; }
  Index noise_size() const override { return split_.batches() * noise_per_batch(); }
  void reset(const T*) override { split_.clear(); }
  void use(Team* team) override {
    if constexpr (Split::shares_out) split_.use(team);
  }

  void step(const Step<T>& step, const T* noise, T scale, T* target) override {
    split_.propagate(step);
    reduction_.begin_step();
    if constexpr (Split::takes_gradient) {
      reduce(step, noise, {current_, scale, target});
    } else {
      if (target != nullptr && current_ == Current::exact) {
        split_.add_gradient(step, scale, target);
        step.D->multiply_left(step.q, row_.data());
        add_immediate(shape_, scale, row_.data(), step.a_hat, target, team());
      }
      reduce(step, noise, {});
      if (target != nullptr && current_ == Current::estimated) split_.add_gradient(step, scale, target);
    }
  }

  // Of rank 1 and a right factor of W's size, by norms: UORO.
  T* trace() override {
    if constexpr (may_be_trace)
      if (split_.rank() == 1 && has_one_row_a_unit(shape_)) return split_.right();
    return nullptr;
  }
  bool measures_trace() const override { return may_be_trace; }
  const T* next_multiplied() const override {
    if constexpr (may_be_trace) return split_.left();
    return nullptr;
  }
  void trace_step(const Step<T>& step, const T* noise, T scale, bool learns, TraceStep<T>& out) override {
    if constexpr (may_be_trace) {
      split_.propagate(step);
      reduction_.begin_step();
      mixing(step, 0, noise, &out.square);
      T* const any = learns ? split_.right() : nullptr;  // in place of a target
      split_.mix(step, C_left_, C_right_, {current_, scale, any}, out);
    } else {
      Learner<T>::trace_step(step, noise, scale, learns, out);
    }
  }

  bool influence(Matrix<T>& M) const override {
    split_.influence(M);
    return true;
  }

  void visit(StateVisitor<T>& v) override {
    split_.visit(v);
    v.scratch(sizeof(Work<T>) * static_cast<std::size_t>(pair_grams_.size() + G_left_.size() +
                                                         G_right_.size() + C_left_.size() +
                                                         C_right_.size()));
  }

  Diagnostics diagnostics() const override { return reduction_.diagnostics(); }

 private:
  static constexpr bool may_be_trace = Split::takes_gradient && !Reduction::needs_grams && !Reduction::may_throw;

  Team* team() const {
    if constexpr (Split::shares_out) return split_.team();
    return nullptr;
  }
  Index noise_per_batch() const {
    return reduction_.noise_size(split_.rank(), split_.added(), Split::signs_propagated);
  }

  void reduce(const Step<T>& step, const T* noise, const WantedGradient<T>& wanted) {
    const Index rank = split_.rank();
    if constexpr (Split::pairs) {
      if (reduction_.takes_pairs(rank, split_.dimensions())) return reduce_pairs(step, noise);
    }
    (void)wanted;
    const Index per_batch = noise_per_batch();
    for (Index batch = 0; batch < split_.batches(); ++batch) {
      const T* batch_noise = noise == nullptr ? nullptr : noise + batch * per_batch;
      if constexpr (Reduction::needs_grams) {
        split_.grams(step, batch, G_left_, G_right_);
        reduction_.mix(G_left_, G_right_, split_.dimensions(), rank, batch_noise, C_left_, C_right_);
      } else {
        mixing(step, batch, batch_noise);
      }
      if constexpr (Split::takes_gradient)
        split_.mix(step, C_left_, C_right_, wanted);
      else
        split_.mix(step, batch, C_left_, C_right_);
    }
  }

  // C_left_, C_right_ of a batch, from norms; what of them is known is handed on.
  template <class... Known>
  void mixing(const Step<T>& step, Index batch, const T* noise, const Known*... known) {
    Work<T>* const left = norms_.col(0).data();
    Work<T>* const right = norms_.col(1).data();
    split_.norms(batch, left, right, known...);
    if (!reduction_.mixes_added()) split_.added_norms(step, batch, left + split_.rank(), right + split_.rank());
    reduction_.mix(
        left, right, split_.rank(), split_.added(), Split::signs_propagated, noise,
        [&](const T* signs, auto&... both) { split_.mixed_norms(step, batch, signs, both...); },
        C_left_, C_right_);
  }

  // One added term: all batches at once, by the closed form of two terms.
  void reduce_pairs(const Step<T>& step, const T* noise) {
    const Index count = split_.batches();
    Work<T>* G = pair_grams_.data();
    T* C = pair_mixing_.data();
    Work<T>* const left[3] = {G, G + count, G + 2 * count};
    Work<T>* const right[3] = {G + 3 * count, G + 4 * count, G + 5 * count};
    T* const mix_left[2] = {C, C + count};
    T* const mix_right[2] = {C + 2 * count, C + 3 * count};
    for (Index l = 0; l < split_.rank(); ++l) {
      split_.pair_grams(step, l, Reduction::pair_cross, left, right);
      reduction_.mix_pairs(count, split_.rank(), l, Split::signs_propagated, left, right, noise,
                           mix_left, mix_right);
      split_.pair_mix(step, l, mix_left, mix_right);
    }
  }

  Shape shape_;
  Split split_;
  Reduction reduction_;
  Current current_;
  Matrix<Work<T>> G_left_, G_right_, C_left_, C_right_, norms_, pair_grams_;
  Matrix<T> pair_mixing_;
  Vector<T> row_;
};

}  // namespace axonomy

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
      : shape_(shape), split_(std::move(split)), current_(current), row_(shape.R()) {
    members_.emplace_back(std::move(reduction), shape, split_.rank());
    if constexpr (Split::pairs) {
      if (takes_pairs()) {
        pair_grams_ = Matrix<Work<T>>::Zero(split_.batches(), 6);
        pair_mixing_ = Matrix<T>::Zero(split_.batches(), 4);
        return;
      }
    }
    members_.front().resize(split_.rank() + split_.added(), split_.rank());
    tallies_.resize(static_cast<std::size_t>(split_.batches()));
  }

  NoiseKind noise_kind() const override { return reduction().noise_kind(); }
  bool may_throw() const override { return Reduction::may_throw; }
  Index noise_size() const override { return split_.batches() * noise_per_batch(); }
  void reset(const T*) override { split_.clear(); }
  // J times the left factor is what takes time.
  void use(Team* team) override {
    if constexpr (Split::shares_out) {
      team = shape_.element_wise ? nullptr : if_enough(team, double(shape_.S() * shape_.S()) * double(split_.left_columns()));
      split_.use(team);
      if (tallies_.size() > 1 && !Reduction::may_throw)
        members_.resize(team == nullptr ? 1 : static_cast<std::size_t>(team->size()), members_.front());
    }
  }

  void step(const Step<T>& step, const T* noise, T scale, T* target) override {
    split_.propagate(step);
    tally_ = Tally{};
    if constexpr (Split::takes_gradient) {
      reduce(step, noise);
      split_.mix(step, members_.front().C_left, members_.front().C_right, {current_, scale, target});
    } else {
      if (target != nullptr && current_ == Current::exact) {
        split_.add_gradient(step, scale, target);
        step.D->multiply_left(step.q, row_.data());
        add_immediate(shape_, scale, row_.data(), step.a_hat, target, team());
      }
      reduce(step, noise);
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
      tally_ = Tally{};
      Member& member = members_.front();
      mixing(member, step, 0, noise, tally_, &out.square);
      T* const any = learns ? split_.right() : nullptr;  // in place of a target
      split_.mix(step, member.C_left, member.C_right, {current_, scale, any}, out);
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
    Index numbers = pair_grams_.size();
    for (const Member& m : members_) numbers += m.G_left.size() + m.G_right.size() + m.C_left.size() + m.C_right.size();
    v.scratch(sizeof(Work<T>) * static_cast<std::size_t>(numbers));
  }

  Diagnostics diagnostics() const override { return Reduction::diagnostics(tally_); }

 private:
  static constexpr bool may_be_trace = Split::takes_gradient && !Reduction::needs_grams && !Reduction::may_throw;
  using Tally = typename Reduction::Tally;

  // What it takes to reduce a batch; of each member of the team that shares them out.
  struct Member {
    Member(Reduction of, const Shape& shape, Index rank) : reduction(std::move(of)), workspace(shape, rank) {}
    void resize(Index N, Index rank) {
      C_left = C_right = Matrix<Work<T>>::Zero(N, rank);
      if constexpr (Reduction::needs_grams)
        G_left = G_right = Matrix<Work<T>>::Zero(N, N);
      else
        norms = Matrix<Work<T>>::Zero(N, 2);
    }

    Reduction reduction;
    typename Split::Workspace workspace;
    Matrix<Work<T>> G_left, G_right, C_left, C_right, norms;
  };

  const Reduction& reduction() const { return members_.front().reduction; }
  bool takes_pairs() const { return reduction().takes_pairs(split_.rank(), split_.dimensions()); }
  Team* team() const {
    if constexpr (Split::shares_out) return split_.team();
    return nullptr;
  }
  Index noise_per_batch() const {
    return reduction().noise_size(split_.rank(), split_.added(), Split::signs_propagated);
  }

  // Every batch to a mixing matrix on either side and, unless the split takes these with the gradient, by them to what is kept.
  void reduce(const Step<T>& step, const T* noise) {
    if constexpr (Split::pairs) {
      if (takes_pairs()) return reduce_pairs(step, noise);
    }
    const Index batches = split_.batches(), size = static_cast<Index>(members_.size());
    const auto part = [&](int number) {
      Member& member = members_[static_cast<std::size_t>(number)];
      const Index last = batches * (number + 1) / size;
      for (Index batch = batches * number / size; batch < last; ++batch) reduce_batch(member, step, batch, noise);
    };
    if (size == 1)
      part(0);
    else
      team()->run(std::ref(part));
    for (const Tally& tally : tallies_) tally_ += tally;  // in one order, whoever took the batches
  }

  void reduce_batch(Member& member, const Step<T>& step, Index batch, const T* noise) {
    Tally& tally = tallies_[static_cast<std::size_t>(batch)] = Tally{};
    if (noise != nullptr) noise += batch * noise_per_batch();
    if constexpr (Reduction::needs_grams) {
      split_.grams(member.workspace, step, batch, member.G_left, member.G_right);
      member.reduction.mix(member.G_left, member.G_right, split_.dimensions(), split_.rank(), noise, member.C_left,
                           member.C_right, tally);
    } else {
      mixing(member, step, batch, noise, tally);
    }
    if constexpr (!Split::takes_gradient) split_.mix(member.workspace, step, batch, member.C_left, member.C_right);
  }

  // C_left, C_right of a batch, from norms; what of them is known is handed on.
  template <class... Known>
  void mixing(Member& member, const Step<T>& step, Index batch, const T* noise, Tally& tally, const Known*... known) {
    const Index rank = split_.rank();
    Work<T>* const left = member.norms.col(0).data();
    Work<T>* const right = member.norms.col(1).data();
    split_.norms(batch, left, right, known...);
    if (!member.reduction.mixes_added()) split_.added_norms(step, batch, left + rank, right + rank);
    member.reduction.mix(
        left, right, rank, split_.added(), Split::signs_propagated, noise,
        [&](const T* signs, auto&... both) { split_.mixed_norms(member.workspace, step, batch, signs, both...); },
        member.C_left, member.C_right, tally);
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
      members_.front().reduction.mix_pairs(count, split_.rank(), l, Split::signs_propagated, left, right, noise, mix_left,
                                           mix_right, tally_);
      split_.pair_mix(step, l, mix_left, mix_right);
    }
  }

  Shape shape_;
  Split split_;
  Current current_;
  std::vector<Member> members_;
  Tally tally_;                 // of the step
  std::vector<Tally> tallies_;  // of its batches, unless they are taken at once
  Matrix<Work<T>> pair_grams_;
  Matrix<T> pair_mixing_;
  Vector<T> row_;
};

}  // namespace axonomy

// The last L steps, in a ring: what backpropagation needs of each.
#pragma once

#include "cell/stored_jacobians.hpp"
#include "learner.hpp"

namespace axonomy {

// Through which J credit is pulled back: that of each step's own time, or that of its state under the weights
// of today.
enum class Through { time, today };

// Where the weights are expected to stay as they are over many steps, one W for all of them is kept in place of their J,
// until W does change.
enum class Expected { change, constancy };

template <class T>
class StepHistory {
 public:
  StepHistory(const Shape& shape, Index length, Through through, Expected expected = Expected::change)
      : shape_(shape),
        length_(length),
        through_(through),
        may_share_(through == Through::time && expected == Expected::constancy && !shape.element_wise),
        J_(shape, through == Through::time ? length : 0),
        W_(may_share_ ? shape.R() : 0, may_share_ ? shape.n : 0),
        leaks_(Matrix<T>::Zero(
            keeps_leaks() ? shape.n * shape.states_per_unit * shape.states_per_unit : 0, length)),
        D_(static_cast<std::size_t>(length),
           BlockDiagonal<T>(shape.n, shape.states_per_unit, shape.rows_per_unit)),
        leak_(shape.n, shape.states_per_unit, shape.states_per_unit),
        today_(shape),
        a_hat_(Matrix<T>::Zero(shape.regressors(), length)),
        q_(Matrix<T>::Zero(shape.S(), length)),
        regressors_(shape.element_wise ? 0 : length, shape.m),
        begins_(static_cast<std::size_t>(length), 0) {}

  // Whether the W of a cell may be relied on to stay as it is from a first step on, until `keep_weights` or `drop`; returns
  // whether it is.
  bool rely_on_weights(bool may) {
    keep_weights();
    return relies_ = may && may_share_;
  }
  void keep_weights() {
    if (relied_on_ != nullptr && held_ > 0) copy(W_.size(), relied_on_, W_.data());
    relied_on_ = nullptr;
  }

  void clear() {
    held_ = next_ = 0;
    begin_ = 1;
  }
  // The next step is the first of a sequence: nothing is pulled back beyond it.
  void begin_sequence() { begin_ = 1; }
  // Forgets the steps, in the midst of a sequence.
  void drop() { held_ = 0; }

  void push(const Step<T>& step) {
    const auto at = static_cast<Index>(next_);
    if (through_ == Through::time && !shares(step)) {
      J_.store(at, *step.J);
    } else {
      if (step.W == nullptr || step.leak == nullptr)
        throw std::invalid_argument(
            "step: this rule applies the network's present weights and cannot be driven by J, D and a_hat alone");
      copy(leaks_.rows(), step.leak->entries().data(), leaks_.col(at).data());
    }
    Matrix<T>& D = D_[next_].entries();
    copy(D.size(), step.D->entries().data(), D.data());
    copy(a_hat_.rows(), step.a_hat, a_hat_.col(at).data());
    copy(shape_.S(), step.q, q_.col(at).data());
    begins_[next_] = begin_;
    begin_ = 0;
    next_ = (next_ + 1) % static_cast<std::uint64_t>(length_);
    held_ = std::min<std::uint64_t>(held_ + 1, static_cast<std::uint64_t>(length_));
  }

  Index held() const { return static_cast<Index>(held_); }
  Index length() const { return length_; }
  // Where the step `back` steps ago is kept; 0 is the last one.
  Index slot(Index back) const { return (static_cast<Index>(next_) - 1 - back + 2 * length_) % length_; }
  bool begins(Index slot) const { return begins_[static_cast<std::size_t>(slot)] != 0; }
  const BlockDiagonal<T>& D(Index slot) const { return D_[static_cast<std::size_t>(slot)]; }
  auto a_hat(Index slot) const { return a_hat_.col(slot); }
  auto q(Index slot) const { return q_.col(slot); }
  // The J of its time, (S, S), of steps that have one of their own.
  Matrix<T> J(Index slot) const {
    Matrix<T> J(shape_.S(), shape_.S());
    write_J(slot, J);
    return J;
  }
  void write_J(Index slot, Matrix<T>& out) const { J_.write_dense(slot, out); }

  // out = c J^slot. `W` (R, m): the weights of today, of the step pushed last; if all steps share one W, this is it. `rows`: c D,
  // where that is known.
  void pull_back(Index slot, const T* c, T* out, const T* W, const T* rows = nullptr) {
    if (through_ == Through::time && shared_ == 0) return J_.pull_back(nullptr, slot, c, out);
    const End begin = slot % 2 == 0 ? End::first : End::last;  // through W there and back, one step after the other
    bound(slot, W).pull_back(c, out, rows, begin);
  }

  // target (R, m) += rows[:, back] (x) a_hat of the step so many back, over the last `count`.
  void add_gradient(const Matrix<T>& rows, Index count, T* target) {
    if (shape_.element_wise) {
      for (Index back = 0; back < count; ++back)
        add_immediate(shape_, T(1), rows.col(back).data(), a_hat(slot(back)).data(), target);
      return;
    }
    for (Index back = 0; back < count; ++back) regressors_.row(back) = a_hat(slot(back)).transpose();
    gemm<T>(shape_.R(), shape_.m, count, rows.data(), shape_.R(), regressors_.data(), length_, target, shape_.R(), true);
  }

  void visit(StateVisitor<T>& v) {
    keep_weights();
    if (may_share_) {
      if (held_ == 0) W_.setZero();  // which has no meaning then, and may never have been copied
      v.matrix("W", W_);
      v.word("shared", shared_, 1);
      version_ = 0;  // what is written into W_ may be of any
    }
    if (through_ == Through::time && !(shared_ != 0 && v.skips_idle())) J_.visit(v);
    if (keeps_leaks()) v.matrix("leak", leaks_);
    for (std::size_t slot = 0; slot < D_.size(); ++slot)
      v.matrix(("D_" + std::to_string(slot)).c_str(), D_[slot].entries());
    v.matrix("a_hat", a_hat_);
    v.matrix("q", q_);
    const auto length = static_cast<std::uint64_t>(length_);
    v.words("begins", begins_.data(), length_, 1);
    v.word("begin", begin_, 1);
    v.word("held", held_, length);
    v.word("next", next_, length - 1);
    v.scratch(sizeof(T) * static_cast<std::size_t>(regressors_.size()));
  }

 private:
  bool keeps_leaks() const { return through_ == Through::today || may_share_; }
  // Whether this step and all that are held are under the one W.
  bool shares(const Step<T>& step) {
    if (!may_share_) return false;
    if (held_ == 0) {
      shared_ = step.W != nullptr && step.leak != nullptr ? 1 : 0;
      version_ = step.version;
      relied_on_ = relies_ && version_ != 0 ? step.W : nullptr;
      if (shared_ != 0 && relied_on_ == nullptr) copy(W_.size(), step.W, W_.data());
    } else if (shared_ != 0 && !is_same(step)) {
      // W has changed on the way: the J of the steps so far, each as it was, and of those to come.
      for (Index back = 0; back < held(); ++back) J_.store(slot(back), bound(slot(back), W_.data()));
      shared_ = 0;
    }
    return shared_ != 0;
  }
  bool is_same(const Step<T>& step) {
    if (step.W == nullptr || step.leak == nullptr) return false;
    if (step.version != 0 && step.version == version_) return true;
    keep_weights();
    version_ = step.version;
    return std::equal(step.W, step.W + W_.size(), W_.data());
  }

  // J of a step that is held, under some W.
  const Jacobian<T>& bound(Index slot, const T* W) {
    copy(leaks_.rows(), leaks_.col(slot).data(), leak_.entries().data());
    today_.bind(&leak_, &D_[static_cast<std::size_t>(slot)], W);
    return today_;
  }

  Shape shape_;
  Index length_;
  Through through_;
  bool may_share_, relies_ = false;
  StoredJacobians<T> J_;              // through the J of their time
  LargeMatrix<T> W_;                  // (R, n): of all steps that are held, while they share it
  Matrix<T> leaks_;                   // of steps without a J of their own: the leak's entries (n p p, L)
  std::vector<BlockDiagonal<T>> D_;   // L times (S, R)
  BlockDiagonal<T> leak_;             // workspace
  Jacobian<T> today_;                 // workspace
  Matrix<T> a_hat_, q_;               // (m, L) or (R m, L), (S, L)
  Matrix<T> regressors_;               // (L, m), workspace
  std::vector<std::uint64_t> begins_;  // whether a sequence begins with the step
  std::uint64_t begin_ = 1, held_ = 0, next_ = 0, shared_ = 0;
  std::uint64_t version_ = 0;  // of the network's W that W_ was found equal to; 0: of none
  const T* relied_on_ = nullptr;  // the network's W, in place of W_
};

}  // namespace axonomy

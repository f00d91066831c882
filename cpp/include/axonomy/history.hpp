// The last L steps, in a ring: what backpropagation needs of each.
#pragma once

#include "cell/stored_jacobians.hpp"
#include "learner.hpp"

namespace axonomy {

// Through which J credit is pulled back: that of each step's own time, or that of its state under the weights
// of today.
enum class Through { time, today };

template <class T>
class StepHistory {
 public:
  StepHistory(const Shape& shape, Index length, Through through)
      : shape_(shape),
        length_(length),
        through_(through),
        J_(shape, through == Through::time ? length : 0),
        leaks_(Matrix<T>::Zero(through == Through::time ? 0 : shape.n * shape.states_per_unit * shape.states_per_unit,
                               length)),
        D_(static_cast<std::size_t>(length),
           BlockDiagonal<T>(shape.n, shape.states_per_unit, shape.rows_per_unit)),
        leak_(shape.n, shape.states_per_unit, shape.states_per_unit),
        today_(shape),
        a_hat_(Matrix<T>::Zero(shape.regressors(), length)),
        q_(Matrix<T>::Zero(shape.S(), length)),
        regressors_(shape.element_wise ? 0 : length, shape.m),
        begins_(static_cast<std::size_t>(length), 0) {}

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
    if (through_ == Through::time) {
      J_.store(at, *step.J);
    } else {
      if (step.W == nullptr || step.leak == nullptr)
        throw std::invalid_argument(
            "step: this rule applies the network's present weights and cannot be driven by J, D and a_hat alone");
      leaks_.col(at) = Eigen::Map<const Vector<T>>(step.leak->entries().data(), leaks_.rows());
    }
    D_[next_].entries() = step.D->entries();
    a_hat_.col(at) = Eigen::Map<const Vector<T>>(step.a_hat, a_hat_.rows());
    q_.col(at) = Eigen::Map<const Vector<T>>(step.q, shape_.S());
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
  // The J of its time, (S, S).
  Matrix<T> J(Index slot) const {
    Matrix<T> J(shape_.S(), shape_.S());
    J_.write_dense(slot, J);
    return J;
  }

  // out = c J^slot. `W` (R, m): the weights of today.
  void pull_back(Index slot, const T* c, T* out, const Matrix<T>* W) {
    if (through_ == Through::time) return J_.pull_back(nullptr, slot, c, out);
    std::copy_n(leaks_.col(slot).data(), leaks_.rows(), leak_.entries().data());
    today_.bind(&leak_, &D_[static_cast<std::size_t>(slot)], W);
    today_.pull_back(c, out);
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
    if (through_ == Through::time)
      J_.visit(v);
    else
      v.matrix("leak", leaks_);
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
  Shape shape_;
  Index length_;
  Through through_;
  StoredJacobians<T> J_;              // through the J of their time
  Matrix<T> leaks_;                   // through that of today: the leak's entries (n p p, L)
  std::vector<BlockDiagonal<T>> D_;   // L times (S, R)
  BlockDiagonal<T> leak_;             // workspace
  Jacobian<T> today_;                 // workspace
  Matrix<T> a_hat_, q_;               // (m, L) or (R m, L), (S, L)
  Matrix<T> regressors_;               // (L, m), workspace
  std::vector<std::uint64_t> begins_;  // whether a sequence begins with the step
  std::uint64_t begin_ = 1, held_ = 0, next_ = 0;
};

}  // namespace axonomy

// The last L steps, in a ring: what backpropagation needs of each.
#pragma once

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
        kept_(through == Through::time
                  ? Matrix<T>::Zero(shape.S() * shape.S(), length)
                  : Matrix<T>::Zero(shape.n * shape.states_per_unit * shape.states_per_unit, length)),
        D_(static_cast<std::size_t>(length),
           BlockDiagonal<T>(shape.n, shape.states_per_unit, shape.rows_per_unit)),
        leak_(shape.n, shape.states_per_unit, shape.states_per_unit),
        today_(shape),
        a_hat_(Matrix<T>::Zero(shape.m, length)),
        q_(Matrix<T>::Zero(shape.S(), length)),
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
      step.J->write_dense(kept_.col(at).data());
    } else {
      if (step.W == nullptr || step.leak == nullptr)
        throw std::invalid_argument(
            "step: this rule applies the network's present weights and cannot be driven by J, D and a_hat alone");
      kept_.col(at) = Eigen::Map<const Vector<T>>(step.leak->entries().data(), kept_.rows());
    }
    D_[next_].entries() = step.D->entries();
    a_hat_.col(at) = Eigen::Map<const Vector<T>>(step.a_hat, shape_.m);
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
  Eigen::Map<const Matrix<T>> J(Index slot) const {
    return {kept_.col(slot).data(), shape_.S(), shape_.S()};
  }

  // out = c J^slot. `W` (R, m): the weights of today.
  void pull_back(Index slot, const T* c, T* out, const Matrix<T>* W) {
    const Index S = shape_.S();
    if (through_ == Through::time) {
      Eigen::Map<Vector<T>>(out, S).noalias() = J(slot).transpose() * Eigen::Map<const Vector<T>>(c, S);
      return;
    }
    std::copy_n(kept_.col(slot).data(), kept_.rows(), leak_.entries().data());
    today_.bind(&leak_, &D_[static_cast<std::size_t>(slot)], W);
    today_.pull_back(c, out);
  }

  void visit(StateVisitor<T>& v) {
    v.matrix(through_ == Through::time ? "J" : "leak", kept_);
    for (std::size_t slot = 0; slot < D_.size(); ++slot)
      v.matrix(("D_" + std::to_string(slot)).c_str(), D_[slot].entries());
    v.matrix("a_hat", a_hat_);
    v.matrix("q", q_);
    const auto length = static_cast<std::uint64_t>(length_);
    v.words("begins", begins_.data(), length_, 1);
    v.word("begin", begin_, 1);
    v.word("held", held_, length);
    v.word("next", next_, length - 1);
  }

 private:
  Shape shape_;
  Index length_;
  Through through_;
  Matrix<T> kept_;                    // J (S S, L); or the leak's entries (n p p, L)
  std::vector<BlockDiagonal<T>> D_;   // L times (S, R)
  BlockDiagonal<T> leak_;             // workspace
  Jacobian<T> today_;                 // workspace
  Matrix<T> a_hat_, q_;               // (m, L), (S, L)
  std::vector<std::uint64_t> begins_;  // whether a sequence begins with the step
  std::uint64_t begin_ = 1, held_ = 0, next_ = 0;
};

}  // namespace axonomy

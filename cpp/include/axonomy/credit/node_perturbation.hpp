// Node perturbation: credit from the correlation of injected noise with the change of the loss.
//
// A second copy of the network runs under noise xi of variance sigma^2 that is added to its state at every step. What
// it loses over the next T steps, more than the network does, is the noise's doing:
//
//     c^s ~ xi^s / sigma^2  sum_{t=s}^{s+T-1} (L(s~^t) - L(s^t))          gradient^s = (c^s D^s) (x) a_hat^s
//
// T - 1 steps late. Needs no derivative of the loss or of J. In the mean over the noise it is the credit of a window
// of T, to order sigma^2; exact where the network is linear and the loss quadratic (Fiete & Seung 2006). Memory O(T n),
// time O(n^2).
#pragma once

#include "../learner.hpp"

namespace axonomy {

template <class T>
class NodePerturbation final : public Learner<T> {
 public:
  NodePerturbation(const Shape& shape, Index window, T sigma, NoiseKind noise)
      : shape_(shape),
        window_(window),
        sigma_(sigma),
        noise_(noise),
        xi_(Matrix<T>::Zero(shape.S(), window)),
        a_hat_(Matrix<T>::Zero(shape.regressors(), window)),
        D_(static_cast<std::size_t>(window),
           BlockDiagonal<T>(shape.n, shape.states_per_unit, shape.rows_per_unit)),
        change_(Vector<T>::Zero(window)),
        perturbed_(Vector<T>::Zero(shape.S())),
        next_state_(shape.S()),
        credit_(Vector<T>::Zero(shape.S())),
        row_(shape.R()) {}

  NoiseKind noise_kind() const override { return noise_; }
  Index noise_size() const override { return shape_.S(); }
  bool looks_ahead() const override { return true; }

  void reset(const T* state) override {
    held_ = next_ = 0;
    open_ = 0;
    credit_.setZero();
    new_sequence(state);
  }
  // What comes is no doing of the noise so far; the gradients of the last steps are still due.
  void new_sequence(const T* state) override {
    perturbed_ = Eigen::Map<const Vector<T>>(state, shape_.S());
    open_ = 0;
  }

  void step(const Step<T>& step, const T* noise, T scale, T* target) override {
    if (step.network == nullptr)
      throw std::invalid_argument(
          "step: this rule perturbs the network itself and cannot be driven by J, D and a_hat alone");
    const auto slot = static_cast<Index>(next_);
    step.network->advance(perturbed_.data(), next_state_.data());
    perturbed_.swap(next_state_);
    xi_.col(slot) = Eigen::Map<const Vector<T>>(noise, shape_.S());
    perturbed_ += sigma_ * xi_.col(slot);
    a_hat_.col(slot) = Eigen::Map<const Vector<T>>(step.a_hat, a_hat_.rows());
    D_[next_].entries() = step.D->entries();
    change_[slot] = T(0);
    next_ = (next_ + 1) % static_cast<std::uint64_t>(window_);
    held_ = std::min<std::uint64_t>(held_ + 1, static_cast<std::uint64_t>(window_));
    open_ = std::min<std::uint64_t>(open_ + 1, static_cast<std::uint64_t>(window_));
    if (step.y != nullptr) {
      const T change = (step.network->loss_at(perturbed_.data(), step.y) -
                        step.network->loss_at(step.state, step.y)) / sigma_;
      for (Index back = 0; back < static_cast<Index>(open_); ++back)
        change_[(slot - back + window_) % window_] += change;
    }
    if (held_ < static_cast<std::uint64_t>(window_)) return;
    const auto oldest = static_cast<Index>(next_);
    credit_ = change_[oldest] * xi_.col(oldest);
    if (target == nullptr) return;
    D_[next_].multiply_left(credit_.data(), row_.data());
    add_immediate(shape_, scale, row_.data(), a_hat_.col(oldest).data(), target);
  }

  bool credit(Vector<T>& c) const override {
    c = credit_;
    return true;
  }

  void visit(StateVisitor<T>& v) override {
    v.matrix("xi", xi_);
    v.matrix("a_hat", a_hat_);
    for (std::size_t slot = 0; slot < D_.size(); ++slot)
      v.matrix(("D_" + std::to_string(slot)).c_str(), D_[slot].entries());
    v.vector("change", change_);
    v.vector("perturbed", perturbed_);
    v.vector("credit", credit_);
    const auto window = static_cast<std::uint64_t>(window_);
    v.word("held", held_, window);
    v.word("open", open_, window);
    v.word("next", next_, window - 1);
  }

 private:
  Shape shape_;
  Index window_;
  T sigma_;
  NoiseKind noise_;
  Matrix<T> xi_, a_hat_;             // (S, T), (m, T) or (R m, T)
  std::vector<BlockDiagonal<T>> D_;  // T times (S, R)
  Vector<T> change_;                 // (T,): of the loss since each step, over sigma
  Vector<T> perturbed_, next_state_, credit_, row_;
  // Steps in the ring; those of them in this sequence; where the next one goes.
  std::uint64_t held_ = 0, open_ = 0, next_ = 0;
};

}  // namespace axonomy

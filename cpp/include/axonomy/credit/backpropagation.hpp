// Future-facing, exact over a window: the credit c = d(losses to come)/ds, backwards through the last T steps,
//
//     c^t = q^t,  c^s = q^s + c^{s+1} J^{s+1}          gradient^s = (c^s D^s) (x) a_hat^s
//
// F-BPTT(T) gives at every step the gradient of the step T - 1 steps ago, whose credit has all of its T losses.
// E-BPTT(T) gives at every T-th step the sum over the T steps, each with the losses up to now (Marschall, Cho &
// Savin 2020, sections 4.3.1 and 4.3.2; Williams & Peng 1990; Werbos 1990).
//
// Credit is pulled back through the J of each step's time, which is the exact gradient also when the weights
// change online; or, as in the program of that paper, through the weights of today. A sequence that ends before
// the window does ends its credit, not its gradients.
//
// Memory O(T n^2), or O(T n) through today's weights; time O(T n^2) for F-BPTT, O(n^2) a step for E-BPTT.
#pragma once

#include "../history.hpp"

namespace axonomy {

// At every step the oldest step of the window, or at every T-th step all of them.
enum class Emission { oldest, window };

template <class T>
class Backpropagation final : public Learner<T> {
 public:
  Backpropagation(const Shape& shape, Index window, Emission emission, Through through)
      : shape_(shape),
        emission_(emission),
        history_(shape, window, through),
        rows_(shape.R(), emission == Emission::window ? window : 1),
        regressors_(emission == Emission::window ? window : 0, shape.m),
        credit_(Vector<T>::Zero(shape.S())),
        pulled_(Vector<T>::Zero(shape.S())) {}

  bool looks_ahead() const override { return true; }

  void reset(const T*) override {
    history_.clear();
    credit_.setZero();
  }
  void new_sequence(const T*) override { history_.begin_sequence(); }

  void step(const Step<T>& step, const T*, T scale, T* target) override {
    history_.push(step);
    const Index length = history_.length(), R = shape_.R();
    credit_.setZero();
    if (history_.held() < length) return;
    // From the last step to the first: what is pulled into a step, and its own q.
    for (Index back = 0; back < length; ++back) {
      const Index slot = history_.slot(back);
      credit_ += history_.q(slot);
      if (emission_ == Emission::window) {
        history_.D(slot).multiply_left(credit_.data(), rows_.col(back).data());
        regressors_.row(back) = history_.a_hat(slot).transpose();
      }
      if (back + 1 == length) break;
      if (history_.begins(slot)) {
        credit_.setZero();
      } else {
        history_.pull_back(slot, credit_.data(), pulled_.data(), step.W);
        credit_.swap(pulled_);
      }
    }
    if (emission_ == Emission::window) {
      history_.drop();
      if (target == nullptr) return;
      rows_ *= scale;
      gemm<T>(R, shape_.m, length, rows_.data(), R, regressors_.data(), length, target, R, true);
      return;
    }
    if (target == nullptr) return;
    const Index oldest = history_.slot(length - 1);
    history_.D(oldest).multiply_left(credit_.data(), rows_.data());
    add_outer(scale, rows_.data(), R, history_.a_hat(oldest).data(), shape_.m, target);
  }

  bool credit(Vector<T>& c) const override {
    c = credit_;
    return true;
  }

  void visit(StateVisitor<T>& v) override {
    history_.visit(v);
    v.vector("credit", credit_);
    v.scratch(sizeof(T) * static_cast<std::size_t>(rows_.size() + regressors_.size()));
  }

 private:
  Shape shape_;
  Emission emission_;
  StepHistory<T> history_;
  Matrix<T> rows_, regressors_;  // (R, T), (T, m): workspace
  Vector<T> credit_, pulled_;    // (S,)
};

}  // namespace axonomy

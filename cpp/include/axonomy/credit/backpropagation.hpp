// Future-facing, exact over a window: the credit c = d(losses to come)/ds, backwards through the last T steps,
//
//     c^t = q^t,  c^s = q^s + c^{s+1} J^{s+1}          gradient^s = (c^s D^s) (x) a_hat^s
//
// F-BPTT(T): each step adds its q, pulled back, to the credits of the T - 1 steps before it, and gives the gradient of
// the step T - 1 steps ago, whose credit has then all of its T losses. E-BPTT(T): every T-th step gives the sum over
// the T steps, each with the losses up to now (Marschall, Cho & Savin 2020, sections 4.3.1 and 4.3.2; Williams & Peng
// 1990; Werbos 1990).
//
// Credit is pulled back through the J of each step's time, which is the exact gradient also when the weights
// change online; or, as in the program of that paper, through the weights of the day on which it is pulled. A sequence
// that ends before the window does ends its credit, not its gradients.
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
        history_(shape, window, through, emission == Emission::window ? Expected::constancy : Expected::change),
        credits_(Matrix<T>::Zero(shape.S(), emission == Emission::oldest ? window : 0)),
        rows_(shape.R(), emission == Emission::window ? window : 1),
        credit_(Vector<T>::Zero(shape.S())),
        pulled_(Vector<T>::Zero(shape.S())) {}

  bool looks_ahead() const override { return true; }
  bool added() const override { return added_; }
  bool rely_on_weights(bool may) override { return history_.rely_on_weights(may); }
  void keep_weights() override { history_.keep_weights(); }

  void reset(const T*) override {
    history_.clear();
    credit_.setZero();
  }
  void new_sequence(const T*) override { history_.begin_sequence(); }

  void step(const Step<T>& step, const T*, T scale, T* target) override {
    added_ = false;
    history_.push(step);
    if (emission_ == Emission::oldest)
      give_oldest(step, scale, target);
    else
      give_window(step, scale, target);
  }

  bool credit(Vector<T>& c) const override {
    c = credit_;
    return true;
  }

  void visit(StateVisitor<T>& v) override {
    history_.visit(v);
    if (emission_ == Emission::oldest) v.matrix("credits", credits_);
    v.vector("credit", credit_);
    v.scratch(sizeof(T) * static_cast<std::size_t>(rows_.size()));
  }

 private:
  void give_oldest(const Step<T>& step, T scale, T* target) {
    credit_ = Eigen::Map<const Vector<T>>(step.q, shape_.S());
    credits_.col(history_.slot(0)) = credit_;
    for (Index back = 0; back + 1 < history_.held(); ++back) {
      const Index slot = history_.slot(back);
      if (history_.begins(slot)) break;
      pull_back(slot, step);
      credits_.col(history_.slot(back + 1)) += credit_;
    }
    credit_.setZero();
    if (history_.held() < history_.length()) return;
    const Index oldest = history_.slot(history_.length() - 1);
    credit_ = credits_.col(oldest);
    if (target == nullptr) return;
    added_ = true;
    history_.D(oldest).multiply_left(credit_.data(), rows_.data());
    add_immediate(shape_, scale, rows_.data(), history_.a_hat(oldest).data(), target);
  }

  void give_window(const Step<T>& step, T scale, T* target) {
    const Index length = history_.length();
    credit_.setZero();
    if (history_.held() < length) return;
    for (Index back = 0; back < length; ++back) {
      const Index slot = history_.slot(back);
      T* const rows = rows_.col(back).data();
      add_scaled(credit_.size(), T(1), history_.q(slot).data(), credit_.data());
      history_.D(slot).multiply_left(credit_.data(), rows);
      if (back + 1 == length) break;
      if (history_.begins(slot))
        credit_.setZero();
      else
        pull_back(slot, step, rows);
    }
    if (target != nullptr) {
      added_ = true;
      rows_ *= scale;
      history_.add_gradient(rows_, length, target);
    }
    history_.drop();
  }

  void pull_back(Index slot, const Step<T>& step, const T* rows = nullptr) {
    history_.pull_back(slot, credit_.data(), pulled_.data(), step.W, rows);
    credit_.swap(pulled_);
  }

  Shape shape_;
  Emission emission_;
  bool added_ = false;
  StepHistory<T> history_;
  Matrix<T> credits_;            // (S, T): so far, of F-BPTT
  Matrix<T> rows_;               // (R, T): workspace
  Vector<T> credit_, pulled_;    // (S,)
};

}  // namespace axonomy

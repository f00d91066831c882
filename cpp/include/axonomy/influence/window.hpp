// Rolling truncated backpropagation: the gradient of the current loss through the last L steps,
//
//     gradient = sum_{s = t-L+1}^{t} (q J^t ... J^{s+1} D^s) (x) a_hat^s
//
// through the J of each time, also when the weights change online (Williams & Peng 1990).
// Memory and time O(L n^2).
//
// What is older than that may be left to another past-facing learner: it gets every step as that leaves the window, with
// the credit c = q J^t ... J^{t-L+1} in place of q, so that its influence is as of L steps ago. The gradient is then exact
// over L steps and as the other has it beyond: unbiased if that is. With `halvings` h the other works for a part of the
// time only. Every `every` steps its influence is kept with probability p = 2^-h and counts 1/p as much from then on, or
// is forgotten, and it takes nothing in until the next time. The mean stays what it was (as of a truncation at random,
// Tallec & Ollivier 2017), and so much less work is done.
#pragma once

#include "../history.hpp"

namespace axonomy {

template <class T>
class WindowedInfluence final : public Learner<T> {
 public:
  WindowedInfluence(const Shape& shape, Index window, std::unique_ptr<Learner<T>> older = nullptr, Index halvings = 0,
                    Index every = 1)
      : shape_(shape),
        window_(window),
        halvings_(halvings),
        every_(every),
        older_(std::move(older)),
        history_(shape, older_ ? window + 1 : window, Through::time),
        rows_(shape.R(), window),
        credit_(shape.S()),
        pulled_(shape.S()) {
    if (!older_) return;
    J_ = Jacobian<T>(shape);
    leak_ = BlockDiagonal<T>(shape.n, shape.states_per_unit, shape.states_per_unit);
    leaks_ = Matrix<T>::Zero(leak_.entries().size(), history_.length());
    has_leak_.assign(static_cast<std::size_t>(history_.length()), 0);
    begin();
  }

  // Whether the older part is kept, then what it draws.
  NoiseKind noise_kind() const override {
    return joined(halvings_ > 0 ? NoiseKind::signs : NoiseKind::none, older_ ? older_->noise_kind() : NoiseKind::none);
  }
  Index noise_size() const override { return halvings_ + (older_ ? older_->noise_size() : 0); }
  void draw(Random& random, T* out) const override {
    random.signs(out, halvings_);
    if (older_) older_->draw(random, out + halvings_);
  }

  bool may_throw() const override { return older_ && older_->may_throw(); }
  void use(Team* team) override {
    if (older_) older_->use(team);
  }

  void reset(const T* state) override {
    begin();
    if (older_) older_->reset(state);
  }
  void new_sequence(const T* state) override {
    begin();
    if (older_) older_->new_sequence(state);
  }

  void step(const Step<T>& step, const T* noise, T scale, T* target) override {
    history_.push(step);
    if (older_) keep_leak(step);
    const Index depth = std::min(history_.held(), window_);
    const bool leaves = history_.held() > window_;
    if (leaves) toss(noise);
    const bool goes_on = leaves && works_ != 0;
    if (target != nullptr) {
      // One row of credits and one of regressors for each step back, then a single product.
      credit_ = scale * Eigen::Map<const Vector<T>>(step.q, shape_.S());
      for (Index back = 0; back < depth; ++back) {
        const Index slot = history_.slot(back);
        history_.D(slot).multiply_left(credit_.data(), rows_.col(back).data());
        if (back + 1 == depth && !goes_on) break;
        history_.pull_back(slot, credit_.data(), pulled_.data(), step.W);
        credit_.swap(pulled_);
      }
      history_.add_gradient(rows_, depth, target);
    } else {
      credit_.setZero();
    }
    if (goes_on) step_older(noise == nullptr ? nullptr : noise + halvings_, target);
  }

  bool influence(Matrix<T>& M) const override {
    const Index S = shape_.S(), R = shape_.R();
    M.setZero(S, R * shape_.m);
    if (older_ && works_ != 0) {
      if (!older_->influence(M)) return false;
      M *= weight();
    }
    for (Index back = std::min(history_.held(), window_) - 1; back >= 0; --back) {
      const Index slot = history_.slot(back);
      Matrix<T> D = Matrix<T>::Zero(S, R);
      history_.D(slot).add_to(D.data(), S);
      M = (history_.J(slot) * M).eval();
      const auto a_hat = history_.a_hat(slot);
      for (Index j = 0; j < shape_.m; ++j)
        for (Index i = 0; i < R; ++i)
          M.col(j * R + i) += D.col(i) * (shape_.element_wise ? a_hat[j * R + i] : a_hat[j]);
    }
    return true;
  }

  void visit(StateVisitor<T>& v) override {
    history_.visit(v);
    v.scratch(sizeof(T) * static_cast<std::size_t>(rows_.size() + (older_ ? shape_.S() * shape_.S() : 0)));
    if (!older_) return;
    v.matrix("leak", leaks_);
    v.words("has_leak", has_leak_.data(), history_.length(), 1);
    v.word("works", works_, 1);
    v.word("tossed", tossed_, static_cast<std::uint64_t>(every_ - 1));
    v.enter("older");
    older_->visit(v);
    v.leave();
  }

  Diagnostics diagnostics() const override { return older_ ? older_->diagnostics() : Diagnostics(); }

 private:
  void begin() {
    history_.clear();
    works_ = halvings_ == 0 ? 1 : 0;
    tossed_ = 0;
    tossed_now_ = false;
  }
  T weight() const { return T(Index(1) << halvings_); }

  // Whether the older part works for the next `every` steps, by as many signs as there are halvings.
  void toss(const T* signs) {
    tossed_now_ = halvings_ > 0 && tossed_ == 0;
    if (halvings_ == 0) return;
    tossed_ = (tossed_ + 1) % static_cast<std::uint64_t>(every_);
    if (!tossed_now_) return;
    const bool kept = std::all_of(signs, signs + halvings_, [](T sign) { return sign > T(0); });
    if (!kept && works_ != 0) {
      pulled_.setZero();
      older_->new_sequence(pulled_.data());
    }
    works_ = kept ? 1 : 0;
  }

  void keep_leak(const Step<T>& step) {
    const Index slot = history_.slot(0);
    has_leak_[static_cast<std::size_t>(slot)] = step.leak != nullptr ? 1 : 0;
    if (step.leak != nullptr)
      leaks_.col(slot) = Eigen::Map<const Vector<T>>(step.leak->entries().data(), leaks_.rows());
  }

  // The step that leaves the window. What the older part has of earlier tosses counts so much more.
  void step_older(const T* noise, T* target) {
    const Index slot = history_.slot(window_);
    const T factor = tossed_now_ ? weight() : T(1);
    Matrix<T>& J = J_.bind_matrix();
    history_.write_J(slot, J);
    if (factor != T(1)) J *= factor;
    Step<T> step;
    step.J = &J_;
    step.D = &history_.D(slot);
    if (has_leak_[static_cast<std::size_t>(slot)] != 0) {
      Eigen::Map<Vector<T>>(leak_.entries().data(), leaks_.rows()) = factor * leaks_.col(slot);
      step.leak = &leak_;
    }
    step.a_hat = history_.a_hat(slot).data();
    step.q = credit_.data();
    older_->step(step, noise, weight(), target);
  }

  Shape shape_;
  Index window_, halvings_, every_;
  std::unique_ptr<Learner<T>> older_;  // null: there is none
  StepHistory<T> history_;             // with the step that leaves the window, if that goes on
  Matrix<T> rows_;                     // (R, L): workspace
  Vector<T> credit_, pulled_;          // (S,): workspace
  Matrix<T> leaks_;                    // (n p p, L + 1): F of the steps, where there was one
  std::vector<std::uint64_t> has_leak_;
  Jacobian<T> J_;                      // workspace, as the next: what the older part sees
  BlockDiagonal<T> leak_;
  std::uint64_t works_ = 1, tossed_ = 0;  // whether the older part does; steps since the last toss
  bool tossed_now_ = false;
};

}  // namespace axonomy

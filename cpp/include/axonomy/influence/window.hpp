// Rolling truncated backpropagation: the gradient of the current loss through the last L steps,
//
//     gradient = sum_{s = t-L+1}^{t} (q J^t ... J^{s+1} D^s) (x) a_hat^s
//
// through the J of each time, also when the weights change online (Williams & Peng 1990).
// Memory and time O(L n^2).
#pragma once

#include "learner.hpp"

namespace axonomy {

template <class T>
class WindowedInfluence final : public Learner<T> {
 public:
  WindowedInfluence(const Shape& shape, Index window)
      : shape_(shape),
        window_(window),
        J_(static_cast<std::size_t>(window), Matrix<T>::Zero(shape.S(), shape.S())),
        D_(static_cast<std::size_t>(window),
           BlockDiagonal<T>(shape.n, shape.states_per_unit, shape.rows_per_unit)),
        a_hat_(Matrix<T>::Zero(shape.m, window)),
        rows_(shape.R(), window),
        regressors_(window, shape.m),
        credit_(shape.S()),
        pulled_(shape.S()) {}

  void reset(const T*) override { held_ = next_ = 0; }

  void step(const Step<T>& step, const T*, T scale, T* target) override {
    const Index S = shape_.S(), R = shape_.R(), m = shape_.m;
    step.J->write_dense(J_[next_].data());
    D_[next_].entries() = step.D->entries();
    a_hat_.col(static_cast<Index>(next_)) = Eigen::Map<const Vector<T>>(step.a_hat, m);
    const auto newest = static_cast<Index>(next_);
    next_ = (next_ + 1) % static_cast<std::uint64_t>(window_);
    held_ = std::min<std::uint64_t>(held_ + 1, static_cast<std::uint64_t>(window_));
    if (target == nullptr) return;
    // One row of credits and one of regressors for each step back, then a single product.
    credit_ = scale * Eigen::Map<const Vector<T>>(step.q, S);
    const auto depth = static_cast<Index>(held_);
    for (Index back = 0; back < depth; ++back) {
      const Index slot = (newest - back + window_) % window_;
      D_[slot].multiply_left(credit_.data(), rows_.col(back).data());
      regressors_.row(back) = a_hat_.col(slot).transpose();
      if (back + 1 < depth) {
        pulled_.noalias() = J_[slot].transpose() * credit_;
        credit_.swap(pulled_);
      }
    }
    gemm<T>(R, m, depth, rows_.data(), R, regressors_.data(), window_, target, R, true);
  }

  bool influence(Matrix<T>& M) const override {
    const Index S = shape_.S(), R = shape_.R();
    M.setZero(S, R * shape_.m);
    Matrix<T> P = Matrix<T>::Identity(S, S);  // J^t ... J^{s+1}
    for (Index back = 0; back < static_cast<Index>(held_); ++back) {
      const Index slot = (static_cast<Index>(next_) - 1 - back + 2 * window_) % window_;
      Matrix<T> D = Matrix<T>::Zero(S, R);
      D_[slot].add_to(D.data(), S);
      const Matrix<T> PD = P * D;
      for (Index j = 0; j < shape_.m; ++j) M.middleCols(j * R, R) += PD * a_hat_(j, slot);
      P = (P * J_[slot]).eval();
    }
    return true;
  }

  void visit(StateVisitor<T>& v) override {
    for (std::size_t slot = 0; slot < J_.size(); ++slot) {
      v.matrix(("J_" + std::to_string(slot)).c_str(), J_[slot]);
      v.matrix(("D_" + std::to_string(slot)).c_str(), D_[slot].entries());
    }
    v.matrix("a_hat", a_hat_);
    v.word("held", held_);
    v.word("next", next_);
    v.scratch(sizeof(T) * static_cast<std::size_t>(rows_.size() + regressors_.size()));
  }

 private:
  Shape shape_;
  Index window_;
  std::vector<Matrix<T>> J_;         // window times (S, S)
  std::vector<BlockDiagonal<T>> D_;  // window times (S, R)
  Matrix<T> a_hat_;                  // (m, window)
  Matrix<T> rows_, regressors_;      // (R, window), (window, m): workspace
  Vector<T> credit_, pulled_;        // (S,): workspace
  std::uint64_t held_ = 0, next_ = 0;
};

}  // namespace axonomy

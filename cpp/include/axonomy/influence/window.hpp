// Rolling truncated backpropagation: the gradient of the current loss through the last L steps,
//
//     gradient = sum_{s = t-L+1}^{t} (q J^t ... J^{s+1} D^s) (x) a_hat^s
//
// through the J of each time, also when the weights change online (Williams & Peng 1990).
// Memory and time O(L n^2).
#pragma once

#include "../history.hpp"

namespace axonomy {

template <class T>
class WindowedInfluence final : public Learner<T> {
 public:
  WindowedInfluence(const Shape& shape, Index window)
      : shape_(shape),
        history_(shape, window, Through::time),
        rows_(shape.R(), window),
        credit_(shape.S()),
        pulled_(shape.S()) {}

  void reset(const T*) override { history_.clear(); }

  void step(const Step<T>& step, const T*, T scale, T* target) override {
    history_.push(step);
    if (target == nullptr) return;
    // One row of credits and one of regressors for each step back, then a single product.
    credit_ = scale * Eigen::Map<const Vector<T>>(step.q, shape_.S());
    const Index depth = history_.held();
    for (Index back = 0; back < depth; ++back) {
      const Index slot = history_.slot(back);
      history_.D(slot).multiply_left(credit_.data(), rows_.col(back).data());
      if (back + 1 == depth) break;
      history_.pull_back(slot, credit_.data(), pulled_.data(), step.W);
      credit_.swap(pulled_);
    }
    history_.add_gradient(rows_, depth, target);
  }

  bool influence(Matrix<T>& M) const override {
    const Index S = shape_.S(), R = shape_.R();
    M.setZero(S, R * shape_.m);
    Matrix<T> P = Matrix<T>::Identity(S, S);  // J^t ... J^{s+1}
    for (Index back = 0; back < history_.held(); ++back) {
      const Index slot = history_.slot(back);
      Matrix<T> D = Matrix<T>::Zero(S, R);
      history_.D(slot).add_to(D.data(), S);
      const Matrix<T> PD = P * D;
      const auto a_hat = history_.a_hat(slot);
      for (Index j = 0; j < shape_.m; ++j)
        for (Index i = 0; i < R; ++i)
          M.col(j * R + i) += PD.col(i) * (shape_.element_wise ? a_hat[j * R + i] : a_hat[j]);
      P = (P * history_.J(slot)).eval();
    }
    return true;
  }

  void visit(StateVisitor<T>& v) override {
    history_.visit(v);
    v.scratch(sizeof(T) * static_cast<std::size_t>(rows_.size()));
  }

 private:
  Shape shape_;
  StepHistory<T> history_;
  Matrix<T> rows_;               // (R, L): workspace
  Vector<T> credit_, pulled_;    // (S,): workspace
};

}  // namespace axonomy

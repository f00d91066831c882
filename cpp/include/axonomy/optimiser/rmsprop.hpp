// RMSProp (Tieleman & Hinton 2012): v <- rho v + (1 - rho) g^2,  W <- W - rate g / (sqrt(v) + eps).
#pragma once

#include "optimiser.hpp"

namespace axonomy {

template <class T>
class RmsProp final : public Optimiser<T> {
 public:
  RmsProp(T decay, T eps, const std::vector<std::pair<Index, Index>>& shapes)
      : decay_(decay), eps_(eps) {
    for (const auto& [rows, cols] : shapes) square_.push_back(Matrix<T>::Zero(rows, cols));
  }
  void update(std::size_t slot, T rate, const Matrix<T>& gradient, Eigen::Map<Matrix<T>> parameters) override {
    auto v = square_[slot].array();
    v = decay_ * v + (T(1) - decay_) * gradient.array().square();
    parameters.array() -= rate * gradient.array() / (v.sqrt() + eps_);
  }
  void visit(StateVisitor<T>& v) override {
    for (std::size_t i = 0; i < square_.size(); ++i)
      v.matrix(("square_" + std::to_string(i)).c_str(), square_[i]);
  }

 private:
  T decay_, eps_;
  std::vector<Matrix<T>> square_;
};

}  // namespace axonomy

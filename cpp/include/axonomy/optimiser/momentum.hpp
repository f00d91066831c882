// Momentum (Polyak 1964): v <- mu v + g,  W <- W - rate v.
#pragma once

#include "optimiser.hpp"

namespace axonomy {

template <class T>
class Momentum final : public Optimiser<T> {
 public:
  Momentum(T momentum, const std::vector<std::pair<Index, Index>>& shapes) : momentum_(momentum) {
    for (const auto& [rows, cols] : shapes) velocity_.push_back(Matrix<T>::Zero(rows, cols));
  }
  void update(std::size_t slot, T rate, const Matrix<T>& gradient, Eigen::Map<Matrix<T>> parameters) override {
    velocity_[slot] = momentum_ * velocity_[slot] + gradient;
    parameters.noalias() -= rate * velocity_[slot];
  }
  void visit(StateVisitor<T>& v) override {
    for (std::size_t i = 0; i < velocity_.size(); ++i)
      v.matrix(("velocity_" + std::to_string(i)).c_str(), velocity_[i]);
  }

 private:
  T momentum_;
  std::vector<Matrix<T>> velocity_;
};

}  // namespace axonomy

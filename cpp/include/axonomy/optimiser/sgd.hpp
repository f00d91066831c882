// SGD: W <- W - rate g.
#pragma once

#include "optimiser.hpp"

namespace axonomy {

template <class T>
class Sgd final : public Optimiser<T> {
 public:
  bool is_plain() const override { return true; }
  void update(std::size_t, T rate, const Matrix<T>& gradient, Eigen::Map<Matrix<T>> parameters) override {
    parameters.noalias() -= rate * gradient;
  }
};

}  // namespace axonomy

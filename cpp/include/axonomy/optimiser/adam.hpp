// Adam (Kingma & Ba 2015), with bias correction:
//
//     m <- b1 m + (1 - b1) g,  v <- b2 v + (1 - b2) g^2,  W <- W - rate m^ / (sqrt(v^) + eps)
#pragma once

#include "optimiser.hpp"

namespace axonomy {

template <class T>
class Adam final : public Optimiser<T> {
 public:
  Adam(T beta1, T beta2, T eps, const std::vector<std::pair<Index, Index>>& shapes)
      : beta1_(beta1), beta2_(beta2), eps_(eps) {
    for (const auto& [rows, cols] : shapes) {
      mean_.push_back(Matrix<T>::Zero(rows, cols));
      square_.push_back(Matrix<T>::Zero(rows, cols));
    }
  }
  void begin_update(std::uint64_t t) override {
    correction1_ = T(1.0 - std::pow(static_cast<double>(beta1_), static_cast<double>(t)));
    correction2_ = T(1.0 - std::pow(static_cast<double>(beta2_), static_cast<double>(t)));
  }
  void update(std::size_t slot, T rate, const Matrix<T>& gradient, Eigen::Map<Matrix<T>> parameters) override {
    auto m = mean_[slot].array(), v = square_[slot].array();
    m = beta1_ * m + (T(1) - beta1_) * gradient.array();
    v = beta2_ * v + (T(1) - beta2_) * gradient.array().square();
    parameters.array() -= rate * (m / correction1_) / ((v / correction2_).sqrt() + eps_);
  }
  void visit(StateVisitor<T>& v) override {
    for (std::size_t i = 0; i < mean_.size(); ++i) {
      v.matrix(("mean_" + std::to_string(i)).c_str(), mean_[i]);
      v.matrix(("square_" + std::to_string(i)).c_str(), square_[i]);
    }
  }

 private:
  T beta1_, beta2_, eps_, correction1_{1}, correction2_{1};
  std::vector<Matrix<T>> mean_, square_;
};

}  // namespace axonomy

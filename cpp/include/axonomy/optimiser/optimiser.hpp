// Optimisers act on one parameter array at a time, given a slot for its moments and the step's rate.
#pragma once

#include "../core/types.hpp"

namespace axonomy {

// Learning rate over updates t = 0, 1, ...
struct Schedule {
  enum class Kind { constant, exponential, inverse };
  Kind kind = Kind::constant;
  double initial = 0;
  double factor = 1;  // exponential: rate = initial * factor^(t / steps)
  double steps = 1;
  double power = 1;  // inverse: rate = initial / (1 + t / steps)^power

  double rate(std::uint64_t t) const {
    const double progress = static_cast<double>(t) / steps;
    switch (kind) {
      case Kind::exponential:
        return initial * std::pow(factor, progress);
      case Kind::inverse:
        return initial / std::pow(1.0 + progress, power);
      default:
        return initial;
    }
  }
};

template <class T>
class Optimiser {
 public:
  virtual ~Optimiser() = default;
  // One call before the arrays of an update, t counting updates from 1.
  virtual void begin_update(std::uint64_t t) { (void)t; }
  // parameters -= step along gradient; `slot` numbers the array.
  virtual void update(std::size_t slot, T rate, const Matrix<T>& gradient, Eigen::Map<Matrix<T>> parameters) = 0;
  // Plain gradient descent can be added to the weights where the gradient is made, without a buffer.
  virtual bool is_plain() const { return false; }
  virtual void visit(StateVisitor<T>& v) { (void)v; }
};

}  // namespace axonomy

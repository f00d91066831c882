// A scalar that counts the floating-point operations done with it: + - * / and sqrt, each as one.
// Comparisons, signs and copies are free.
#pragma once

#include <Eigen/Core>
#include <cmath>
#include <cstdint>
#include <limits>
#include <ostream>
#include <type_traits>

namespace axonomy {

class Counting {
 public:
  static inline std::uint64_t operations = 0;

  Counting() = default;
  template <class Number, class = std::enable_if_t<std::is_arithmetic_v<Number>>>
  Counting(Number value) : value_(static_cast<double>(value)) {}
  template <class Number, class = std::enable_if_t<std::is_arithmetic_v<Number>>>
  explicit operator Number() const {
    return static_cast<Number>(value_);
  }

  Counting& operator+=(const Counting& b) { return *this = *this + b; }
  Counting& operator-=(const Counting& b) { return *this = *this - b; }
  Counting& operator*=(const Counting& b) { return *this = *this * b; }
  Counting& operator/=(const Counting& b) { return *this = *this / b; }
  Counting operator-() const { return {-value_}; }

  friend Counting operator+(const Counting& a, const Counting& b) {
    return count(a.value_ + b.value_);
  }
  friend Counting operator-(const Counting& a, const Counting& b) {
    return count(a.value_ - b.value_);
  }
  friend Counting operator*(const Counting& a, const Counting& b) {
    return count(a.value_ * b.value_);
  }
  friend Counting operator/(const Counting& a, const Counting& b) {
    return count(a.value_ / b.value_);
  }
  friend Counting sqrt(const Counting& a) { return count(std::sqrt(a.value_)); }
  friend Counting abs(const Counting& a) { return {std::abs(a.value_)}; }
  friend bool isfinite(const Counting& a) { return std::isfinite(a.value_); }
  friend bool isinf(const Counting& a) { return std::isinf(a.value_); }
  friend bool isnan(const Counting& a) { return std::isnan(a.value_); }

  friend bool operator==(const Counting& a, const Counting& b) { return a.value_ == b.value_; }
  friend bool operator!=(const Counting& a, const Counting& b) { return a.value_ != b.value_; }
  friend bool operator<(const Counting& a, const Counting& b) { return a.value_ < b.value_; }
  friend bool operator>(const Counting& a, const Counting& b) { return a.value_ > b.value_; }
  friend bool operator<=(const Counting& a, const Counting& b) { return a.value_ <= b.value_; }
  friend bool operator>=(const Counting& a, const Counting& b) { return a.value_ >= b.value_; }
  friend std::ostream& operator<<(std::ostream& out, const Counting& a) { return out << a.value_; }

 private:
  static Counting count(double value) {
    ++operations;
    return {value};
  }
  double value_ = 0;
};

inline void tanh_inplace(Counting* x, Eigen::Index size) {
  for (Eigen::Index i = 0; i < size; ++i) {
    x[i] = std::tanh(static_cast<double>(x[i]));
    ++Counting::operations;
  }
}

}  // namespace axonomy

namespace Eigen {

template <>
struct NumTraits<axonomy::Counting> {
  using Real = axonomy::Counting;
  using NonInteger = axonomy::Counting;
  using Nested = axonomy::Counting;
  using Literal = axonomy::Counting;
  enum {
    IsInteger = 0,
    IsSigned = 1,
    IsComplex = 0,
    RequireInitialization = 1,
    ReadCost = 1,
    AddCost = 1,
    MulCost = 1
  };
  static Real epsilon() { return std::numeric_limits<double>::epsilon(); }
  static Real dummy_precision() { return NumTraits<double>::dummy_precision(); }
  static Real highest() { return std::numeric_limits<double>::max(); }
  static Real lowest() { return std::numeric_limits<double>::lowest(); }
  static Real infinity() { return std::numeric_limits<double>::infinity(); }
  static Real quiet_NaN() { return std::numeric_limits<double>::quiet_NaN(); }
  static int digits10() { return NumTraits<double>::digits10(); }
};

}  // namespace Eigen

// Eigen's eigensolver reads the smallest normal number from here.
template <>
class std::numeric_limits<axonomy::Counting> : public std::numeric_limits<double> {
 public:
  static axonomy::Counting min() noexcept { return std::numeric_limits<double>::min(); }
};

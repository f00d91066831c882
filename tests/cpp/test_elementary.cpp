// tanh, sigmoid and the activations against long double.
#include <limits>
#include <random>
#include <type_traits>

#include "axonomy/core/activation.hpp"
#include "check.hpp"

namespace {

using namespace axonomy;
using Exact = long double;

// |y - exact| in units of the spacing of T at `exact`.
template <class T>
double ulps(T y, Exact exact) {
  if (exact == Exact(y)) return 0;
  using Limits = std::numeric_limits<T>;
  int exponent = std::ilogb(std::abs(exact)) - Limits::digits + 1;
  exponent = std::max(exponent, Limits::min_exponent - Limits::digits);
  return static_cast<double>(std::ldexp(std::abs(Exact(y) - exact), -exponent));
}

Exact sigmoid(Exact x) { return x < 0 ? std::exp(x) / (1 + std::exp(x)) : 1 / (1 + std::exp(-x)); }

// Even over [-range, range], even in the exponent down to the denormals, and random.
template <class T>
std::vector<T> grid(double range) {
  std::vector<T> x;
  const int size = 200000;
  for (int i = 0; i <= size; ++i) x.push_back(T(range * (2.0 * i / size - 1)));
  for (double e = std::numeric_limits<T>::min_exponent - std::numeric_limits<T>::digits;
       e < std::log2(range); e += 0.01) {
    x.push_back(std::exp2(T(e)));
    x.push_back(-std::exp2(T(e)));
  }
  std::mt19937 random(1);
  std::normal_distribution<double> normal(0, range / 8);
  for (int i = 0; i < size; ++i) x.push_back(T(normal(random)));
  for (const T special : {T(0), -T(0), std::numeric_limits<T>::denorm_min(),
                          std::numeric_limits<T>::min(), std::numeric_limits<T>::epsilon()})
    x.push_back(special);
  return x;
}

template <class T, class Kernel, class Reference>
double largest_error(const std::vector<T>& x, const Kernel& kernel, const Reference& reference) {
  std::vector<T> y = x;
  kernel(y.data(), static_cast<Index>(y.size()));
  double largest = 0;
  T where(0);
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double error = ulps(y[i], reference(Exact(x[i])));
    if (!(error <= largest)) {
      largest = error;
      where = x[i];
    }
  }
  std::printf("%-28s %.2f ulp at %.9g\n", check::context.c_str(), largest, double(where));
  return largest;
}

template <class T>
T one(void (*kernel)(T*, Index), T x) {
  kernel(&x, 1);
  return x;
}

template <class T>
void test_tanh(const std::string& type, double bound) {
  check::context = "tanh " + type;
  const T infinity = std::numeric_limits<T>::infinity(), nan = std::numeric_limits<T>::quiet_NaN();
  const auto x = grid<T>(25);
  CHECK_AT_MOST(largest_error<T>(x, tanh_inplace<T>, [](Exact v) { return std::tanh(v); }), bound);
  for (const T v : x) {
    const T y = one(tanh_inplace<T>, v);
    CHECK_AT_MOST(std::abs(y), T(1));
    CHECK_EQUAL(one(tanh_inplace<T>, -v), -y);
    CHECK_EQUAL(std::signbit(y), std::signbit(v));
  }
  // 1 from the point on where tanh rounds to 1, up to infinity.
  for (T v = sizeof(T) == 8 ? T(19.1) : T(9.1); v < infinity; v *= T(1.01))
    CHECK_EQUAL(one(tanh_inplace<T>, v), T(1));
  CHECK_EQUAL(one(tanh_inplace<T>, infinity), T(1));
  CHECK_EQUAL(one(tanh_inplace<T>, -infinity), T(-1));
  CHECK(std::isnan(one(tanh_inplace<T>, nan)));
  CHECK(std::isnan(one(tanh_inplace<T>, -nan)));
}

template <class T>
void test_sigmoid(const std::string& type, double bound) {
  check::context = "sigmoid " + type;
  const T infinity = std::numeric_limits<T>::infinity(), nan = std::numeric_limits<T>::quiet_NaN();
  const double limit = sizeof(T) == 8 ? 700 : 85;
  for (const double range : {20.0, limit})
    CHECK_AT_MOST(largest_error<T>(grid<T>(range), sigmoid_inplace<T>, sigmoid), bound);
  for (const T v : grid<T>(2 * limit)) {
    const T y = one(sigmoid_inplace<T>, v);
    CHECK_LESS(T(0), y);
    CHECK_AT_MOST(y, T(1));
  }
  CHECK_EQUAL(one(sigmoid_inplace<T>, T(0)), T(0.5));
  for (const T v : {infinity, std::numeric_limits<T>::max(), T(50)})
    CHECK_EQUAL(one(sigmoid_inplace<T>, v), T(1));
  CHECK_LESS(T(0), one(sigmoid_inplace<T>, -infinity));
  CHECK_LESS(one(sigmoid_inplace<T>, -infinity), std::numeric_limits<T>::epsilon());
  CHECK(std::isnan(one(sigmoid_inplace<T>, nan)));
}

// Vectors of any length: the remainder of the vectorised loop is no exception.
template <class T>
void test_lengths(const std::string& type) {
  check::context = "lengths " + type;
  for (Index size = 0; size < 70; ++size) {
    std::vector<T> x(static_cast<std::size_t>(size));
    for (Index i = 0; i < size; ++i) x[i] = T(0.37) * T(i - 30);
    auto t = x, s = x;
    tanh_inplace(t.data(), size);
    sigmoid_inplace(s.data(), size);
    for (Index i = 0; i < size; ++i) {
      CHECK_AT_MOST(ulps(t[i], std::tanh(Exact(x[i]))), 4);
      CHECK_AT_MOST(ulps(s[i], sigmoid(Exact(x[i]))), 4);
    }
  }
}

// phi in ulp; phi' in units of epsilon, for 1 - phi^2 and phi (1 - phi) cancel where phi nears 1.
template <class T, class Phi, class Derivative>
void test_activation(Activation kind, const std::string& type, double bound, const Phi& phi,
                     const Derivative& derivative) {
  check::context = type;
  auto y = grid<T>(12);
  const auto x = y;
  std::vector<T> d(x.size());
  activate(kind, y.data(), d.data(), static_cast<Index>(x.size()));
  double largest = 0, largest_derivative = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    largest = std::max(largest, ulps(y[i], phi(Exact(x[i]))));
    const Exact error = std::abs(Exact(d[i]) - derivative(Exact(x[i])));
    largest_derivative =
        std::max(largest_derivative, double(error / std::numeric_limits<T>::epsilon()));
  }
  std::printf("%-28s %.2f ulp, derivative %.2f epsilon\n", type.c_str(), largest,
              largest_derivative);
  CHECK_AT_MOST(largest, bound);
  CHECK_AT_MOST(largest_derivative, bound);
  T value = std::numeric_limits<T>::quiet_NaN(), slope;
  activate(kind, &value, &slope, 1);
  CHECK(std::isnan(value));
}

template <class T>
void test_activations(const std::string& type) {
  test_activation<T>(Activation::tanh, "activation tanh " + type, 3,
                     [](Exact x) { return std::tanh(x); },
                     [](Exact x) { return 1 - std::tanh(x) * std::tanh(x); });
  test_activation<T>(Activation::sigmoid, "activation sigmoid " + type, 3, sigmoid,
                     [](Exact x) { return sigmoid(x) * sigmoid(-x); });
  test_activation<T>(Activation::softplus, "softplus " + type, 3,
                     [](Exact x) {
                       return std::max(x, Exact(0)) + std::log1p(std::exp(-std::abs(x)));
                     },
                     sigmoid);
  test_activation<T>(Activation::relu, "relu " + type, 0,
                     [](Exact x) { return x > 0 ? x : Exact(0); },
                     [](Exact x) { return x > 0 ? Exact(1) : Exact(0); });
  test_activation<T>(Activation::identity, "identity " + type, 0,
                     [](Exact x) { return x; }, [](Exact) { return Exact(1); });
}

}  // namespace

int main() {
  // What core/elementary.hpp promises.
  test_tanh<double>("f64", 3);
  test_tanh<float>("f32", 3);
  test_sigmoid<double>("f64", 3);
  test_sigmoid<float>("f32", 3);
  test_lengths<double>("f64");
  test_lengths<float>("f32");
  test_activations<double>("f64");
  test_activations<float>("f32");
  return check::result();
}

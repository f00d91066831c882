// What is done to vectors and columns against plain loops, of every length up to where all ways to take them are gone through.
// The entries are small integers, so that equality is exact whatever the order; behind what is written stands a mark.
#include "axonomy/core/vectors.hpp"
#include "check.hpp"

namespace {

using namespace axonomy;

template <class T>
std::vector<T> numbers(Index size, unsigned state) {
  std::vector<T> x(static_cast<std::size_t>(size));
  for (T& value : x) {
    state = state * 1664525u + 1013904223u;
    value = T(static_cast<int>(state >> 29) - 3);
  }
  return x;
}

template <class T>
void test(const std::string& type) {
  constexpr int mark = 12345;
  for (Index size = 0; size <= 300; ++size) {
    check::context = type + ", " + std::to_string(size);
    const std::vector<T> x = numbers<T>(size, 1), y = numbers<T>(size, 2);
    const auto marked = [&](std::vector<T> of) {
      of.push_back(T(mark));
      return of;
    };
    std::vector<T> out = marked(y);
    copy(size, x.data(), out.data());
    CHECK(out == marked(x));

    std::vector<T> expected = y;
    T product(0);
    for (std::size_t i = 0; i < x.size(); ++i) {
      expected[i] += T(-2) * x[i];
      product += x[i] * y[i];
    }
    out = marked(y);
    add_scaled(size, T(-2), x.data(), out.data());
    CHECK(out == marked(expected));
    CHECK_EQUAL(dot(size, x.data(), y.data()), product);

    const Index columns = 3, ld = size + 2;
    const std::vector<T> A = numbers<T>(size * columns, 3), factors = numbers<T>(columns, 4);
    std::vector<T> wide(static_cast<std::size_t>(ld * columns), T(mark)), there = wide, scaled = A;
    for (Index j = 0; j < columns; ++j)
      for (Index i = 0; i < size; ++i) {
        const auto at = static_cast<std::size_t>(j * size + i);
        there[static_cast<std::size_t>(j * ld + i)] = A[at];
        scaled[at] *= factors[static_cast<std::size_t>(j)];
      }
    copy_columns(size, columns, A.data(), size, wide.data(), ld);
    CHECK(wide == there);
    std::vector<T> times = marked(A);
    scale_columns(size, columns, factors.data(), times.data());
    CHECK(times == marked(scaled));
  }
}

}  // namespace

int main() {
  test<double>("f64");
  test<float>("f32");
  test<long double>("long double");  // a scalar type without kernels of its own
  return check::result();
}

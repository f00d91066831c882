// Random normals have the normal distribution: their moments, its function over all of them, and its tail, beyond the edge
// of the ziggurat, by itself. Signs are as often the one as the other at every place of a word.
#include <algorithm>
#include <vector>

#include "axonomy/core/random.hpp"
#include "check.hpp"

namespace {

using namespace axonomy;

constexpr Index count = 4000000;

double below(double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); }

// Five standard errors of a mean of so many.
double error(double variance, double of) { return 5.0 * std::sqrt(variance / of); }

// The largest distance of the empirical distribution function from F, in units of 1 / sqrt(size): above 2 once in 1,500.
template <class F>
double kolmogorov(std::vector<double> values, const F& distribution) {
  std::sort(values.begin(), values.end());
  const auto size = static_cast<double>(values.size());
  double largest = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double there = distribution(values[i]), rank = static_cast<double>(i);
    largest = std::max({largest, there - rank / size, (rank + 1) / size - there});
  }
  return std::sqrt(size) * largest;
}

template <class T>
void test_normals(std::uint64_t seed) {
  Random random(seed);
  std::vector<T> drawn(static_cast<std::size_t>(count));
  random.normals(drawn.data(), count);
  const std::vector<double> values(drawn.begin(), drawn.end());
  double moments[5] = {}, neighbours = 0;
  std::vector<double> tail;
  for (std::size_t i = 0; i < values.size(); ++i) {
    double power = 1;
    for (double& moment : moments) {
      moment += power / static_cast<double>(count);
      power *= values[i];
    }
    if (i > 0) neighbours += values[i] * values[i - 1] / static_cast<double>(count);
    if (std::abs(values[i]) > Ziggurat::edge) tail.push_back(std::abs(values[i]));
  }
  const auto n = static_cast<double>(count);
  CHECK_AT_MOST(std::abs(moments[1]), error(1, n));
  CHECK_AT_MOST(std::abs(moments[2] - 1), error(2, n));
  CHECK_AT_MOST(std::abs(moments[3]), error(15, n));
  CHECK_AT_MOST(std::abs(moments[4] - 3), error(96, n));
  CHECK_AT_MOST(std::abs(neighbours), error(1, n));
  CHECK_AT_MOST(kolmogorov(values, below), 2);
  const double beyond = 2 * below(-Ziggurat::edge);
  CHECK_AT_MOST(std::abs(static_cast<double>(tail.size()) / n - beyond), error(beyond, n));
  CHECK_AT_MOST(kolmogorov(tail, [&](double x) { return 1 - 2 * below(-x) / beyond; }), 2);
}

void test_signs() {
  Random random(3);
  constexpr Index rounds = 100000, size = 70;
  std::vector<double> sums(static_cast<std::size_t>(size)), signs(sums.size());
  for (Index i = 0; i < rounds; ++i) {
    random.signs(signs.data(), size);
    for (std::size_t k = 0; k < sums.size(); ++k) {
      CHECK_AT_MOST(std::abs(std::abs(signs[k]) - 1), 0);
      sums[k] += signs[k] / static_cast<double>(rounds);
    }
  }
  for (const double sum : sums) CHECK_AT_MOST(std::abs(sum), error(1, static_cast<double>(rounds)));
}

// The layers are of one area, and the highest ends at the top.
void test_ziggurat() {
  const Ziggurat& table = Ziggurat::normal();
  const double area = table.x[1] * (table.height[2] - table.height[1]);
  for (std::size_t i = 1; i < Ziggurat::layers; ++i)
    CHECK_AT_MOST(std::abs(table.x[i] * (table.height[i + 1] - table.height[i]) / area - 1), 1e-9);
}

}  // namespace

int main() {
  test_ziggurat();
  test_normals<double>(1);
  test_normals<float>(2);
  test_signs();
  return check::result();
}

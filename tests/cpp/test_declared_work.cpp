// The operations of a step grow with n as declared: the exponent from one n to twice as much, large
// enough that the leading order shows.
#include "check.hpp"
#include "work.hpp"

namespace {

using namespace axonomy;

// Of lazy propagation with even latency: no step does much more than another, once there is a last block.
void test_even_latency(const Shape& shape) {
  check::context = "even latency, R " + std::to_string(shape.R());
  LearnerSpec spec = cell("kij", "lazy");
  spec.even = true;
  Driver<Counting> driver(spec, shape);
  Matrix<Counting> gradient = Matrix<Counting>::Zero(shape.R(), shape.m);
  const Index block = LazyInfluence<Counting>::default_block(shape, true);
  std::uint64_t least = ~std::uint64_t(0), most = 0;
  for (Index t = 0; t < 3 * block; ++t) {
    Counting::operations = 0;
    driver.step(Counting(1), gradient.data());
    if (t < block) continue;
    least = std::min(least, Counting::operations);
    most = std::max(most, Counting::operations);
  }
  std::printf("%-44s %12.0f %12.0f\n", check::context.c_str(), double(least), double(most));
  CHECK_LESS(double(most), 2 * double(least));
}

}  // namespace

int main() {
  for (const auto& spec : all_specs({1, 2})) {
    // The dearest ones once each; their options change only lower orders.
    if (order(spec) == 4 && name(spec) != spec.tensor + "/" + spec.solver) continue;
    check::context = name(spec);
    const Index n = order(spec) < 4 ? 64 : 32;
    const auto small = static_cast<double>(operations_of_step(spec, n));
    const auto large = static_cast<double>(operations_of_step(spec, 2 * n));
    if (order(spec) == 0) {
      CHECK_EQUAL(large, 0.0);
      continue;
    }
    const double exponent = std::log2(large / small);
    CHECK_LESS(std::abs(exponent - order(spec)), 0.35);
    std::printf("%-44s %12.0f %12.0f  n^%.2f\n", name(spec).c_str(), small, large, exponent);
  }
  test_even_latency(make_shape(32));
  test_even_latency(make_shape(24, 2, 2, 2, 4));
  return check::result();
}

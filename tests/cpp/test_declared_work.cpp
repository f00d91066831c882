// The operations of a step grow with n as declared: the exponent from one n to twice as much, large
// enough that the leading order shows.
#include "check.hpp"
#include "work.hpp"

int main() {
  using namespace axonomy;
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
  return check::result();
}

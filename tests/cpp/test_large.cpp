// Matrices that may be on huge pages: of any size zero at first, whole and freed as they were allocated, and assigned to.
#include <cstdint>

#include "axonomy/core/large.hpp"
#include "check.hpp"

namespace {

using namespace axonomy;

template <class T>
void test(const std::string& type) {
  constexpr Index page = Index(1) << 21, numbers = page / static_cast<Index>(sizeof(T));
  for (const Index size : {Index(0), Index(1), Index(100), numbers / 2 - 1, numbers / 2, numbers - 1, numbers, 3 * numbers + 5}) {
    check::context = type + ", " + std::to_string(size);
    LargeMatrix<T> x(size, 1);
    const Index bytes = size * static_cast<Index>(sizeof(T));
    CHECK_EQUAL(reinterpret_cast<std::uintptr_t>(x.data()) % static_cast<std::uintptr_t>(2 * bytes < page ? 64 : page), 0u);
    CHECK((x.array() == T(0)).all());
    x = Matrix<T>::Constant(size, 1, T(3));
    CHECK_EQUAL(x.sum(), T(3) * static_cast<T>(size));
  }
}

}  // namespace

int main() {
  test<double>("f64");
  test<float>("f32");
  return check::result();
}

// add_dots against two loops, and both orders of reading, of which a processor takes one. The entries are small integers, so
// that every order of summation gives the same numbers and equality is exact; beyond A is NaN, and beyond `out` a mark.
#include <limits>

#include "axonomy/core/dots.hpp"
#include "check.hpp"

namespace {

using namespace axonomy;

constexpr int mark = 12345;

// f(S, columns, A, q, scale, out) does the first columns and says how many.
template <class T, class F>
void compare(Index S, Index columns, const F& f) {
  std::vector<T> A(static_cast<std::size_t>(S * columns)), q(static_cast<std::size_t>(S));
  std::vector<T> out(static_cast<std::size_t>(columns) + 16, T(mark));
  unsigned state = 1;
  const auto draw = [&state] {
    state = state * 1664525u + 1013904223u;
    return T(static_cast<int>(state >> 29) - 3);
  };
  for (T& x : A) x = draw();
  for (T& x : q) x = draw();
  std::vector<T> expected = out;
  const Index done = f(S, columns, A.data(), q.data(), T(2), out.data());
  for (Index c = 0; c < done; ++c)
    for (Index k = 0; k < S; ++k)
      expected[static_cast<std::size_t>(c)] +=
          T(2) * A[static_cast<std::size_t>(c * S + k)] * q[static_cast<std::size_t>(k)];
  ++check::checks;
  if (out != expected)
    check::fail(__FILE__, __LINE__, "S " + std::to_string(S) + ", columns " + std::to_string(columns));
}

template <class T>
void test(const std::string& type) {
  for (const Index S : {1, 2, 4, 7, 8, 16, 31, 32, 48, 64, 80, 96, 128, 144, 256})
    for (const Index columns : {0, 1, 3, 4, 8, 15, 16, 17, 33, 64})
      for (const bool far : {false, true}) {
        check::context = type + (far ? ", far" : "");
        compare<T>(S, columns, [far](Index rows, Index all, const T* A, const T* q, T scale, T* out) {
          add_dots<T>(rows, all, A, q, scale, out, far);
          return all;
        });
      }
  // From either end, of what the second cache holds and of more.
  for (const Index S : {40, 512, 514})
    for (const Index bytes : {second_cache / 2, second_cache})
      for (const End begin : {End::first, End::last}) {
        check::context = type + (begin == End::last ? ", from the last" : ", from the first");
        compare<T>(S, bytes / (S * static_cast<Index>(sizeof(T))) + 5,
                   [begin](Index rows, Index all, const T* A, const T* q, T scale, T* out) {
                     add_dots<T>(rows, all, A, q, scale, out, false, begin);
                     return all;
                   });
      }
#if AXONOMY_VECTORS
  if constexpr (detail::has_vectors<T>) {
    for (Index S = detail::lanes<T>; S <= 20 * detail::lanes<T>; S += detail::lanes<T>)
      for (const Index columns : {1, 16, 37}) {
        check::context = type + ", in order";
        compare<T>(S, columns, detail::vector_dots<T, true>);
        check::context = type + ", side by side";
        compare<T>(S, columns, detail::vector_dots<T, false>);
      }
    for (const Index columns : {37, 1024}) {  // less and more than the first cache has
      check::context = type + ", short";
      compare<T>(2 * detail::lanes<T>, columns, [](Index, auto... rest) { return detail::short_dots<T, 2>(rest...); });
      compare<T>(4 * detail::lanes<T>, columns, [](Index, auto... rest) { return detail::short_dots<T, 4>(rest...); });
    }
  }
#endif
}

}  // namespace

int main() {
  test<double>("f64");
  test<float>("f32");
  test<long double>("long double");
  return check::result();
}

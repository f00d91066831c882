// gemv and its like against plain loops. The entries are small integers, so that every order of summation gives the same
// numbers and equality is exact; what lies around the operands is NaN, and around y a mark that must stay.
#include <limits>

#include "axonomy/core/dots.hpp"
#include "axonomy/core/gemv.hpp"
#include "check.hpp"

namespace {

using namespace axonomy;

template <class T>
class Numbers {
 public:
  T operator()() {
    state_ = state_ * 1664525u + 1013904223u;
    return T(static_cast<int>(state_ >> 29) - 3);
  }
  std::vector<T> some(Index size) {
    std::vector<T> x(static_cast<std::size_t>(size));
    for (T& value : x) value = (*this)();
    return x;
  }

 private:
  unsigned state_ = 1;
};

template <class T>
void compare(Index R, Index m, Index pad) {
  const std::string at = "R " + std::to_string(R) + ", m " + std::to_string(m) + ", pad " + std::to_string(pad);
  const auto equal = [&](const std::vector<T>& found, const std::vector<T>& expected, int line, const char* what) {
    ++check::checks;
    if (found != expected) check::fail(__FILE__, line, std::string(what) + ": " + at);
  };
  Numbers<T> draw;
  const Index lda = R + pad;
  std::vector<T> A(static_cast<std::size_t>(m > 0 ? (m - 1) * lda + R : 0), std::numeric_limits<T>::quiet_NaN());
  for (Index j = 0; j < m; ++j)
    for (Index i = 0; i < R; ++i) A[static_cast<std::size_t>(j * lda + i)] = draw();
  const std::vector<T> x = draw.some(m), u = draw.some(R), v = draw.some(m), q = draw.some(R);
  const auto product = [&](const std::vector<T>& start) {
    std::vector<T> y = start;
    for (Index j = 0; j < m; ++j)
      for (Index i = 0; i < R; ++i)
        y[static_cast<std::size_t>(i)] += A[static_cast<std::size_t>(j * lda + i)] * x[static_cast<std::size_t>(j)];
    return y;
  };
  std::vector<T> zero(static_cast<std::size_t>(R), T(0)), before = draw.some(R);
  for (auto* y : {&zero, &before}) y->push_back(T(12345));  // beyond the end
  std::vector<T> y = before;
  gemv<T>(R, m, A.data(), lda, x.data(), y.data(), true);
  equal(y, product(before), __LINE__, "gemv, accumulated");
  y.assign(static_cast<std::size_t>(R), std::numeric_limits<T>::quiet_NaN());
  y.push_back(T(12345));
  gemv<T>(R, m, A.data(), lda, x.data(), y.data());
  equal(y, product(zero), __LINE__, "gemv");
  if (pad > 0) return;

  std::vector<T> expected = draw.some(m), out = expected, far = expected;
  for (Index j = 0; j < m; ++j)
    for (Index i = 0; i < R; ++i)
      expected[static_cast<std::size_t>(j)] +=
          2 * q[static_cast<std::size_t>(i)] * A[static_cast<std::size_t>(j * lda + i)];
  add_dots<T>(R, m, A.data(), q.data(), T(2), out.data());
  equal(out, expected, __LINE__, "add_dots");
  add_dots<T>(R, m, A.data(), q.data(), T(2), far.data(), true);
  equal(far, expected, __LINE__, "add_dots, far");

  std::vector<T> added = A, updated = A;
  add_outer<T>(T(-2), u.data(), R, v.data(), m, added.data());
  std::vector<T> twice = A;
  for (Index j = 0; j < m; ++j)
    for (Index i = 0; i < R; ++i)
      twice[static_cast<std::size_t>(j * lda + i)] -= 2 * u[static_cast<std::size_t>(i)] * v[static_cast<std::size_t>(j)];
  equal(added, twice, __LINE__, "add_outer");
  for (T& value : twice) value *= 3;
  for (T& value : added) value = 0;
  add_outer<T>(T(1), u.data(), R, v.data(), m, added.data());
  add_outer<T>(T(-6), u.data(), R, v.data(), m, added.data(), T(0));
  for (Index i = 0; i < R * m; ++i) added[static_cast<std::size_t>(i)] += 3 * A[static_cast<std::size_t>(i)];
  equal(added, twice, __LINE__, "add_outer, with less of A");
  update_and_multiply<T>(R, m, updated.data(), u.data(), v.data(), x.data(), y.data());
  for (Index j = 0; j < m; ++j)
    for (Index i = 0; i < R; ++i)
      A[static_cast<std::size_t>(j * lda + i)] += u[static_cast<std::size_t>(i)] * v[static_cast<std::size_t>(j)];
  equal(updated, A, __LINE__, "update_and_multiply, A");
  equal(y, product(zero), __LINE__, "update_and_multiply, y");
}

// The same bits, of numbers whose sums are rounded.
template <class T>
void from_either_end(Index R, Index bytes) {
  const Index m = bytes / (R * static_cast<Index>(sizeof(T))) + 3;
  const Vector<T> x = Vector<T>::Random(m), before = Vector<T>::Random(R);
  const Matrix<T> A = Matrix<T>::Random(R, m);
  for (const bool accumulate : {false, true}) {
    Vector<T> first = before, last = before;
    gemv<T>(R, m, A.data(), R, x.data(), first.data(), accumulate, End::first);
    gemv<T>(R, m, A.data(), R, x.data(), last.data(), accumulate, End::last);
    CHECK((first.array() == last.array()).all());
    const Vector<T> expected = accumulate ? Vector<T>(before + A * x) : Vector<T>(A * x);
    CHECK((first - expected).norm() <= 1e3 * std::numeric_limits<T>::epsilon() * expected.norm());
  }
}

template <class T>
void test(const std::string& type) {
  check::context = type;
  for (Index R = 0; R <= 40; ++R)
    for (Index m = 0; m <= 9; ++m)
      for (const Index pad : {0, 3}) compare<T>(R, m, pad);
  // Around the stretches of rows that are taken at once, and longer ones.
  for (const Index R : {63, 64, 65, 100, 127, 128, 129, 191, 255, 256, 257, 300, 512})
    for (const Index m : {1, 2, 3, 16, 17, 67}) compare<T>(R, m, (R + m) % 3);
  // What the second cache just holds, and what it does not.
  for (const Index R : {512, 515, 1024, 1025})
    for (const Index bytes : {second_cache / 2, second_cache}) {
      compare<T>(R, bytes / (R * static_cast<Index>(sizeof(T))) + 3, R % 2);
      from_either_end<T>(R, bytes);
    }
}

}  // namespace

int main() {
  test<double>("f64");
  test<float>("f32");
  check::context = "long double";  // a scalar type without kernels of its own
  for (Index R = 0; R <= 5; ++R)
    for (Index m = 0; m <= 5; ++m)
      for (const Index pad : {0, 1}) compare<long double>(R, m, pad);
  return check::result();
}

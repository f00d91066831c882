// One pass over matrices side by side, sums over rows and columns, and columns copied and scaled, beside plain loops: at sizes
// with every kind of rest, below and beyond the size up to which rows are taken a stretch at a time.
#include "axonomy/core/row_sums.hpp"
#include "check.hpp"

namespace {

using namespace axonomy;

template <class T>
double distance(const Matrix<T>& a, const Matrix<T>& b) {
  return static_cast<double>((a - b).cwiseAbs().maxCoeff());
}

const auto body = [](const auto& c, const auto& a, auto& x) {
  x[0] = c[0] * x[0] + a * c[1];
  x[1] += c[1] * x[0];
};

template <class T>
void test_sweep(Index rows, Index columns, double tolerance) {
  const Index ld = rows + 3;
  const Vector<T> u = Vector<T>::Random(rows), v = Vector<T>::Random(rows), a = Vector<T>::Random(columns);
  const Matrix<T> A = Matrix<T>::Random(ld, columns);
  for (const bool own : {false, true})
    for (const bool both : {true, false}) {
      const Matrix<T> B_before = Matrix<T>::Random(ld, columns), W_before = Matrix<T>::Random(ld, columns);
      Matrix<T> B = B_before, W = W_before, B_expected = B, W_expected = W;
      for (Index j = 0; j < columns; ++j)
        for (Index i = 0; i < rows; ++i) {
          B_expected(i, j) = u[i] * B(i, j) + (own ? A(i, j) : a[j]) * v[i];
          if (both) W_expected(i, j) += v[i] * B_expected(i, j);
        }
      T* const target = both ? W.data() : nullptr;
      if (own)
        sweep<T>(rows, columns, ld, {u.data(), v.data()}, PerEntry<T>{A.data(), ld}, {B.data(), target}, body);
      else
        sweep<T>(rows, columns, ld, {u.data(), v.data()}, PerColumn<T>{a.data()}, {B.data(), target}, body);
      CHECK_AT_MOST(distance(B, B_expected), tolerance);
      CHECK_AT_MOST(distance(W, W_expected), tolerance);
      // What lies between the columns is left alone.
      CHECK_EQUAL(distance<T>(B.bottomRows(3), B_before.bottomRows(3)), 0.0);
      CHECK_EQUAL(distance<T>(W.bottomRows(3), W_before.bottomRows(3)), 0.0);
    }
}

template <class T>
void test_sums(Index rows, Index columns, double tolerance) {
  const Matrix<T> B = Matrix<T>::Random(rows, columns), A = Matrix<T>::Random(rows, columns);
  const Vector<T> a = Vector<T>::Random(columns);
  Vector<Work<T>> squares(rows), products(rows), own(rows), alone(rows);
  row_sums<T>(rows, columns, PerColumn<T>{a.data()}, B.data(), rows, squares.data(), products.data());
  row_sums<T>(rows, columns, PerEntry<T>{A.data(), rows}, B.data(), rows, alone.data(), own.data());
  CHECK_EQUAL((squares - alone).cwiseAbs().maxCoeff(), 0.0);
  row_sums<T>(rows, columns, PerColumn<T>{a.data()}, B.data(), rows, alone.data(), nullptr);
  CHECK_EQUAL((squares - alone).cwiseAbs().maxCoeff(), 0.0);
  const auto B_work = B.template cast<Work<T>>();
  const Vector<Work<T>> squares_expected = B_work.rowwise().squaredNorm();
  const Vector<Work<T>> products_expected = B_work * a.template cast<Work<T>>();
  const Vector<Work<T>> own_expected = B_work.cwiseProduct(A.template cast<Work<T>>()).rowwise().sum();
  CHECK_AT_MOST((squares - squares_expected).cwiseAbs().maxCoeff(), tolerance);
  CHECK_AT_MOST((products - products_expected).cwiseAbs().maxCoeff(), tolerance);
  CHECK_AT_MOST((own - own_expected).cwiseAbs().maxCoeff(), tolerance);
  long double all = 0;
  for (Index i = 0; i < B.size(); ++i) all += static_cast<long double>(B.data()[i]) * B.data()[i];
  const auto found = static_cast<long double>(squared_norm<T>(B.data(), B.size()));
  CHECK_AT_MOST(static_cast<double>(std::abs(found - all) / all), 1e-13);
}

template <class T>
void test_columns(Index rows, Index columns) {
  const Matrix<T> A = Matrix<T>::Random(rows, columns);
  const Vector<T> factors = Vector<T>::Random(columns);
  Vector<Work<T>> squares(columns);
  column_squares<T>(rows, columns, A.data(), squares.data());
  const Vector<Work<T>> expected = A.template cast<Work<T>>().colwise().squaredNorm();
  CHECK_AT_MOST((squares - expected).cwiseAbs().maxCoeff(), 1e-13);
  const Matrix<T> before = Matrix<T>::Random(rows + 5, columns);
  Matrix<T> copy = before;
  copy_columns<T>(rows, columns, A.data(), rows, copy.data(), rows + 5);
  CHECK_EQUAL(distance<T>(copy.topRows(rows), A), 0.0);
  CHECK_EQUAL(distance<T>(copy.bottomRows(5), before.bottomRows(5)), 0.0);
  Matrix<T> scaled = A;
  scale_columns<T>(rows, columns, factors.data(), scaled.data());
  CHECK_EQUAL(distance<T>(scaled, A * factors.asDiagonal()), 0.0);
}

template <class T>
void test(double tolerance) {
  for (Index rows = 1; rows <= 70; ++rows) {
    for (const Index columns : {1, 7, 8, 20}) test_columns<T>(rows, columns);
    test_sweep<T>(rows, 5, tolerance);
    test_sums<T>(rows, 7, 1e-13);
  }
  for (const Index rows : {300, 517}) {  // larger than near caches
    test_sweep<T>(rows, rows, tolerance);
    test_sums<T>(rows, rows, 1e-11);
  }
}

}  // namespace

int main() {
  test<double>(1e-15);
  test<float>(1e-6);
  return check::result();
}

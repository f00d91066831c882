// BlockDiagonal and Jacobian against the dense matrices they stand for.
#include "axonomy/cell/linearisation.hpp"
#include "check.hpp"

#include "all_specs.hpp"

namespace {

using namespace axonomy;

template <class T>
Matrix<T> dense_of(const BlockDiagonal<T>& B) {
  Matrix<T> dense = Matrix<T>::Zero(B.rows(), B.cols());
  for (Index b = 0; b < B.col_parts(); ++b)
    for (Index a = 0; a < B.row_parts(); ++a)
      for (Index u = 0; u < B.n(); ++u) dense(a * B.n() + u, b * B.n() + u) = B.part(a, b)[u];
  return dense;
}

template <class T>
BlockDiagonal<T> random_block_diagonal(Index n, Index row_parts, Index col_parts) {
  BlockDiagonal<T> B(n, row_parts, col_parts);
  B.entries().setRandom();
  return B;
}

template <class A, class B>
double distance(const A& a, const B& b) {
  return static_cast<double>((a - b).cwiseAbs().maxCoeff());
}

template <class T>
void test_block_diagonal(Index n, Index row_parts, Index col_parts, double tolerance) {
  const auto B = random_block_diagonal<T>(n, row_parts, col_parts);
  const Matrix<T> dense = dense_of(B);
  CHECK_EQUAL(B.rows(), dense.rows());
  CHECK_EQUAL(B.cols(), dense.cols());

  const Vector<T> x = Vector<T>::Random(B.cols()), c = Vector<T>::Random(B.rows());
  Vector<T> y(B.rows()), d(B.cols());
  B.multiply(x.data(), y.data());
  B.multiply_left(c.data(), d.data());
  CHECK_AT_MOST(distance(y, dense * x), tolerance);
  CHECK_AT_MOST(distance(d, dense.transpose() * c), tolerance);

  // Into the upper left corner of something larger.
  const Matrix<T> before = Matrix<T>::Random(B.rows() + 2, B.cols() + 1);
  Matrix<T> sum = before, expected = before;
  B.add_to(sum.data(), sum.rows());
  expected.topLeftCorner(B.rows(), B.cols()) += dense;
  CHECK_EQUAL(distance(sum, expected), 0.0);

  for (Index j = 0; j < B.cols(); ++j)
    CHECK_AT_MOST(std::abs(double(B.squared_column_norm(j) - dense.col(j).squaredNorm())),
                  tolerance);
  for (Index i = 0; i < B.rows(); ++i)
    CHECK_AT_MOST(std::abs(double(B.squared_row_norm(i) - dense.row(i).squaredNorm())), tolerance);
}

// The entries of J between two units, read from the structure or from a given matrix.
template <class T>
void test_couplings(const Jacobian<T>& jacobian, const Matrix<T>& J, const Shape& shape, double tolerance) {
  const Index n = shape.n, p = shape.states_per_unit;
  Vector<T> found = Vector<T>::Zero(p * p * shape.pattern->size());
  jacobian.couplings(found.data());
  for (Index v = 0; v < n; ++v)
    for (Index w = shape.pattern->begin(v); w < shape.pattern->end(v); ++w) {
      const Index u = shape.pattern->unit(w);
      if (u == v) continue;
      for (Index a = 0; a < p; ++a)
        for (Index b = 0; b < p; ++b) {
          const T expected = b < jacobian.first_coupled() ? T(0) : J(a * n + u, b * n + v);
          CHECK_AT_MOST(std::abs(double(found[w * p * p + a + p * b] - expected)), tolerance);
        }
    }
}

template <class T>
void test_applications(const Jacobian<T>& jacobian, const Matrix<T>& J, const Shape& shape,
                       double tolerance) {
  const Index S = shape.S(), n = shape.n;
  for (const Index columns : {0, 1, 2, 3, 7}) {
    const Matrix<T> X = Matrix<T>::Random(S, columns);
    Matrix<T> Y = Matrix<T>::Constant(S, columns + 1, T(99));
    jacobian.apply(X.data(), columns, Y.data());
    if (columns > 0) CHECK_AT_MOST(distance(Y.leftCols(columns), J * X), tolerance);
    CHECK((Y.col(columns).array() == T(99)).all());
  }
  const Vector<T> c = Vector<T>::Random(S);
  Vector<T> y(S);
  jacobian.pull_back(c.data(), y.data());
  CHECK_AT_MOST(distance(y, J.transpose() * c), tolerance);

  BlockDiagonal<T> blocks(n, shape.states_per_unit, shape.states_per_unit);
  jacobian.unit_blocks(blocks);
  for (Index b = 0; b < shape.states_per_unit; ++b)
    for (Index a = 0; a < shape.states_per_unit; ++a)
      for (Index u = 0; u < n; ++u)
        CHECK_AT_MOST(std::abs(double(blocks.part(a, b)[u] - J(a * n + u, b * n + u))), tolerance);
  if (shape.pattern) test_couplings(jacobian, J, shape, tolerance);

  CHECK_AT_MOST(distance(jacobian.dense(), J), tolerance);
}

template <class T>
void test_jacobian(const Shape& shape, double tolerance) {
  const Index S = shape.S(), n = shape.n, p = shape.states_per_unit, g = shape.rows_per_unit;
  Jacobian<T> jacobian(shape);
  // Twice with other numbers: nothing of the first step may be left in the second.
  for (int step = 0; step < 2; ++step) {
    const auto F = random_block_diagonal<T>(n, p, p), D = random_block_diagonal<T>(n, p, g);
    Matrix<T> W = Matrix<T>::Random(shape.R(), shape.m);
    if (shape.pattern) shape.pattern->clear_others(W);
    // J = F + D W_a E_a: the activity is the last component of the state.
    Matrix<T> J = dense_of(F);
    J.rightCols(n) += dense_of(D) * W.leftCols(n);
    jacobian.bind(&F, &D, &W);
    test_applications(jacobian, J, shape, tolerance);
    test_applications(jacobian, J, shape, tolerance);  // now that the dense matrix is there
  }
  const Matrix<T> given = Matrix<T>::Random(S, S);
  jacobian.bind(given);
  test_applications(jacobian, given, shape, tolerance);
}

template <class T>
void test(const std::string& type, double tolerance) {
  for (const Index n : {1, 2, 5, 17})
    for (Index p = 1; p <= 3; ++p)
      for (Index g = 1; g <= 4; ++g) {
        check::context = type + ", n " + std::to_string(n) + ", p " + std::to_string(p) + ", g " +
                         std::to_string(g);
        test_block_diagonal<T>(n, p, g, tolerance);
        test_block_diagonal<T>(n, g, p, tolerance);
        Shape shape = make_shape(n, 2, 2, p, g);
        test_jacobian<T>(shape, tolerance);
        shape.pattern = ring(n);
        test_jacobian<T>(shape, tolerance);
      }
}

}  // namespace

int main() {
  test<double>("f64", 1e-13);
  test<float>("f32", 1e-4);
  return check::result();
}

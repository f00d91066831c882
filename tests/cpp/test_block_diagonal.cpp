// BlockDiagonal and Jacobian against the dense matrices they stand for, and which weights there are.
#include "axonomy/cell/stored_jacobians.hpp"
#include "axonomy/core/weights.hpp"
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

  Vector<T> column_norms(B.cols()), row_norms(B.rows());
  B.squared_column_norms(column_norms.data());
  B.squared_row_norms(row_norms.data());
  for (Index j = 0; j < B.cols(); ++j) {
    CHECK_AT_MOST(std::abs(double(B.squared_column_norm(j) - dense.col(j).squaredNorm())),
                  tolerance);
    CHECK_AT_MOST(std::abs(double(column_norms[j] - dense.col(j).squaredNorm())), tolerance);
  }
  for (Index i = 0; i < B.rows(); ++i)
    CHECK_AT_MOST(std::abs(double(row_norms[i] - dense.row(i).squaredNorm())), tolerance);
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

// Kept beside others and used later.
template <class T>
void test_stored(const Jacobian<T>& jacobian, const Matrix<T>& J, const Shape& shape, double tolerance) {
  const Index S = shape.S();
  StoredJacobians<T> stored(shape, 3);
  stored.store(0, jacobian);
  stored.store(2, jacobian);
  stored.store(1, jacobian);
  for (const Index slot : {0, 1, 2}) {
    const Vector<T> c = Vector<T>::Random(S);
    Vector<T> y(S);
    stored.pull_back(nullptr, slot, c.data(), y.data());
    CHECK_AT_MOST(distance(y, J.transpose() * c), tolerance);
    Matrix<T> out(S, S);
    stored.write_dense(slot, out);
    CHECK_AT_MOST(distance(out, J), tolerance);
    if (shape.element_wise) continue;
    const Matrix<T> P = Matrix<T>::Random(S, S);
    stored.multiply(nullptr, P, slot, out);
    CHECK_AT_MOST(distance(out, P * J), tolerance);
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
  test_stored(jacobian, J, shape, tolerance);
}

template <class T>
void test_jacobian(const Shape& shape, double tolerance) {
  const Index S = shape.S(), n = shape.n, p = shape.states_per_unit, g = shape.rows_per_unit;
  Jacobian<T> jacobian(shape);
  // Twice with other numbers: nothing of the first step may be left in the second.
  for (int step = 0; step < 2; ++step) {
    const auto F = random_block_diagonal<T>(n, p, p), D = random_block_diagonal<T>(n, p, g);
    Matrix<T> W = Matrix<T>::Random(shape.R(), shape.m);
    AbsentWeights(shape).clear(W.data());
    // J = F + D W_a E_a: the activity is the last component of the state, if no other comes back.
    Matrix<T> W_a = W.leftCols(shape.element_wise ? 1 : n);
    if (shape.element_wise) {
      W_a = Matrix<T>::Zero(shape.R(), n);
      for (Index i = 0; i < shape.R(); ++i) W_a(i, i % n) = W(i, 0);
    }
    Matrix<T> J = dense_of(F);
    J.middleCols(shape.returning() * n, n) += dense_of(D) * W_a;
    jacobian.bind(&F, &D, W.data());
    test_applications(jacobian, J, shape, tolerance);
    test_applications(jacobian, J, shape, tolerance);  // now that the dense matrix is there
  }
  Matrix<T> given = Matrix<T>::Random(S, S);
  if (shape.element_wise) given = dense_of(random_block_diagonal<T>(n, p, p));
  jacobian.bind(given);
  test_applications(jacobian, given, shape, tolerance);
}

// The rectangles cover what the gates see, once; a block of columns has its part of them; the rest is absent.
void test_weights(const Shape& network) {
  for (Index first = 0; first < network.m; ++first)
    for (Index m = 1; first + m <= network.m; ++m) {
      Shape shape = network;
      shape.first = first;
      shape.m = m;
      Matrix<int> seen = Matrix<int>::Zero(shape.R(), m), left = Matrix<int>::Ones(shape.R(), m);
      Index entries = 0;
      for (const Rectangle& r : rectangles(shape)) {
        CHECK_EQUAL(r.offset, entries);
        entries += r.rows * r.columns;
        seen.block(r.row, r.column, r.rows, r.columns).array() += 1;
      }
      CHECK_EQUAL(count(rectangles(shape)), entries);
      AbsentWeights(shape).clear(left.data());
      CHECK((seen.array() == left.array()).all());
      for (Index j = 0; j < m; ++j)
        for (Index i = 0; i < shape.R(); ++i) {
          const Index at = first + j;
          const unsigned part = at < shape.n ? sees_state : at < shape.n + shape.n_in ? sees_input : sees_bias;
          CHECK_EQUAL(seen(i, j), (shape.sees[static_cast<std::size_t>(i / shape.n)] & part) != 0 ? 1 : 0);
        }
      // Any stretch of the entries, in pieces of single columns.
      for (Index start = 0; start < entries; start += 3) {
        Matrix<int> pieces = Matrix<int>::Zero(shape.R(), m);
        const Index size = std::min<Index>(7, entries - start);
        Index next = start;
        for_pieces(rectangles(shape), start, size, [&](Index i, Index j, Index entry, Index rows) {
          CHECK_EQUAL(entry, next);
          next += rows;
          pieces.col(j).segment(i, rows).array() += 1;
        });
        CHECK_EQUAL(next, start + size);
        CHECK_EQUAL(pieces.sum(), static_cast<int>(size));
        CHECK(((pieces.array() == 0) || (seen.array() == 1)).all());
      }
    }
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
        shape.pattern = nullptr;
        shape.sees.assign(static_cast<std::size_t>(g), sees_state | sees_bias);
        shape.sees.back() = sees_input | sees_bias;
        test_jacobian<T>(shape, tolerance);
        test_weights(shape);
        shape.sees.clear();
        shape.element_wise = true;
        shape.m = 4;
        for (shape.fed_back = 0; shape.fed_back < p; ++shape.fed_back) test_jacobian<T>(shape, tolerance);
      }
}

}  // namespace

int main() {
  test<double>("f64", 1e-13);
  test<float>("f32", 1e-4);
  return check::result();
}

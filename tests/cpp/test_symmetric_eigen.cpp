// SymmetricEigen against what it solves and against Eigen's solver, at full and at deficient rank.
#include "axonomy/core/symmetric_eigen.hpp"

#include "check.hpp"

namespace {

using namespace axonomy;

void test(Index N, Index rank, double magnitude) {
  check::context = "N " + std::to_string(N) + ", rank " + std::to_string(rank);
  const Matrix<double> root = Matrix<double>::Random(N, rank);
  const Matrix<double> A = magnitude * (root * root.transpose());
  SymmetricEigen<double> eigen;
  eigen.resize(N);
  Matrix<double> V = A;
  Vector<double> values(N);
  eigen.compute(V, values);
  const double tolerance = 1e-14 * static_cast<double>(N) * std::max(A.norm(), 1e-300);
  CHECK_AT_MOST((A * V - V * values.asDiagonal()).norm(), tolerance);
  CHECK_AT_MOST((V.transpose() * V - Matrix<double>::Identity(N, N)).norm(), 1e-13 * double(N));
  for (Index i = 1; i < N; ++i) CHECK_AT_MOST(values[i - 1], values[i]);
  const Eigen::SelfAdjointEigenSolver<Matrix<double>> reference(A);
  CHECK_AT_MOST((values - reference.eigenvalues()).norm(), tolerance);
}

}  // namespace

int main() {
  for (const Index N : {1, 2, 3, 5, 16, 33, 60})
    for (const Index rank : {Index(0), Index(1), N / 2, N})
      for (const double magnitude : {1.0, 1e-150, 1e150}) test(N, rank, magnitude);
  return check::result();
}

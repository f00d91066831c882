// Eigenvalues and eigenvectors of a symmetric matrix in place, in memory that is kept: the
// algorithm of Eigen's SelfAdjointEigenSolver (Householder tridiagonalisation, then QR), which
// allocates every time.
#pragma once

#include <Eigen/Eigenvalues>

#include "types.hpp"

namespace axonomy {

template <class W>
class SymmetricEigen {
 public:
  void resize(Index N) {
    subdiagonal_.resize(N - 1);
    householder_.resize(N - 1);
    workspace_.resize(N);
  }

  // A (N, N) <- its eigenvectors, as columns; values (N,), ascending.
  void compute(Matrix<W>& A, Vector<W>& values) {
    const Index N = A.rows();
    W scale = A.cwiseAbs().maxCoeff();  // entries in [-1, 1] neither overflow nor underflow
    if (!(scale > W(0))) scale = W(1);
    A /= scale;
    Eigen::internal::tridiagonalization_inplace(A, householder_);
    values = A.diagonal();
    subdiagonal_ = A.template diagonal<-1>();
    Eigen::HouseholderSequence<Matrix<W>, Vector<W>>(A, householder_)
        .setLength(N - 1)
        .setShift(1)
        .evalTo(A, workspace_);
    constexpr Index iterations = 30;  // for each eigenvalue; Eigen's own limit
    Eigen::internal::computeFromTridiagonal_impl(values, subdiagonal_, iterations, true, A);
    values *= scale;
  }

 private:
  Vector<W> subdiagonal_, householder_;            // (N - 1,)
  Eigen::Matrix<W, 1, Eigen::Dynamic> workspace_;  // (N,)
};

}  // namespace axonomy

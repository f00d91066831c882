// The singular value decomposition of a sum of N terms, L R^T = U Sigma V^T, from the Gram matrices
// G_L = L^T L and G_R = R^T R alone: coefficients X, Y (N, N) with U = L X and V = R Y.
//
//     G = Q Lambda Q^T on either side,   K = Lambda_L^1/2 Q_L^T Q_R Lambda_R^1/2 = P Sigma W^T
//     X = Q_L Lambda_L^-1/2 P            Y = Q_R Lambda_R^-1/2 W,   W Sigma = K^T P
//
// The rank of a Gram is at most the dimension of its factor and the number of terms that are not zero: that
// many directions are kept, the others are null and dropped. Small eigenvalues among the kept are floored:
// then X Sigma Y^T = I holds to rounding whatever the deficiency, so that what is built on it stays unbiased.
#pragma once

#include <limits>
#include <numeric>

#include "../../core/symmetric_eigen.hpp"
#include "../../learner.hpp"

namespace axonomy {

template <class W>
class SingularTerms {
 public:
  void resize(Index N) {
    if (N == N_) return;
    N_ = N;
    for (auto* m : {&G_, &QL_, &QR_, &K_, &P_, &B_, &X_, &Y_, &transposed_}) m->resize(N, N);
    for (auto* v : {&balance_, &inverse_, &rootL_, &rootR_, &sigma_, &invL_, &invR_, &values_})
      v->resize(N);
    order_.resize(static_cast<std::size_t>(N));
    eigen_.resize(N);
  }

  void compute(const Matrix<W>& GL, const Matrix<W>& GR, const Dimensions& dimensions) {
    const Index N = GL.rows();
    resize(N);
    Index present = 0;
    // Scale each term so that its left and right norms agree; a term with a zero factor is dropped.
    for (Index t = 0; t < N; ++t) {
      const W left = GL(t, t), right = GR(t, t);
      balance_[t] = left > W(0) && right > W(0) ? root(root(right / left)) : W(0);
      inverse_[t] = balance_[t] > W(0) ? W(1) / balance_[t] : W(0);
      if (balance_[t] > W(0)) ++present;
    }
    rank_ = std::min(present, dimensions.smaller());
    decompose(GL, balance_, std::min(present, dimensions.left), QL_, rootL_, invL_);
    decompose(GR, inverse_, std::min(present, dimensions.right), QR_, rootR_, invR_);
    transposed_ = QL_.transpose();
    multiply(transposed_, QR_, K_);
    for (Index t = 0; t < N; ++t) K_.col(t) = K_.col(t).cwiseProduct(rootL_) * rootR_[t];
    transposed_ = K_.transpose();
    multiply(K_, transposed_, P_);
    eigen_.compute(P_, values_);
    multiply(transposed_, P_, B_);
    for (Index t = 0; t < N; ++t) sigma_[t] = B_.col(t).norm();
    std::iota(order_.begin(), order_.end(), Index(0));
    std::sort(order_.begin(), order_.end(),
              [this](Index a, Index b) { return sigma_[a] > sigma_[b]; });
    // X = balance Q_L root_L^-1 P and Y = balance^-1 Q_R root_R^-1 K^T P Sigma^-1, in order.
    for (Index t = 0; t < N; ++t) {
      const Index from = order_[static_cast<std::size_t>(t)];
      if (t >= rank_ || !(sigma_[from] > W(0))) {
        sigma_[from] = W(0);
        G_.col(t).setZero();
        K_.col(t).setZero();
        continue;
      }
      G_.col(t) = P_.col(from).cwiseProduct(invL_);
      K_.col(t) = B_.col(from).cwiseProduct(invR_) / sigma_[from];
    }
    multiply(QL_, G_, X_);
    multiply(QR_, K_, Y_);
    for (Index t = 0; t < N; ++t) {
      X_.row(t) *= balance_[t];
      Y_.row(t) *= inverse_[t];
    }
    std::sort(sigma_.data(), sigma_.data() + N, [](const W& a, const W& b) { return a > b; });
  }

  const Vector<W>& sigma() const { return sigma_; }  // descending
  const Matrix<W>& X() const { return X_; }
  const Matrix<W>& Y() const { return Y_; }

 private:
  void decompose(const Matrix<W>& gram, const Vector<W>& scale, Index rank, Matrix<W>& Q,
                 Vector<W>& roots, Vector<W>& inverses) {
    Q = gram;
    for (Index t = 0; t < N_; ++t) {
      Q.row(t) *= scale[t];
      Q.col(t) *= scale[t];
    }
    eigen_.compute(Q, values_);
    const W largest = values_[N_ - 1];
    const W floor = W(N_) * W(std::numeric_limits<double>::epsilon()) *
                    (largest > W(0) ? largest : W(1));
    for (Index t = 0; t < N_; ++t) {
      const W value = values_[t];
      const bool kept = t >= N_ - rank;  // eigenvalues ascend
      roots[t] = kept ? root(value > floor ? value : floor) : W(0);
      inverses[t] = kept ? W(1) / roots[t] : W(0);
    }
  }

  // out = A B: an Eigen product would allocate its packing buffers at larger N.
  void multiply(const Matrix<W>& A, const Matrix<W>& B, Matrix<W>& out) const {
    gemm<W>(N_, N_, N_, A.data(), N_, B.data(), N_, out.data(), N_);
  }

  Index N_ = 0, rank_ = 0;
  Matrix<W> G_, QL_, QR_, K_, P_, B_, X_, Y_, transposed_;
  Vector<W> balance_, inverse_, rootL_, rootR_, invL_, invR_, sigma_, values_;
  std::vector<Index> order_;
  SymmetricEigen<W> eigen_;
};

// Two terms have a closed form, which vectorises over many problems. With both sides balanced so that
// G_L = [[alpha, b], [b, gamma]] and G_R = [[alpha, e], [e, gamma]], the left coefficients are
// eigenvectors of G_R G_L:
//
//     G_R G_L x = sigma_1^2 x,   x^T G_L x = 1,   w = G_L x
//     first pair    sqrt(sigma_1) x          and  w / sqrt(sigma_1)
//     second pair   kappa J w                and  J x / kappa,     J the quarter turn
//
// x w^T + (J w)(J x)^T = (x.w) I = I for any x at all, so the mix is unbiased to rounding even where x
// is poorly determined; x only decides the variance.
template <class W>
struct SingularPair {
  W keep_left, keep_right;        // factors that balance term 0
  W add_left, add_right;          // and term 1
  W x0, x1, w0, w1;               // first pair, unscaled
  W root_sigma;                   // sqrt(sigma_1)
  W second_left, second_right;    // lengths of L J w and R J x, floored

  SingularPair(W a, W b, W c, W d, W e, W f) {
    const W zero(0), one(1);
    const bool first = a > zero && d > zero, second = c > zero && f > zero;
    const W ratio = first ? root(d / a) : zero, added_ratio = second ? root(f / c) : zero;
    keep_left = root(ratio);
    keep_right = first ? one / keep_left : zero;
    add_left = root(added_ratio);
    add_right = second ? one / add_left : zero;
    const W alpha = a * ratio, gamma = c * added_ratio;  // sqrt(a d), sqrt(c f)
    b = b * (keep_left * add_left);
    e = e * (keep_right * add_right);
    const W t00 = alpha * alpha + e * b, t11 = gamma * gamma + e * b;
    const W t01 = alpha * b + e * gamma, t10 = e * alpha + gamma * b;
    const W square = (t00 - t11) * (t00 - t11) + W(4) * t01 * t10;
    const W spread = root(square > zero ? square : zero);
    const W half(0.5);
    const W largest = half * (t00 + t11 + spread);
    x0 = t00 >= t11 ? half * (t00 - t11 + spread) : t01;
    x1 = t00 >= t11 ? t10 : half * (t11 - t00 + spread);
    W norm = x0 * (alpha * x0 + b * x1) + x1 * (b * x0 + gamma * x1);
    const W scale = (x0 * x0 + x1 * x1) * (alpha + gamma);
    const bool degenerate = !(norm > W(1e-14) * scale);
    x0 = degenerate ? (alpha >= gamma ? one : zero) : x0;
    x1 = degenerate ? (alpha >= gamma ? zero : one) : x1;
    norm = degenerate ? (alpha >= gamma ? alpha : gamma) : norm;
    const W inverse = norm > zero ? one / root(norm) : zero;
    x0 = x0 * inverse;
    x1 = x1 * inverse;
    w0 = alpha * x0 + b * x1;
    w1 = b * x0 + gamma * x1;
    root_sigma = root(root(largest > zero ? largest : zero));
    const W floor = W(1e-16) * alpha * gamma;
    const W left = alpha * gamma - b * b;
    const W right = alpha * x1 * x1 - W(2) * e * x0 * x1 + gamma * x0 * x0;
    second_left = left > floor ? left : floor;
    const W right_floor = W(1e-16) * (x0 * x0 + x1 * x1) * (alpha + gamma);
    second_right = right > right_floor ? right : right_floor;
  }
};

}  // namespace axonomy

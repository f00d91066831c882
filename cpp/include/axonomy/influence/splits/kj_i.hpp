// Split kj|i, the paper's A_i B_kj:  M = sum_l B_l[k,j] A_l[i].
//
//     left  B (S, m)    propagated B <- J B, added E[:,t] (x) a_hat
//     right A (R,)                           added Q[:,t]
//
// Memory r (S m + R); a step r n^3. R-KF-RTRL (Marschall et al. 2020) lives here.
#pragma once

#include "immediate.hpp"

namespace axonomy {

template <class T>
class SplitKJI {
 public:
  static constexpr bool shares_out = true;
  static constexpr bool takes_gradient = false;
  static constexpr bool pairs = false;

  using Workspace = split::NoWorkspace;

  SplitKJI(const Shape& shape, Index rank, ImmediateBy by)
      : shape_(shape),
        rank_(rank),
        immediate_(shape, by),
        left_(Matrix<T>::Zero(shape.S() * shape.m, rank)),
        right_(Matrix<T>::Zero(shape.R(), rank)),
        left_temporary_(left_.rows(), rank),
        right_temporary_(shape.R(), rank),
        coefficients_(Vector<T>::Zero(immediate_.count())),
        state_(shape.S()),
        row_(shape.R()),
        columns_(shape.m, rank),
        columns_temporary_(shape.m, rank),
        squares_(rank),
        parts_((shape.m + summed_columns - 1) / summed_columns) {}

  Index rank() const { return rank_; }
  // The added left terms share a_hat, and so span S dimensions at most.
  Dimensions dimensions() const {
    return {std::min(shape_.S() * shape_.m, rank_ + shape_.S()), shape_.R()};
  }
  Index batches() const { return 1; }
  Index added() const { return immediate_.count(); }
  static constexpr bool signs_propagated = false;

  void clear() {
    left_.setZero();
    right_.setZero();
  }

  // Of what is multiplied by J.
  Index left_columns() const { return shape_.m * rank_; }
  void use(Team* team) { team_ = team; }
  Team* team() const { return team_; }

  void propagate(const Step<T>& step) {
    step.J->apply(team_, left_.data(), shape_.m * rank_, left_temporary_.data());
    left_.swap(left_temporary_);
    for (Index l = 0; l < rank_; ++l)
      squares_[l] = dots_and_square<T>(team_, shape_.S(), shape_.m, left_.col(l).data(), step.q,
                                       columns_.col(l).data(), parts_);
  }

  // target_ij += scale sum_l A_l[i] (q B_l)_j
  void add_gradient(const Step<T>&, T scale, T* target) {
    for (Index l = 0; l < rank_; ++l)
      add_outer(team_, scale, right_.col(l).data(), shape_.R(), columns_.col(l).data(), shape_.m, target);
  }

  void norms(Index, Work<T>* left, Work<T>* right) {
    for (Index l = 0; l < rank_; ++l) {
      left[l] = root(squares_[l]);
      right[l] = split::norm<T>(right_.col(l));
    }
  }
  void added_norms(const Step<T>& step, Index, Work<T>* left, Work<T>* right) {
    const Work<T> a_hat = split::norm<T>(Eigen::Map<const Vector<T>>(step.a_hat, shape_.m));
    immediate_.left_norms(step, left);
    immediate_.right_norms(step, right);
    for (Index t = 0; t < added(); ++t) left[t] *= a_hat;
  }
  void mixed_norms(Workspace&, const Step<T>& step, Index, const T* signs, Work<T>& left, Work<T>& right) {
    immediate_.combine_left(step, signs, state_.data());
    immediate_.combine_right(step, signs, row_.data());
    left = split::norm<T>(state_) *
           split::norm<T>(Eigen::Map<const Vector<T>>(step.a_hat, shape_.m));
    right = split::norm<T>(row_);
  }

  void grams(Workspace&, const Step<T>& step, Index, Matrix<Work<T>>& left, Matrix<Work<T>>& right) {
    const Index r = rank_, N = r + added();
    immediate_.grams(step, immediate_left_, immediate_right_);
    Eigen::Map<const Vector<T>> a_hat(step.a_hat, shape_.m);
    const Work<T> squared = a_hat.template cast<Work<T>>().squaredNorm();
    left.bottomRightCorner(N - r, N - r) = squared * immediate_left_;
    right.bottomRightCorner(N - r, N - r) = immediate_right_;
    split::column_gram(left_, left);
    split::column_gram(right_, right);
    for (Index l = 0; l < r; ++l) {
      state_.noalias() = factor(l) * a_hat;
      immediate_.project_left(step, state_.data(), coefficients_.data());
      left.row(l).tail(N - r) = coefficients_.template cast<Work<T>>().transpose();
      immediate_.project_right(step, right_.col(l).data(), coefficients_.data());
      right.row(l).tail(N - r) = coefficients_.template cast<Work<T>>().transpose();
    }
    left.bottomLeftCorner(N - r, r) = left.topRightCorner(r, N - r).transpose();
    right.bottomLeftCorner(N - r, r) = right.topRightCorner(r, N - r).transpose();
  }

  void mix(Workspace&, const Step<T>& step, Index, const Matrix<Work<T>>& CL, const Matrix<Work<T>>& CR) {
    const Index S = shape_.S(), N = added();
    if (rank_ > 1) split::mix_columns(left_, left_temporary_, CL, rank_);
    split::mix_columns(columns_, columns_temporary_, CL, rank_);
    split::mix_columns(right_, right_temporary_, CR, rank_);
    const Eigen::Map<const Vector<T>> q(step.q, S), a_hat(step.a_hat, shape_.m);
    for (Index l = 0; l < rank_; ++l) {
      coefficients_ = CL.col(l).tail(N).template cast<T>();
      immediate_.combine_left(step, coefficients_.data(), state_.data());
      const T keep = rank_ > 1 ? T(1) : T(CL(0, 0));  // at rank 1 in the same pass
      add_outer(team_, T(1), state_.data(), S, step.a_hat, shape_.m, left_.col(l).data(), keep);
      columns_.col(l) += q.dot(state_) * a_hat;
      coefficients_ = CR.col(l).tail(N).template cast<T>();
      immediate_.combine_right(step, coefficients_.data(), row_.data());
      right_.col(l) += row_;
    }
  }

  void influence(Matrix<T>& M) const {
    const Index R = shape_.R();
    M.setZero(shape_.S(), R * shape_.m);
    for (Index l = 0; l < rank_; ++l)
      for (Index j = 0; j < shape_.m; ++j)
        M.middleCols(j * R, R) += factor(l).col(j) * right_.col(l).transpose();
  }

  void visit(StateVisitor<T>& v) {
    v.array("left", left_.data(), {shape_.S(), shape_.m, rank_});
    v.array("right", right_.data(), {shape_.R(), rank_});
    v.scratch(split::bytes(left_temporary_) + split::bytes(right_temporary_));
  }

 private:
  Eigen::Map<const Matrix<T>> factor(Index l) const {
    return {left_.col(l).data(), shape_.S(), shape_.m};
  }

  Shape shape_;
  Index rank_;
  Team* team_ = nullptr;
  ImmediateTerms<T> immediate_;
  Matrix<T> left_;   // (S*m, r)
  Matrix<T> right_;  // (R, r)
  Matrix<T> left_temporary_, right_temporary_;
  Vector<T> coefficients_, state_, row_;
  // Of the present step, as soon as left is propagated: q left (m, r), mixed as left is; |left|^2 (r,) before that.
  Matrix<T> columns_, columns_temporary_;
  Vector<Work<T>> squares_, parts_;
  Matrix<Work<T>> immediate_left_, immediate_right_;
};

}  // namespace axonomy

// Split kj|ij, not in the paper:  M = sum_l A_l[k,j] B_l[i,j], one problem for each regressor j.
//
//     left  A (S, m)    propagated A <- J A, added E[:,t] a_hat[j] to column j
//     right B (R, m)                         added Q[:,t]          to column j
//
// Memory r (S m + R m); a step r n^3 in closed form, n^4 by decomposition.
#pragma once

#include "immediate.hpp"

namespace axonomy {

template <class T>
class SplitKJIJ {
 public:
  static constexpr bool shares_out = true;
  static constexpr bool takes_gradient = false;
  static constexpr bool pairs = false;

  SplitKJIJ(const Shape& shape, Index rank, ImmediateBy by)
      : shape_(shape),
        rank_(rank),
        immediate_(shape, by),
        left_(Matrix<T>::Zero(shape.S() * shape.m, rank)),
        right_(Matrix<T>::Zero(shape.R() * shape.m, rank)),
        left_temporary_(left_.rows(), rank),
        left_j_(shape.S(), rank),
        right_j_(shape.R(), rank),
        left_mixed_(shape.S(), rank),
        right_mixed_(shape.R(), rank),
        coefficients_(Vector<T>::Zero(immediate_.count())),
        state_(shape.S()),
        row_(shape.R()),
        regressor_(shape.m) {}

  Index rank() const { return rank_; }
  Dimensions dimensions() const { return {shape_.S(), shape_.R()}; }
  Index batches() const { return shape_.m; }
  Index added() const { return immediate_.count(); }
  static constexpr bool signs_propagated = false;

  void clear() {
    left_.setZero();
    right_.setZero();
  }

  // J times the factor is what takes time.
  void use(Team* team) {
    team_ = if_enough(team, static_cast<double>(shape_.S() * shape_.S()) * static_cast<double>(shape_.m * rank_));
  }
  Team* team() const { return team_; }

  void propagate(const Step<T>& step) {
    step.J->apply(team_, left_.data(), shape_.m * rank_, left_temporary_.data());
    left_.swap(left_temporary_);
  }

  // target_ij += scale sum_l (q A_l)_j B_l[i,j]
  void add_gradient(const Step<T>& step, T scale, T* target) {
    const Index S = shape_.S(), R = shape_.R();
    Eigen::Map<const Vector<T>> q(step.q, S);
    Eigen::Map<Matrix<T>> out(target, R, shape_.m);
    for (Index l = 0; l < rank_; ++l) {
      regressor_.noalias() = scale * (left(l).transpose() * q);
      for (Index j = 0; j < shape_.m; ++j) out.col(j) += regressor_[j] * right(l).col(j);
    }
  }

  void norms(Index j, Work<T>* left_norms, Work<T>* right_norms) {
    for (Index l = 0; l < rank_; ++l) {
      left_norms[l] = split::norm<T>(left(l).col(j));
      right_norms[l] = split::norm<T>(right(l).col(j));
    }
  }
  void added_norms(const Step<T>& step, Index j, Work<T>* left_norms, Work<T>* right_norms) {
    const Work<T> a_hat = magnitude(Work<T>(step.a_hat[j]));
    immediate_.left_norms(step, left_norms);
    immediate_.right_norms(step, right_norms);
    for (Index t = 0; t < added(); ++t) left_norms[t] *= a_hat;
  }
  void mixed_norms(const Step<T>& step, Index j, const T* signs, Work<T>& left, Work<T>& right) {
    immediate_.combine_left(step, signs, state_.data());
    immediate_.combine_right(step, signs, row_.data());
    left = split::norm<T>(state_) * magnitude(Work<T>(step.a_hat[j]));
    right = split::norm<T>(row_);
  }

  void grams(const Step<T>& step, Index j, Matrix<Work<T>>& GL, Matrix<Work<T>>& GR) {
    const Index r = rank_, N = r + added();
    const Work<T> a_hat = step.a_hat[j];
    gather(j);
    immediate_.grams(step, immediate_left_, immediate_right_);
    GL.bottomRightCorner(N - r, N - r) = (a_hat * a_hat) * immediate_left_;
    GR.bottomRightCorner(N - r, N - r) = immediate_right_;
    split::column_gram(left_j_, GL);
    split::column_gram(right_j_, GR);
    for (Index l = 0; l < r; ++l) {
      immediate_.project_left(step, left_j_.col(l).data(), coefficients_.data());
      GL.row(l).tail(N - r) = a_hat * coefficients_.template cast<Work<T>>().transpose();
      immediate_.project_right(step, right_j_.col(l).data(), coefficients_.data());
      GR.row(l).tail(N - r) = coefficients_.template cast<Work<T>>().transpose();
    }
    GL.bottomLeftCorner(N - r, r) = GL.topRightCorner(r, N - r).transpose();
    GR.bottomLeftCorner(N - r, r) = GR.topRightCorner(r, N - r).transpose();
  }

  void mix(const Step<T>& step, Index j, const Matrix<Work<T>>& CL, const Matrix<Work<T>>& CR) {
    const Index N = added();
    gather(j);
    split::mix_columns(left_j_, left_mixed_, CL, rank_);
    split::mix_columns(right_j_, right_mixed_, CR, rank_);
    for (Index l = 0; l < rank_; ++l) {
      coefficients_ = CL.col(l).tail(N).template cast<T>();
      immediate_.combine_left(step, coefficients_.data(), state_.data());
      left_.col(l).segment(j * shape_.S(), shape_.S()) =
          left_j_.col(l) + step.a_hat[j] * state_;
      coefficients_ = CR.col(l).tail(N).template cast<T>();
      immediate_.combine_right(step, coefficients_.data(), row_.data());
      right_.col(l).segment(j * shape_.R(), shape_.R()) = right_j_.col(l) + row_;
    }
  }

  void influence(Matrix<T>& M) const {
    const Index R = shape_.R();
    M.setZero(shape_.S(), R * shape_.m);
    for (Index l = 0; l < rank_; ++l)
      for (Index j = 0; j < shape_.m; ++j)
        M.middleCols(j * R, R) += left(l).col(j) * right(l).col(j).transpose();
  }

  void visit(StateVisitor<T>& v) {
    v.array("left", left_.data(), {shape_.S(), shape_.m, rank_});
    v.array("right", right_.data(), {shape_.R(), shape_.m, rank_});
    v.scratch(split::bytes(left_temporary_));
  }

 private:
  Eigen::Map<const Matrix<T>> left(Index l) const {
    return {left_.col(l).data(), shape_.S(), shape_.m};
  }
  Eigen::Map<const Matrix<T>> right(Index l) const {
    return {right_.col(l).data(), shape_.R(), shape_.m};
  }
  void gather(Index j) {
    for (Index l = 0; l < rank_; ++l) {
      left_j_.col(l) = left(l).col(j);
      right_j_.col(l) = right(l).col(j);
    }
  }

  Shape shape_;
  Index rank_;
  Team* team_ = nullptr;
  ImmediateTerms<T> immediate_;
  Matrix<T> left_;   // (S*m, r)
  Matrix<T> right_;  // (R*m, r)
  Matrix<T> left_temporary_;
  Matrix<T> left_j_, right_j_, left_mixed_, right_mixed_;  // one regressor's problem
  Vector<T> coefficients_, state_, row_, regressor_;
  Matrix<Work<T>> immediate_left_, immediate_right_;
};

}  // namespace axonomy

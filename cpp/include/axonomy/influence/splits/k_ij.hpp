// Split k|ij, the paper's A_k B_ij:  M = sum_l A_l[k] B_l[i,j].
//
//     left  A (S,)     propagated A <- J A, added E[:,t]
//     right B (R, m)                        added Q[:,t] (x) a_hat
//
// Memory r (S + R m); a step r n^2 in closed form. UORO (Tallec & Ollivier 2018) lives here.
#pragma once

#include "../../core/delayed_trace.hpp"
#include "immediate.hpp"

namespace axonomy {

template <class T>
class SplitKIJ {
 public:
  static constexpr bool pairs = false;
  static constexpr bool shares_out = false;
  static constexpr bool takes_gradient = true;

  using Workspace = split::NoWorkspace;

  SplitKIJ(const Shape& shape, Index rank, ImmediateBy by)
      : shape_(shape),
        rank_(rank),
        immediate_(shape, by),
        left_(Matrix<T>::Zero(shape.S(), rank)),
        right_(Matrix<T>::Zero(shape.R() * shape.m, rank)),
        left_temporary_(shape.S(), rank),
        right_temporary_(rank > 1 ? right_.rows() : 0, rank),
        coefficients_(Vector<T>::Zero(immediate_.count())),
        state_(shape.S()),
        row_(shape.R()),
        weights_(Vector<T>::Zero(rank)),
        own_(Vector<T>::Zero(shape.R())),
        squares_(shape.R()) {}

  Index rank() const { return rank_; }
  // The added right terms share a_hat, and so span R dimensions at most.
  Dimensions dimensions() const {
    return {shape_.S(), std::min(shape_.R() * shape_.m, rank_ + shape_.R())};
  }
  Index batches() const { return 1; }
  Index added() const { return immediate_.count(); }
  static constexpr bool signs_propagated = false;

  void clear() {
    left_.setZero();
    right_.setZero();
  }

  void propagate(const Step<T>& step) {
    step.J->apply(left_.data(), rank_, left_temporary_.data());
    left_.swap(left_temporary_);
  }

  // Of the propagated terms. `square`: |B|^2 at rank 1, where it is known.
  void norms(Index, Work<T>* left, Work<T>* right, const T* square = nullptr) {
    for (Index l = 0; l < rank_; ++l) {
      left[l] = split::norm<T>(left_.col(l));
      right[l] = square != nullptr ? root(Work<T>(*square)) : split::norm<T>(right_.col(l));
    }
  }
  // Of the added terms, each by itself,
  void added_norms(const Step<T>& step, Index, Work<T>* left, Work<T>* right) {
    immediate_.left_norms(step, left);
    if (shape_.element_wise) {
      split::row_norms(shape_, step.a_hat, squares_);
      for (Index t = 0; t < added(); ++t) right[t] = root(immediate_.squared_right_norm(step, t, squares_));
    } else {
      const Work<T> a_hat = split::norm<T>(Eigen::Map<const Vector<T>>(step.a_hat, shape_.m));
      immediate_.right_norms(step, right);
      for (Index t = 0; t < added(); ++t) right[t] *= a_hat;
    }
  }
  // and of their sum under signs.
  void mixed_norms(Workspace&, const Step<T>& step, Index, const T* signs, Work<T>& left, Work<T>& right) {
    immediate_.combine_left(step, signs, state_.data());
    immediate_.combine_right(step, signs, row_.data());
    left = split::norm<T>(state_);
    if (!shape_.element_wise) {
      right = split::norm<T>(row_) * split::norm<T>(Eigen::Map<const Vector<T>>(step.a_hat, shape_.m));
      return;
    }
    split::row_norms(shape_, step.a_hat, squares_);
    right = Work<T>(0);
    for (Index i = 0; i < shape_.R(); ++i) right += Work<T>(row_[i]) * Work<T>(row_[i]) * squares_[i];
    right = root(right);
  }

  void grams(Workspace&, const Step<T>& step, Index, Matrix<Work<T>>& left, Matrix<Work<T>>& right) {
    const Index r = rank_, N = r + added(), R = shape_.R();
    split::row_norms(shape_, step.a_hat, squares_);
    immediate_.grams(step, immediate_left_, immediate_right_, &squares_);
    left.bottomRightCorner(N - r, N - r) = immediate_left_;
    right.bottomRightCorner(N - r, N - r) = immediate_right_;
    split::column_gram(left_, left);
    split::column_gram(right_, right);
    for (Index l = 0; l < r; ++l) {
      immediate_.project_left(step, left_.col(l).data(), coefficients_.data());
      left.row(l).tail(N - r) = coefficients_.template cast<Work<T>>().transpose();
      const Eigen::Map<const Matrix<T>> B(right_.col(l).data(), R, shape_.m);
      if (shape_.element_wise)
        row_ = B.cwiseProduct(Eigen::Map<const Matrix<T>>(step.a_hat, R, shape_.m)).rowwise().sum();
      else
        row_.noalias() = B * Eigen::Map<const Vector<T>>(step.a_hat, shape_.m);
      immediate_.project_right(step, row_.data(), coefficients_.data());
      right.row(l).tail(N - r) = coefficients_.template cast<Work<T>>().transpose();
    }
    left.bottomLeftCorner(N - r, r) = left.topRightCorner(r, N - r).transpose();
    right.bottomLeftCorner(N - r, r) = right.topRightCorner(r, N - r).transpose();
  }

  // gradient_ij = sum_l (q.A_l) B_l[i,j]: of the terms as they were propagated, with this step's own beside them, or
  // of the mixed ones.
  void mix(const Step<T>& step, const Matrix<Work<T>>& CL, const Matrix<Work<T>>& CR, const WantedGradient<T>& wanted) {
    const bool exact = wanted.target != nullptr && wanted.current == Current::exact;
    mix_left(step, CL, wanted);
    const bool apart = split::is_diagonal(CR, rank_);
    if (!apart) {
      if (exact) {
        Eigen::Map<Vector<T>> target(wanted.target, right_.rows());
        for (Index l = 0; l < rank_; ++l) target += weights_[l] * right_.col(l);
        add_immediate(shape_, T(1), own_.data(), step.a_hat, wanted.target);
      }
      split::mix_columns(right_, right_temporary_, CR, rank_);
    }
    for (Index l = 0; l < rank_; ++l) {
      combine_right(step, l, CR);
      with_regressors(shape_, step.a_hat, 0,
                      [&](const auto& a_hat) { mix_right(l, CR, a_hat, apart, exact, wanted.target); });
      if (exact) own_.setZero();  // it was added with the first
    }
  }

  // The same at rank 1 of a right factor that is kept elsewhere: what becomes of it, and what is added to the target.
  void mix(const Step<T>& step, const Matrix<Work<T>>& CL, const Matrix<Work<T>>& CR, const WantedGradient<T>& wanted,
           TraceStep<T>& out) {
    const Index R = shape_.R();
    mix_left(step, CL, wanted);
    combine_right(step, 0, CR);
    const T keep = T(CR(0, 0)), weight = wanted.target != nullptr ? weights_[0] : T(0);
    out.keep.head(R).setConstant(keep);
    out.enter.head(R) = row_;
    if (wanted.current == Current::exact) {
      out.give.head(R).setConstant(weight);
      out.own.head(R) = own_;
    } else {
      out.give.head(R).setConstant(weight * keep);
      out.own.head(R) = weight * row_;
    }
    own_.setZero();
  }
  T* right() { return right_.data(); }
  const T* left() const { return left_.data(); }

  void influence(Matrix<T>& M) const { M = left_ * right_.transpose(); }

  void visit(StateVisitor<T>& v) {
    v.array("left", left_.data(), {shape_.S(), rank_});
    v.array("right", right_.data(), {shape_.R(), shape_.m, rank_});
    v.scratch(split::bytes(left_temporary_) + split::bytes(right_temporary_));
  }

 private:
  // The left factors, mixed, and before or after that what the gradient takes of them.
  void mix_left(const Step<T>& step, const Matrix<Work<T>>& CL, const WantedGradient<T>& wanted) {
    const bool exact = wanted.target != nullptr && wanted.current == Current::exact;
    if (exact) {
      weigh(step, wanted.scale);
      step.D->multiply_left(step.q, own_.data());
      own_ *= wanted.scale;
    }
    split::mix_columns(left_, left_temporary_, CL, rank_);
    for (Index l = 0; l < rank_; ++l) {
      coefficients_ = CL.col(l).tail(added()).template cast<T>();
      immediate_.combine_left(step, coefficients_.data(), state_.data());
      left_.col(l) += state_;
    }
    if (wanted.target != nullptr && !exact) weigh(step, wanted.scale);
  }
  // row_ (R,): of what is added to B_l, the part along a_hat.
  void combine_right(const Step<T>& step, Index l, const Matrix<Work<T>>& CR) {
    coefficients_ = CR.col(l).tail(added()).template cast<T>();
    immediate_.combine_right(step, coefficients_.data(), row_.data());
  }

  void weigh(const Step<T>& step, T scale) {
    Eigen::Map<const Vector<T>> q(step.q, shape_.S());
    for (Index l = 0; l < rank_; ++l) weights_[l] = scale * q.dot(left_.col(l));
  }

  // B_l <- keep B_l + row a_hat, and what is still to be added to the target, in the same pass. `apart`: B_l is not mixed
  // with the others, and as it was.
  template <class Regressors>
  void mix_right(Index l, const Matrix<Work<T>>& CR, const Regressors& a_hat, bool apart, bool exact, T* target) {
    const Index R = shape_.R(), m = shape_.m;
    T* const B = right_.col(l).data();
    const T weight = weights_[l], keep = apart ? T(CR(l, l)) : T(1);
    if (exact && apart)
      sweep<T>(R, m, R, {row_.data(), own_.data()}, a_hat, {B, target},
               [weight, keep](const auto& c, const auto& a, auto& x) {
                 x[1] = multiply_add(weight, x[0], multiply_add(a, c[1], x[1]));
                 x[0] = multiply_add(a, c[0], keep * x[0]);
               });
    else
      sweep<T>(R, m, R, {row_.data()}, a_hat, {B, exact ? nullptr : target},
               [weight, keep](const auto& c, const auto& a, auto& x) {
                 x[0] = multiply_add(a, c[0], keep * x[0]);
                 x[1] = multiply_add(weight, x[0], x[1]);
               });
  }

  Shape shape_;
  Index rank_;
  ImmediateTerms<T> immediate_;
  Matrix<T> left_;   // (S, r)
  Matrix<T> right_;  // (R*m, r)
  Matrix<T> left_temporary_, right_temporary_;
  Vector<T> coefficients_, state_, row_;
  Vector<T> weights_;  // (r,): q.A_l
  Vector<T> own_;      // (R,): q D
  Vector<Work<T>> squares_;  // (R,): |a_hat|^2 of each row
  Matrix<Work<T>> immediate_left_, immediate_right_;
};

}  // namespace axonomy

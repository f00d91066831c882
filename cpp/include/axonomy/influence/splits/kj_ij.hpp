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

  struct Workspace {
    Workspace(const Shape& shape, Index rank)
        : left(shape.S(), rank),
          right(shape.R(), rank),
          left_mixed(left),
          right_mixed(right),
          coefficients(Vector<T>::Zero(std::max(shape.S(), shape.R()))),
          state(shape.S()),
          row(shape.R()) {}
    Matrix<T> left, right, left_mixed, right_mixed;  // (S, r), (R, r): one regressor's problem
    Vector<T> coefficients, state, row;
    Matrix<Work<T>> immediate_left, immediate_right;
  };

  SplitKJIJ(const Shape& shape, Index rank, ImmediateBy by)
      : shape_(shape),
        rank_(rank),
        immediate_(shape, by),
        left_(Matrix<T>::Zero(shape.S() * shape.m, rank)),
        right_(Matrix<T>::Zero(shape.R() * shape.m, rank)),
        left_temporary_(left_.rows(), rank),
        left_norms_(immediate_.count()),
        right_norms_(immediate_.count()),
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

  // Of what is multiplied by J.
  Index left_columns() const { return shape_.m * rank_; }
  void use(Team* team) { team_ = team; }
  Team* team() const { return team_; }

  void propagate(const Step<T>& step) {
    step.J->apply(team_, left_.data(), shape_.m * rank_, left_temporary_.data());
    left_.swap(left_temporary_);
    immediate_.left_norms(step, left_norms_.data());
    immediate_.right_norms(step, right_norms_.data());
  }

  // target_ij += scale sum_l (q A_l)_j B_l[i,j]
  void add_gradient(const Step<T>& step, T scale, T* target) {
    const Index S = shape_.S(), R = shape_.R();
    for (Index l = 0; l < rank_; ++l) {
      regressor_.setZero();
      add_dots<T>(team_, S, shape_.m, left_.col(l).data(), step.q, scale, regressor_.data());
      share_columns(team_, R, shape_.m, [&](Index first, Index last) {
        for (Index j = first; j < last; ++j) add_scaled(R, regressor_[j], right(l).col(j).data(), target + j * R);
      });
    }
  }

  void norms(Index j, Work<T>* left_norms, Work<T>* right_norms) const {
    for (Index l = 0; l < rank_; ++l) {
      left_norms[l] = split::norm<T>(left(l).col(j));
      right_norms[l] = split::norm<T>(right(l).col(j));
    }
  }
  void added_norms(const Step<T>& step, Index j, Work<T>* left, Work<T>* right) const {
    const Work<T> a_hat = magnitude(Work<T>(step.a_hat[j]));
    for (Index t = 0, count = added(); t < count; ++t) {
      left[t] = a_hat * left_norms_[t];
      right[t] = right_norms_[t];
    }
  }
  void mixed_norms(Workspace& work, const Step<T>& step, Index j, const T* signs, Work<T>& left, Work<T>& right) const {
    immediate_.combine_left(step, signs, work.state.data());
    immediate_.combine_right(step, signs, work.row.data());
    left = split::norm<T>(work.state) * magnitude(Work<T>(step.a_hat[j]));
    right = split::norm<T>(work.row);
  }

  void grams(Workspace& work, const Step<T>& step, Index j, Matrix<Work<T>>& GL, Matrix<Work<T>>& GR) const {
    const Index r = rank_, count = added();
    const Work<T> a_hat = step.a_hat[j];
    gather(j, work);
    immediate_.grams(step, work.immediate_left, work.immediate_right);
    GL.bottomRightCorner(count, count) = (a_hat * a_hat) * work.immediate_left;
    GR.bottomRightCorner(count, count) = work.immediate_right;
    split::column_gram(work.left, GL);
    split::column_gram(work.right, GR);
    const auto coefficients = work.coefficients.head(count);
    for (Index l = 0; l < r; ++l) {
      immediate_.project_left(step, work.left.col(l).data(), work.coefficients.data());
      GL.row(l).tail(count) = a_hat * coefficients.template cast<Work<T>>().transpose();
      immediate_.project_right(step, work.right.col(l).data(), work.coefficients.data());
      GR.row(l).tail(count) = coefficients.template cast<Work<T>>().transpose();
    }
    GL.bottomLeftCorner(count, r) = GL.topRightCorner(r, count).transpose();
    GR.bottomLeftCorner(count, r) = GR.topRightCorner(r, count).transpose();
  }

  void mix(Workspace& work, const Step<T>& step, Index j, const Matrix<Work<T>>& CL, const Matrix<Work<T>>& CR) {
    const Index S = shape_.S(), R = shape_.R(), count = added();
    gather(j, work);
    split::mix_columns(work.left, work.left_mixed, CL, rank_);
    split::mix_columns(work.right, work.right_mixed, CR, rank_);
    for (Index l = 0; l < rank_; ++l) {
      work.coefficients.head(count) = CL.col(l).tail(count).template cast<T>();
      immediate_.combine_left(step, work.coefficients.data(), work.state.data());
      left_.col(l).segment(j * S, S) = work.left.col(l) + step.a_hat[j] * work.state;
      work.coefficients.head(count) = CR.col(l).tail(count).template cast<T>();
      immediate_.combine_right(step, work.coefficients.data(), work.row.data());
      right_.col(l).segment(j * R, R) = work.right.col(l) + work.row;
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
  void gather(Index j, Workspace& work) const {
    for (Index l = 0; l < rank_; ++l) {
      work.left.col(l) = left(l).col(j);
      work.right.col(l) = right(l).col(j);
    }
  }

  Shape shape_;
  Index rank_;
  Team* team_ = nullptr;
  ImmediateTerms<T> immediate_;
  Matrix<T> left_;   // (S*m, r)
  Matrix<T> right_;  // (R*m, r)
  Matrix<T> left_temporary_;
  Vector<Work<T>> left_norms_, right_norms_;  // of the added terms, but for a_hat[j]
  Vector<T> regressor_;
};

}  // namespace axonomy

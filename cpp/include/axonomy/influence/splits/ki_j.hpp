// Split ki|j, the paper's A_j B_ki:  M = sum_l B_l[k,i] A_l[j].
//
//     left  B (S, R)    propagated B <- J B, added D
//     right A (m,)                           added a_hat
//
// One added term. Memory r (S R + m); a step r n^3. KF-RTRL (Mujika et al. 2018) and r-OK (Benzing et al.
// 2019) live here.
#pragma once

#include "immediate.hpp"

namespace axonomy {

template <class T>
class SplitKIJoint {
 public:
  static constexpr bool shares_out = true;
  static constexpr bool takes_gradient = false;
  static constexpr bool pairs = true;

  using Workspace = split::NoWorkspace;

  SplitKIJoint(const Shape& shape, Index rank)
      : shape_(shape),
        rank_(rank),
        left_(Matrix<T>::Zero(shape.S() * shape.R(), rank)),
        right_(Matrix<T>::Zero(shape.m, rank)),
        left_temporary_(left_.rows(), rank),
        right_temporary_(shape.m, rank),
        rows_(shape.R(), rank),
        rows_temporary_(shape.R(), rank),
        squares_(rank),
        parts_((shape.R() + summed_columns - 1) / summed_columns),
        added_row_(shape.R()) {}

  Index rank() const { return rank_; }
  Dimensions dimensions() const { return {shape_.S() * shape_.R(), shape_.m}; }
  Index batches() const { return 1; }
  Index added() const { return 1; }
  static constexpr bool signs_propagated = true;  // as KF-RTRL has it

  void clear() {
    left_.setZero();
    right_.setZero();
  }

  // Of what is multiplied by J.
  Index left_columns() const { return shape_.R() * rank_; }
  void use(Team* team) { team_ = team; }
  Team* team() const { return team_; }

  void propagate(const Step<T>& step) {
    step.J->apply(team_, left_.data(), shape_.R() * rank_, left_temporary_.data());
    left_.swap(left_temporary_);
    for (Index l = 0; l < rank_; ++l)
      squares_[l] = dots_and_square<T>(team_, shape_.S(), shape_.R(), left_.col(l).data(), step.q, rows_.col(l).data(),
                                       parts_);
    step.D->multiply_left(step.q, added_row_.data());
  }

  // target_ij += scale sum_l (q B_l)_i A_l[j]
  void add_gradient(const Step<T>&, T scale, T* target) {
    for (Index l = 0; l < rank_; ++l)
      add_outer(team_, scale, rows_.col(l).data(), shape_.R(), right_.col(l).data(), shape_.m, target);
  }

  void norms(Index, Work<T>* left, Work<T>* right) {
    for (Index l = 0; l < rank_; ++l) {
      left[l] = root(squares_[l]);
      right[l] = split::norm<T>(right_.col(l));
    }
  }
  void added_norms(const Step<T>& step, Index, Work<T>* left, Work<T>* right) {
    *left = root(Work<T>(step.D->entries().squaredNorm()));
    *right = split::norm<T>(Eigen::Map<const Vector<T>>(step.a_hat, shape_.m));
  }
  void mixed_norms(Workspace&, const Step<T>& step, Index batch, const T*, Work<T>& left, Work<T>& right) {
    added_norms(step, batch, &left, &right);
  }

  void grams(Workspace&, const Step<T>& step, Index, Matrix<Work<T>>& left, Matrix<Work<T>>& right) {
    const Index r = rank_;
    Eigen::Map<const Vector<T>> a_hat(step.a_hat, shape_.m);
    split::column_gram(left_, left);
    split::column_gram(right_, right);
    for (Index l = 0; l < r; ++l) {
      left(l, r) = left(r, l) = dot_with_D(step, l);
      right(l, r) = right(r, l) = right_.col(l).template cast<Work<T>>().dot(
          a_hat.template cast<Work<T>>());
    }
    left(r, r) = step.D->entries().template cast<Work<T>>().squaredNorm();
    right(r, r) = a_hat.template cast<Work<T>>().squaredNorm();
  }

  // The Grams of factor l and the added term: entries 00, 01, 11 of each side, 01 only if `cross`.
  void pair_grams(const Step<T>& step, Index l, bool cross, Work<T>* const left[3],
                  Work<T>* const right[3]) {
    Eigen::Map<const Vector<T>> a_hat(step.a_hat, shape_.m);
    left[0][0] = squares_[l];
    left[2][0] = step.D->entries().squaredNorm();
    right[0][0] = right_.col(l).squaredNorm();
    right[2][0] = a_hat.squaredNorm();
    if (!cross) return;
    left[1][0] = dot_with_D(step, l);
    right[1][0] = right_.col(l).dot(a_hat);
  }
  void pair_mix(const Step<T>& step, Index l, const T* const left[2], const T* const right[2]) {
    mix_one(step, l, left[0][0], left[1][0], right[0][0], right[1][0]);
  }

  void mix(Workspace&, const Step<T>& step, Index, const Matrix<Work<T>>& CL, const Matrix<Work<T>>& CR) {
    split::mix_columns(left_, left_temporary_, CL, rank_);
    split::mix_columns(rows_, rows_temporary_, CL, rank_);
    split::mix_columns(right_, right_temporary_, CR, rank_);
    for (Index l = 0; l < rank_; ++l)
      mix_one(step, l, T(1), T(CL(rank_, l)), T(1), T(CR(rank_, l)));
  }

  void influence(Matrix<T>& M) const { M = left_ * right_.transpose(); as_tensor(M); }

  void visit(StateVisitor<T>& v) {
    v.array("left", left_.data(), {shape_.S(), shape_.R(), rank_});
    v.array("right", right_.data(), {shape_.m, rank_});
    v.scratch(split::bytes(left_temporary_) + split::bytes(right_temporary_));
  }

 private:
  // left <- keep left + add D, right <- keep right + add a_hat
  void mix_one(const Step<T>& step, Index l, T keep_left, T add_left, T keep_right, T add_right) {
    const Index n = shape_.n, S = shape_.S();
    if (keep_left != T(1))
      share_columns(team_, S, shape_.R(), [&](Index first, Index last) {
        left_.col(l).segment(first * S, (last - first) * S) *= keep_left;
      });
    T* B = left_.col(l).data();
    for (Index gate = 0; gate < shape_.rows_per_unit; ++gate)
      for (Index a = 0; a < shape_.states_per_unit; ++a)
        for (Index u = 0; u < n; ++u)
          B[(gate * n + u) * S + a * n + u] += add_left * step.D->part(a, gate)[u];
    rows_.col(l) = keep_left * rows_.col(l) + add_left * added_row_;
    right_.col(l) = keep_right * right_.col(l) +
                    add_right * Eigen::Map<const Vector<T>>(step.a_hat, shape_.m);
  }

  Work<T> dot_with_D(const Step<T>& step, Index l) const {
    const Index n = shape_.n, S = shape_.S();
    const T* B = left_.col(l).data();
    Work<T> sum(0);
    for (Index gate = 0; gate < shape_.rows_per_unit; ++gate)
      for (Index a = 0; a < shape_.states_per_unit; ++a)
        for (Index u = 0; u < n; ++u)
          sum += Work<T>(B[(gate * n + u) * S + a * n + u]) * Work<T>(step.D->part(a, gate)[u]);
    return sum;
  }

  // (S*R, m) and (S, R*m) are the same memory.
  void as_tensor(Matrix<T>& M) const {
    M = Eigen::Map<const Matrix<T>>(M.data(), shape_.S(), shape_.R() * shape_.m).eval();
  }

  Shape shape_;
  Index rank_;
  Team* team_ = nullptr;
  Matrix<T> left_;   // (S*R, r)
  Matrix<T> right_;  // (m, r)
  Matrix<T> left_temporary_, right_temporary_;
  // Of the present step, as soon as left is propagated: q left (R, r), mixed as left is; |left|^2 (r,) before that; q D (R,).
  Matrix<T> rows_, rows_temporary_;
  Vector<Work<T>> squares_, parts_;
  Vector<T> added_row_;
};

}  // namespace axonomy

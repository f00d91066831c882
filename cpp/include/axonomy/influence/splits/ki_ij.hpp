// Split ki|ij, the paper's A_ki B_ij:  M = sum_l A_l[k,i] B_l[i,j], one small problem for each row i.
//
//     left  A (S, R)    propagated A <- J A, added D[:,i] to column i
//     right B (R, m)                         added a_hat to row i
//
// One added term a row. Memory r (S R + R m); a step r n^3. KeRNL (Roth et al. 2019) shares the tensor.
#pragma once

#include "immediate.hpp"

namespace axonomy {

template <class T>
class SplitKIIJ {
 public:
  static constexpr bool shares_out = true;
  static constexpr bool takes_gradient = false;
  static constexpr bool pairs = true;

  struct Workspace {
    Workspace(const Shape& shape, Index rank) : column(shape.S(), rank), line(shape.m, rank) {}
    Matrix<T> column, line;  // (S, r), (m, r): one row's problem
  };

  SplitKIIJ(const Shape& shape, Index rank)
      : shape_(shape),
        rank_(rank),
        left_(Matrix<T>::Zero(shape.S() * shape.R(), rank)),
        right_(Matrix<T>::Zero(shape.R() * shape.m, rank)),
        left_temporary_(left_.rows(), rank),
        row_(shape.R()),
        squares_(shape.R()) {}

  Index rank() const { return rank_; }
  Dimensions dimensions() const { return {shape_.S(), shape_.m}; }
  Index batches() const { return shape_.R(); }
  Index added() const { return 1; }
  static constexpr bool signs_propagated = false;

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
  }

  // target_ij += scale sum_l (q A_l)_i B_l[i,j]
  void add_gradient(const Step<T>& step, T scale, T* target) {
    const Index S = shape_.S(), R = shape_.R();
    for (Index l = 0; l < rank_; ++l) {
      row_.setZero();
      add_dots<T>(team_, S, R, left_.col(l).data(), step.q, scale, row_.data());
      share_columns(team_, R, shape_.m, [&](Index first, Index last) {
        sweep<T>(R, last - first, R, {row_.data()}, PerEntry<T>{right_.col(l).data() + first * R, R},
                 {target + first * R},
                 [](const auto& c, const auto& b, auto& x) { x[0] = multiply_add(b, c[0], x[0]); });
      });
    }
  }

  void norms(Index i, Work<T>* left_norms, Work<T>* right_norms) {
    for (Index l = 0; l < rank_; ++l) {
      left_norms[l] = split::norm<T>(left(l).col(i));
      right_norms[l] = root(Work<T>(right(l).row(i).squaredNorm()));
    }
  }
  void added_norms(const Step<T>& step, Index i, Work<T>* left, Work<T>* right) {
    *left = root(Work<T>(step.D->squared_column_norm(i)));
    *right = root(Work<T>(regressors(step, i).squaredNorm()));
  }
  void mixed_norms(Workspace&, const Step<T>& step, Index i, const T*, Work<T>& left, Work<T>& right) {
    added_norms(step, i, &left, &right);
  }

  void grams(Workspace& work, const Step<T>& step, Index i, Matrix<Work<T>>& GL, Matrix<Work<T>>& GR) const {
    const Index r = rank_;
    gather(i, work);
    split::column_gram(work.column, GL);
    split::column_gram(work.line, GR);
    const auto a_hat = regressors(step, i);
    for (Index l = 0; l < r; ++l) {
      GL(l, r) = GL(r, l) = dot_with_D(step, work.column.col(l).data(), i);
      GR(l, r) = GR(r, l) =
          work.line.col(l).template cast<Work<T>>().dot(a_hat.template cast<Work<T>>());
    }
    GL(r, r) = step.D->squared_column_norm(i);
    GR(r, r) = a_hat.template cast<Work<T>>().squaredNorm();
  }

  // The Grams of factor l and the added term, for all rows at once: entries 00, 01, 11 of each side, 01
  // only if `cross`.
  void pair_grams(const Step<T>& step, Index l, bool cross, Work<T>* const GL[3],
                  Work<T>* const GR[3]) {
    const Index R = shape_.R();
    constexpr Index rows_together = 32;
    share_out(detail::if_worth(team_, R * shape_.m), R, rows_together, [&](Index first, Index last) {
      with_regressors(shape_, step.a_hat, first, [&](const auto& a_hat) {
        row_sums<T>(last - first, shape_.m, a_hat, right_.col(l).data() + first, R, GR[0] + first,
                    cross ? GR[1] + first : nullptr);
      });
    });
    split::row_norms(shape_, step.a_hat, squares_);
    std::copy_n(squares_.data(), R, GR[2]);
    step.D->squared_column_norms(GL[2]);
    const Index S = shape_.S();
    share_columns(team_, S, R, [&](Index first, Index last) {
      column_squares<T>(S, last - first, left_.col(l).data() + first * S, GL[0] + first);
    });
    if (cross) dots_with_D(step, l, GL[1]);
  }
  void pair_mix(const Step<T>& step, Index l, const T* const CL[2], const T* const CR[2]) {
    const Index S = shape_.S(), R = shape_.R(), n = shape_.n;
    Eigen::Map<Matrix<T>> A(left_.col(l).data(), S, R);
    share_columns(team_, S, R, [&](Index first, Index last) {
      scale_columns<T>(S, last - first, CL[0] + first, A.data() + first * S);
    });
    for (Index gate = 0; gate < shape_.rows_per_unit; ++gate)
      for (Index a = 0; a < shape_.states_per_unit; ++a) {
        const T* const D = step.D->part(a, gate);
        for (Index u = 0; u < n; ++u) A(a * n + u, gate * n + u) += CL[1][gate * n + u] * D[u];
      }
    share_columns(team_, R, shape_.m, [&](Index first, Index last) {
      const T* const a_hat = step.a_hat + first * (shape_.element_wise ? R : 1);
      with_regressors(shape_, a_hat, 0, [&](const auto& a) {
        sweep<T>(R, last - first, R, {CR[0], CR[1]}, a, {right_.col(l).data() + first * R},
                 [](const auto& c, const auto& a_ij, auto& x) { x[0] = multiply_add(a_ij, c[1], c[0] * x[0]); });
      });
    });
  }

  void mix(Workspace& work, const Step<T>& step, Index i, const Matrix<Work<T>>& CL, const Matrix<Work<T>>& CR) {
    const Index S = shape_.S(), R = shape_.R(), n = shape_.n, r = rank_;
    gather(i, work);
    const auto a_hat = regressors(step, i);
    for (Index l = 0; l < r; ++l) {
      Eigen::Map<Matrix<T>> A(left_.col(l).data(), S, R), B(right_.col(l).data(), R, shape_.m);
      A.col(i) = T(CL(0, l)) * work.column.col(0);
      B.row(i) = T(CR(0, l)) * work.line.col(0).transpose() + T(CR(r, l)) * a_hat.transpose();
      for (Index k = 1; k < r; ++k) {
        A.col(i) += T(CL(k, l)) * work.column.col(k);
        B.row(i) += T(CR(k, l)) * work.line.col(k).transpose();
      }
      for (Index a = 0; a < shape_.states_per_unit; ++a)
        A(a * n + i % n, i) += T(CL(r, l)) * step.D->part(a, i / n)[i % n];
    }
  }

  void influence(Matrix<T>& M) const {
    const Index S = shape_.S(), R = shape_.R();
    M.setZero(S, R * shape_.m);
    for (Index l = 0; l < rank_; ++l)
      for (Index j = 0; j < shape_.m; ++j)
        M.middleCols(j * R, R) += left(l) * right(l).col(j).asDiagonal();
  }

  void visit(StateVisitor<T>& v) {
    v.array("left", left_.data(), {shape_.S(), shape_.R(), rank_});
    v.array("right", right_.data(), {shape_.R(), shape_.m, rank_});
    v.scratch(split::bytes(left_temporary_));
  }

 private:
  // (m,): those of row i
  Eigen::Map<const Vector<T>, 0, Eigen::InnerStride<>> regressors(const Step<T>& step, Index i) const {
    if (shape_.element_wise) return {step.a_hat + i, shape_.m, Eigen::InnerStride<>(shape_.R())};
    return {step.a_hat, shape_.m, Eigen::InnerStride<>(1)};
  }

  Eigen::Map<const Matrix<T>> left(Index l) const {
    return {left_.col(l).data(), shape_.S(), shape_.R()};
  }
  Eigen::Map<const Matrix<T>> right(Index l) const {
    return {right_.col(l).data(), shape_.R(), shape_.m};
  }
  void gather(Index i, Workspace& work) const {
    for (Index l = 0; l < rank_; ++l) {
      work.column.col(l) = left(l).col(i);
      work.line.col(l) = right(l).row(i).transpose();
    }
  }
  // A column of a factor times that of D,
  Work<T> dot_with_D(const Step<T>& step, const T* column, Index i) const {
    const Index n = shape_.n;
    Work<T> sum(0);
    for (Index a = 0; a < shape_.states_per_unit; ++a)
      sum += Work<T>(column[a * n + i % n]) * Work<T>(step.D->part(a, i / n)[i % n]);
    return sum;
  }
  // and all columns of factor l, without dividing by n.
  void dots_with_D(const Step<T>& step, Index l, Work<T>* out) const {
    const Index n = shape_.n, S = shape_.S();
    for (Index gate = 0; gate < shape_.rows_per_unit; ++gate, out += n)
      for (Index a = 0; a < shape_.states_per_unit; ++a) {
        const T* const A = left_.col(l).data() + gate * n * S + a * n;
        const T* const D = step.D->part(a, gate);
        for (Index u = 0; u < n; ++u) {
          const Work<T> product = Work<T>(A[u * (S + 1)]) * Work<T>(D[u]);
          out[u] = a == 0 ? product : out[u] + product;
        }
      }
  }

  Shape shape_;
  Index rank_;
  Team* team_ = nullptr;
  Matrix<T> left_;   // (S*R, r)
  Matrix<T> right_;  // (R*m, r)
  Matrix<T> left_temporary_;
  Vector<T> row_;
  Vector<Work<T>> squares_;  // (R,): |a_hat|^2 of each row
};

}  // namespace axonomy

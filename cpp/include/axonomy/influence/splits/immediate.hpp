// M_bar = D (x) a_hat as a sum of terms E[:,t] (S) times Q[:,t] (R), each times a_hat:
//
//     by row     t = i in R:   E = D,    Q = I       one term for each row of W (the default)
//     by state   t = k in S:   E = I,    Q = D^T     one for each state, as UORO has it
//
// The splits that hold i apart from k add these terms one by one. Where each row has regressors of its own, a_hat stays
// on the side that holds i, as row i of Q is then times a_hat_i.
#pragma once

#include "../../core/row_sums.hpp"
#include "../../learner.hpp"

namespace axonomy {

enum class ImmediateBy { row, state };

template <class T>
class ImmediateTerms {
 public:
  ImmediateTerms(const Shape& shape, ImmediateBy by) : shape_(shape), by_(by) {}

  Index count() const { return by_ == ImmediateBy::row ? shape_.R() : shape_.S(); }

  // Norms (count,) of the columns of E and of Q, without the factor a_hat.
  void left_norms(const Step<T>& step, Work<T>* out) const {
    if (by_ == ImmediateBy::state) return fill(out, Work<T>(1));
    step.D->squared_column_norms(out);
    take_roots(out);
  }
  void right_norms(const Step<T>& step, Work<T>* out) const {
    if (by_ == ImmediateBy::row) return fill(out, Work<T>(1));
    step.D->squared_row_norms(out);
    take_roots(out);
  }

  // Of column t of Q with row i times a vector whose square is squares[i].
  Work<T> squared_right_norm(const Step<T>& step, Index t, const Vector<Work<T>>& squares) const {
    if (by_ == ImmediateBy::row) return squares[t];
    const Index n = shape_.n;
    Work<T> sum(0);
    for (Index gate = 0; gate < shape_.rows_per_unit; ++gate) {
      const Work<T> D = step.D->part(t / n, gate)[t % n];
      sum += D * D * squares[gate * n + t % n];
    }
    return sum;
  }

  // out (S) = E c, out (R) = Q c
  void combine_left(const Step<T>& step, const T* c, T* out) const {
    if (by_ == ImmediateBy::row)
      step.D->multiply(c, out);
    else
      copy(shape_.S(), c, out);
  }
  void combine_right(const Step<T>& step, const T* c, T* out) const {
    if (by_ == ImmediateBy::row)
      copy(shape_.R(), c, out);
    else
      step.D->multiply_left(c, out);
  }

  // out (count) = x^T E for x (S), and x^T Q for x (R)
  void project_left(const Step<T>& step, const T* x, T* out) const {
    if (by_ == ImmediateBy::row)
      step.D->multiply_left(x, out);
    else
      copy(shape_.S(), x, out);
  }
  void project_right(const Step<T>& step, const T* x, T* out) const {
    if (by_ == ImmediateBy::row)
      copy(shape_.R(), x, out);
    else
      step.D->multiply(x, out);
  }

  // E^T E and Q^T Q (count, count): the identity on one side, D^T D or D D^T on the other. With `squares`, row i of Q is
  // times a vector of that square.
  void grams(const Step<T>& step, Matrix<Work<T>>& left, Matrix<Work<T>>& right,
             const Vector<Work<T>>* squares = nullptr) const {
    const Index N = count();
    left.setIdentity(N, N);
    right.setIdentity(N, N);
    auto& dense = by_ == ImmediateBy::row ? left : right;
    dense.setZero();
    const Index n = shape_.n, p = shape_.states_per_unit, g = shape_.rows_per_unit;
    const Index parts = by_ == ImmediateBy::row ? g : p;
    const Index inner = by_ == ImmediateBy::row ? p : g;
    for (Index b = 0; b < parts; ++b)
      for (Index a = 0; a < parts; ++a)
        for (Index u = 0; u < n; ++u)
          for (Index c = 0; c < inner; ++c) {
            const T x = by_ == ImmediateBy::row ? step.D->part(c, a)[u] : step.D->part(a, c)[u];
            const T y = by_ == ImmediateBy::row ? step.D->part(c, b)[u] : step.D->part(b, c)[u];
            const Work<T> weight =
                squares != nullptr && by_ == ImmediateBy::state ? (*squares)[c * n + u] : Work<T>(1);
            dense(a * n + u, b * n + u) += Work<T>(x) * Work<T>(y) * weight;
          }
    if (squares != nullptr && by_ == ImmediateBy::row) right.diagonal() = *squares;
  }

 private:
  void fill(Work<T>* out, Work<T> value) const { std::fill_n(out, count(), value); }
  void take_roots(Work<T>* out) const {
    for (Index t = 0, N = count(); t < N; ++t) out[t] = root(out[t]);
  }

  Shape shape_;
  ImmediateBy by_;
};

// What splits share.
namespace split {

// Of a split with one batch, which works in its own memory; of one with several, what each member of a team works in.
struct NoWorkspace {
  NoWorkspace(const Shape&, Index) {}
};

// Whether the r x r block of C leaves the terms apart, as signs do.
template <class W>
bool is_diagonal(const Matrix<W>& C, Index r) {
  for (Index l = 0; l < r; ++l)
    for (Index k = 0; k < r; ++k)
      if (k != l && C(k, l) != W(0)) return false;
  return true;
}

// factor (rows, r) <- factor C for the r x r block C; in place where that is diagonal.
template <class T>
void mix_columns(Matrix<T>& factor, Matrix<T>& temporary, const Matrix<Work<T>>& C, Index r) {
  if (r == 1) {
    factor *= T(C(0, 0));
    return;
  }
  if (is_diagonal(C, r)) {
    for (Index l = 0; l < r; ++l) factor.col(l) *= T(C(l, l));
    return;
  }
  for (Index l = 0; l < r; ++l) {
    temporary.col(l) = T(C(0, l)) * factor.col(0);
    for (Index k = 1; k < r; ++k) temporary.col(l) += T(C(k, l)) * factor.col(k);
  }
  factor.swap(temporary);
}

template <class T>
Work<T> norm(const Eigen::Ref<const Vector<T>>& v) {
  return root(Work<T>(dot(v.size(), v.data(), v.data())));
}

// |a_hat|^2 of each row (R,).
template <class T>
void row_norms(const Shape& shape, const T* a_hat, Vector<Work<T>>& out) {
  if (!shape.element_wise)
    out.setConstant(squared_norm<T>(a_hat, shape.m));
  else
    row_sums<T>(shape.R(), shape.m, PerEntry<T>{a_hat, shape.R()}, a_hat, shape.R(), out.data(), nullptr);
}

// Gram matrix of the columns of a factor into the leading block of G, in the work scalar.
template <class T>
void column_gram(const Matrix<T>& factor, Matrix<Work<T>>& G) {
  for (Index b = 0; b < factor.cols(); ++b)
    for (Index a = 0; a <= b; ++a)
      G(a, b) = G(b, a) = factor.col(a).template cast<Work<T>>().dot(
          factor.col(b).template cast<Work<T>>());
}

template <class T>
std::size_t bytes(const Matrix<T>& m) {
  return sizeof(T) * static_cast<std::size_t>(m.size());
}

}  // namespace split

}  // namespace axonomy

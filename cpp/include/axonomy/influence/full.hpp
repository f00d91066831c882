// RTRL: the whole influence, M <- J M + M_bar, gradient q.M (Williams & Zipser 1989).
// M (S, R*m); memory O(n^3), time O(n^4).
#pragma once

#include "learner.hpp"

namespace axonomy {

template <class T>
class FullInfluence final : public Learner<T> {
 public:
  explicit FullInfluence(const Shape& shape)
      : shape_(shape),
        block_(std::max<Index>(1, std::min(shape.R() * shape.m,
                                           Index(65536) / (shape.S() * Index(sizeof(T)))))),
        M_(Matrix<T>::Zero(shape.S(), shape.R() * shape.m)),
        old_(shape.S(), block_) {}

  void reset(const T*) override { M_.setZero(); }

  void step(const Step<T>& step, const T*, T scale, T* target) override {
    const Index S = shape_.S(), R = shape_.R(), n = shape_.n, columns = M_.cols();
    const Matrix<T>& J = step.J->dense();
    Eigen::Map<const Vector<T>> q(step.q, S);
    // In blocks of columns that stay in cache: propagate, add D a_hat, take the gradient.
    for (Index start = 0; start < columns; start += block_) {
      const Index count = std::min(block_, columns - start);
      old_.leftCols(count) = M_.middleCols(start, count);
      gemm<T>(S, count, S, J.data(), S, old_.data(), S, M_.col(start).data(), S);
      for (Index c = start; c < start + count; ++c) {
        const Index i = c % R;
        const T a_hat = step.a_hat[c / R];
        for (Index a = 0; a < shape_.states_per_unit; ++a)
          M_(a * n + i % n, c) += step.D->part(a, i / n)[i % n] * a_hat;
      }
      if (target != nullptr)
        Eigen::Map<Vector<T>>(target + start, count).noalias() +=
            scale * (M_.middleCols(start, count).transpose() * q);
    }
  }

  bool influence(Matrix<T>& M) const override {
    M = M_;
    return true;
  }

  void visit(StateVisitor<T>& v) override {
    v.array("influence", M_.data(), {shape_.S(), shape_.R(), shape_.m});
    v.scratch(sizeof(T) * static_cast<std::size_t>(old_.size()));
  }

 private:
  Shape shape_;
  Index block_;
  Matrix<T> M_, old_;
};

}  // namespace axonomy

// Steps of a learner without a network: a dense J, and D, a_hat, q and the rest, drawn at random.
#pragma once

#include <memory>

#include "all_specs.hpp"

namespace axonomy {

template <class T>
class Driver final : public Transition<T> {
 public:
  Driver(const LearnerSpec& spec, const Shape& shape, std::uint64_t seed = 1)
      : learner(make_learner<T>(shape, spec)),
        shape_(shape),
        random_(seed),
        J_dense_(shape.S(), shape.S()),
        W_(Matrix<T>::Zero(shape.R(), shape.m)),
        a_hat_(shape.regressors()),
        q_(shape.S()),
        state_(shape.S()),
        y_(Vector<T>::Ones(std::max<Index>(1, shape.n_out))),
        noise_(Vector<T>::Zero(learner->noise_size())),
        D_(shape.n, shape.states_per_unit, shape.rows_per_unit),
        leak_(shape.n, shape.states_per_unit, shape.states_per_unit),
        J_(shape) {
    draw(J_dense_, 0.5 / std::sqrt(static_cast<double>(shape.S())));
    draw(D_.entries(), 1.0);
    draw(leak_.entries(), 0.3);
    draw(a_hat_, 1.0);
    draw(q_, 1.0);
    draw(state_, 1.0);
    J_.bind(J_dense_);
    learner->reset(state_.data());
  }

  // New random numbers for the learner.
  void draw_noise() { learner->draw(random_, noise_.data()); }

  void step(T scale = T(1), T* target = nullptr) {
    Step<T> seen;
    seen.J = &J_;
    seen.D = &D_;
    seen.leak = &leak_;
    seen.a_hat = a_hat_.data();
    seen.q = q_.data();
    seen.state = state_.data();
    seen.y = y_.data();
    seen.W = W_.data();
    seen.network = this;
    learner->step(seen, noise_.data(), scale, target);
  }

  // The linear network, for the rules that run it from another state.
  void advance(const T* state, T* next) const override {
    Eigen::Map<Vector<T>>(next, shape_.S()).noalias() =
        J_dense_ * Eigen::Map<const Vector<T>>(state, shape_.S());
  }

  // Any quadratic will do.
  T loss_at(const T* state, const T* y) const override {
    return Eigen::Map<const Vector<T>>(state, shape_.S()).squaredNorm() + y[0];
  }

  std::unique_ptr<Learner<T>> learner;

 private:
  template <class Array>
  void draw(Array& array, double scale) {
    for (Index i = 0; i < array.size(); ++i)
      array.data()[i] = T(scale * (2 * random_.uniform() - 1));
  }

  Shape shape_;
  Random random_;
  Matrix<T> J_dense_;
  Matrix<T> W_;
  Vector<T> a_hat_, q_, state_, y_;
  Vector<T> noise_;
  BlockDiagonal<T> D_, leak_;
  Jacobian<T> J_;
};

}  // namespace axonomy

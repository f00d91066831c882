// The floating-point operations of one step of a learner, counted.
#pragma once

#include "counting.hpp"
#include "driver.hpp"

namespace axonomy {

// n_in = 2, the gradient included. A few steps go first: factors start from zero.
inline std::uint64_t operations_of_step(const LearnerSpec& spec, Index n) {
  const Shape shape = make_shape(n);
  Driver<Counting> driver(spec, shape);
  Matrix<Counting> gradient = Matrix<Counting>::Zero(shape.R(), shape.m);
  const Index steps = order(spec) < 4 ? 4 : 2;
  for (Index t = 0; t < steps; ++t) {
    driver.draw_noise();
    Counting::operations = 0;
    driver.step(Counting(1), gradient.data());
  }
  return Counting::operations;
}

}  // namespace axonomy

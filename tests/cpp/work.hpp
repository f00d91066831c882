// The floating-point operations of one step of a learner, counted.
#pragma once

#include "axonomy/influence/lazy.hpp"
#include "counting.hpp"
#include "driver.hpp"

namespace axonomy {

// n_in = 2. A few steps go first: factors start from zero, windows empty. Lazy propagation works in
// blocks, E-BPTT in windows: the mean over one.
inline std::uint64_t operations_of_step(const LearnerSpec& spec, Index n,
                                        bool with_gradient = true) {
  const Shape shape = shape_for(spec, n);
  Driver<Counting> driver(spec, shape);
  Matrix<Counting> gradient = Matrix<Counting>::Zero(shape.R(), shape.m);
  const Index warm_up = spec.tensor == "c_i" ? spec.window : order(spec) < 4 ? 3 : 1;
  Index counted = 1;
  if (spec.solver == "lazy")
    counted = spec.block > 0 ? spec.block : LazyInfluence<Counting>::default_block(shape, spec.even);
  if (spec.solver == "e_bptt") counted = spec.window;
  for (Index t = 0; t < warm_up + counted; ++t) {
    if (t == warm_up) Counting::operations = 0;
    driver.draw_noise();
    driver.step(Counting(1), with_gradient ? gradient.data() : nullptr);
  }
  return Counting::operations / static_cast<std::uint64_t>(counted);
}

}  // namespace axonomy

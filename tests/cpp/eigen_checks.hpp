// Included before everything else: Eigen's assertions throw, in release builds too, and its
// allocations can be forbidden.
#pragma once

#include <stdexcept>

#define EIGEN_RUNTIME_NO_MALLOC
#define eigen_assert(condition) \
  ((condition) ? static_cast<void>(0) : throw std::logic_error(#condition))

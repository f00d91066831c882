// The scalar types that the compiled parts are made for. A test build replaces them by a type that counts
// operations.
#pragma once

#ifdef AXONOMY_COUNTING
#include "counting.hpp"
#define AXONOMY_FOR_EACH_SCALAR(X) X(axonomy::Counting)
#else
#define AXONOMY_FOR_EACH_SCALAR(X) X(float) X(double)
#endif

// The lower reference: no recurrent gradient at all, only the read-out learns.
#pragma once

#include "../learner.hpp"

namespace axonomy {

template <class T>
class OutputOnly final : public Learner<T> {
 public:
  void reset(const T*) override {}
  bool keeps_absent() const override { return true; }
  void step(const Step<T>&, const T*, T, T*) override {}
  void visit(StateVisitor<T>&) override {}
};

}  // namespace axonomy

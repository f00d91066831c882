// A convex combination of learners: gradient = sum_i w_i gradient_i, sum_i w_i = 1. Each keeps its own state and lag,
// so that of a past- and a future-facing part each pair (loss at t, weights used at s) is still counted once in
// total, a part of it now and the rest later.
#pragma once

#include "parts.hpp"

namespace axonomy {

template <class T>
class Mix final : public Parts<T> {
 public:
  Mix(const Shape& shape, std::vector<std::unique_ptr<Learner<T>>> parts, const std::vector<double>& weights)
      : Parts<T>(shape, std::move(parts)), weights_(weights.begin(), weights.end()) {}

  void flush(T* target) override {  // the weights are in what was deferred
    for (const auto& part : this->parts_) part->flush(target);
  }

  bool influence(Matrix<T>& M) const override {
    return combined(M, [](const Learner<T>& part, Matrix<T>& out) { return part.influence(out); });
  }
  bool credit(Vector<T>& c) const override {
    return combined(c, [](const Learner<T>& part, Vector<T>& out) { return part.credit(out); });
  }

 protected:
  void step_part(std::size_t i, const Step<T>& step, const T* noise, T scale, T* target) override {
    this->parts_[i]->step(step, noise, weights_[i] * scale, target);
  }

 private:
  // The combination of what the parts have, if all have it.
  template <class Result, class Get>
  bool combined(Result& sum, const Get& get) const {
    Result one;
    for (std::size_t i = 0; i < weights_.size(); ++i) {
      if (!get(*this->parts_[i], one)) return false;
      if (i == 0)
        sum = weights_[i] * one;
      else
        sum += weights_[i] * one;
    }
    return true;
  }

  std::vector<T> weights_;
};

}  // namespace axonomy

// What the two hybrids share: learners side by side, each with its own state, noise and lag.
#pragma once

#include <memory>

#include "../learner.hpp"

namespace axonomy {

template <class T>
class Parts : public Learner<T> {
 public:
  Parts(const Shape& shape, std::vector<std::unique_ptr<Learner<T>>> parts)
      : parts_(std::move(parts)), sum_(Matrix<T>::Zero(shape.R(), shape.m)) {}

  NoiseKind noise_kind() const override {
    NoiseKind kind = NoiseKind::none;
    for (const auto& part : parts_) kind = joined(kind, part->noise_kind());
    return kind;
  }
  Index noise_size() const override {
    Index size = 0;
    for (const auto& part : parts_) size += part->noise_size();
    return size;
  }
  void draw(Random& random, T* out) const override {
    for (const auto& part : parts_) {
      part->draw(random, out);
      out += part->noise_size();
    }
  }

  bool may_throw() const override { return any(&Learner<T>::may_throw); }
  bool looks_ahead() const override { return any(&Learner<T>::looks_ahead); }
  bool keeps_absent() const override {
    for (const auto& part : parts_)
      if (!part->keeps_absent()) return false;
    return true;
  }
  void use(Team* team) override {
    for (const auto& part : parts_) part->use(team);
  }
  void reset(const T* state) override {
    for (const auto& part : parts_) part->reset(state);
  }
  void new_sequence(const T* state) override {
    for (const auto& part : parts_) part->new_sequence(state);
  }

  // The weights are changed after all parts have read them.
  void step(const Step<T>& step, const T* noise, T scale, T* target) final {
    const bool in_place = target != nullptr && target == step.W;
    if (in_place) sum_.setZero();
    T* const out = in_place ? sum_.data() : target;
    for (std::size_t i = 0; i < parts_.size(); ++i) {
      step_part(i, step, noise, scale, out);
      if (noise != nullptr) noise += parts_[i]->noise_size();
    }
    if (in_place) Eigen::Map<Matrix<T>>(target, sum_.rows(), sum_.cols()) += sum_;
  }

  void defer() override {
    for (const auto& part : parts_) part->defer();
  }

  void visit(StateVisitor<T>& v) override {
    for (std::size_t i = 0; i < parts_.size(); ++i) {
      v.enter(std::to_string(i));
      parts_[i]->visit(v);
      v.leave();
    }
    v.scratch(sizeof(T) * static_cast<std::size_t>(sum_.size()));
  }

  // By the number of the part: 0.variance
  Diagnostics diagnostics() const override {
    Diagnostics all;
    for (std::size_t i = 0; i < parts_.size(); ++i)
      for (const auto& [name, value] : parts_[i]->diagnostics())
        all.emplace_back(std::to_string(i) + "." + name, value);
    return all;
  }

 protected:
  bool any(bool (Learner<T>::*fact)() const) const {
    for (const auto& part : parts_)
      if ((part.get()->*fact)()) return true;
    return false;
  }
  virtual void step_part(std::size_t i, const Step<T>& step, const T* noise, T scale, T* target) = 0;

  std::vector<std::unique_ptr<Learner<T>>> parts_;

 private:
  Matrix<T> sum_;  // (R, m), workspace
};

}  // namespace axonomy

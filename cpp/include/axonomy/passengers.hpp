// Rules that ride along: a learner that trains, and others that see the same steps and change nothing. They share its
// forward pass; each has random numbers of its own, so that the run is, bit for bit, the one without them.
//
// What is kept of their gradients are sums over intervals of steps that were asked for. A gradient that is late counts
// at the step it belongs to: that of a passenger of lag l at step t adds to the interval that holds t - l. Outside such
// intervals no gradient is formed.
#pragma once

#include <deque>

#include "learner.hpp"

namespace axonomy {

// A learner that rides along, by how many steps its gradient is late, and its random numbers.
template <class T>
struct Passenger {
  std::shared_ptr<Learner<T>> learner;
  std::uint64_t lag;
  Random random;
};

// Of the steps first, ..., last - 1 of a ride: the sum of the gradients, a column a passenger.
template <class T>
struct Interval {
  std::uint64_t first, last;
  Matrix<T> sums;  // (R m, passengers)
};

template <class T>
class Passengers final : public Learner<T> {
 public:
  Passengers(const Shape& shape, std::shared_ptr<Learner<T>> driver, std::vector<Passenger<T>> passengers)
      : driver_(std::move(driver)),
        passengers_(std::move(passengers)),
        absent_(shape),
        gradient_(Vector<T>::Zero(shape.R() * shape.m)) {
    for (const auto& passenger : passengers_) {
      latest_ = std::max(latest_, passenger.lag);
      noise_.emplace_back(Vector<T>::Zero(passenger.learner->noise_size()));
    }
  }

  std::uint64_t steps() const { return steps_; }
  std::size_t count() const { return passengers_.size(); }

  // Intervals are asked for before their first step.
  void ask(std::uint64_t first, std::uint64_t last) {
    if (first < steps_ || last <= first)
      throw std::invalid_argument("ask: expected an interval of at least one step that is still to come");
    intervals_.push_back({first, last, Matrix<T>::Zero(gradient_.size(), static_cast<Index>(count()))});
  }

  // Those that have all their gradients, the late ones too, in the order in which they were asked for.
  std::vector<Interval<T>> take() {
    std::vector<Interval<T>> complete;
    std::deque<Interval<T>> rest;
    for (auto& interval : intervals_) {
      if (interval.last + latest_ <= steps_)
        complete.push_back(std::move(interval));
      else
        rest.push_back(std::move(interval));
    }
    intervals_.swap(rest);
    return complete;
  }

  // The passengers first: the driver may change the weights.
  void step(const Step<T>& step, const T* noise, T scale, T* target) override {
    for (std::size_t p = 0; p < passengers_.size(); ++p) ride(p, step);
    ++steps_;
    driver_->step(step, noise, scale, target);
  }

  T* trace() override { return driver_->trace(); }
  bool measures_trace() const override { return driver_->measures_trace(); }
  const T* next_multiplied() const override { return driver_->next_multiplied(); }
  void trace_step(const Step<T>& step, const T* noise, T scale, bool learns, TraceStep<T>& out) override {
    for (std::size_t p = 0; p < passengers_.size(); ++p) ride(p, step);
    ++steps_;
    driver_->trace_step(step, noise, scale, learns, out);
  }
  bool needs_weights() const override { return true; }

  void reset(const T* state) override {
    for (auto& passenger : passengers_) passenger.learner->reset(state);
    driver_->reset(state);
  }
  void new_sequence(const T* state) override {
    for (auto& passenger : passengers_) passenger.learner->new_sequence(state);
    driver_->new_sequence(state);
  }
  bool may_throw() const override {
    bool any = driver_->may_throw();
    for (const auto& passenger : passengers_) any = any || passenger.learner->may_throw();
    return any;
  }

  // To the run there is nobody but the driver.
  NoiseKind noise_kind() const override { return driver_->noise_kind(); }
  Index noise_size() const override { return driver_->noise_size(); }
  void draw(Random& random, T* out) const override { driver_->draw(random, out); }
  bool looks_ahead() const override { return driver_->looks_ahead(); }
  void use(Team* team) override { driver_->use(team); }
  bool added() const override { return driver_->added(); }
  void defer() override { driver_->defer(); }
  void flush(T* target) override { driver_->flush(target); }
  bool influence(Matrix<T>& M) const override { return driver_->influence(M); }
  bool credit(Vector<T>& c) const override { return driver_->credit(c); }
  bool keeps_absent() const override { return driver_->keeps_absent(); }
  void visit(StateVisitor<T>& visitor) override { driver_->visit(visitor); }
  Diagnostics diagnostics() const override { return driver_->diagnostics(); }

 private:
  void ride(std::size_t p, const Step<T>& step) {
    Passenger<T>& passenger = passengers_[p];
    T* noise = nullptr;
    if (noise_[p].size() > 0) {
      noise = noise_[p].data();
      passenger.learner->draw(passenger.random, noise);
    }
    holding_.clear();
    if ((step.y != nullptr || passenger.learner->looks_ahead()) && steps_ >= passenger.lag)
      for (auto& interval : intervals_)
        if (holds(interval, steps_ - passenger.lag)) holding_.push_back(interval.sums.col(static_cast<Index>(p)).data());
    if (holding_.size() < 2) {  // of one interval the sum itself is the target
      T* const target = holding_.empty() ? nullptr : holding_.front();
      passenger.learner->step(step, noise, T(1), target);
      if (target != nullptr) absent_.clear(target);
      return;
    }
    gradient_.setZero();
    passenger.learner->step(step, noise, T(1), gradient_.data());
    absent_.clear(gradient_.data());
    for (T* sum : holding_) Eigen::Map<Vector<T>>(sum, gradient_.size()) += gradient_;
  }

  static bool holds(const Interval<T>& interval, std::uint64_t step) {
    return interval.first <= step && step < interval.last;
  }

  std::shared_ptr<Learner<T>> driver_;
  std::vector<Passenger<T>> passengers_;
  std::vector<Vector<T>> noise_;
  std::deque<Interval<T>> intervals_;
  AbsentWeights absent_;
  std::vector<T*> holding_;  // this step: the sums of the intervals that hold it
  Vector<T> gradient_;
  std::uint64_t steps_ = 0, latest_ = 0;
};

}  // namespace axonomy

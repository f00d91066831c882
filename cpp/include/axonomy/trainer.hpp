// The loop over a stream: forward, loss, learner, optimiser, monitors.
//
// Order within a step: forward with the current W; loss, e and q; the learner's update with this step's
// J, D, a_hat; gradient; optimiser. The output weights always get e (x) [a, 1].
#pragma once

#include <Eigen/Eigenvalues>
#include <atomic>
#include <chrono>
#include <functional>
#include <limits>
#include <memory>

#include "cell/cell.hpp"
#include "core/random.hpp"
#include "core/snapshot.hpp"
#include "learner.hpp"
#include "optimiser/optimiser.hpp"

namespace axonomy {

// A cell, a learner and the random numbers both take: one step up to, not including, the gradient's use.
template <class T>
class Engine {
 public:
  Engine(std::shared_ptr<Cell<T>> cell, std::shared_ptr<Learner<T>> learner, std::uint64_t seed)
      : cell(std::move(cell)), learner(std::move(learner)), random(seed) {
    state_noise_ = Vector<T>::Zero(this->cell->shape().S());
    noise_ = Vector<T>::Zero(this->learner->noise_size());
    before_ = this->cell->state;
    this->learner->reset(this->cell->state.data());
  }

  void reset() {
    cell->state.setZero();
    learner->new_sequence(cell->state.data());
  }

  // Forward and loss; NaN where there is no target. A non-finite loss or state leaves everything as it
  // was before the step and returns false.
  bool observe(const T* x, const T* y, bool reset_first, T& loss, bool noisy = true) {
    before_ = cell->state;
    const Random before = random;
    if (reset_first) cell->state.setZero();
    const T* noise = nullptr;
    if (noisy && cell->state_noise > T(0)) {
      random.normals(state_noise_.data(), state_noise_.size());
      noise = state_noise_.data();
    }
    cell->forward(x, noise);
    cell->read_out();
    loss = std::numeric_limits<T>::quiet_NaN();
    if (y != nullptr)
      loss = cell->evaluate(y);
    else
      cell->no_error();
    if ((y != nullptr && !std::isfinite(loss)) || !all_finite(cell->state)) {
      cell->state = before_;
      random = before;
      return false;
    }
    if (reset_first) {
      // Forgetting comes after the checks so that a refused step leaves the learner untouched; the state
      // the learner starts from is the one before the step.
      before_.setZero();
      learner->new_sequence(before_.data());
    }
    return true;
  }

  // The numbers for the learner's step, drawn or given.
  const T* noise(const T* given = nullptr) {
    if (given != nullptr || noise_.size() == 0) return given;
    learner->draw(random, noise_.data());
    return noise_.data();
  }

  std::shared_ptr<Cell<T>> cell;
  std::shared_ptr<Learner<T>> learner;
  Random random;

 private:
  Vector<T> state_noise_, noise_, before_;
};

template <class T>
void add_output_gradient(const Cell<T>& cell, T scale, Matrix<T>& target) {
  const Index n = cell.shape().n, n_out = cell.shape().n_out;
  const T* e = cell.error().data();
  const T* a = cell.state.data() + cell.state.size() - n;
  T* out = target.data();
  // Plain loops: the columns are often shorter than what an expression costs to set up.
  for (Index j = 0; j <= n; ++j) {
    const T factor = j < n ? scale * a[j] : scale;
    for (Index i = 0; i < n_out; ++i) *out++ += factor * e[i];
  }
}

struct TrainerOptions {
  Schedule schedule;
  double clip = 0;  // of the norm over all parameters; 0: none
  double l2 = 0;    // on weights, not on the bias columns
  Index update_every = 1;
};

template <class T>
struct Sequence {
  const T* x = nullptr;  // (length, n_in), row-major
  const T* y = nullptr;  // (length, n_out), row-major
  const std::uint8_t* mask = nullptr;
  const std::uint8_t* reset = nullptr;
  Index length = 0;
};

struct MonitorRequest {
  bool gradient_norm = false, state_norm = false, spectral_radius = false, learner = false;
  Index every = 0;  // 0: nothing is recorded
};
struct MonitorRecord {
  std::uint64_t step;
  double loss, gradient_norm, state_norm, spectral_radius;
  Diagnostics learner;
};

struct RunOutcome {
  Index done = 0;         // steps completed
  bool diverged = false;  // at step `done`, which was not taken
  bool failed = false;    // the learner threw at step `done`, which was not taken
};

template <class T>
class Trainer {
 public:
  Trainer(std::shared_ptr<Cell<T>> cell, std::shared_ptr<Learner<T>> learner,
          std::unique_ptr<Optimiser<T>> optimiser, const TrainerOptions& options,
          std::uint64_t seed)
      : engine_(std::move(cell), std::move(learner), seed),
        optimiser_(std::move(optimiser)),
        options_(options),
        in_place_(optimiser_->is_plain() && options.clip == 0 && options.l2 == 0 &&
                  options.update_every == 1),
        gradient_(Matrix<T>::Zero(engine_.cell->W.rows(), engine_.cell->W.cols())),
        output_gradient_(
            Matrix<T>::Zero(engine_.cell->W_out.rows(), engine_.cell->W_out.cols())) {
    if (options_.update_every > 1) engine_.learner->defer();
    if (!engine_.learner->keeps_pattern()) clears_ = engine_.cell->shape().pattern.get();
  }

  Engine<T>& engine() { return engine_; }

  // Held while the trainer works: another thread, or a callback of the run, is refused.
  class Turn {
   public:
    explicit Turn(Trainer& trainer) : busy_(trainer.busy_) {
      if (busy_.exchange(true)) throw std::logic_error("the trainer is in the midst of a run");
    }
    ~Turn() { busy_ = false; }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

   private:
    std::atomic<bool>& busy_;
  };

  // State zero, past forgotten; what a learner from outside throws leaves all as it was.
  void reset() {
    step_snapshot_.whole(*this, [&] { engine_.reset(); });
  }

  std::uint64_t step_count() const { return steps_; }
  std::uint64_t update_count() const { return updates_; }

  // One sample; y null where there is no target. False if the step would not be finite: nothing changed. What a
  // learner from outside throws leaves nothing changed either.
  bool step(const T* x, const T* y, bool reset, T& loss, MonitorRecord* record = nullptr,
            const MonitorRequest* request = nullptr) {
    if (!engine_.learner->may_throw()) return take(x, y, reset, loss, record, request);
    return step_snapshot_.whole(*this, [&] { return take(x, y, reset, loss, record, request); });
  }

  // The whole sequence. `losses` (length,) gets each step's loss. `poll(done)` is called now and then and
  // at every multiple of `poll_every`; what it throws leaves the trainer between two steps, with
  // `outcome.done` steps taken.
  void run(const Sequence<T>& sequence, T* losses, const MonitorRequest& request,
           std::vector<MonitorRecord>& records, Index poll_every,
           const std::function<void(Index)>& poll, RunOutcome& outcome) {
    using Clock = std::chrono::steady_clock;
    if (!is_finite<T>(*this)) throw std::invalid_argument("run: the state is not finite to begin with");
    snapshot_.save(*this);
    Index saved_at = 0, stride = 1, next_poll = 1;
    auto saved_time = Clock::now(), polled_time = saved_time;
    for (Index i = 0; i < sequence.length; ++i) {
      MonitorRecord record{};
      const bool monitored =
          request.every > 0 && (steps_ + 1) % static_cast<std::uint64_t>(request.every) == 0;
      try {
        if (!step_of(sequence, i, losses[i], monitored ? &record : nullptr, &request)) {
          retrace(sequence, saved_at, i, losses, outcome);
          return;
        }
      } catch (...) {
        if (!is_finite<T>(*this)) retrace(sequence, saved_at, i, losses, outcome);
        outcome.failed = !outcome.diverged;
        throw;
      }
      outcome.done = i + 1;
      if (monitored) {
        record.step = steps_;
        records.push_back(std::move(record));
      }
      const bool wanted = poll_every > 0 && outcome.done % poll_every == 0;
      if (outcome.done < next_poll && !wanted) continue;
      // The stride adapts so that the clock is read, and poll called, every 10 to 40 ms.
      const auto now = Clock::now();
      const double elapsed = std::chrono::duration<double>(now - polled_time).count();
      if (outcome.done >= next_poll) {
        if (elapsed < 0.01) stride *= 2;
        if (elapsed > 0.04) stride = std::max<Index>(1, stride / 2);
        next_poll = outcome.done + stride;
        polled_time = now;
      }
      if (std::chrono::duration<double>(now - saved_time).count() > 1.0) {
        if (!is_finite<T>(*this)) {
          retrace(sequence, saved_at, outcome.done, losses, outcome);
          return;
        }
        snapshot_.save(*this);
        saved_at = outcome.done;
        saved_time = now;
      }
      if (!poll) continue;
      network_snapshot_.save(*engine_.cell);
      try {
        poll(outcome.done);
      } catch (...) {
        if (!is_finite<T>(*this)) retrace(sequence, saved_at, outcome.done, losses, outcome);
        throw;
      }
      if (!network_snapshot_.matches(*engine_.cell)) {
        // The callback has changed the network: what went before can no longer be retraced.
        snapshot_.save(*this);
        saved_at = outcome.done;
        saved_time = now;
      }
    }
    if (!is_finite<T>(*this)) retrace(sequence, saved_at, sequence.length, losses, outcome);
  }

  // Forward only: the state advances, nothing is learned.
  const Vector<T>& predict(const T* x) {
    T loss;
    if (!engine_.observe(x, nullptr, false, loss, false))
      throw std::domain_error("predict: the state would not be finite");
    return engine_.cell->output();
  }

  void visit(StateVisitor<T>& v) {
    v.enter("cell");
    engine_.cell->visit(v);
    v.leave();
    v.enter("learner");
    engine_.learner->visit(v);
    v.leave();
    v.enter("optimiser");
    optimiser_->visit(v);
    v.leave();
    v.enter("trainer");
    if (!in_place_) {
      v.matrix("gradient", gradient_);
      v.matrix("output_gradient", output_gradient_);
    }
    engine_.random.visit(v);
    v.word("steps", steps_);
    v.word("updates", updates_);
    v.word("pending", pending_);
    v.leave();
  }

 private:
  bool take(const T* x, const T* y, bool reset, T& loss, MonitorRecord* record, const MonitorRequest* request) {
    if (!engine_.observe(x, y, reset, loss)) return false;
    Cell<T>& cell = *engine_.cell;
    const Step<T> seen = cell.linearised(y);
    const T* noise = engine_.noise();
    const bool learns = y != nullptr || engine_.learner->looks_ahead();
    if (record != nullptr) measure(seen, noise, loss, learns, *record, *request);
    if (in_place_) {
      const T rate = -T(options_.schedule.rate(updates_));
      engine_.learner->step(seen, noise, rate, learns ? cell.W.data() : nullptr);
      if (learns && clears_ != nullptr) clears_->clear_others(cell.W);
      if (y != nullptr) add_output_gradient(cell, rate, cell.W_out);
      if (learns) ++updates_;
    } else {
      engine_.learner->step(seen, noise, T(1), learns ? gradient_.data() : nullptr);
      if (y != nullptr) add_output_gradient(cell, T(1), output_gradient_);
      if (learns) ++pending_;
      if ((steps_ + 1) % static_cast<std::uint64_t>(options_.update_every) == 0 && pending_ > 0)
        update();
    }
    if (record != nullptr) record->learner = engine_.learner->diagnostics();
    ++steps_;
    return true;
  }

  bool step_of(const Sequence<T>& s, Index i, T& loss, MonitorRecord* record,
               const MonitorRequest* request) {
    const Shape& shape = engine_.cell->shape();
    const bool used = s.mask == nullptr || s.mask[i] != 0;
    return step(s.x + i * shape.n_in, used ? s.y + i * shape.n_out : nullptr,
                s.reset != nullptr && s.reset[i] != 0, loss, record, request);
  }

  // Something between `from`, where all was finite, and `to` was not: go back, find the first step that
  // leaves anything non-finite, and end just before it. Runs are functions of their state, so the steps
  // repeat exactly.
  void retrace(const Sequence<T>& sequence, Index from, Index to, T* losses, RunOutcome& outcome) {
    snapshot_.restore(*this);
    Index good = from;
    while (good < to) {
      if (!step_of(sequence, good, losses[good], nullptr, nullptr) || !is_finite<T>(*this)) break;
      ++good;
    }
    snapshot_.restore(*this);
    for (Index i = from; i < good; ++i) step_of(sequence, i, losses[i], nullptr, nullptr);
    outcome.done = good;
    outcome.diverged = true;
  }

  void update() {
    engine_.learner->flush(gradient_.data());
    if (clears_ != nullptr) clears_->clear_others(gradient_);
    ++updates_;
    Cell<T>& cell = *engine_.cell;
    const T rate = T(options_.schedule.rate(updates_ - 1));
    if (options_.clip > 0) {
      const double norm = std::sqrt(static_cast<double>(gradient_.squaredNorm()) +
                                    static_cast<double>(output_gradient_.squaredNorm()));
      if (norm > options_.clip) {
        gradient_ *= T(options_.clip / norm);
        output_gradient_ *= T(options_.clip / norm);
      }
    }
    if (options_.l2 > 0) {
      const Index m = cell.W.cols() - 1, n = cell.W_out.cols() - 1;
      gradient_.leftCols(m) += T(options_.l2) * cell.W.leftCols(m);
      output_gradient_.leftCols(n) += T(options_.l2) * cell.W_out.leftCols(n);
    }
    optimiser_->begin_update(updates_);
    optimiser_->update(0, rate, gradient_, cell.W);
    optimiser_->update(1, rate, output_gradient_, cell.W_out);
    gradient_.setZero();
    output_gradient_.setZero();
    pending_ = 0;
  }

  // What is asked for, without a trace in the run: the gradient comes from a step that is taken back.
  void measure(const Step<T>& seen, const T* noise, T loss, bool learns, MonitorRecord& record,
               const MonitorRequest& request) {
    Cell<T>& cell = *engine_.cell;
    record.loss = static_cast<double>(loss);
    record.state_norm = static_cast<double>(cell.state.norm());
    record.gradient_norm = record.spectral_radius = std::numeric_limits<double>::quiet_NaN();
    if (request.gradient_norm && learns) {
      Matrix<T> gradient = Matrix<T>::Zero(cell.W.rows(), cell.W.cols());
      Matrix<T> output = Matrix<T>::Zero(cell.W_out.rows(), cell.W_out.cols());
      learner_snapshot_.save(*engine_.learner);
      engine_.learner->flush(gradient.data());
      gradient.setZero();
      engine_.learner->step(seen, noise, T(1), gradient.data());
      engine_.learner->flush(gradient.data());
      learner_snapshot_.restore(*engine_.learner);
      if (clears_ != nullptr) clears_->clear_others(gradient);
      add_output_gradient(cell, T(1), output);
      record.gradient_norm = std::sqrt(static_cast<double>(gradient.squaredNorm()) +
                                       static_cast<double>(output.squaredNorm()));
    }
    if (request.spectral_radius) {
      const Matrix<double> J = seen.J->dense().template cast<double>();
      record.spectral_radius =
          Eigen::EigenSolver<Matrix<double>>(J, false).eigenvalues().cwiseAbs().maxCoeff();
    }
  }

  Engine<T> engine_;
  std::unique_ptr<Optimiser<T>> optimiser_;
  TrainerOptions options_;
  bool in_place_;
  const Sparsity* clears_ = nullptr;  // where the learner's gradient has to be cleared; null: nowhere
  Matrix<T> gradient_, output_gradient_;
  std::uint64_t steps_ = 0, updates_ = 0, pending_ = 0;
  Snapshot<T> snapshot_, step_snapshot_, learner_snapshot_, network_snapshot_;
  std::atomic<bool> busy_{false};
};

// What `gradients` writes, row-major; those that may be null are not wanted then.
template <class T>
struct GradientsOut {
  T* recurrent;  // (length, R, m)
  T* output;     // (length, n_out, n + 1)
  T* losses;     // (length,)
  T* influence;  // (length, S, R, m) or null
  T* credit;     // (length, S) or null
};

// Gradients of every step at fixed weights. `done` counts the steps, short of `length` if one is not finite.
template <class T>
void gradients(Engine<T>& engine, const Sequence<T>& sequence, const T* noise, const GradientsOut<T>& out,
               const std::function<void(Index)>& poll, Index& done) {
  Cell<T>& cell = *engine.cell;
  const Shape shape = cell.shape();
  const Index R = shape.R(), m = shape.m, S = shape.S(), n_noise = engine.learner->noise_size();
  using RowMajor = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  const Sparsity* const clears = engine.learner->keeps_pattern() ? nullptr : shape.pattern.get();
  Matrix<T> gradient(R, m), output_gradient(shape.n_out, shape.n + 1), M;
  Vector<T> c;
  for (done = 0; done < sequence.length; ++done) {
    const Index i = done;
    const bool used = sequence.mask == nullptr || sequence.mask[i] != 0;
    const T* y = used ? sequence.y + i * shape.n_out : nullptr;
    if (!engine.observe(sequence.x + i * shape.n_in, y,
                        sequence.reset != nullptr && sequence.reset[i] != 0, out.losses[i]))
      return;
    gradient.setZero();
    output_gradient.setZero();
    const T* given = noise == nullptr ? nullptr : noise + i * n_noise;
    engine.learner->step(cell.linearised(y), engine.noise(given), T(1), gradient.data());
    if (clears != nullptr) clears->clear_others(gradient);
    if (used) add_output_gradient(cell, T(1), output_gradient);
    Eigen::Map<RowMajor>(out.recurrent + i * R * m, R, m) = gradient;
    Eigen::Map<RowMajor>(out.output + i * shape.n_out * (shape.n + 1), shape.n_out, shape.n + 1) =
        output_gradient;
    if (out.influence != nullptr && engine.learner->influence(M)) {
      T* entry = out.influence + i * S * R * m;
      for (Index k = 0; k < S; ++k)
        for (Index r = 0; r < R; ++r)
          for (Index j = 0; j < m; ++j) *entry++ = M(k, r + R * j);
    }
    if (out.credit != nullptr && engine.learner->credit(c)) std::copy_n(c.data(), S, out.credit + i * S);
    if (poll && i % 16 == 15) poll(i + 1);
  }
}

}  // namespace axonomy

// The loop over a stream, or over several side by side: forward, loss, learner, optimiser, monitors.
//
// Order within a step: forward with the current W; loss, e and q; the learner's update with this step's
// J, D, a_hat; gradient; optimiser. The output weights always get e (x) [a, 1].
//
// Several streams share the weights; each has a cell, a learner and random numbers of its own, and the gradient is the
// mean over them. A team of threads shares the streams out; sums are taken in the streams' order whatever their number.
// A single stream's learner has the team to itself.
#pragma once

#include <Eigen/Eigenvalues>
#include <atomic>
#include <chrono>
#include <functional>
#include <limits>
#include <memory>

#include "cell/cell.hpp"
#include "core/delayed_trace.hpp"
#include "core/random.hpp"
#include "core/snapshot.hpp"
#include "core/team.hpp"
#include "learner.hpp"
#include "optimiser/optimiser.hpp"

namespace axonomy {

// A cell, a learner and the random numbers both take: one step up to, not including, the gradient's use.
template <class T>
class Engine {
 public:
  Engine(std::shared_ptr<Cell<T>> cell, std::shared_ptr<Learner<T>> learner, std::uint64_t seed)
      : cell(std::move(cell)), learner(std::move(learner)), random(seed), random_before_(seed) {
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
  bool observe(const T* x, const T* y, bool reset_first, T& loss) {
    return observe(x, y, reset_first, loss, [this] { cell->multiply(); });
  }
  template <class Multiply>
  bool observe(const T* x, const T* y, bool reset_first, T& loss, const Multiply& multiply) {
    begin(x, reset_first);
    multiply();
    if (!conclude(y, loss)) {
      undo();
      return false;
    }
    commit();
    return true;
  }

  // The same in parts: up to h = W a_hat, which the caller sees to; the rest, and whether it is finite; then either of
  // the two.
  void begin(const T* x, bool reset_first) {
    before_ = cell->state;
    resets_ = reset_first;
    if (reset_first) cell->state.setZero();
    cell->take_input(x);
  }
  bool conclude(const T* y, T& loss, bool noisy = true) {
    random_before_ = random;
    const T* noise = nullptr;
    if (noisy && cell->state_noise > T(0)) {
      random.normals(state_noise_.data(), state_noise_.size());
      noise = state_noise_.data();
    }
    cell->settle(noise);
    cell->read_out();
    loss = std::numeric_limits<T>::quiet_NaN();
    if (y != nullptr)
      loss = cell->evaluate(y);
    else
      cell->no_error();
    return (y == nullptr || std::isfinite(loss)) && all_finite(cell->state);
  }
  void undo() {
    cell->state = before_;
    random = random_before_;
  }
  void commit() {
    if (!resets_) return;
    // Forgetting comes after the checks so that a refused step leaves the learner untouched; the state the learner
    // starts from is the one before the step.
    before_.setZero();
    learner->new_sequence(before_.data());
  }

  // The numbers for the learner's step, drawn or given.
  const T* noise(const T* given = nullptr) {
    if (given != nullptr || noise_.size() == 0) return given;
    learner->draw(random, noise_.data());
    return noise_.data();
  }
  // Those drawn last.
  const T* drawn() const { return noise_.size() == 0 ? nullptr : noise_.data(); }

  std::shared_ptr<Cell<T>> cell;
  std::shared_ptr<Learner<T>> learner;
  Random random;

 private:
  Vector<T> state_noise_, noise_, before_;
  Random random_before_;
  bool resets_ = false;
};

template <class T>
void add_output_gradient(const Cell<T>& cell, T scale, Matrix<T>& target) {
  const Index n = cell.shape().n, n_out = cell.shape().n_out;
  for (Index i = 0; i < n_out; ++i) {
    const T error = scale * cell.error()[i];
    add_scaled(n, error, cell.activity().data(), target.data() + i * (n + 1));
    target(n, i) += error;
  }
}

struct TrainerOptions {
  Schedule schedule;
  double clip = 0;  // of the norm over all parameters; 0: none
  double l2 = 0;    // on weights, not on the bias columns
  Index update_every = 1;
  // Bytes of W from which a rule that is one trace of its size changes it block by block.
  Index delay_from = std::numeric_limits<Index>::max();
};

// What comes in one step, or in many one after the other: a row of each stream. y or a flag may be missing.
template <class T>
struct Samples {
  const T* x = nullptr;  // (streams, n_in), row-major
  const T* y = nullptr;  // (streams, n_out), row-major
  const std::uint8_t* mask = nullptr;
  const std::uint8_t* reset = nullptr;

  const T* input(const Shape& shape, Index i) const { return x + i * shape.n_in; }
  const T* target(const Shape& shape, Index i) const {
    return y != nullptr && (mask == nullptr || mask[i] != 0) ? y + i * shape.n_out : nullptr;
  }
  bool resets(Index i) const { return reset != nullptr && reset[i] != 0; }
  Samples from(const Shape& shape, Index i) const {
    return {x + i * shape.n_in, y == nullptr ? nullptr : y + i * shape.n_out, mask == nullptr ? nullptr : mask + i,
            reset == nullptr ? nullptr : reset + i};
  }
};

template <class T>
struct Sequence : Samples<T> {
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
class Trainer : Behind {
 public:
  // One learner a stream. The first stream is the cell's own; the others begin in the same state and draw as a run by
  // itself would with the seeds that follow.
  Trainer(const std::shared_ptr<Cell<T>>& cell, std::vector<std::shared_ptr<Learner<T>>> learners,
          std::unique_ptr<Optimiser<T>> optimiser, const TrainerOptions& options, std::uint64_t seed, int threads = 1)
      : optimiser_(std::move(optimiser)),
        options_(options),
        in_place_(learners.size() == 1 && optimiser_->is_plain() && options.clip == 0 && options.l2 == 0 &&
                  options.update_every == 1),
        gradient_(Matrix<T>::Zero(cell->W.rows(), cell->W.cols())),
        output_gradient_(Matrix<T>::Zero(cell->W_out.rows(), cell->W_out.cols())),
        absent_(cell->shape()),
        team_(std::max(1, learners.size() == 1 ? threads : std::min(threads, static_cast<int>(learners.size())))) {
    clears_ = !absent_.none() && !learners.front()->keeps_absent();
    for (auto& learner : learners) {
      const std::uint64_t stream = engines_.size();
      auto own = stream == 0 ? cell : cell->sibling();
      engines_.push_back(std::make_unique<Engine<T>>(std::move(own), std::move(learner), seed + stream));
      if (options_.update_every > 1) engines_.back()->learner->defer();
      relied_on_ = engines_.back()->learner->rely_on_weights(in_place_ && !clears_);
    }
    if (streams() == 1) {
      if (has_team()) engine().learner->use(&team_);
      const Shape& shape = cell->shape();
      const Index bytes = shape.R() * shape.m * static_cast<Index>(sizeof(T));
      if (in_place_ && absent_.none() && bytes >= options.delay_from && engine().learner->trace() != nullptr)
        delayed_ = std::make_unique<DelayedTrace<T>>(shape.R(), shape.m, engine().learner->measures_trace());
      return;
    }
    parts_.resize(engines_.size());
    for (auto& part : parts_) part = {gradient_, output_gradient_, false, false};
    const Shape& shape = cell->shape();
    if (!shape.element_wise && !shape.pattern && streams() > 2) {
      regressors_ = Matrix<T>::Zero(shape.m, streams());
      drives_ = Matrix<T>::Zero(shape.R(), streams());
    }
  }

  ~Trainer() override {
    catch_up();
    engine().learner->use(nullptr);  // which others may hold
    engine().learner->rely_on_weights(false);
  }
  Trainer(const Trainer&) = delete;
  Trainer& operator=(const Trainer&) = delete;

  Index streams() const { return static_cast<Index>(engines_.size()); }
  Engine<T>& engine(Index stream = 0) { return *engines_[static_cast<std::size_t>(stream)]; }
  const Shape& shape() const { return engines_.front()->cell->shape(); }
  bool has_team() const { return team_.size() > 1; }

  // Held while the trainer works: another thread, a callback of the run, and other trainers of the network are
  // refused.
  class Turn {
   public:
    explicit Turn(Trainer& trainer) : trainer_(trainer) {
      if (!owner().begin_run())
        throw std::logic_error(std::string("the ") + (trainer.busy_ ? "trainer" : "network") +
                               " is in the midst of a run");
      trainer.busy_ = true;
      Cell<T>& cell = *trainer.engine().cell;
      if (!trainer.is_behind_) cell.catch_up();  // where another trainer is
    }
    ~Turn() {
      trainer_.busy_ = false;
      owner().end_run();
    }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

   private:
    RunOwner& owner() { return trainer_.engine().cell->run_owner; }
    Trainer& trainer_;
  };

  // State zero, past forgotten; what a learner from outside throws leaves all as it was.
  void reset() {
    step_snapshot_.whole(*this, [&] {
      for (auto& engine : engines_) engine->reset();
      if (delayed_) delayed_->forget();
    });
  }

  // W and the learner's trace as they are now, if that is kept in another form; or W as it was, if the learner relies on it.
  void catch_up() override {
    if (!is_behind_) return;
    is_behind_ = false;
    Cell<T>& cell = *engine().cell;
    if (delayed_)
      delayed_->write(cell.W.data(), engine().learner->trace());
    else
      engine().learner->keep_weights();
    cell.fall_behind(nullptr);
  }

  // The learner's quantities of the last step; of several streams, their means.
  Diagnostics diagnostics() {
    Diagnostics mean = engine().learner->diagnostics();
    for (Index b = 1; b < streams(); ++b) {
      const Diagnostics other = engine(b).learner->diagnostics();
      if (other.size() != mean.size())
        throw std::invalid_argument("diagnostics: expected the same names of every stream");
      for (std::size_t i = 0; i < mean.size(); ++i) mean[i].second += other[i].second;
    }
    for (auto& entry : mean) entry.second /= static_cast<double>(streams());
    return mean;
  }

  std::uint64_t step_count() const { return steps_; }
  std::uint64_t update_count() const { return updates_; }

  // One sample of each stream; `losses` (streams,). False if the step would not be finite: nothing changed. What a
  // learner from outside throws leaves nothing changed either.
  bool step(const Samples<T>& samples, T* losses, MonitorRecord* record = nullptr,
            const MonitorRequest* request = nullptr) {
    const auto taken = [&] {
      return streams() == 1 ? take(samples, losses[0], record, request)
                            : take_all(samples, losses, record, request);
    };
    return engine().learner->may_throw() ? step_snapshot_.whole(*this, taken) : taken();
  }

  // The whole sequence. `losses` (length, streams) gets each step's loss. `poll(done)` is called now and then and
  // at every multiple of `poll_every`; what it throws leaves the trainer between two steps, with
  // `outcome.done` steps taken.
  void run(const Sequence<T>& sequence, T* losses, const MonitorRequest& request,
           std::vector<MonitorRecord>& records, Index poll_every,
           const std::function<void(Index)>& poll, RunOutcome& outcome) {
    using Clock = std::chrono::steady_clock;
    const auto seconds = [](auto from, auto to) { return std::chrono::duration<double>(to - from).count(); };
    const auto begun = Clock::now();
    if (!is_finite<T>(*this)) throw std::invalid_argument("run: the state is not finite to begin with");
    snapshot_.save(*this);
    Index saved_at = 0, stride = 1, next_poll = 1;
    auto saved_time = Clock::now(), polled_time = saved_time;
    // About once a second, and seldom enough that it costs a fiftieth of the time.
    const double save_every = std::max(1.0, 50 * seconds(begun, saved_time));
    for (Index i = 0; i < sequence.length; ++i) {
      MonitorRecord record{};
      const bool monitored =
          request.every > 0 && (steps_ + 1) % static_cast<std::uint64_t>(request.every) == 0;
      try {
        if (!step_of(sequence, i, losses, monitored ? &record : nullptr, &request)) {
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
      const double elapsed = seconds(polled_time, now);
      if (outcome.done >= next_poll) {
        if (elapsed < 0.01) stride *= 2;
        if (elapsed > 0.04) stride = std::max<Index>(1, stride / 2);
        next_poll = outcome.done + stride;
        polled_time = now;
      }
      if (seconds(saved_time, now) > save_every) {
        if (!is_finite<T>(*this)) {
          retrace(sequence, saved_at, outcome.done, losses, outcome);
          return;
        }
        snapshot_.save(*this);
        saved_at = outcome.done;
        saved_time = now;
      }
      if (!poll) continue;
      catch_up();
      Network network{*this};
      network_snapshot_.save(network);
      try {
        poll(outcome.done);
      } catch (...) {
        if (!is_finite<T>(*this)) retrace(sequence, saved_at, outcome.done, losses, outcome);
        throw;
      }
      if (!network_snapshot_.matches(network)) {
        // The callback has changed the network: what went before can no longer be retraced.
        snapshot_.save(*this);
        saved_at = outcome.done;
        saved_time = now;
      }
    }
    if (!is_finite<T>(*this)) retrace(sequence, saved_at, sequence.length, losses, outcome);
  }

  // Forward only: the states advance, nothing is learned. x (streams, n_in) row-major.
  void predict(const T* x) {
    T loss;
    bool finite = true;
    for (Index b = 0; b < streams(); ++b) {
      engine(b).begin(x + b * shape().n_in, false);
      multiply(engine(b));
      finite = engine(b).conclude(nullptr, loss, false) && finite;
    }
    if (finite) return;
    for (auto& engine : engines_) engine->undo();
    throw std::domain_error("predict: the state would not be finite");
  }

  void visit(StateVisitor<T>& v) {
    if (delayed_) {
      catch_up();
      if (!in_block()) begun_ = 0;
    }
    v.enter("cell");
    engine().cell->visit(v);
    v.leave();
    v.enter("learner");
    engine().learner->visit(v);
    v.leave();
    v.enter("optimiser");
    optimiser_->visit(v);
    v.leave();
    v.enter("trainer");
    if (!in_place_) {
      v.matrix("gradient", gradient_);
      v.matrix("output_gradient", output_gradient_);
    }
    engine().random.visit(v);
    v.word("steps", steps_);
    v.word("updates", updates_);
    v.word("pending", pending_);
    v.leave();
    if (delayed_) {
      v.enter("delayed");
      delayed_->visit(v);
      v.word("begun", begun_, 1);
      v.leave();
      version_ = engine().cell->version();
    }
    for (Index b = 0; streams() > 1 && b < streams(); ++b) {
      v.enter("stream_" + std::to_string(b));
      Part& part = parts_[static_cast<std::size_t>(b)];
      v.matrix("gradient", part.gradient);
      v.matrix("output_gradient", part.output_gradient);
      if (b > 0) {
        v.vector("state", engine(b).cell->state);
        engine(b).random.visit(v);
        v.enter("learner");
        engine(b).learner->visit(v);
        v.leave();
      }
      v.leave();
    }
  }

 private:
  // Of one of several streams: its part of the gradient, whether it learns from the present step, and whether that is
  // finite.
  struct Part {
    Matrix<T> gradient, output_gradient;
    bool learns, finite;
  };
  // All of the network that a callback may change.
  struct Network {
    Trainer& trainer;
    void visit(StateVisitor<T>& v) {
      Cell<T>& cell = *trainer.engine().cell;
      cell.visit(v);
      auto size = static_cast<std::uint64_t>(cell.feedback.size());  // before what has this size
      v.word("feedback_size", size);
      v.matrix("feedback", cell.feedback);
      v.array("state_noise", &cell.state_noise, {1});
      for (Index b = 1; b < trainer.streams(); ++b) v.vector("state", trainer.engine(b).cell->state);
    }
  };

  // Whether W is that of the present block: nobody has changed it.
  bool in_block() const { return begun_ != 0 && version_ == engines_.front()->cell->version(); }

  // h = W a_hat
  void multiply(Engine<T>& engine) {
    if (delayed_ && in_block())
      delayed_->multiply(engine.cell->a_hat().data(), engine.cell->drive(), engine.learner->next_multiplied());
    else
      engine.cell->multiply();
  }

  // A step of a rule that is one trace, of which W and the trace themselves are told later.
  void delay(const Step<T>& seen, const T* noise, T rate, bool learns) {
    Engine<T>& engine = *engines_.front();
    Cell<T>& cell = *engine.cell;
    if (engine.learner->needs_weights()) catch_up();
    engine.learner->trace_step(seen, noise, rate, learns, delayed_->next());
    delayed_->take(cell.a_hat().data());
    cell.bind_weights(nullptr);
    cell.weights_change();
    version_ = cell.version();
    stand_behind(cell);
  }
  void stand_behind(Cell<T>& cell) {
    is_behind_ = true;
    cell.fall_behind(this);
  }

  bool take(const Samples<T>& samples, T& loss, MonitorRecord* record, const MonitorRequest* request) {
    Engine<T>& engine = *engines_.front();
    const T* y = samples.target(shape(), 0);
    if (delayed_ && !in_block()) {
      delayed_->begin(engine.cell->W.data(), engine.learner->trace());
      begun_ = 1;
      version_ = engine.cell->version();
    }
    if (!engine.observe(samples.x, y, samples.resets(0), loss, [&] { multiply(engine); })) return false;
    Cell<T>& cell = *engine.cell;
    if (delayed_) {
      if (samples.resets(0)) delayed_->forget();
      cell.bind_weights(delayed_.get());
      if (record != nullptr) catch_up();
    }
    const Step<T> seen = cell.linearised(y);
    const T* noise = engine.noise();
    const bool learns = y != nullptr || engine.learner->looks_ahead();
    if (record != nullptr) measure(samples, &loss, *record, *request);
    if (in_place_) {
      const T rate = -T(options_.schedule.rate(updates_));
      if (delayed_)
        delay(seen, noise, rate, learns);
      else
        engine.learner->step(seen, noise, rate, learns ? cell.W.data() : nullptr);
      if (learns && clears_) absent_.clear(cell.W.data());
      if (!delayed_ && learns && engine.learner->added()) cell.weights_change();
      if (relied_on_) stand_behind(cell);
      if (y != nullptr) add_output_gradient(cell, rate, cell.W_out);
      if (learns) ++updates_;
    } else {
      engine.learner->step(seen, noise, T(1), learns ? gradient_.data() : nullptr);
      if (y != nullptr) add_output_gradient(cell, T(1), output_gradient_);
      if (learns) ++pending_;
      if (update_is_due()) update();
    }
    if (record != nullptr) record->learner = diagnostics();
    ++steps_;
    return true;
  }

  bool take_all(const Samples<T>& samples, T* losses, MonitorRecord* record, const MonitorRequest* request) {
    const Shape& shape = this->shape();
    const auto share_out = [&](const auto& work) {
      team_.run([&](int member) {
        const Index size = team_.size(), first = streams() * member / size, last = streams() * (member + 1) / size;
        work(first, last);
      });
    };
    share_out([&](Index first, Index last) {
      for (Index b = first; b < last; ++b) engine(b).begin(samples.input(shape, b), samples.resets(b));
      multiply(first, last);
      for (Index b = first; b < last; ++b)
        part(b).finite = engine(b).conclude(samples.target(shape, b), losses[b]);
    });
    for (const Part& part : parts_) {
      if (part.finite) continue;
      for (auto& engine : engines_) engine->undo();
      return false;
    }
    const T share = T(1) / static_cast<T>(streams());
    bool any = false;
    for (Index b = 0; b < streams(); ++b) {
      part(b).learns = samples.target(shape, b) != nullptr || engine(b).learner->looks_ahead();
      any = any || part(b).learns;
    }
    if (any) ++pending_;
    const bool due = update_is_due();
    const auto prepare = [&](Index b) {
      engine(b).commit();
      engine(b).noise();
    };
    if (record != nullptr) {
      for (Index b = 0; b < streams(); ++b) prepare(b);
      measure(samples, losses, *record, *request);
    }
    share_out([&](Index first, Index last) {
      for (Index b = first; b < last; ++b) {
        if (record == nullptr) prepare(b);
        Cell<T>& cell = *engine(b).cell;
        const T* y = samples.target(shape, b);
        engine(b).learner->step(cell.linearised(y), engine(b).drawn(), share,
                                part(b).learns ? part(b).gradient.data() : nullptr);
        if (y != nullptr) add_output_gradient(cell, share, part(b).output_gradient);
        if (due) engine(b).learner->flush(part(b).gradient.data());
      }
    });
    if (due) {
      add_parts();
      for (Part& part : parts_) {
        output_gradient_ += part.output_gradient;
        part.output_gradient.setZero();
      }
      update();
    }
    if (record != nullptr) record->learner = diagnostics();
    ++steps_;
    return true;
  }

  // gradient_ += those of the streams, in their order; a large one in stretches, side by side.
  void add_parts() {
    const auto add_stretch = [&](Index first, Index count) {
      for (Part& part : parts_) {
        Eigen::Map<Vector<T>> stretch(part.gradient.data() + first, count);
        Eigen::Map<Vector<T>>(gradient_.data() + first, count) += stretch;
        stretch.setZero();
      }
    };
    const Index all = gradient_.size(), size = team_.size();
    if (all * streams() < 65536) return add_stretch(0, all);
    team_.run([&](int member) {
      const Index first = all * member / size;
      add_stretch(first, all * (member + 1) / size - first);
    });
  }

  Part& part(Index stream) { return parts_[static_cast<std::size_t>(stream)]; }

  // h = W a_hat of some of the streams, in one product where W is read whole. Which of the two it is, and so the last
  // bits, does not depend on how the streams are shared out.
  void multiply(Index first, Index last) {
    if (drives_.size() == 0 || first == last) {
      for (Index b = first; b < last; ++b) engine(b).cell->multiply();
      return;
    }
    const Index R = drives_.rows(), m = regressors_.rows();
    for (Index b = first; b < last; ++b) regressors_.col(b) = engine(b).cell->a_hat();
    gemm<T>(R, last - first, m, engine().cell->W.data(), R, regressors_.col(first).data(), m,
            drives_.col(first).data(), R);
    for (Index b = first; b < last; ++b) std::copy_n(drives_.col(b).data(), R, engine(b).cell->drive());
  }

  bool update_is_due() const {
    return (steps_ + 1) % static_cast<std::uint64_t>(options_.update_every) == 0 && pending_ > 0;
  }

  bool step_of(const Sequence<T>& s, Index i, T* losses, MonitorRecord* record, const MonitorRequest* request) {
    return step(s.from(shape(), i * streams()), losses + i * streams(), record, request);
  }

  // Something between `from`, where all was finite, and `to` was not: go back, find the first step that
  // leaves anything non-finite, and end just before it. Runs are functions of their state, so the steps
  // repeat exactly.
  void retrace(const Sequence<T>& sequence, Index from, Index to, T* losses, RunOutcome& outcome) {
    snapshot_.restore(*this);
    Index good = from;
    while (good < to) {
      if (!step_of(sequence, good, losses, nullptr, nullptr) || !is_finite<T>(*this)) break;
      ++good;
    }
    snapshot_.restore(*this);
    for (Index i = from; i < good; ++i) step_of(sequence, i, losses, nullptr, nullptr);
    outcome.done = good;
    outcome.diverged = true;
  }

  void update() {
    if (streams() == 1) engine().learner->flush(gradient_.data());
    if (clears_) absent_.clear(gradient_.data());
    ++updates_;
    Cell<T>& cell = *engine().cell;
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
      const Index m = cell.W.cols() - 1, n = cell.W_out.rows() - 1;
      gradient_.leftCols(m) += T(options_.l2) * cell.W.leftCols(m);
      output_gradient_.topRows(n) += T(options_.l2) * cell.W_out.topRows(n);
    }
    cell.weights_change();
    optimiser_->begin_update(updates_);
    optimiser_->update(0, rate, gradient_, cell.W);
    optimiser_->update(1, rate, output_gradient_, {cell.W_out.data(), cell.W_out.rows(), cell.W_out.cols()});
    gradient_.setZero();
    output_gradient_.setZero();
    pending_ = 0;
  }

  // What is asked for, without a trace in the run: the gradient comes from steps that are taken back. With several
  // streams, the norm of their mean gradient, and means over them of the rest.
  void measure(const Samples<T>& samples, const T* losses, MonitorRecord& record, const MonitorRequest& request) {
    const double count = static_cast<double>(streams());
    const double nothing = std::numeric_limits<double>::quiet_NaN();
    Matrix<T> gradient = Matrix<T>::Zero(gradient_.rows(), gradient_.cols());
    Matrix<T> output = Matrix<T>::Zero(output_gradient_.rows(), output_gradient_.cols());
    bool any = false;
    double loss = 0, with_loss = 0;
    record.state_norm = 0;
    record.spectral_radius = request.spectral_radius ? 0 : nothing;
    for (Index b = 0; b < streams(); ++b) {
      Engine<T>& engine = this->engine(b);
      Cell<T>& cell = *engine.cell;
      const T* y = samples.target(shape(), b);
      const Step<T> seen = cell.linearised(y);
      const T share = T(1) / static_cast<T>(streams());
      record.state_norm += static_cast<double>(cell.state.norm()) / count;
      if (y != nullptr) {
        loss += static_cast<double>(losses[b]);
        ++with_loss;
      }
      if (request.spectral_radius) {
        const Matrix<double> J = seen.J->dense().template cast<double>();
        record.spectral_radius += Eigen::EigenSolver<Matrix<double>>(J, false).eigenvalues().cwiseAbs().maxCoeff() / count;
      }
      if (!request.gradient_norm || (y == nullptr && !engine.learner->looks_ahead())) continue;
      any = true;
      learner_snapshot_.save(*engine.learner);
      Matrix<T> before = Matrix<T>::Zero(gradient_.rows(), gradient_.cols());
      engine.learner->flush(before.data());
      engine.learner->step(seen, engine.drawn(), share, gradient.data());
      engine.learner->flush(gradient.data());
      learner_snapshot_.restore(*engine.learner);
      if (y != nullptr) add_output_gradient(cell, share, output);
    }
    if (clears_) absent_.clear(gradient.data());
    record.loss = with_loss > 0 ? loss / with_loss : nothing;
    record.gradient_norm = any ? std::sqrt(static_cast<double>(gradient.squaredNorm()) +
                                           static_cast<double>(output.squaredNorm()))
                               : nothing;
  }

  std::vector<std::unique_ptr<Engine<T>>> engines_;
  std::unique_ptr<Optimiser<T>> optimiser_;
  TrainerOptions options_;
  bool in_place_;
  Matrix<T> gradient_, output_gradient_;
  AbsentWeights absent_;
  bool clears_ = false;  // whether the learner's gradient has to be cleared there
  // Of a rule that is one trace of W's size, where W is large: both of them, block by block.
  std::unique_ptr<DelayedTrace<T>> delayed_;
  std::uint64_t begun_ = 0;    // whether there is a block,
  std::uint64_t version_ = 0;  // and of which version of W it is
  bool is_behind_ = false;     // whether the block has gone on since W and the trace were written, or W is relied on
  bool relied_on_ = false;     // whether the learner may rely on W
  Team team_;
  std::vector<Part> parts_;         // of each stream, if there are several
  Matrix<T> regressors_, drives_;   // (m, streams), (R, streams): workspace
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
  const AbsentWeights absent(shape);
  Matrix<T> gradient(R, m), output_gradient(shape.n + 1, shape.n_out), M;
  Vector<T> c;
  for (done = 0; done < sequence.length; ++done) {
    const Index i = done;
    const T* y = sequence.target(shape, i);
    if (!engine.observe(sequence.input(shape, i), y, sequence.resets(i), out.losses[i])) return;
    gradient.setZero();
    output_gradient.setZero();
    const T* given = noise == nullptr ? nullptr : noise + i * n_noise;
    engine.learner->step(cell.linearised(y), engine.noise(given), T(1), gradient.data());
    absent.clear(gradient.data());
    if (y != nullptr) add_output_gradient(cell, T(1), output_gradient);
    Eigen::Map<RowMajor>(out.recurrent + i * R * m, R, m) = gradient;
    std::copy_n(output_gradient.data(), output_gradient.size(), out.output + i * output_gradient.size());
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

// The interface between the training loop and a learning rule: a handful of virtual calls a step.
#pragma once

#include <utility>

#include "cell/linearisation.hpp"
#include "core/gemv.hpp"
#include "core/random.hpp"
#include "core/sweep.hpp"
#include "core/types.hpp"
#include "core/weights.hpp"

namespace axonomy {

using Diagnostics = std::vector<std::pair<std::string, double>>;

// Of a gradient that is otherwise an estimate: the term of the present step.
enum class Current { exact, estimated };
// The gradient that a split adds while it mixes, in one pass over its factor and the target; null: none.
template <class T>
struct WantedGradient {
  Current current = Current::exact;
  T scale = T(0);
  T* target = nullptr;
};

template <class T>
struct TraceStep;  // core/delayed_trace.hpp

template <class T>
class Learner {
 public:
  virtual ~Learner() = default;

  // The random numbers one step takes. The caller draws them, or replays given ones.
  virtual NoiseKind noise_kind() const { return NoiseKind::none; }
  virtual Index noise_size() const { return 0; }
  virtual void draw(Random& random, T* out) const { random.fill(noise_kind(), out, noise_size()); }

  // As new. `state` (S,) is the state from which the network goes on.
  virtual void reset(const T* state) = 0;
  // A new sequence begins at `state`: what came before no longer bears on what comes. Gradients of the last
  // sequence that are still due stay due, and what was learned of the network stays learned.
  virtual void new_sequence(const T* state) { reset(state); }

  // Whether a step runs code from outside the core, which may throw half-way.
  virtual bool may_throw() const { return false; }

  // Whether the gradient counts losses to come, so that there is one at steps without a target too.
  virtual bool looks_ahead() const { return false; }

  // From now on steps may share their work out over this team, or over none if it is null.
  virtual void use(Team* team) { (void)team; }

  // Takes in one step and adds scale * gradient (R, m) to `target`, or nothing if `target` is null.
  // `target` may be the weights themselves: everything that depends on W is read before it is written.
  virtual void step(const Step<T>& step, const T* noise, T scale, T* target) = 0;

  // Whether the last step added anything to its target.
  virtual bool added() const { return true; }

  // B (R, m), of a rule that is one trace of W's size beside what is smaller (core/delayed_trace.hpp); of others null. Such a
  // rule may be asked for what a step does to W and B instead of doing it. The J that it is given then multiplies vectors,
  // and knows the weights of units from themselves, but no more of W, unless the rule needs all.
  virtual T* trace() { return nullptr; }
  virtual bool measures_trace() const { return false; }  // whether it has to know |B|^2
  // x (n,) that the next step will multiply J by, as long as none begins a new sequence; or null.
  virtual const T* next_multiplied() const { return nullptr; }
  virtual bool needs_weights() const { return false; }
  virtual void trace_step(const Step<T>& step, const T* noise, T scale, bool learns, TraceStep<T>& out) {
    (void)step, (void)noise, (void)scale, (void)learns, (void)out;
  }

  // Whether W may be relied on to stay as it is, but for what this learner adds to it, until it is told to keep W as it was; it
  // spares a copy. Returns whether that is made use of.
  virtual bool rely_on_weights(bool may) {
    (void)may;
    return false;
  }
  virtual void keep_weights() {}

  // Gradients are only wanted as sums over steps: they may be kept back until `flush`, which adds all that
  // were. Called once, before the first step.
  virtual void defer() {}
  virtual void flush(T* target) { (void)target; }

  // M (S, R*m), k fastest: the influence the learner stands for. False if it keeps none.
  virtual bool influence(Matrix<T>& M) const {
    (void)M;
    return false;
  }
  // c (S,): the credit behind the last gradient, that of its earliest step. False if it keeps none.
  virtual bool credit(Vector<T>& c) const {
    (void)c;
    return false;
  }

  // Whether the gradient is by itself zero where W has no weight; otherwise whoever uses the gradient clears it there.
  virtual bool keeps_absent() const { return false; }

  virtual void visit(StateVisitor<T>& visitor) = 0;
  virtual Diagnostics diagnostics() const { return {}; }
};

// Calls what is to be done with the regressors of W's rows from `first` on: shared by all rows, or one set a row.
template <class T, class Use>
inline void with_regressors(const Shape& shape, const T* a_hat, Index first, const Use& use) {
  if (shape.element_wise)
    use(PerEntry<T>{a_hat + first, shape.R()});
  else
    use(PerColumn<T>{a_hat});
}

// target (R, m) += scale * row_i a_hat_ij, for regressors that all rows share or for one set a row.
template <class T>
inline void add_immediate(const Shape& shape, T scale, const T* row, const T* a_hat, T* target, Team* team = nullptr) {
  const Index R = shape.R();
  if (!shape.element_wise) return add_outer(team, scale, row, R, a_hat, shape.m, target);
  for (Index j = 0; j < shape.m; ++j)
    for (Index i = 0; i < R; ++i) target[j * R + i] += scale * row[i] * a_hat[j * R + i];
}

}  // namespace axonomy

// SnAp-n on sparse recurrent weights (Menick et al. 2021): of the rows of unit u, M is kept for the states of K_u,
// the units that u reaches along existing weights within n - 1 steps, and for the existing weights J_u alone:
//
//     B_u (K_u, rows of u, J_u)      B_u <- J[K_u, K_u] B_u + D[., u] a_hat[J_u]      gradient_u = q[K_u] B_u
//
// Exact once n - 1 steps reach all that can be reached. With k kept states and d weights a row: memory O(k d n),
// time O(k d^2 n).
#pragma once

#include "../learner.hpp"

namespace axonomy {

template <class T>
class SparseInfluence final : public Learner<T> {
 public:
  SparseInfluence(const Shape& shape, Index hops)
      : shape_(shape), own_(shape.n, shape.states_per_unit, shape.states_per_unit) {
    if (shape.pattern == nullptr)
      throw std::invalid_argument("make_learner: this rule needs sparse recurrent weights");
    const Index n = shape.n, p = shape.states_per_unit, g = shape.rows_per_unit;
    const Sparsity& pattern = *shape.pattern;
    std::vector<std::vector<Link>> inputs(static_cast<std::size_t>(n));  // of each unit: from whom, which weight
    for (Index v = 0; v < n; ++v)
      for (Index w = pattern.begin(v); w < pattern.end(v); ++w)
        inputs[index(pattern.unit(w))].push_back({v, w});

    std::vector<Index> reached_by(static_cast<std::size_t>(n), -1), place(static_cast<std::size_t>(n));
    Index most_entries = 0, most_columns = 0, most_regressors = 0, most_links = 0, total = 0;
    for (Index u = 0; u < n; ++u) {
      Rows rows{static_cast<Index>(states_.size()), 0, static_cast<Index>(regressors_.size()), 0, total, 0};
      const auto reach = [&](Index unit) {
        if (reached_by[index(unit)] == u) return;
        reached_by[index(unit)] = u;
        place[index(unit)] = rows.states++;
        states_.push_back({unit, 0, 0});
      };
      reach(u);
      Index frontier = 0;
      for (Index hop = 1; hop < hops && frontier < rows.states; ++hop)
        for (const Index stop = rows.states; frontier < stop; ++frontier) {
          const Index v = states_[index(rows.first_state + frontier)].unit;
          for (Index w = pattern.begin(v); w < pattern.end(v); ++w) reach(pattern.unit(w));
        }
      for (Index k = 0; k < rows.states; ++k) {
        State& state = states_[index(rows.first_state + k)];
        state.first_link = static_cast<Index>(links_.size());
        for (const Link& input : inputs[index(state.unit)])
          if (input.from != state.unit && reached_by[index(input.from)] == u)
            links_.push_back({place[index(input.from)], input.weight});
        state.last_link = static_cast<Index>(links_.size());
        most_links = std::max(most_links, state.last_link - state.first_link);
      }
      for (const Link& input : inputs[index(u)])
        if (const Index j = input.from - shape.first; j >= 0 && j < shape.m) regressors_.push_back(j);
      for (Index j = std::max<Index>(0, n - shape.first); j < shape.m; ++j) regressors_.push_back(j);
      rows.regressors = static_cast<Index>(regressors_.size()) - rows.first_regressor;
      rows.columns = (g * rows.regressors + width - 1) / width * width;
      const Index entries = p * rows.states * rows.columns;
      most_regressors = std::max(most_regressors, rows.regressors);
      most_columns = std::max(most_columns, rows.columns);
      most_entries = std::max(most_entries, entries);
      total += entries;
      rows_.push_back(rows);
    }
    B_ = Vector<T>::Zero(total);
    old_ = Vector<T>::Zero(most_entries);
    gradient_ = Vector<T>::Zero(most_columns);
    immediate_ = gradient_;
    terms_.resize(index(p * (most_links + 1) + 1));
    a_hat_ = Vector<T>::Zero(most_regressors);
    couplings_ = Vector<T>::Zero(p * p * pattern.size());
  }

  bool keeps_absent() const override { return shape_.sees.empty(); }
  void reset(const T*) override { B_.setZero(); }

  void step(const Step<T>& step, const T*, T scale, T* target) override {
    step.J->unit_blocks(own_);
    step.J->couplings(couplings_.data());
    for (Index u = 0; u < shape_.n; ++u) {
      const Rows& rows = rows_[index(u)];
      const Index* regressors = regressors_.data() + rows.first_regressor;
      for (Index j = 0; j < rows.regressors; ++j) a_hat_[j] = step.a_hat[regressors[j]];
      advance(step, u, rows);
      if (target == nullptr) continue;
      const T* gradient = gradient_.data();
      for (Index gate = 0; gate < shape_.rows_per_unit; ++gate)
        for (Index j = 0; j < rows.regressors; ++j)
          target[gate * shape_.n + u + shape_.R() * regressors[j]] += scale * *gradient++;
    }
  }

  bool influence(Matrix<T>& M) const override {
    const Index n = shape_.n, R = shape_.R();
    M.setZero(shape_.S(), R * shape_.m);
    for (Index u = 0; u < n; ++u) {
      const Rows& rows = rows_[index(u)];
      const T* entry = B_.data() + rows.first_entry;
      for (Index k = 0; k < rows.states; ++k)
        for (Index a = 0; a < shape_.states_per_unit; ++a, entry += rows.columns)
          for (Index gate = 0; gate < shape_.rows_per_unit; ++gate)
            for (Index j = 0; j < rows.regressors; ++j)
              M(a * n + states_[index(rows.first_state + k)].unit,
                gate * n + u + R * regressors_[index(rows.first_regressor + j)]) =
                  entry[gate * rows.regressors + j];
    }
    return true;
  }

  void visit(StateVisitor<T>& v) override {
    v.vector("kept", B_);
    v.scratch(sizeof(T) * static_cast<std::size_t>(old_.size() + couplings_.size()) +
              sizeof(Rows) * rows_.size() + sizeof(State) * states_.size() +
              sizeof(Link) * links_.size() + sizeof(Index) * regressors_.size());
  }

 private:
  struct Link {
    Index from;    // which unit; among those kept for the same rows, by its place
    Index weight;  // its number in the pattern
  };
  struct State {
    Index unit, first_link, last_link;
  };
  // What is kept of the rows of one unit. Its own states come first.
  struct Rows {
    Index first_state, states, first_regressor, regressors, first_entry;
    Index columns;  // g regressors, up to whole vectors; the rest stays zero
  };
  // The same on every machine, so that what one has saved another can load.
  static constexpr Index width = 32 / static_cast<Index>(sizeof(T));
#if AXONOMY_VECTORS
  using Columns = std::conditional_t<detail::has_vectors<T>, detail::Pack<T, std::min(simd_bytes, 32)>, detail::One<T>>;
#else
  using Columns = detail::One<T>;
#endif
  static constexpr int packs = static_cast<int>(width / Columns::size);
  struct Term {
    T factor;
    const T* row;
  };

  static std::size_t index(Index i) { return static_cast<std::size_t>(i); }

  // One unit's rows: propagate, add D a_hat, gather q B.
  void advance(const Step<T>& step, Index u, const Rows& rows) {
    const Index n = shape_.n, p = shape_.states_per_unit, columns = rows.columns;
    const Index from = step.J->first_coupled();
    const T* const old = old_.data();
    T* out = B_.data() + rows.first_entry;
    std::copy_n(out, p * rows.states * columns, old_.data());
    gradient_.head(columns).setZero();
    immediate_.head(columns).setZero();
    for (Index k = 0; k < rows.states; ++k) {
      const State& state = states_[index(rows.first_state + k)];
      for (Index a = 0; a < p; ++a, out += columns) {
        // A row of B is a sum of old rows, and of D a_hat.
        Term* term = terms_.data();
        for (Index b = 0; b < p; ++b) *term++ = {own_.part(a, b)[state.unit], old + (k * p + b) * columns};
        for (Index l = state.first_link; l < state.last_link; ++l) {
          const Link& link = links_[index(l)];
          const T* J = couplings_.data() + link.weight * p * p + a;  // (p, p)
          for (Index b = from; b < p; ++b) *term++ = {J[b * p], old + (link.from * p + b) * columns};
        }
        if (k == 0) {
          for (Index gate = 0; gate < shape_.rows_per_unit; ++gate)
            for (Index j = 0; j < rows.regressors; ++j)
              immediate_[gate * rows.regressors + j] = step.D->part(a, gate)[u] * a_hat_[j];
          *term++ = {T(1), immediate_.data()};
        }
        Index c = 0;
        const T q = step.q[a * n + state.unit];
        for (; c + 4 * width <= columns; c += 4 * width) sum_up<4 * packs>(term, c, q, out);
        if (columns - c == 3 * width) sum_up<3 * packs>(term, c, q, out);
        if (columns - c == 2 * width) sum_up<2 * packs>(term, c, q, out);
        if (columns - c == width) sum_up<packs>(term, c, q, out);
      }
    }
  }

  // From column c on, of one row, their sums in registers.
  template <int count>
  void sum_up(const Term* last, Index c, T q, T* out) {
    typename Columns::type sum[count];
    const Term* term = terms_.data();
    for (int i = 0; i < count; ++i) sum[i] = term->factor * Columns::load(term->row + c + i * Columns::size);
    while (++term != last)
      for (int i = 0; i < count; ++i)
        sum[i] = multiply_add(term->factor, Columns::load(term->row + c + i * Columns::size), sum[i]);
    for (int i = 0; i < count; ++i) {
      T* const gradient = gradient_.data() + c + i * Columns::size;
      Columns::store(out + c + i * Columns::size, sum[i]);
      Columns::store(gradient, multiply_add(q, sum[i], Columns::load(gradient)));
    }
  }

  Shape shape_;
  std::vector<Rows> rows_;         // of each unit
  std::vector<State> states_;      // K_u of all units, one after the other
  std::vector<Link> links_;        // the weights within K_u, by the unit they lead to
  std::vector<Index> regressors_;  // J_u of all units
  Vector<T> B_;                    // of all units: (K_u, p, columns), the last index fastest
  BlockDiagonal<T> own_;           // (S, S): the units' own blocks of J
  Vector<T> couplings_;            // (p, p) of every weight: J between its units
  std::vector<Term> terms_;  // of one row, workspace
  Vector<T> old_, gradient_, immediate_, a_hat_;  // of one unit, workspace
};

}  // namespace axonomy

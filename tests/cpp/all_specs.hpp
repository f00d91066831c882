// Every learner that the registry makes, for the tests and the benchmarks alike. A new learner is
// one line here.
#pragma once

#include <stdexcept>
#include <string>
#include <vector>

#include "axonomy/core/sparsity.hpp"
#include "axonomy/registry.hpp"

namespace axonomy {

inline const std::vector<std::string> splits = {"k|ij", "ki|j", "kj|i", "ki|ij", "kj|ij"};
inline const std::vector<std::string> reductions = {"signs", "optimal", "svd"};

// The splits that add more than one term to one problem can cut M_bar by row or by state.
inline bool cuts_immediate(const LearnerSpec& spec) {
  return spec.tensor == "k|ij" || spec.tensor == "kj|i" || spec.tensor == "kj|ij";
}
inline bool is_split(const LearnerSpec& spec) {
  for (const auto& split : splits)
    if (spec.tensor == split && spec.solver != "perturbation") return true;
  return false;
}

// One spec for each pair of tensor and solver, its options at their defaults.
inline std::vector<LearnerSpec> cells() {
  std::vector<LearnerSpec> all;
  const auto add = [&all](const std::string& tensor, const std::string& solver) {
    LearnerSpec spec;
    spec.tensor = tensor;
    spec.solver = solver;
    spec.window = 5;
    spec.sigma = 1e-3;
    spec.learning_rate = 1e-2;
    spec.decay = 0.5;
    spec.synthetic.jacobian_rate = 1e-2;
    spec.synthetic.forgetting = 0.99;
    all.push_back(spec);
  };
  add("kij", "rtrl");
  add("kij", "lazy");
  add("kij", "window");
  add("k=i", "leak");
  add("k=i", "diagonal");
  add("sparse", "snap");
  add("ki|ij", "perturbation");
  add("c_i", "f_bptt");
  add("c_i", "e_bptt");
  add("c_i", "node_perturbation");
  add("A_il", "dni");
  add("A_il", "dni_b");
  add("A_il", "rls");
  add("none", "none");
  for (const auto& split : splits)
    for (const auto& reduction : reductions) add(split, reduction);
  return all;
}

inline LearnerSpec cell(const std::string& tensor, const std::string& solver) {
  for (const auto& spec : cells())
    if (spec.tensor == tensor && spec.solver == solver) return spec;
  throw std::invalid_argument("no learner " + tensor + "/" + solver);
}

// The cells under every option that changes what is computed, at the given ranks.
inline std::vector<LearnerSpec> all_specs(const std::vector<Index>& ranks) {
  std::vector<LearnerSpec> all;
  for (LearnerSpec spec : cells()) {
    const bool factored = is_split(spec), signs = spec.solver == "signs";
    const bool takes_current = factored || spec.solver == "perturbation" || spec.tensor == "A_il";
    const bool lazy = spec.solver == "lazy";
    const bool pulls_back = spec.solver == "f_bptt" || spec.solver == "e_bptt";
    for (const Index rank : factored ? ranks : std::vector<Index>{1})
      for (const Current current : {Current::exact, Current::estimated})
        for (const Normaliser normaliser : {Normaliser::per_term, Normaliser::shared})
          for (const NoiseKind noise : {NoiseKind::signs, NoiseKind::normal})
            for (const ImmediateBy immediate : {ImmediateBy::row, ImmediateBy::state})
              for (const Through through : {Through::time, Through::today})
                for (const bool even : {false, true}) {
              if (current != Current::exact && !takes_current) continue;
              if (normaliser != Normaliser::per_term && !signs) continue;
              if (noise != NoiseKind::signs && !signs) continue;
              if (through != Through::time && !pulls_back) continue;
              if (even && !lazy) continue;
              if (immediate != ImmediateBy::row && !(factored && cuts_immediate(spec))) continue;
              spec.rank = rank;
              spec.current = current;
              spec.normaliser = normaliser;
              spec.noise = noise;
              spec.immediate = immediate;
              spec.through = through;
              spec.even = even;
              all.push_back(spec);
            }
  }
  return all;
}

// A hybrid of each kind, for a shape with m = n + n_in + 1.
inline std::vector<LearnerSpec> hybrids(const Shape& shape) {
  LearnerSpec mix, blocks, windowed;
  mix.tensor = "mix";
  mix.parts = {cell("kij", "lazy"), cell("k|ij", "signs"), cell("c_i", "f_bptt")};
  mix.weights = {0.5, 0.25, 0.25};
  blocks.tensor = "by_block";
  blocks.parts = {cell("ki|j", "signs"), mix, cell("kij", "window")};
  blocks.blocks = {{0, shape.n}, {shape.n, shape.n_in}, {shape.m - 1, 1}};
  windowed.tensor = "windowed";
  windowed.window = 2;
  windowed.halvings = 1;
  windowed.every = 2;
  windowed.parts = {cell("ki|j", "signs")};
  return {mix, blocks, windowed};
}

// tensor/solver, then what differs from the defaults.
inline std::string name(const LearnerSpec& spec) {
  std::string text = spec.tensor + "/" + spec.solver;
  if (spec.rank != 1) text += "/rank:" + std::to_string(spec.rank);
  if (spec.current == Current::estimated) text += "/estimated";
  if (spec.normaliser == Normaliser::shared) text += "/shared";
  if (spec.noise == NoiseKind::normal) text += "/normal";
  if (spec.immediate == ImmediateBy::state) text += "/state";
  if (spec.through == Through::today) text += "/today";
  if (spec.even) text += "/even";
  return text;
}

// The order in n of a step's operations, S, R and m growing as n, the rank and the window fixed.
inline int order(const LearnerSpec& spec) {
  const bool closed_form = spec.solver == "signs";
  if (spec.solver == "rtrl") return 4;
  if (spec.solver == "window" || spec.solver == "perturbation" || spec.tensor == "k=i") return 2;
  if (spec.tensor == "c_i" || spec.tensor == "A_il") return 2;
  if (spec.tensor == "none") return 0;
  if (spec.tensor == "sparse") return 1;  // at a fixed number of weights a unit
  if (spec.tensor == "k|ij") return closed_form ? 2 : 3;
  if (spec.tensor == "kj|ij") return closed_form ? 3 : 4;
  return 3;  // ki|j, kj|i, ki|ij, and lazy propagation on average
}

// Sizes of a network with m = n + n_in + 1, S = p n, R = g n.
inline Shape make_shape(Index n, Index n_in = 2, Index n_out = 2, Index states_per_unit = 1,
                        Index rows_per_unit = 1) {
  return {n, n_in, n_out, n + n_in + 1, states_per_unit, rows_per_unit};
}

// Every unit gets from itself and from the one before.
inline std::shared_ptr<const Sparsity> ring(Index n) {
  std::vector<std::vector<Index>> columns;
  for (Index v = 0; v + 1 < n; ++v) columns.push_back({v, v + 1});
  columns.push_back(n > 1 ? std::vector<Index>{0, n - 1} : std::vector<Index>{0});
  return std::make_shared<const Sparsity>(columns);
}

// Those of a GRU, an LSTM and an element-wise LSTM.
inline std::vector<Shape> gated_shapes(Index n) {
  Shape gru = make_shape(n, 2, 2, 1, 4), lstm = make_shape(n, 2, 2, 2, 4), element_wise = make_shape(n, 2, 2, 2, 3);
  const unsigned all = sees_state | sees_input | sees_bias;
  gru.sees = {all, all, sees_input | sees_bias, sees_state | sees_bias};
  element_wise.element_wise = true;
  element_wise.fed_back = 0;
  element_wise.m = 4;
  return {gru, lstm, element_wise};
}

// Whether the learner runs on such a network.
inline bool accepts(const LearnerSpec& spec, const Shape& shape) {
  if (spec.tensor == "sparse" && shape.pattern == nullptr) return false;
  const bool shares = spec.tensor == "ki|j" || spec.tensor == "kj|i" || spec.tensor == "kj|ij";
  return !(shape.element_wise && shares);
}

// Sizes of a network on which the learner runs.
inline Shape shape_for(const LearnerSpec& spec, Index n, Index states_per_unit = 1,
                       Index rows_per_unit = 1) {
  Shape shape = make_shape(n, 2, 2, states_per_unit, rows_per_unit);
  if (spec.tensor == "sparse") shape.pattern = ring(n);
  return shape;
}

}  // namespace axonomy

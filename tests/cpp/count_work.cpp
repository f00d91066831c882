// Prints `tensor solver n operations` for one step of a learner.
//
//     count_work                              every pair of tensor and solver, n = 8, 16, 32, 64
//     count_work tensor solver rank n [key=value ...]
//
// Keys: current, normaliser, noise, immediate, window, block, latency, hops.
#include <iostream>

#include "work.hpp"

namespace {

using namespace axonomy;

void print(const LearnerSpec& spec, Index n) {
  std::cout << spec.tensor << " " << spec.solver << " " << n << " " << operations_of_step(spec, n)
            << std::endl;
}

void set(LearnerSpec& spec, const std::string& option) {
  if (option == "current=exact") return void(spec.current = Current::exact);
  if (option == "current=estimated") return void(spec.current = Current::estimated);
  if (option == "normaliser=per_term") return void(spec.normaliser = Normaliser::per_term);
  if (option == "normaliser=shared") return void(spec.normaliser = Normaliser::shared);
  if (option == "noise=signs") return void(spec.noise = NoiseKind::signs);
  if (option == "noise=normal") return void(spec.noise = NoiseKind::normal);
  if (option == "immediate=row") return void(spec.immediate = ImmediateBy::row);
  if (option == "immediate=state") return void(spec.immediate = ImmediateBy::state);
  if (option.rfind("window=", 0) == 0) return void(spec.window = std::stol(option.substr(7)));
  if (option.rfind("block=", 0) == 0) return void(spec.block = std::stol(option.substr(6)));
  if (option == "latency=block") return void(spec.even = false);
  if (option == "latency=even") return void(spec.even = true);
  if (option.rfind("hops=", 0) == 0) return void(spec.hops = std::stol(option.substr(5)));
  throw std::invalid_argument("no option " + option);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc == 1) {
      for (const auto& spec : cells())
        for (const Index n : {8, 16, 32, 64}) print(spec, n);
      return 0;
    }
    if (argc < 5)
      throw std::invalid_argument("usage: count_work tensor solver rank n [key=value ...]");
    LearnerSpec spec = cell(argv[1], argv[2]);
    spec.rank = std::stol(argv[3]);
    for (int i = 5; i < argc; ++i) set(spec, argv[i]);
    print(spec, std::stol(argv[4]));
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "count_work: " << error.what() << "\n";
    return 2;
  }
}

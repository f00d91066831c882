// Propagation, J X for X (S, columns): gemm beside Eigen's product, and J applied by its structure.
#include "common.hpp"

namespace {

using namespace axonomy;

enum class By { gemm, eigen, structure };

template <class T>
void propagate(benchmark::State& state, By by, Index n, Index columns) {
  const Shape shape = make_shape(n);
  Matrix<T> X = Matrix<T>::Random(n, columns), Y(n, columns);
  const Matrix<T> J = Matrix<T>::Random(n, n), W = Matrix<T>::Random(shape.R(), shape.m);
  BlockDiagonal<T> F(n, 1, 1), D(n, 1, 1);
  F.entries().setRandom();
  D.entries().setRandom();
  Jacobian<T> jacobian(shape);
  for (auto _ : state) {
    if (by == By::gemm) gemm<T>(n, columns, n, J.data(), n, X.data(), n, Y.data(), n);
    if (by == By::eigen) Y.noalias() = J * X;
    if (by == By::structure) {
      jacobian.bind(&F, &D, W.data());  // builds J where there are columns enough, as every step does
      jacobian.apply(X.data(), columns, Y.data());
    }
    benchmark::DoNotOptimize(Y.data());
    benchmark::ClobberMemory();
  }
  const double N = static_cast<double>(n), C = static_cast<double>(columns);
  bench::count_rates(state, 2 * N * N * C, sizeof(T) * (N * N + 2 * N * C));
}

template <class T>
void add(Index n) {
  const Shape shape = make_shape(n);
  const std::pair<By, std::string> ways[] = {
      {By::gemm, "gemm"}, {By::eigen, "eigen"}, {By::structure, "structure"}};
  const std::pair<Index, std::string> widths[] = {{1, "1"}, {n, "n"}, {n * shape.m, "nm"}};
  for (const auto& [columns, width] : widths)
    for (const auto& [by, way] : ways) {
      if (width == "nm" && n > 256) continue;  // a gigabyte
      const std::string title = "propagate/" + way + "/" + bench::precision<T> +
                                "/n:" + std::to_string(n) + "/columns:" + width;
      benchmark::RegisterBenchmark(title.c_str(), propagate<T>, by, n, columns)
          ->Unit(benchmark::kMicrosecond);
    }
}

}  // namespace

int main(int argc, char** argv) {
  for (const Index n : bench::sizes) {
    add<double>(n);
    add<float>(n);
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
}

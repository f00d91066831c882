#include "axonomy/influence/reductions/optimal_unbiased.hpp"
#include "axonomy/influence/reductions/random_signs.hpp"
#include "axonomy/influence/reductions/truncated_svd.hpp"
#include "common.hpp"

namespace axonomy::bindings {

namespace {

// A reduction alone: N terms to r, all of them added ones. With r >= N there is nothing to reduce.
py::tuple mixing(const std::string& solver, const std::string& normaliser,
                 const Array<double>& gram_left, const Array<double>& gram_right, Index rank,
                 const Array<double>& noise) {
  const Index N = gram_left.ndim() == 2 ? gram_left.shape(0) : 0;
  Matrix<double> GL(N, N), GR(N, N);
  assign<double>(GL, gram_left, "gram_left");
  assign<double>(GR, gram_right, "gram_right");
  Matrix<double> CL = Matrix<double>::Zero(N, rank), CR = CL;
  if (rank >= N) {
    CL.setIdentity();
    CR.setIdentity();
  } else if (solver == "signs") {
    const Vector<double> left = GL.diagonal().cwiseMax(0).cwiseSqrt();
    const Vector<double> right = GR.diagonal().cwiseMax(0).cwiseSqrt();
    RandomSigns<double>::Tally tally;
    const RandomSigns<double> reduction(
        normaliser == "shared" ? Normaliser::shared : Normaliser::per_term, NoiseKind::signs);
    // Each of the r estimators by itself, without a propagated term.
    Matrix<double> one_left(N + 1, 1), one_right(N + 1, 1);
    Vector<double> padded_left = Vector<double>::Zero(N + 1), padded_right = padded_left;
    padded_left.tail(N) = left;
    padded_right.tail(N) = right;
    const double* signs = data_of<double>(noise, N * rank, "noise");
    for (Index l = 0; l < rank; ++l) {
      reduction.mix(
          padded_left.data(), padded_right.data(), 1, N, false, signs + l * N,
          [&](const double* nu, double& mixed_left, double& mixed_right) {
            Eigen::Map<const Vector<double>> v(nu, N);
            mixed_left = std::sqrt(std::max(0.0, v.dot(GL * v)));
            mixed_right = std::sqrt(std::max(0.0, v.dot(GR * v)));
          },
          one_left, one_right, tally);
      CL.col(l) = one_left.col(0).tail(N) / std::sqrt(double(rank));
      CR.col(l) = one_right.col(0).tail(N) / std::sqrt(double(rank));
    }
  } else if (solver == "optimal") {
    OptimalUnbiased<double> reduction;
    OptimalUnbiased<double>::Tally tally;
    reduction.mix(GL, GR, {N, N}, rank, data_of<double>(noise, N - 1, "noise"), CL, CR, tally);
  } else if (solver == "svd") {
    TruncatedSVD<double> reduction;
    TruncatedSVD<double>::Tally tally;
    reduction.mix(GL, GR, {N, N}, rank, nullptr, CL, CR, tally);
  } else {
    throw std::invalid_argument("mixing: no reduction named '" + solver + "'");
  }
  return py::make_tuple(to_numpy<double>(CL), to_numpy<double>(CR));
}

}  // namespace

void bind_reductions(py::module_& m) {
  m.def("mixing", &mixing, py::arg("solver"), py::arg("normaliser"), py::arg("gram_left"),
        py::arg("gram_right"), py::arg("rank"), py::arg("noise"));
}

}  // namespace axonomy::bindings

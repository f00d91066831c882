#include "axonomy/passengers.hpp"

#include "common.hpp"

namespace axonomy::bindings {

namespace {

template <class T>
void bind(py::module_& m) {
  using L = Learner<T>;
  using P = Passengers<T>;
  py::class_<P, L, std::shared_ptr<P>>(m, (std::string("Passengers") + suffix<T>()).c_str())
      .def(py::init([](const Shape& shape, std::shared_ptr<L> driver, const std::vector<std::shared_ptr<L>>& learners,
                       const std::vector<std::uint64_t>& lags, const std::vector<std::uint64_t>& seeds) {
             if (lags.size() != learners.size() || seeds.size() != learners.size())
               throw std::invalid_argument("passengers: expected a lag and a seed for each learner");
             std::vector<Passenger<T>> passengers;
             for (std::size_t p = 0; p < learners.size(); ++p)
               passengers.push_back({learners[p], lags[p], Random(seeds[p])});
             return std::make_shared<P>(shape, std::move(driver), std::move(passengers));
           }),
           py::arg("shape"), py::arg("driver"), py::arg("learners"), py::arg("lags"), py::arg("seeds"))
      .def_property_readonly("steps", &P::steps)
      .def("ask", &P::ask, py::arg("first"), py::arg("last"))
      .def("take", [](P& passengers) {
        py::list out;
        for (const auto& interval : passengers.take()) {
          Array<T> sums({interval.sums.cols(), interval.sums.rows()});
          std::copy_n(interval.sums.data(), interval.sums.size(), sums.mutable_data());
          out.append(py::make_tuple(interval.first, interval.last, sums));
        }
        return out;
      });
}

}  // namespace

void bind_passengers(py::module_& m) {
  bind<float>(m);
  bind<double>(m);
}

}  // namespace axonomy::bindings

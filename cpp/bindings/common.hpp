// What the binding files share: array types, the visitor that turns state into a dict and back.
#pragma once

#include <pybind11/functional.h>
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "axonomy/core/snapshot.hpp"
#include "axonomy/registry.hpp"
#include "axonomy/trainer.hpp"

namespace py = pybind11;

namespace axonomy::bindings {

template <class T>
using Array = py::array_t<T, py::array::c_style>;

template <class T>
inline const char* suffix();
template <>
inline const char* suffix<float>() {
  return "32";
}
template <>
inline const char* suffix<double>() {
  return "64";
}

// "part.inner." of the names within nested parts.
struct Prefix {
  void enter(const std::string& name) { text += name + "."; }
  void leave() { text.erase(text.size() < 2 ? 0 : text.rfind('.', text.size() - 2) + 1); }
  std::string text;
};

// A component's state as numpy arrays in the core's own (column-major) order.
template <class T>
class ToDict final : public StateVisitor<T> {
 public:
  void enter(const std::string& name) override { prefix_.enter(name); }
  void leave() override { prefix_.leave(); }
  void array(const char* name, T* data, std::vector<Index> shape) override {
    py::array_t<T, py::array::f_style> copy(std::vector<py::ssize_t>(shape.begin(), shape.end()));
    std::copy_n(data, detail::product(shape), copy.mutable_data());
    dict[py::str(prefix_.text + name)] = copy;
  }
  void words(const char* name, std::uint64_t* data, Index size, std::uint64_t) override {
    py::array_t<std::uint64_t> copy(size);
    std::copy_n(data, size, copy.mutable_data());
    dict[py::str(prefix_.text + name)] = copy;
  }
  py::dict dict;

 private:
  Prefix prefix_;
};

// Checks everything before anything is overwritten: run once with `write` false, then with true. If `partial`, what
// the dict does not have stays as it is.
template <class T>
class FromDict final : public StateVisitor<T> {
 public:
  FromDict(py::dict dict, bool write, bool partial) : dict_(std::move(dict)), write_(write), partial_(partial) {}
  void enter(const std::string& name) override { prefix_.enter(name); }
  void leave() override { prefix_.leave(); }
  void array(const char* name, T* data, std::vector<Index> shape) override {
    copy<T, py::array::f_style>(name, data, shape);
  }
  void words(const char* name, std::uint64_t* data, Index size, std::uint64_t most) override {
    copy<std::uint64_t, py::array::f_style>(name, data, {size}, most);
  }

 private:
  template <class V, int Order>
  void copy(const char* name, V* data, const std::vector<Index>& shape, V most = std::numeric_limits<V>::max()) {
    const std::string key = prefix_.text + name;
    if (!dict_.contains(key) && partial_) return;
    if (!dict_.contains(key))
      throw std::invalid_argument("load_state: expected an entry '" + key + "', got none");
    auto value = py::array_t<V, Order>::ensure(dict_[py::str(key)]);
    if (!value) {
      PyErr_Clear();
      throw std::invalid_argument("load_state: '" + key + "' is not a numeric array of this precision");
    }
    const std::vector<Index> got(value.shape(), value.shape() + value.ndim());
    if (got != shape)
      throw std::invalid_argument("load_state: '" + key + "' expected shape " + text(shape) +
                                  ", got " + text(got));
    if constexpr (std::is_integral_v<V>) {
      for (Index i = 0; i < value.size(); ++i)
        if (value.data()[i] > most)
          throw std::invalid_argument("load_state: '" + key + "' expected at most " + std::to_string(most) +
                                      ", got " + std::to_string(value.data()[i]));
    }
    if (write_) std::copy_n(value.data(), detail::product(shape), data);
  }
  static std::string text(const std::vector<Index>& shape) {
    std::string out = "(";
    for (std::size_t i = 0; i < shape.size(); ++i)
      out += (i > 0 ? ", " : "") + std::to_string(shape[i]);
    return out + (shape.size() == 1 ? ",)" : ")");
  }
  py::dict dict_;
  bool write_, partial_;
  Prefix prefix_;
};

template <class T, class Part>
py::dict state_of(Part& part) {
  ToDict<T> visitor;
  part.visit(visitor);
  return visitor.dict;
}

template <class T, class Part>
void load_state(Part& part, const py::dict& dict, bool partial = false) {
  FromDict<T> check(dict, false, partial);
  part.visit(check);
  FromDict<T> write(dict, true, partial);
  part.visit(write);
}

inline py::dict to_dict(const Diagnostics& diagnostics) {
  py::dict out;
  for (const auto& [name, value] : diagnostics) out[py::str(name)] = value;
  return out;
}

template <class T>
Array<T> to_numpy(const Matrix<T>& m) {
  Array<T> out({m.rows(), m.cols()});
  using RowMajor = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  Eigen::Map<RowMajor>(out.mutable_data(), m.rows(), m.cols()) = m;
  return out;
}
template <class T>
Array<T> to_numpy(const Vector<T>& v) {
  Array<T> out(v.size());
  std::copy_n(v.data(), v.size(), out.mutable_data());
  return out;
}

// The regressors of a step: (m,), or (R, m) of an element-wise cell.
template <class T>
Array<T> regressors_to_numpy(const Shape& shape, const T* a_hat) {
  if (!shape.element_wise) return to_numpy<T>(Vector<T>(Eigen::Map<const Vector<T>>(a_hat, shape.m)));
  return to_numpy<T>(Matrix<T>(Eigen::Map<const Matrix<T>>(a_hat, shape.R(), shape.m)));
}

// Shapes are checked in Python, where the argument has its name; this guards the memory all the same.
template <class T>
const T* data_of(const Array<T>& array, Index size, const char* name) {
  if (array.size() != size)
    throw std::invalid_argument(std::string(name) + ": expected " + std::to_string(size) +
                                " numbers, got " + std::to_string(array.size()));
  return array.data();
}
template <class T>
const T* data_of(const std::optional<Array<T>>& array, Index size, const char* name) {
  return array ? data_of<T>(*array, size, name) : nullptr;
}
template <class T, class M>
void assign(M& target, const Array<T>& source, const char* name) {
  using RowMajor = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  const T* data = data_of<T>(source, target.size(), name);
  target = Eigen::Map<const RowMajor>(data, target.rows(), target.cols());
}

void bind_shape(py::module_& m);
void bind_cells(py::module_& m);
void bind_learners(py::module_& m);
void bind_reductions(py::module_& m);
void bind_passengers(py::module_& m);
void bind_trainer(py::module_& m);
void bind_machine(py::module_& m);
void bind_build_info(py::module_& m);

}  // namespace axonomy::bindings

#include "python_parts.hpp"

#include <map>

namespace axonomy::bindings {

namespace {

NoiseKind noise_kind_of(const py::handle& kind) {
  if (kind.is_none()) return NoiseKind::none;
  return kind.cast<std::string>() == "normal" ? NoiseKind::normal : NoiseKind::signs;
}

class PythonReduction final : public ReductionFunction {
 public:
  explicit PythonReduction(py::object reduction)
      : reduction_(std::move(reduction)), kind_(noise_kind_of(reduction_.attr("_checked_noise_kind")())) {}

  NoiseKind noise_kind() const override { return kind_; }
  Index noise_size(Index terms, Index rank) const override {
    const auto known = sizes_.find({terms, rank});
    if (known != sizes_.end()) return known->second;
    py::gil_scoped_acquire locked;
    const auto size = reduction_.attr("_checked_n_noise")(terms, rank).cast<Index>();
    return sizes_[{terms, rank}] = size;
  }
  void mix(const Matrix<double>& GL, const Matrix<double>& GR, Index rank, const Vector<double>& noise,
           Matrix<double>& CL, Matrix<double>& CR) const override {
    py::gil_scoped_acquire locked;
    const auto mixed = reduction_.attr("_checked_mix")(to_numpy<double>(GL), to_numpy<double>(GR), rank,
                                                       to_numpy<double>(noise)).cast<py::tuple>();
    assign<double>(CL, mixed[0].cast<Array<double>>(), "C_L");
    assign<double>(CR, mixed[1].cast<Array<double>>(), "C_R");
  }

 private:
  py::object reduction_;
  NoiseKind kind_;
  mutable std::map<std::pair<Index, Index>, Index> sizes_;
};

// Hands each step to an `axonomy.Learner` as arrays. What outlives a step are the attributes it names in
// `carries`; a walk over them copies each out and back, so that saving, loading and snapshots work as for the rest.
template <class T>
class PythonLearner final : public Learner<T> {
 public:
  PythonLearner(const Shape& shape, py::object learner)
      : shape_(shape), learner_(std::move(learner)) {
    const Vector<T> zero = Vector<T>::Zero(shape.S());
    reset(zero.data());
    const auto facts = learner_.attr("_checked_facts")().cast<py::tuple>();
    kind_ = noise_kind_of(facts[0]);
    noise_ = facts[1].cast<Index>();
    ahead_ = facts[2].cast<bool>();
    for (const auto& name : facts[3].cast<std::vector<std::string>>()) carried_.push_back({name, {}, {}});
    settle();
  }
  ~PythonLearner() override {
    py::gil_scoped_acquire locked;
    learner_ = py::object();
  }

  NoiseKind noise_kind() const override { return kind_; }
  Index noise_size() const override { return noise_; }
  bool may_throw() const override { return true; }
  bool looks_ahead() const override { return ahead_; }

  void reset(const T* state) override { call_with_state("reset", state); }
  void new_sequence(const T* state) override { call_with_state("new_sequence", state); }

  void step(const Step<T>& step, const T* noise, T scale, T* target) override {
    py::gil_scoped_acquire locked;
    Matrix<T> D = Matrix<T>::Zero(shape_.S(), shape_.R());
    step.D->add_to(D.data(), shape_.S());
    py::object leak = py::none();
    if (step.leak != nullptr) {
      Matrix<T> dense = Matrix<T>::Zero(shape_.S(), shape_.S());
      step.leak->add_to(dense.data(), shape_.S());
      leak = to_numpy<T>(dense);
    }
    const py::object gradient = learner_.attr("_checked_update")(
        to_numpy<T>(step.J->dense()), to_numpy<T>(D), regressors_to_numpy<T>(shape_, step.a_hat), copied(step.q, shape_.S()),
        leak, copied(noise, noise_), copied(step.state, shape_.S()), copied(step.y, shape_.n_out));
    settle();
    if (target == nullptr || gradient.is_none()) return;
    Matrix<T> added(shape_.R(), shape_.m);
    assign<T>(added, gradient.cast<Array<T>>(), "gradient");
    Eigen::Map<Matrix<T>>(target, shape_.R(), shape_.m) += scale * added;
  }

  bool influence(Matrix<T>& M) const override {
    py::gil_scoped_acquire locked;
    const py::object dense = learner_.attr("_checked_influence")();
    if (dense.is_none()) return false;
    const auto array = dense.cast<Ordered>();
    M.resize(shape_.S(), shape_.R() * shape_.m);
    std::copy_n(array.data(), M.size(), M.data());
    return true;
  }
  bool credit(Vector<T>& c) const override {
    py::gil_scoped_acquire locked;
    const py::object found = learner_.attr("_checked_credit")();
    if (found.is_none()) return false;
    c = Eigen::Map<const Vector<T>>(data_of<T>(found.cast<Array<T>>(), shape_.S(), "credit"), shape_.S());
    return true;
  }

  void visit(StateVisitor<T>& v) override {
    py::gil_scoped_acquire locked;
    for (Carried& part : carried_) {
      read(part, false);
      v.array(part.name.c_str(), part.data.data(), part.shape);
      write(part);
    }
  }

  Diagnostics diagnostics() const override {
    py::gil_scoped_acquire locked;
    Diagnostics all;
    for (const auto& [name, value] : learner_.attr("_checked_diagnostics")().cast<std::map<std::string, double>>())
      all.emplace_back(name, value);
    return all;
  }

 private:
  using Ordered = py::array_t<T, py::array::f_style | py::array::forcecast>;  // as the core has arrays
  struct Carried {
    std::string name;
    std::vector<Index> shape;
    std::vector<T> data;
  };

  // Copies an attribute out. One that no longer fits is refused, or, when a failed step is taken back, left out.
  void read(Carried& part, bool strict) {
    const bool first = part.shape.empty() && part.data.empty();
    const py::object checked = learner_.attr("_carried")(
        part.name, first ? py::object(py::none()) : py::object(py::cast(part.shape)), strict);
    if (checked.is_none()) return;
    const auto array = checked.cast<Ordered>();
    part.shape.assign(array.shape(), array.shape() + array.ndim());
    part.data.assign(array.data(), array.data() + array.size());
  }
  void write(const Carried& part) {
    Ordered copy(std::vector<py::ssize_t>(part.shape.begin(), part.shape.end()));
    std::copy(part.data.begin(), part.data.end(), copy.mutable_data());
    learner_.attr(part.name.c_str()) = copy;
  }
  // What is carried is of the run's precision at all times, whether anyone looks at it or not.
  void settle() {
    for (Carried& part : carried_) {
      read(part, true);
      write(part);
    }
  }

  void call_with_state(const char* method, const T* state) {
    py::gil_scoped_acquire locked;
    learner_.attr(method)(copied(state, shape_.S()));
    settle();
  }

  static py::object copied(const T* data, Index size) {
    if (data == nullptr) return py::none();
    Array<T> out(size);
    std::copy_n(data, size, out.mutable_data());
    return out;
  }

  Shape shape_;
  py::object learner_;
  NoiseKind kind_ = NoiseKind::none;
  Index noise_ = 0;
  bool ahead_ = false;
  std::vector<Carried> carried_;
};

class PythonLearnerFactory final : public LearnerFactory {
 public:
  explicit PythonLearnerFactory(py::object make) : make_(std::move(make)) {}
  std::unique_ptr<Learner<float>> make_single(const Shape& shape) const override {
    return std::make_unique<PythonLearner<float>>(shape, make_(shape, "float32"));
  }
  std::unique_ptr<Learner<double>> make_double(const Shape& shape) const override {
    return std::make_unique<PythonLearner<double>>(shape, make_(shape, "float64"));
  }

 private:
  py::object make_;
};

}  // namespace

std::shared_ptr<const ReductionFunction> python_reduction(const py::handle& reduction) {
  return std::make_shared<PythonReduction>(py::reinterpret_borrow<py::object>(reduction));
}

std::shared_ptr<const LearnerFactory> python_learner_factory(const py::handle& make) {
  return std::make_shared<PythonLearnerFactory>(py::reinterpret_borrow<py::object>(make));
}

}  // namespace axonomy::bindings

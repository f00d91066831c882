// Matrix types, dimensions and the state visitor shared by all parts.
#pragma once

#include <Eigen/Core>
#include <cmath>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace axonomy {

using Index = Eigen::Index;

// Column-major throughout: M is (S, R*m) with k fastest, W is (R, m) with i fastest, so that the
// gradient q.M, a row of R*m numbers, is W's own memory order.
template <class T>
using Matrix = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic>;
template <class T>
using Vector = Eigen::Matrix<T, Eigen::Dynamic, 1>;

// The scalar in which reductions work: double for float and double; other scalar types (such as the
// operation-counting one of the tests) work in themselves.
template <class T>
struct WorkScalar {
  using type = T;
};
template <>
struct WorkScalar<float> {
  using type = double;
};
template <class T>
using Work = typename WorkScalar<T>::type;

template <class T>
inline T root(const T& x) {
  using std::sqrt;
  return sqrt(x);
}
template <class T>
inline T magnitude(const T& x) {
  using std::abs;
  return abs(x);
}

class Sparsity;

// What the rows of a gate see of the regressors, as bits.
enum Sees : unsigned { sees_state = 1, sees_input = 2, sees_bias = 4 };

// Sizes of a network as the learners see it. State k = component * n + unit, row i = gate * n +
// unit; the activity is the last component of the state.
struct Shape {
  Index n = 0;                // units
  Index n_in = 0;             // inputs
  Index n_out = 0;            // outputs
  Index m = 0;                // regressors, [a_prev, x, 1]
  Index states_per_unit = 1;  // p
  Index rows_per_unit = 1;    // g
  Index first = 0;            // which of a network's regressors is the first here: a block of columns
  std::shared_ptr<const Sparsity> pattern = nullptr;  // the recurrent weights that exist; null: all
  std::vector<unsigned> sees = {};  // of each gate: which regressors its rows have weights for; empty: all
  // Element-wise: a row sees the state of its own unit alone. The regressors are then one set a row, a_hat (R, m), i
  // fastest, a_hat_i = [state of the unit, x, 1], and J couples no two units.
  bool element_wise = false;
  Index fed_back = -1;  // which component of the state is among the regressors; -1: the last, the activity

  Index S() const { return states_per_unit * n; }
  Index R() const { return rows_per_unit * n; }
  Index regressors() const { return element_wise ? R() * m : m; }  // numbers in a_hat
  Index returning() const { return fed_back < 0 ? states_per_unit - 1 : fed_back; }
};

// Whether each unit has one state and one row of W, whose regressors are those of all.
inline bool has_one_row_a_unit(const Shape& shape) {
  return !shape.element_wise && shape.states_per_unit == 1 && shape.rows_per_unit == 1;
}

// Sizes of one left and one right term of a factored influence: bounds on the rank of their sum.
struct Dimensions {
  Index left, right;
  Index smaller() const { return std::min(left, right); }
};

// One walk over everything that outlives a step. Saving, loading, copying and counting bytes are
// visitors, so a component lists its state once.
template <class T>
class StateVisitor {
 public:
  virtual ~StateVisitor() = default;
  virtual void array(const char* name, T* data, std::vector<Index> shape) = 0;
  // Whole numbers; none that is loaded may exceed `most`.
  virtual void words(const char* name, std::uint64_t* data, Index size, std::uint64_t most) = 0;
  // Names between the two belong to this part.
  virtual void enter(const std::string& name) { (void)name; }
  virtual void leave() {}
  // Whether to be spared what has no meaning for now, being written before it is next read. That it has none must follow from
  // what was visited before.
  virtual bool skips_idle() const { return false; }
  // Memory that is held but carries nothing from one step to the next.
  virtual void scratch(std::size_t bytes) { (void)bytes; }

  template <class M>
  void matrix(const char* name, M& m) {
    array(name, m.data(), {m.rows(), m.cols()});
  }
  void vector(const char* name, Vector<T>& v) { array(name, v.data(), {v.size()}); }
  void word(const char* name, std::uint64_t& w, std::uint64_t most = ~std::uint64_t(0)) {
    words(name, &w, 1, most);
  }
};

template <class Derived>
bool all_finite(const Eigen::DenseBase<Derived>& x) {
  // x - x is 0 for finite x and NaN otherwise; one vectorised sum instead of a test per element.
  return !((x.derived() - x.derived()).sum() != 0);
}

}  // namespace axonomy

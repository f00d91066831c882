// Which recurrent weights exist, as compressed columns: unit u gets from unit v if u is among the units of
// column v. All gates of a unit share the pattern. The weights themselves stay in W (R, m), where those that do
// not exist are zero.
#pragma once

#include "types.hpp"

namespace axonomy {

class Sparsity {
 public:
  // `columns`[v]: the units that get from unit v, ascending.
  explicit Sparsity(const std::vector<std::vector<Index>>& columns) : starts_{0} {
    const auto n = static_cast<Index>(columns.size());
    for (const auto& column : columns) {
      Index last = -1;
      for (const Index unit : column) {
        if (unit <= last || unit >= n)
          throw std::invalid_argument("pattern: expected ascending units below " +
                                      std::to_string(n) + " in every column");
        units_.push_back(last = unit);
      }
      starts_.push_back(static_cast<Index>(units_.size()));
    }
  }

  Index n() const { return static_cast<Index>(starts_.size()) - 1; }
  // Number of existing weights of one gate; those of column v are begin(v) ... end(v).
  Index size() const { return starts_.back(); }
  Index begin(Index v) const { return starts_[static_cast<std::size_t>(v)]; }
  Index end(Index v) const { return starts_[static_cast<std::size_t>(v) + 1]; }
  Index unit(Index weight) const { return units_[static_cast<std::size_t>(weight)]; }
  // What it was made of.
  std::vector<std::vector<Index>> columns() const {
    std::vector<std::vector<Index>> all;
    for (Index v = 0; v < n(); ++v) all.emplace_back(units_.begin() + begin(v), units_.begin() + end(v));
    return all;
  }

  // h (R,) += W_rec x, of a W with that many rows
  template <class T>
  void add_product(Index rows, const T* W, const T* x, T* h) const {
    for (Index v = 0; v < n(); ++v)
      for (Index offset = 0; offset < rows; offset += n()) {
        const T* column = W + v * rows + offset;
        for (Index w = begin(v); w < end(v); ++w) h[offset + unit(w)] += column[unit(w)] * x[v];
      }
  }

  // y (n,) += c W_rec, c a row vector of R
  template <class T>
  void add_product_left(Index rows, const T* W, const T* c, T* y) const {
    for (Index v = 0; v < n(); ++v) {
      T sum(0);
      for (Index offset = 0; offset < rows; offset += n()) {
        const T* column = W + v * rows + offset;
        for (Index w = begin(v); w < end(v); ++w) sum += c[offset + unit(w)] * column[unit(w)];
      }
      y[v] += sum;
    }
  }

 private:
  std::vector<Index> starts_, units_;
};

}  // namespace axonomy

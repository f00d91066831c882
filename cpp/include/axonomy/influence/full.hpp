// RTRL: the whole influence, M <- J M + M_bar, gradient q.M (Williams & Zipser 1989).
// M (S, R*m); memory O(n^3), time O(n^4). Only columns of weights that exist are there (`rectangles`).
//
// M lies in a buffer with room for one block of columns more. J times a block is written one block beside it, to the
// left in one step and to the right in the next, so that nothing is copied and all else about a block is done while it
// is in cache. Each member of a team has blocks that lie together; the first of its own would be written to where another may
// still have to read, and waits until all are done.
#pragma once

#include "../core/large.hpp"
#include "../learner.hpp"

namespace axonomy {

template <class T>
class FullInfluence final : public Learner<T> {
 public:
  explicit FullInfluence(const Shape& shape)
      : shape_(shape),
        rectangles_(rectangles(shape)),
        columns_(count(rectangles_)),
        block_(block_columns(shape)),
        buffer_(shape.S(), columns_ + block_) {}

  bool keeps_absent() const override { return shape_.pattern == nullptr; }
  void reset(const T*) override { buffer_.setZero(); }

  void use(Team* team) override {
    const double S = static_cast<double>(shape_.S());
    team_ = if_enough(team, S * S * static_cast<double>(columns_));
    waiting_.resize(team_ == nullptr ? 0 : shape_.S() * block_, members() - 1);
  }

  void step(const Step<T>& step, const T*, T scale, T* target) override {
    const Index blocks = (columns_ + block_ - 1) / block_;
    const bool to_the_left = at_ > 0;
    const Index next = to_the_left ? 0 : block_;
    const auto first_of = [&](Index member) { return blocks * member / members(); };
    const auto start_of = [&](Index b) { return (to_the_left ? b : blocks - 1 - b) * block_; };
    const auto size_from = [&](Index start) { return std::min(block_, columns_ - start); };
    step.J->prepare();
    share_out(team_, members(), 1, [&](Index member, Index) {
      const Index first = first_of(member), last = first_of(member + 1);
      for (Index b = first; b < last; ++b) {
        const Index start = start_of(b);
        const bool waits = member > 0 && b == first;
        T* const out = waits ? waiting_.col(member - 1).data() : buffer_.col(next + start).data();
        advance(step, start, size_from(start), out, scale, target);
      }
    });
    for (Index member = 1; member < members(); ++member) {
      if (first_of(member) == first_of(member + 1)) continue;
      const Index start = start_of(first_of(member));
      std::copy_n(waiting_.col(member - 1).data(), shape_.S() * size_from(start), buffer_.col(next + start).data());
    }
    at_ = next;
  }

  bool influence(Matrix<T>& M) const override {
    expand(shape_, rectangles_, buffer_.col(at_).data(), M);
    return true;
  }

  void visit(StateVisitor<T>& v) override {
    v.array("influence", buffer_.col(at_).data(), influence_shape(shape_, rectangles_));
    v.scratch(sizeof(T) * static_cast<std::size_t>(shape_.S() * block_ + waiting_.size()));
  }

 private:
  // While J stays in the first cache, so should a block and what it becomes; then rather few, long blocks, and longer ones
  // where every product has to copy J. Whole tiles of products and whole vectors of dots.
  static Index block_columns(const Shape& shape) {
    const Index column = shape.S() * static_cast<Index>(sizeof(T)), J = shape.S() * column;
    const Index columns = J > 524288 ? 192 : (J <= 16384 ? 12288 : 131072) / column;
    constexpr Index grain = 48;
    return std::max<Index>(1, std::min(shape.R() * shape.m, columns < grain ? columns : columns / grain * grain));
  }

  Index members() const { return team_ == nullptr ? 1 : team_->size(); }

  // Columns start ... start + size of M: propagate to `M`, add D a_hat, take the gradient.
  void advance(const Step<T>& step, Index start, Index size, T* M, T scale, T* target) {
    const Index S = shape_.S(), R = shape_.R();
    step.J->apply_prepared(buffer_.col(at_ + start).data(), size, M);
    const bool all = rectangles_.size() == 1 && columns_ == R * shape_.m;
    for_pieces(rectangles_, start, size, [&](Index i, Index j, Index from, Index rows) {
      T* const columns = M + (from - start) * S;
      add_immediate_influence(step, i, j, rows, columns);
      if (target != nullptr && !all) add_dots<T>(S, rows, columns, step.q, scale, target + j * R + i);
    });
    if (target != nullptr && all) add_dots<T>(S, size, M, step.q, scale, target + start);
  }

  // M_bar on the columns of rows i, i + 1, ... of W and regressor j.
  void add_immediate_influence(const Step<T>& step, Index i, Index j, Index rows, T* column) {
    const Index S = shape_.S(), n = shape_.n;
    for (const Index stop = i + rows; i < stop;) {  // one gate at a time
      const Index gate = i / n, last = std::min(stop, (gate + 1) * n);
      for (Index a = 0; a < shape_.states_per_unit; ++a) {
        const T* D = step.D->part(a, gate) - gate * n;
        T* entry = column + a * n - gate * n + i;
        for (Index row = i; row < last; ++row, entry += S + 1) *entry += D[row] * step.a_hat[j];
      }
      column += (last - i) * S;
      i = last;
    }
  }

  Shape shape_;
  std::vector<Rectangle> rectangles_;
  Index columns_, block_;
  LargeMatrix<T> buffer_;  // (S, columns + block)
  Index at_ = 0;           // where M begins: column 0 or block
  Team* team_ = nullptr;
  Matrix<T> waiting_;      // (S block, members - 1), workspace
};

}  // namespace axonomy

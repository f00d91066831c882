// A learner of its own for each block of columns of W. Columns j of the influence never interact, so that each block may
// have another tensor: exact where that is cheap (input weights and biases), approximate where it is dear.
#pragma once

#include "parts.hpp"

namespace axonomy {

// Columns start ... start + width - 1 of W.
struct Block {
  Index start, width;
};

template <class T>
class ByBlock final : public Parts<T> {
 public:
  // The i-th part was made for the shape with m = blocks[i].width.
  ByBlock(const Shape& shape, std::vector<std::unique_ptr<Learner<T>>> parts, std::vector<Block> blocks)
      : Parts<T>(shape, std::move(parts)), shape_(shape), blocks_(std::move(blocks)) {}

  void flush(T* target) override {
    for (std::size_t i = 0; i < blocks_.size(); ++i) this->parts_[i]->flush(target + shape_.R() * blocks_[i].start);
  }

  bool influence(Matrix<T>& M) const override {
    Matrix<T> part;
    M.resize(shape_.S(), shape_.R() * shape_.m);
    for (std::size_t i = 0; i < blocks_.size(); ++i) {
      if (!this->parts_[i]->influence(part)) return false;
      M.middleCols(shape_.R() * blocks_[i].start, shape_.R() * blocks_[i].width) = part;
    }
    return true;
  }

 protected:
  void step_part(std::size_t i, const Step<T>& step, const T* noise, T scale, T* target) override {
    Step<T> columns = step;
    const Index entry = shape_.R() * blocks_[i].start;
    columns.a_hat += shape_.element_wise ? entry : blocks_[i].start;
    this->parts_[i]->step(columns, noise, scale, target == nullptr ? nullptr : target + entry);
  }

 private:
  Shape shape_;
  std::vector<Block> blocks_;
};

}  // namespace axonomy

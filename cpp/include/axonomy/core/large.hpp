// A matrix that is read from one end to the other in every step. Where it is larger than the caches, huge pages make that
// half as fast again.
#pragma once

#include <new>

#if defined(__linux__)
#include <sys/mman.h>
#endif

#include "types.hpp"

namespace axonomy {

template <class T>
class LargeMatrix : public Eigen::Map<Matrix<T>> {
  using Map = Eigen::Map<Matrix<T>>;

 public:
  LargeMatrix(Index rows, Index cols) : Map(allocate(rows * cols), rows, cols) {
    for (Index i = 0; i < rows * cols; ++i) new (this->data() + i) T(0);
  }
  ~LargeMatrix() {
    ::operator delete(this->data(), std::align_val_t(bytes(this->size()) < page ? line : page));
  }
  LargeMatrix(const LargeMatrix&) = delete;
  LargeMatrix& operator=(const LargeMatrix&) = delete;

 private:
  static constexpr std::size_t line = 64, page = std::size_t(1) << 21;

  static std::size_t bytes(Index size) { return sizeof(T) * static_cast<std::size_t>(std::max<Index>(size, 1)); }
  static T* allocate(Index size) {
    const std::size_t bytes = LargeMatrix::bytes(size);
    if (bytes < page) return static_cast<T*>(::operator new(bytes, std::align_val_t(line)));
    void* const memory = ::operator new(bytes, std::align_val_t(page));
#if defined(__linux__) && defined(MADV_HUGEPAGE)
    madvise(memory, bytes, MADV_HUGEPAGE);  // a wish: nothing follows from a refusal
#endif
    return static_cast<T*>(memory);
  }
};

}  // namespace axonomy

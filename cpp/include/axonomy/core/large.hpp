// A matrix that is read from one end to the other in every step; from half a huge page on, on huge pages. Where it is larger
// than the caches, they make that half as fast again; where it is about as large as the second, its parts do not push each
// other out of there, as they do on pages that are scattered over memory.
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
    ::operator delete(this->data(), std::align_val_t(is_large(this->size()) ? page : line));
  }
  LargeMatrix(const LargeMatrix&) = delete;
  LargeMatrix& operator=(const LargeMatrix&) = delete;
  using Map::operator=;

 private:
  static constexpr std::size_t line = 64, page = std::size_t(1) << 21;

  static std::size_t bytes(Index size) { return sizeof(T) * static_cast<std::size_t>(std::max<Index>(size, 1)); }
  static bool is_large(Index size) { return bytes(size) >= page / 2; }
  static T* allocate(Index size) {
    if (!is_large(size)) return static_cast<T*>(::operator new(bytes(size), std::align_val_t(line)));
    const std::size_t bytes = std::max(LargeMatrix::bytes(size), page);
    void* const memory = ::operator new(bytes, std::align_val_t(page));
#if defined(__linux__) && defined(MADV_HUGEPAGE)
    madvise(memory, bytes, MADV_HUGEPAGE);  // a wish: nothing follows from a refusal
#endif
    return static_cast<T*>(memory);
  }
};

}  // namespace axonomy

// Visitors over a component's state: copy it to a buffer and back, count it, test that it is finite.
#pragma once

#include <cstring>

#include "types.hpp"

namespace axonomy {

namespace detail {
inline std::size_t product(const std::vector<Index>& shape) {
  std::size_t size = 1;
  for (const Index s : shape) size *= static_cast<std::size_t>(s);
  return size;
}
}  // namespace detail

// A copy of everything that outlives a step. Its buffer is reused.
template <class T>
class Snapshot {
 public:
  template <class Part>
  void save(Part& part) {
    Writer writer(buffer_);
    part.visit(writer);
  }
  template <class Part>
  void restore(Part& part) const {
    Reader reader(buffer_);
    part.visit(reader);
  }

  // Does all of an action on the part or, if it throws, nothing of it.
  template <class Part, class Action>
  auto whole(Part& part, const Action& action) {
    save(part);
    try {
      return action();
    } catch (...) {
      restore(part);
      throw;
    }
  }
  // Whether the part is still as it was saved, bit by bit.
  template <class Part>
  bool matches(Part& part) const {
    Comparer comparer(buffer_);
    part.visit(comparer);
    return comparer.same;
  }

 private:
  struct Writer final : StateVisitor<T> {
    explicit Writer(std::vector<char>& buffer) : buffer(buffer) {}
    bool skips_idle() const override { return true; }
    void array(const char*, T* data, std::vector<Index> shape) override {
      put(data, sizeof(T) * detail::product(shape));
    }
    void words(const char*, std::uint64_t* data, Index size, std::uint64_t) override {
      put(data, sizeof(std::uint64_t) * static_cast<std::size_t>(size));
    }
    void put(const void* data, std::size_t bytes) {
      if (buffer.size() < at + bytes) buffer.resize(at + bytes);
      if (bytes > 0) std::memcpy(buffer.data() + at, data, bytes);
      at += bytes;
    }
    std::vector<char>& buffer;
    std::size_t at = 0;
  };
  struct Reader final : StateVisitor<T> {
    explicit Reader(const std::vector<char>& buffer) : buffer(buffer) {}
    bool skips_idle() const override { return true; }
    void array(const char*, T* data, std::vector<Index> shape) override {
      get(data, sizeof(T) * detail::product(shape));
    }
    void words(const char*, std::uint64_t* data, Index size, std::uint64_t) override {
      get(data, sizeof(std::uint64_t) * static_cast<std::size_t>(size));
    }
    void get(void* data, std::size_t bytes) {
      if (bytes > 0) std::memcpy(data, buffer.data() + at, bytes);
      at += bytes;
    }
    const std::vector<char>& buffer;
    std::size_t at = 0;
  };

  struct Comparer final : StateVisitor<T> {
    explicit Comparer(const std::vector<char>& buffer) : buffer(buffer) {}
    bool skips_idle() const override { return true; }
    void array(const char*, T* data, std::vector<Index> shape) override {
      compare(data, sizeof(T) * detail::product(shape));
    }
    void words(const char*, std::uint64_t* data, Index size, std::uint64_t) override {
      compare(data, sizeof(std::uint64_t) * static_cast<std::size_t>(size));
    }
    void compare(const void* data, std::size_t bytes) {
      same = same && at + bytes <= buffer.size() && (bytes == 0 || std::memcmp(data, buffer.data() + at, bytes) == 0);
      at += bytes;
    }
    const std::vector<char>& buffer;
    std::size_t at = 0;
    bool same = true;
  };

  std::vector<char> buffer_;
};

// Bytes held: what outlives a step, and the workspace.
template <class T>
class ByteCount final : public StateVisitor<T> {
 public:
  void array(const char*, T*, std::vector<Index> shape) override {
    kept += sizeof(T) * detail::product(shape);
  }
  void words(const char*, std::uint64_t*, Index size, std::uint64_t) override {
    kept += sizeof(std::uint64_t) * static_cast<std::size_t>(size);
  }
  void scratch(std::size_t bytes) override { workspace += bytes; }
  std::size_t total() const { return kept + workspace; }
  std::size_t kept = 0, workspace = 0;
};

template <class T>
class FiniteCheck final : public StateVisitor<T> {
 public:
  void array(const char*, T* data, std::vector<Index> shape) override {
    finite = finite && all_finite(Eigen::Map<const Vector<T>>(
                           data, static_cast<Index>(detail::product(shape))));
  }
  void words(const char*, std::uint64_t*, Index, std::uint64_t) override {}
  bool skips_idle() const override { return true; }
  bool finite = true;
};

template <class T, class Part>
bool is_finite(Part& part) {
  FiniteCheck<T> check;
  part.visit(check);
  return check.finite;
}

}  // namespace axonomy

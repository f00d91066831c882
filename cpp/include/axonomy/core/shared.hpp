// Work on columns that a team shares out, a stretch of them to each member. Nothing is summed over members and every column
// is computed as it would be by one thread, so that no bit depends on how many there are.
#pragma once

#include <functional>

#include "dots.hpp"
#include "gemv.hpp"
#include "team.hpp"

namespace axonomy {

// The team, if a learner with so many multiplications to share out a step gains by one, whose members may have to be woken.
inline Team* if_enough(Team* team, double multiplications) { return multiplications < 4e6 ? nullptr : team; }

// work(first, last) for stretches of 0 ... count - 1 that begin at multiples of `grain`; all at once if there is no team.
template <class Work>
void share_out(Team* team, Index count, Index grain, const Work& work) {
  if (team == nullptr || team->size() == 1) return work(Index(0), count);
  const Index grains = (count + grain - 1) / grain, size = team->size();
  const auto part = [&](int member) {
    const Index first = grain * (grains * member / size);
    const Index last = std::min(count, grain * (grains * (member + 1) / size));
    if (first < last) work(first, last);
  };
  team->run(std::ref(part));  // by reference, as a copy would be allocated
}

inline constexpr Index whole_tiles = 12;  // columns of a product

namespace detail {
// Below this a team that is awake takes as long as one thread.
inline Team* if_worth(Team* team, Index multiplications) { return multiplications < 32768 ? nullptr : team; }
}  // namespace detail

// C (M, N) = A (M, K) B (K, N), or C += A B
template <class T>
void gemm(Team* team, Index M, Index N, Index K, const T* A, Index lda, const T* B, Index ldb, T* C, Index ldc,
          bool accumulate = false) {
  share_out(detail::if_worth(team, M * N * K), N, whole_tiles, [&](Index first, Index last) {
    gemm<T>(M, last - first, K, A, lda, B + first * ldb, ldb, C + first * ldc, ldc, accumulate);
  });
}

// out_c += scale q . A[:, c]
template <class T>
void add_dots(Team* team, Index S, Index columns, const T* A, const T* q, T scale, T* out, bool far = false) {
  constexpr Index grain = 64;  // whole vectors, of whose columns the sums are taken together
  share_out(detail::if_worth(team, S * columns), columns, grain, [&](Index first, Index last) {
    add_dots<T>(S, last - first, A + first * S, q, scale, out + first, far);
  });
}

// work(first, last) for stretches of the columns of matrices (R, m), all of whose entries are treated by themselves.
template <class Work>
void share_columns(Team* team, Index R, Index m, const Work& work) {
  constexpr Index grain = 8;
  share_out(detail::if_worth(team, R * m), m, grain, work);
}

// A (R, m) = keep A + scale u v^T
template <class T>
void add_outer(Team* team, T scale, const T* u, Index R, const T* v, Index m, T* A, T keep = T(1)) {
  share_columns(team, R, m, [&](Index first, Index last) {
    add_outer<T>(scale, u, R, v + first, last - first, A + first * R, keep);
  });
}

// out_c = q . A[:, c] and |A|^2, which is summed over stretches of so many columns first, each in its place in `squares`.
inline constexpr Index summed_columns = 64;
template <class T>
Work<T> dots_and_square(Team* team, Index S, Index columns, const T* A, const T* q, T* out, Vector<Work<T>>& squares) {
  const Index stretches = (columns + summed_columns - 1) / summed_columns;
  share_out(detail::if_worth(team, S * columns), stretches, 1, [&](Index first, Index last) {
    for (Index i = first; i < last; ++i) {
      const Index c = i * summed_columns, count = std::min(summed_columns, columns - c);
      squares[i] = dots_and_square<T>(S, count, A + c * S, q, out + c);
    }
  });
  Work<T> sum(0);
  for (Index i = 0; i < stretches; ++i) sum += squares[i];
  return sum;
}

}  // namespace axonomy

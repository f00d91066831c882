"""OptimalUnbiased: stochastic, numerical; the unbiased reduction of least variance (Benzing et al. 2019).

From the singular value decomposition of the sum of the terms. The largest are kept exactly while
``(r - m) σ_{m+1} > Σ_{i>m} σ_i``; the tail, of sum s, is mixed into the remaining k = r - m by
``sqrt(s / k) diag(signs) Z``, Z with k orthonormal columns and squared row norms ``k σ_i / s``. The
variance is ``s² / k - Σ σ²`` over the tail. Needs whole Grams.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from axonomy import _check
from axonomy.component import Option
from axonomy.influence.reductions.base import Reduction, core_mixing


@dataclass(frozen=True)
class OptimalUnbiased(Reduction):
    """Keep the largest singular terms, mix the rest without bias and with the least variance."""

    solver: ClassVar[str] = "optimal"
    title: ClassVar[str] = "OptimalUnbiased"
    randomness: ClassVar[str] = "stochastic"
    solution: ClassVar[str] = "numerical"
    bias: ClassVar[str] = "none"
    references: ClassVar[tuple[str, ...]] = ("benzing2019",)
    options: ClassVar[dict[str, Option]] = {}

    def n_noise(self, n_terms: int, rank: int) -> int:
        """Return N - 1: the sign of the first singular term is fixed."""
        return n_terms - 1

    def mix(
        self,
        gram_left: _check.FloatArray,
        gram_right: _check.FloatArray,
        rank: int,
        noise: _check.FloatArray,
    ) -> tuple[_check.FloatArray, _check.FloatArray]:
        """Return C_L, C_R (N, r), from the core."""
        return core_mixing(self.solver, "per_term", gram_left, gram_right, rank, noise)

"""TruncatedSVD: deterministic, numerical; the best approximation of rank r (Eckart & Young 1936).

Keeps the r largest terms of the singular value decomposition of the sum, and so is biased. Needs whole Grams.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from axonomy import _check
from axonomy.component import Option
from axonomy.influence.reductions.base import Reduction, core_mixing


@dataclass(frozen=True)
class TruncatedSVD(Reduction):
    """Keep the r largest singular terms and drop the rest."""

    solver: ClassVar[str] = "svd"
    title: ClassVar[str] = "TruncatedSVD"
    randomness: ClassVar[str] = "deterministic"
    solution: ClassVar[str] = "numerical"
    bias: ClassVar[str] = "biased"
    references: ClassVar[tuple[str, ...]] = ("eckart1936",)
    options: ClassVar[dict[str, Option]] = {}

    def n_noise(self, n_terms: int, rank: int) -> int:
        """Return 0."""
        return 0

    def mix(
        self,
        gram_left: _check.FloatArray,
        gram_right: _check.FloatArray,
        rank: int,
        noise: _check.FloatArray,
    ) -> tuple[_check.FloatArray, _check.FloatArray]:
        """Return C_L, C_R (N, r), from the core."""
        return core_mixing(self.solver, "per_term", gram_left, gram_right, rank, noise)

"""RandomSigns: stochastic, closed form, unbiased (Tallec & Ollivier 2018; Mujika et al. 2018).

``C_L[t,l] = p_t ν_tl / √r``, ``C_R[t,l] = ν_tl / (p_t √r)`` with ``p_t = sqrt(|R_t| / |L_t|)``,
which gives both factors equal norms. Rank r is the mean of r independent estimators of rank 1.
Needs norms only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from axonomy import _check
from axonomy.component import Option
from axonomy.influence.reductions.base import Reduction, core_mixing


def _normaliser(name: str, value: object) -> str:
    return _check.one_of(name, value, ("per_term", "shared"))


def _noise(name: str, value: object) -> str:
    return _check.one_of(name, value, ("signs", "normal"))


@dataclass(frozen=True)
class RandomSigns(Reduction):
    """Mix all terms with random signs.

    Parameters
    ----------
    normaliser : str
        ``"per_term"``: each term by its own norms. ``"shared"``: one p for all added terms, from the norms of
        their mixed sums, as the published rules have it.
    noise : str
        ``"signs"`` (±1) or ``"normal"``, of unit variance.
    """

    normaliser: str = "per_term"
    noise: str = "signs"

    solver: ClassVar[str] = "signs"
    title: ClassVar[str] = "RandomSigns"
    randomness: ClassVar[str] = "stochastic"
    solution: ClassVar[str] = "closed-form"
    bias: ClassVar[str] = "none"
    references: ClassVar[tuple[str, ...]] = ("tallec2018", "mujika2018")
    options: ClassVar[dict[str, Option]] = {
        "normaliser": Option("per_term", _normaliser, "per_term, or shared as published"),
        "noise": Option("signs", _noise, "signs or normal, unit variance"),
    }

    def __post_init__(self) -> None:
        _normaliser("normaliser", self.normaliser)
        _noise("noise", self.noise)

    @property
    def noise_kind(self) -> str:
        """``"signs"`` or ``"normal"``."""
        return self.noise

    def n_noise(self, n_terms: int, rank: int) -> int:
        """Return N r: every term has its own number in each of the r estimators."""
        return n_terms * rank

    def mix(
        self,
        gram_left: _check.FloatArray,
        gram_right: _check.FloatArray,
        rank: int,
        noise: _check.FloatArray,
    ) -> tuple[_check.FloatArray, _check.FloatArray]:
        """Return C_L, C_R (N, r), from the core."""
        return core_mixing(self.solver, self.normaliser, gram_left, gram_right, rank, noise)

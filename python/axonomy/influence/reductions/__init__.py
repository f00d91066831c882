"""The ways to bring N terms back to r. One file a reduction; this list is the registry."""

from __future__ import annotations

from axonomy.influence.reductions.base import Reduction
from axonomy.influence.reductions.optimal_unbiased import OptimalUnbiased
from axonomy.influence.reductions.random_signs import RandomSigns
from axonomy.influence.reductions.truncated_svd import TruncatedSVD

REDUCTIONS: tuple[type[Reduction], ...] = (RandomSigns, OptimalUnbiased, TruncatedSVD)

__all__ = ["REDUCTIONS", "OptimalUnbiased", "RandomSigns", "Reduction", "TruncatedSVD"]

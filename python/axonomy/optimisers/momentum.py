"""Momentum: ``v <- momentum v + g``, ``W <- W - lr v`` (Polyak 1964)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from axonomy import _check
from axonomy.optimisers.base import Optimiser


@dataclass(frozen=True)
class Momentum(Optimiser):
    """Gradient descent with momentum, ``v <- momentum v + g``, ``W <- W - lr v``.

    Parameters
    ----------
    lr, clip, l2
        See :class:`axonomy.optimisers.Optimiser`.
    momentum : float
        In [0, 1).
    """

    momentum: float = 0.9

    kind: ClassVar[str] = "momentum"

    def _check_own(self) -> None:
        _check.number("momentum", self.momentum, least=0, below=1)

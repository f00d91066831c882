"""RMSProp: ``v <- decay v + (1 - decay) g²``, ``W <- W - lr g / (√v + eps)`` (Tieleman & Hinton 2012)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from axonomy import _check
from axonomy.optimisers.base import Optimiser


@dataclass(frozen=True)
class RMSProp(Optimiser):
    """RMSProp, ``v <- decay v + (1 - decay) g²``, ``W <- W - lr g / (√v + eps)``.

    Parameters
    ----------
    lr, clip, l2
        See :class:`axonomy.optimisers.Optimiser`.
    decay : float
        In [0, 1).
    eps : float
        Above 0.
    """

    decay: float = 0.99
    eps: float = 1e-8

    kind: ClassVar[str] = "rmsprop"

    def _check_own(self) -> None:
        _check.number("decay", self.decay, least=0, below=1)
        _check.number("eps", self.eps, above=0)

"""Adam with bias correction (Kingma & Ba 2015)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from axonomy import _check
from axonomy.optimisers.base import Optimiser


@dataclass(frozen=True)
class Adam(Optimiser):
    """Adam, ``W <- W - lr m̂ / (√v̂ + eps)`` with ``m`` and ``v`` the decaying means of ``g`` and ``g²``.

    Parameters
    ----------
    lr, clip, l2
        See :class:`axonomy.optimisers.Optimiser`.
    beta1, beta2 : float
        In [0, 1).
    eps : float
        Above 0.
    """

    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8

    kind: ClassVar[str] = "adam"

    def _check_own(self) -> None:
        _check.number("beta1", self.beta1, least=0, below=1)
        _check.number("beta2", self.beta2, least=0, below=1)
        _check.number("eps", self.eps, above=0)

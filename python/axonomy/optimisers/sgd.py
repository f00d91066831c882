"""SGD: ``W <- W - lr g``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from axonomy.optimisers.base import Optimiser


@dataclass(frozen=True)
class SGD(Optimiser):
    """Gradient descent, ``W <- W - lr g``.

    Parameters
    ----------
    lr, clip, l2
        See :class:`axonomy.optimisers.Optimiser`.
    """

    kind: ClassVar[str] = "sgd"

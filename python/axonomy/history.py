"""What a run leaves behind."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from axonomy._check import FloatArray


@dataclass(frozen=True, eq=False)
class History:
    """What a run recorded.

    Attributes
    ----------
    loss : ndarray, shape (steps done,), or (steps done, B) of several streams
        The loss of every step; NaN where masked.
    monitor_steps : ndarray of int
        The steps, counted from the trainer's first as 1, after which monitors were recorded.
    monitors : dict of str to ndarray
        Their values at those steps.
    """

    loss: FloatArray
    monitor_steps: np.ndarray[Any, np.dtype[np.int64]] = field(default_factory=lambda: np.zeros(0, np.int64))
    monitors: dict[str, FloatArray] = field(default_factory=dict)

"""Split kj|ij, not in the paper: left (S, m), right (R, m), one problem for each regressor j.

M_bar adds R terms for each j, ``D[:,i] a_hat[j]`` and ``e_i``.
"""

from __future__ import annotations

from axonomy.component import Least, columns
from axonomy.influence.splits.base import Split
from axonomy.order import Order
from axonomy.shape import Shape


def _least(shape: Shape, rank: int) -> Least:
    """J times the left factor (S, m)."""
    left = shape.S * columns(shape) * rank
    held = left + shape.R * columns(shape) + shape.R * columns(shape) * rank
    return Least(flops=2 * shape.S * left, moved=2 * held, held=held)


KJ_IJ = Split(
    tensor="kj|ij",
    left="kj",
    right="ij",
    memory=Order(2, "r"),
    closed_form=Order(3, "r"),
    numerical=Order(4),
    shared=True,
    by_row_or_state=True,
    least=_least,
)

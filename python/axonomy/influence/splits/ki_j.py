"""Split ki|j, ``A_j B_ki`` of the paper: left (S, R), right (m,).

M_bar adds one term, ``D`` and ``a_hat``. KF-RTRL and r-OK live here.
"""

from __future__ import annotations

from axonomy.component import Least, columns
from axonomy.influence.splits.base import Split
from axonomy.order import Order
from axonomy.shape import Shape


def _least(shape: Shape, rank: int) -> Least:
    """J times the left factor (S, R)."""
    left = shape.S * shape.R * rank
    held = left + shape.R * columns(shape)
    return Least(flops=2 * shape.S * left, moved=2 * held, held=held)


KI_J = Split(
    tensor="ki|j",
    left="ki",
    right="j",
    memory=Order(2, "r"),
    closed_form=Order(3, "r"),
    numerical=Order(3, "r"),
    shared=True,
    by_row_or_state=False,
    least=_least,
)

"""Split kj|i, ``A_i B_kj`` of the paper: left (S, m), right (R,).

M_bar adds R terms, ``D[:,i] ⊗ a_hat`` and ``e_i``. R-KF-RTRL lives here.
"""

from __future__ import annotations

from axonomy.component import Least, columns
from axonomy.influence.splits.base import Split
from axonomy.order import Order
from axonomy.shape import Shape


def _least(shape: Shape, rank: int) -> Least:
    """J times the left factor (S, m)."""
    left = shape.S * columns(shape) * rank
    held = left + shape.R * columns(shape)
    return Least(flops=2 * shape.S * left, moved=2 * held, held=held)


KJ_I = Split(
    tensor="kj|i",
    left="kj",
    right="i",
    memory=Order(2, "r"),
    closed_form=Order(3, "r"),
    numerical=Order(3, "r"),
    shared=True,
    by_row_or_state=True,
    least=_least,
)

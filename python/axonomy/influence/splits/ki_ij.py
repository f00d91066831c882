"""Split ki|ij, ``A_ki B_ij`` of the paper: left (S, R), right (R, m), one small problem for each row i.

M_bar adds one term a row, ``D[:,i]`` and ``a_hat``. KeRNL shares the tensor.
"""

from __future__ import annotations

from axonomy.component import Least, columns
from axonomy.influence.splits.base import Split
from axonomy.order import Order
from axonomy.shape import Shape


def _least(shape: Shape, rank: int) -> Least:
    """J times the left factor (S, R)."""
    left = shape.S * shape.R * rank
    held = left + shape.R * columns(shape) + shape.R * columns(shape) * rank
    return Least(flops=2 * shape.S * left, moved=2 * held, held=held)


KI_IJ = Split(
    tensor="ki|ij",
    left="ki",
    right="ij",
    memory=Order(2, "r"),
    closed_form=Order(3, "r"),
    numerical=Order(3, "r"),
    shared=False,
    by_row_or_state=False,
    least=_least,
    element_wise={
        "closed-form": (Order(2, "r"), Order(2, "r")),
        "numerical": (Order(2, "r"), Order(2, "r²")),
    },
)

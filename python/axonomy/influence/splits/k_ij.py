"""Split k|ij, ``A_k B_ij`` of the paper: left (S,), right (R, m).

M_bar adds R terms, ``D[:,i]`` and ``e_i ⊗ a_hat``. UORO lives here.
"""

from __future__ import annotations

from axonomy.component import Least, columns
from axonomy.influence.splits.base import Split
from axonomy.order import Order
from axonomy.shape import Shape


def _least(shape: Shape, rank: int) -> Least:
    """W and the right factor, read and written."""
    arrays = shape.R * columns(shape) * (1 + rank)
    return Least(moved=2 * arrays, held=arrays)


K_IJ = Split(
    tensor="k|ij",
    left="k",
    right="ij",
    memory=Order(2, "r"),
    closed_form=Order(2, "r"),
    numerical=Order(3),
    shared=False,
    by_row_or_state=True,
    least=_least,
    element_wise={"closed-form": (Order(1, "r m"), Order(1, "r m"))},
)

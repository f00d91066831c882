"""Split kj|ij, not in the paper: left (S, m), right (R, m), one problem for each regressor j.

M_bar adds R terms for each j, ``D[:,i] a_hat[j]`` and ``e_i``.
"""

from __future__ import annotations

from axonomy.influence.splits.base import Split
from axonomy.order import Order

KJ_IJ = Split(
    tensor="kj|ij",
    left="kj",
    right="ij",
    memory=Order(2, "r"),
    closed_form=Order(3, "r"),
    numerical=Order(4),
    shared=True,
    by_row_or_state=True,
)

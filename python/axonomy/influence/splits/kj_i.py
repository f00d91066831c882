"""Split kj|i, ``A_i B_kj`` of the paper: left (S, m), right (R,).

M_bar adds R terms, ``D[:,i] ⊗ a_hat`` and ``e_i``. R-KF-RTRL lives here.
"""

from __future__ import annotations

from axonomy.influence.splits.base import Split
from axonomy.order import Order

KJ_I = Split(
    tensor="kj|i",
    left="kj",
    right="i",
    memory=Order(2, "r"),
    closed_form=Order(3, "r"),
    numerical=Order(3, "r"),
    shared=True,
    by_row_or_state=True,
)

"""Split ki|ij, ``A_ki B_ij`` of the paper: left (S, R), right (R, m), one small problem for each row i.

M_bar adds one term a row, ``D[:,i]`` and ``a_hat``. KeRNL shares the tensor.
"""

from __future__ import annotations

from axonomy.influence.splits.base import Split
from axonomy.order import Order

KI_IJ = Split(
    tensor="ki|ij",
    left="ki",
    right="ij",
    memory=Order(2, "r"),
    closed_form=Order(3, "r"),
    numerical=Order(3, "r"),
    shared=False,
    by_row_or_state=False,
    element_wise={
        "closed-form": (Order(2, "r"), Order(2, "r")),
        "numerical": (Order(2, "r"), Order(2, "r²")),
    },
)

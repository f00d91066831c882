"""What a split declares."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from axonomy.component import Least
from axonomy.order import Order
from axonomy.shape import Shape


@dataclass(frozen=True)
class Split:
    """A cut of the influence into two factors.

    Parameters
    ----------
    tensor : str
        Its name among the tensors.
    left, right : str
        Indices of the factors, of ``kij``.
    memory : Order
        Bytes held.
    closed_form, numerical : Order
        Work a step under a reduction that needs norms only, and under one that decomposes.
    shared : bool
        Whether a factor holds the regressors apart from the rows, so that all rows must share them.
    by_row_or_state : bool
        Whether M_bar comes as many terms, one for each row of W or one for each state (option ``immediate``),
        rather than as one.
    least : callable
        ``least(shape, rank)``: what a step cannot do without under a reduction in closed form.
    element_wise : dict
        On element-wise cells, memory and work a step of a solution where they differ.
    """

    tensor: str
    left: str
    right: str
    memory: Order
    closed_form: Order
    numerical: Order
    shared: bool
    by_row_or_state: bool
    least: Callable[[Shape, int], Least] = field(repr=False, compare=False)
    element_wise: dict[str, tuple[Order, Order]] = field(default_factory=dict)

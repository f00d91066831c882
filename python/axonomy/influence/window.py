"""Rolling truncated backpropagation: the current loss through the last L steps (Williams & Peng 1990).

``gradient = sum over s of (q J^t ... J^(s+1) D^s) ⊗ a_hat^s`` for the last L steps s, through the J of each
time. Exact if L covers the whole past; biased otherwise.
"""

from __future__ import annotations

from axonomy import _check
from axonomy.component import Component, Cost, Least, Option, Options, columns
from axonomy.order import Order
from axonomy.shape import Shape


def _least(shape: Shape, options: Options, rank: int) -> Least:
    """The J of L steps pulled back, one new; as many outer products; W read, then read and written."""
    J, weights, window = shape.S * shape.n, shape.R * columns(shape), options["window"]
    return Least(flops=2 * weights * window, moved=J * (window + 1) + 3 * weights, held=J * window + weights)


ROLLING_TBPTT = Component(
    facing="past",
    tensor="kij",
    randomness="deterministic",
    solution="closed-form",
    solver="window",
    title="the influence of the last L steps",
    known_as="rolling TBPTT(L)",
    bias="biased",
    memory=Order(2, "L"),
    time=Order(2, "L"),
    references=("williams1990",),
    element_wise=Cost("biased", memory=Order(1, "L m"), time=Order(1, "L m")),
    least=_least,
    options={
        "window": Option(10, lambda name, value: _check.integer(name, value, 1), "L, the steps looked back")
    },
)

"""Rolling truncated backpropagation: the current loss through the last L steps (Williams & Peng 1990).

``gradient = sum over s of (q J^t ... J^(s+1) D^s) ⊗ a_hat^s`` for the last L steps s, through the J of each
time. Exact if L covers the whole past; biased otherwise.
"""

from __future__ import annotations

from axonomy import _check
from axonomy.component import Component, Cost, Option
from axonomy.order import Order

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
    options={
        "window": Option(10, lambda name, value: _check.integer(name, value, 1), "L, the steps looked back")
    },
)

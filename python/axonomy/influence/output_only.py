"""The lower reference: the read-out learns, the recurrent weights stay (Marschall et al. 2020, section 5)."""

from __future__ import annotations

from axonomy.component import Component, Least, columns
from axonomy.order import Order

OUTPUT_ONLY = Component(
    facing="none",
    tensor="none",
    randomness="deterministic",
    solution="closed-form",
    solver="none",
    title="no recurrent gradient",
    known_as="read-out only",
    bias="biased",
    memory=Order(0),
    time=Order(0),
    references=("marschall2020",),
    least=lambda shape, options, rank: Least(moved=shape.R * columns(shape), held=shape.R * columns(shape)),
)

"""RTRL: ``M <- J M + M_bar``, gradient ``q · M`` (Williams & Zipser 1989; Marschall et al. 2020, eq. 9).

On element-wise cells, where J couples no two units, only the blocks of M within units are kept: the same
numbers.
"""

from __future__ import annotations

from axonomy.component import Component, Cost, Least, Options, columns
from axonomy.order import Order
from axonomy.shape import Shape


def _least(shape: Shape, options: Options, rank: int) -> Least:
    """J M; M read and written."""
    M = shape.S * shape.R * columns(shape)
    return Least(flops=2 * shape.S * M, moved=2 * M, held=M)


RTRL = Component(
    facing="past",
    tensor="kij",
    randomness="deterministic",
    solution="closed-form",
    solver="rtrl",
    title="the whole influence, exact",
    known_as="RTRL",
    bias="none",
    memory=Order(3),
    time=Order(4),
    references=("williams1989",),
    element_wise=Cost("none", memory=Order(1, "m"), time=Order(1, "m")),
    least=_least,
)

"""Entries of M with k and i in the same unit: ``B[i,j] <- K_u B[i,j] + D[i] a_hat[j]``, ``q_i B[i,j]``.

SnAp-1 keeps the unit's own block of J (Menick et al. 2021); e-prop with self-weights is the same
rule (Bellec et al. 2020). RFLO keeps the leak alone (Murray 2019; Marschall et al. 2020, section
4.1.4). Both are exact where J couples no two units.
"""

from __future__ import annotations

from axonomy.component import Component, Cost, Least, Options, columns
from axonomy.order import Order
from axonomy.shape import Shape


def _least(shape: Shape, options: Options, rank: int) -> Least:
    """W, and a trace for each state of a unit, read and written."""
    arrays = shape.R * columns(shape) * (1 + shape.states_per_unit)
    return Least(moved=2 * arrays, held=arrays)


DIAGONAL = Component(
    facing="past",
    tensor="k=i",
    randomness="deterministic",
    solution="closed-form",
    solver="diagonal",
    title="propagates by the diagonal of J",
    known_as="SnAp-1, e-prop",
    bias="biased",
    memory=Order(2),
    time=Order(2),
    references=("menick2021", "bellec2020"),
    element_wise=Cost("none", memory=Order(1, "m"), time=Order(1, "m")),
    least=_least,
)

LEAK = Component(
    facing="past",
    tensor="k=i",
    randomness="deterministic",
    solution="closed-form",
    solver="leak",
    title="propagates by the leak",
    known_as="RFLO",
    bias="biased",
    memory=Order(2),
    time=Order(2),
    references=("murray2019",),
    element_wise=Cost("biased", memory=Order(1, "m"), time=Order(1, "m")),
    least=_least,
)

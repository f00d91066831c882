"""All components: the one list that composition, the table, tests and benchmarks iterate over."""

from __future__ import annotations

from axonomy import influence
from axonomy.component import Component

COMPONENTS: tuple[Component, ...] = influence.COMPONENTS
BASELINES: tuple[Component, ...] = influence.BASELINES


def find(facing: str, tensor: str, randomness: str, solution: str) -> tuple[Component, ...]:
    """Return the components of a cell, the default first."""
    axes = (facing, tensor, randomness, solution)
    return tuple(c for c in (*COMPONENTS, *BASELINES) if c.axes == axes)

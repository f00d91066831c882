"""All components: the one list that composition, the table, tests and benchmarks iterate over."""

from __future__ import annotations

from axonomy import credit, influence
from axonomy.component import Component

BASELINES: tuple[Component, ...] = influence.BASELINES
_added: list[Component] = []


def components() -> tuple[Component, ...]:
    """Return all that fills a cell, what was added last at the end."""
    return (*influence.COMPONENTS, *credit.COMPONENTS, *_added)


def find(facing: str, tensor: str, randomness: str, solution: str) -> tuple[Component, ...]:
    """Return the components of a cell, the default first."""
    axes = (facing, tensor, randomness, solution)
    return tuple(c for c in (*components(), *BASELINES) if c.axes == axes)


def check(component: Component) -> None:
    """Raise a ``ValueError`` if the component's cell has one of its solver already."""
    if any(c.solver == component.solver for c in find(*component.axes)):
        raise ValueError(
            f"solver: expected a name that {', '.join(component.axes)} does not have yet, "
            f"got {component.solver!r}"
        )


def add(component: Component) -> None:
    """Add a component to its cell."""
    check(component)
    _added.append(component)


def remove(component: Component) -> None:
    """Take out what :func:`add` added; a ``KeyError`` if it is not there."""
    if component not in _added:
        raise KeyError(component.solver)
    _added.remove(component)

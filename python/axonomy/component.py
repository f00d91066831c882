"""What a filled cell of the table declares of itself. Tests measure the declarations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from axonomy.order import Order

if TYPE_CHECKING:
    from axonomy.shape import Shape

Options = Mapping[str, Any]


@dataclass(frozen=True)
class Least:
    """What one step cannot do without, in a network with dense recurrent weights.

    Parameters
    ----------
    flops : float
        Operations in products of matrices; a multiply-add is two.
    moved : float
        Numbers read from or written to arrays of the size of W or larger, each once where that is possible.
    held : float
        Numbers in these arrays: where they lie decides how fast they come.
    """

    flops: float = 0.0
    moved: float = 0.0
    held: float = 0.0

    @property
    def operations(self) -> float:
        """All operations: those in products, and a multiply-add with each number moved."""
        return self.flops + 2 * self.moved


def columns(shape: Shape) -> int:
    """Return m, the columns of W."""
    assert shape.m is not None  # given or counted by the shape itself
    return shape.m


@dataclass(frozen=True)
class Option:
    """A setting of a component beyond the four axes.

    Parameters
    ----------
    default : object
        Its value unless given.
    check : callable
        ``check(name, value)`` returns the value or raises a ``ValueError`` that names it.
    meaning : str
        One line.
    """

    default: Any
    check: Callable[[str, Any], Any] = field(repr=False, compare=False)
    meaning: str


@dataclass(frozen=True)
class Cost:
    """What a component declares of itself on a certain kind of cell."""

    bias: str
    memory: Order
    time: Order


@dataclass(frozen=True)
class Component:
    """One way to fill one cell.

    Parameters
    ----------
    facing, tensor, randomness, solution : str
        The cell.
    solver : str
        Tells it from others in the same cell.
    title : str
        What it is, in a few words.
    known_as : str
        The name it has in the literature; empty if it is new.
    bias : str
        ``"none"`` if the expected influence or credit is exact, else ``"biased"``.
    memory, time : Order
        Bytes held and work a step.
    references : tuple of str
        Keys of the bibliography.
    options : mapping of str to Option
        Settings it takes.
    ranked : bool
        Whether it takes a rank r.
    splits_current : bool
        Whether this step's own term may be exact in the gradient, apart from what is estimated
        (``current="exact"``).
    needs_mask : bool
        Whether it runs on sparse recurrent weights only.
    needs_shared : bool
        Whether it runs only where all rows of W share one set of regressors.
    needs_network : bool
        Whether it runs the network itself, on top of what it is shown of a step.
    element_wise : Cost, optional
        Bias, memory and time on element-wise cells, where they differ.
    lag : str
        By how many steps the gradient is late, as printed.
    lag_steps, period : callable
        From the options: by how many steps the gradient is late; every how many steps there is one, the sum
        over as many.
    core_options : callable
        From the options to what the core is told of them.
    least : callable, optional
        ``least(shape, options, rank)``: the :class:`Least` of a step that learns. None: not known.
    """

    facing: str
    tensor: str
    randomness: str
    solution: str
    solver: str
    title: str
    known_as: str
    bias: str
    memory: Order
    time: Order
    references: tuple[str, ...]
    options: dict[str, Option] = field(default_factory=dict)
    ranked: bool = False
    splits_current: bool = False
    needs_mask: bool = False
    needs_shared: bool = False
    needs_network: bool = False
    element_wise: Cost | None = None
    lag: str = "0"
    lag_steps: Callable[[Options], int] = field(default=lambda options: 0, repr=False, compare=False)
    period: Callable[[Options], int] = field(default=lambda options: 1, repr=False, compare=False)
    core_options: Callable[[Options], dict[str, Any]] = field(default=dict, repr=False, compare=False)
    least: Callable[[Shape, Options, int], Least] | None = field(default=None, repr=False, compare=False)

    @property
    def axes(self) -> tuple[str, str, str, str]:
        """The four choices."""
        return self.facing, self.tensor, self.randomness, self.solution

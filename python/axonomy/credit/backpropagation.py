"""Credit over a window of T steps, exact and late: ``c^s = q^s + c^{s+1} J^{s+1}``, ``(c^s D^s) ⊗ a_hat^s``.

F-BPTT gives at every step the gradient of the step T - 1 steps ago; E-BPTT at every T-th step the sum over
the last T (Marschall et al. 2020, section 4.3). Credit goes back through the J of each step's own time,
which is the exact gradient also when weights change online, or through today's weights, as in the program
of that paper.
"""

from __future__ import annotations

from axonomy import _check
from axonomy.component import Component, Cost, Least, Option, Options, columns
from axonomy.order import Order
from axonomy.shape import Shape

# Of every rule that waits for the losses of T steps.
WINDOW = Option(10, lambda name, value: _check.integer(name, value, 1), "T, the steps of the window")
_THROUGH = Option(
    "time",
    lambda name, value: _check.one_of(name, value, ("time", "today")),
    "credit goes back through the J of its time, or through today's weights",
)


def until_window_ends(options: Options) -> int:
    """Return T - 1, by which a gradient is late that waits for the whole window."""
    return int(options["window"]) - 1


def _least_of_oldest(shape: Shape, options: Options, rank: int) -> Least:
    """The J of the window pulled back, one of them new; W read, then written with one step's gradient."""
    J, weights, window = shape.S * shape.n, shape.R * columns(shape), options["window"]
    return Least(moved=J * window + 3 * weights, held=J * window + weights)


def _least_of_window(shape: Shape, options: Options, rank: int) -> Least:
    """W read, and pulled back through; every T steps read and written with T outer products."""
    recurrent, weights, window = shape.R * shape.n, shape.R * columns(shape), options["window"]
    return Least(flops=2 * weights, moved=weights + recurrent + 2 * weights / window, held=weights)


F_BPTT = Component(
    facing="future",
    tensor="c_i",
    randomness="deterministic",
    solution="closed-form",
    solver="f_bptt",
    title="the credit of the step T - 1 steps ago, at every step",
    known_as="F-BPTT",
    bias="biased",
    memory=Order(2, "T"),
    time=Order(2, "T"),
    references=("marschall2020", "williams1990"),
    element_wise=Cost("biased", memory=Order(1, "T m"), time=Order(1, "T m")),
    options={"window": WINDOW, "through": _THROUGH},
    lag="T − 1",
    least=_least_of_oldest,
    lag_steps=until_window_ends,
)

E_BPTT = Component(
    facing="future",
    tensor="c_i",
    randomness="deterministic",
    solution="closed-form",
    solver="e_bptt",
    title="the credits of the last T steps, at every T-th step",
    known_as="E-BPTT",
    bias="biased",
    memory=Order(2, "T"),
    time=Order(2),
    references=("marschall2020", "werbos1990"),
    element_wise=Cost("biased", memory=Order(1, "T m"), time=Order(1, "m")),
    options={"window": WINDOW, "through": _THROUGH},
    lag="0, every T",
    least=_least_of_window,
    period=lambda options: int(options["window"]),
)

"""A linear model of the credit, ``c ~ A [s, y, 1]``, learned from its own prediction one step later.

The target for ``A a~^{t-1}`` is ``q^{t-1} + (A* a~^t) J^t``, with A* a copy of A that is refreshed now and
then. DNI takes a step of gradient descent on A (Jaderberg et al. 2017; Marschall et al. 2020, section 4.4);
DNI(b) also learns the J it needs, and bounds the label by a tanh. The closed-form cell solves for A by
recursive least squares with forgetting and a ridge that is put back as fast as it is forgotten, without
which the covariance, and then A, grows without bound.

With ``current="exact"`` the model predicts the losses after this step only, and this step's q is added as
it is.
"""

from __future__ import annotations

from axonomy import _check
from axonomy.component import Component, Least, Option, Options, columns
from axonomy.order import Order
from axonomy.shape import Shape


def _rate(default: float, meaning: str) -> Option:
    return Option(default, lambda name, value: _check.number(name, value, least=0), meaning)


def _linear_or_tanh(default: str, meaning: str) -> Option:
    return Option(default, lambda name, value: _check.one_of(name, value, ("linear", "tanh")), meaning)


_REFRESH = Option(
    5, lambda name, value: _check.integer(name, value, 1), "steps between two copies of A to A*"
)
_OUTPUT = _linear_or_tanh("linear", "around all that A predicts")
_DESCENT = {
    "learning_rate": _rate(1e-2, "learning rate of A"),
    "l2": _rate(0.0, "L2 pull on A"),
    "refresh": _REFRESH,
    "output": _OUTPUT,
}


def _least(shape: Shape, options: Options, rank: int) -> Least:
    """W and A read and written, A* read."""
    weights, A = shape.R * columns(shape), shape.S * (shape.S + shape.n_out + 1)
    return Least(moved=2 * weights + 3 * A, held=weights + 2 * A)


def _least_with_jacobian(shape: Shape, options: Options, rank: int) -> Least:
    least, J = _least(shape, options, rank), shape.S**2
    return Least(moved=least.moved + 2 * J, held=least.held + J)


def _least_squares(shape: Shape, options: Options, rank: int) -> Least:
    """Also P, read and written with each of the two samples."""
    least, P = _least(shape, options, rank), (shape.S + shape.n_out + 1) ** 2
    return Least(moved=least.moved + 4 * P, held=least.held + P)


DNI = Component(
    facing="future",
    tensor="A_il",
    randomness="deterministic",
    solution="numerical",
    solver="dni",
    title="linear credit by gradient descent",
    known_as="DNI",
    bias="biased",
    memory=Order(2),
    time=Order(2),
    references=("jaderberg2017", "czarnecki2017", "marschall2020"),
    options={**_DESCENT, "label": _linear_or_tanh("linear", "around A* a~ in the target")},
    splits_current=True,
    least=_least,
)

DNI_B = Component(
    facing="future",
    tensor="A_il",
    randomness="deterministic",
    solution="numerical",
    solver="dni_b",
    title="linear credit by gradient descent, through a learned J",
    known_as="DNI(b)",
    bias="biased",
    memory=Order(2),
    time=Order(2),
    references=("marschall2020",),
    options={
        **_DESCENT,
        "label": _linear_or_tanh("tanh", "around A* a~ in the target"),
        "jacobian_rate": _rate(1e-2, "learning rate of J~"),
    },
    splits_current=True,
    least=_least_with_jacobian,
)

RLS = Component(
    facing="future",
    tensor="A_il",
    randomness="deterministic",
    solution="closed-form",
    solver="rls",
    title="linear credit by RLS",
    known_as="",
    bias="biased",
    memory=Order(2),
    time=Order(2),
    references=("gunnarsson1996",),
    options={
        "forgetting": Option(
            0.999,
            lambda name, value: _check.number(name, value, above=0, most=1),
            "λ, what a sample keeps of its weight from one step to the next",
        ),
        "ridge": Option(
            1.0, lambda name, value: _check.number(name, value, above=0), "δ, weight of the pull of A to zero"
        ),
        "refresh": _REFRESH,
        "label": _linear_or_tanh("linear", "around A* a~ in the target"),
    },
    splits_current=True,
    least=_least_squares,
)

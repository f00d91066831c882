"""KeRNL: the left factor of ki|ij learned from the response to noise (Roth, Kanitscheider & Fiete 2019).

The network runs a second time under noise of size sigma; A (S, S) learns to predict its deviation from the
noise that has acted, and ``M[k,i,j] ~ A[k,u(i)] B[i,j]`` with B the trace of M_bar decaying by k a step.
"""

from __future__ import annotations

from axonomy import _check
from axonomy.component import Component, Least, Option, Options, columns
from axonomy.order import Order
from axonomy.shape import Shape


def _least(shape: Shape, options: Options, rank: int) -> Least:
    """W, the traces and A, read and written; W once more, for the network under noise."""
    weights, A = shape.R * columns(shape), shape.S**2
    traces = shape.states_per_unit * weights
    return Least(moved=3 * weights + 2 * traces + 2 * A, held=weights + traces + A)


KERNL = Component(
    facing="past",
    tensor="ki|ij",
    randomness="stochastic",
    solution="numerical",
    solver="perturbation",
    title="left factor learned by perturbation",
    known_as="KeRNL",
    bias="biased",
    memory=Order(2),
    time=Order(2),
    references=("roth2019",),
    options={
        "sigma": Option(1e-3, lambda name, value: _check.number(name, value, above=0), "size of the noise"),
        "learning_rate": Option(
            1e-3,
            lambda name, value: _check.number(name, value, least=0),
            "learning rate of A, in units of 1 / sigma²",
        ),
        "decay": Option(
            0.8,
            lambda name, value: _check.number(name, value, least=0, below=1),
            "k, what the kernel keeps from one step to the next",
        ),
    },
    splits_current=True,
    needs_network=True,
    least=_least,
)

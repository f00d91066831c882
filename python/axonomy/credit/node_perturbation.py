"""Node perturbation: credit from the correlation of injected noise with the change of the loss.

A copy of the network runs under noise ξ of size σ; ``c^s ~ ξ^s / σ² Σ_t (L(s~^t) - L(s^t))`` over the T
steps from s on. It needs no derivative of the loss and no J. In the mean over the noise it is the credit of
a window of T, to order σ² (Fiete & Seung 2006).
"""

from __future__ import annotations

from axonomy import _check
from axonomy.component import Component, Option
from axonomy.credit.backpropagation import WINDOW, until_window_ends
from axonomy.order import Order

NODE_PERTURBATION = Component(
    facing="future",
    tensor="c_i",
    randomness="stochastic",
    solution="closed-form",
    solver="node_perturbation",
    title="credit from the loss under injected noise",
    known_as="node perturbation",
    bias="biased",
    memory=Order(1, "T"),
    time=Order(2),
    references=("fiete2006",),
    options={
        "window": WINDOW,
        "sigma": Option(1e-2, lambda name, value: _check.number(name, value, above=0), "size of the noise"),
        "noise": Option(
            "signs",
            lambda name, value: _check.one_of(name, value, ("signs", "normal")),
            "signs or normal, times sigma",
        ),
    },
    lag="T − 1",
    lag_steps=until_window_ends,
)

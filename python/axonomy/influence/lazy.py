"""RTRL by lazy propagation: the same numbers at every step, at O(n³) a step instead of O(n⁴).

M is kept as of the start of a block of L steps. Each step pulls q back through the block's stored
J, adding ``(c D^s) ⊗ a_hat^s`` on the way, then adds ``c M``; every L steps M is brought up to date
by the products of the block's J. Weights change at every step, as in RTRL (block form for one
gradient a block: Schmidhuber 1992). On element-wise cells RTRL itself is as cheap, and takes its place.

With ``latency="even"`` each step takes a share of the last block's products, and pulls q back through that
block too for the rows of W whose M is not up to date yet. No step does a whole block's work, then; a step
takes 1.2 to 2 times as long on average, the less the larger the network, and the J of two blocks are held.
"""

from __future__ import annotations

from typing import Any

from axonomy import _check
from axonomy.component import Component, Cost, Least, Option, Options, columns
from axonomy.order import Order
from axonomy.shape import Shape


def _block(name: str, value: Any) -> int:
    return _check.integer(name, value, 0)


def _least(shape: Shape, options: Options, rank: int) -> Least:
    """M and the block's J read; the chain of P, and a step's share of P M and the terms added."""
    S, weights = shape.S, shape.R * columns(shape)
    block = options["block"] or 8 + S // 2
    fold = 2 * S**2 * weights / block + 2 * S * weights + 2 * S**3 + weights * block
    return Least(flops=fold, moved=S * weights + S**2 * block / 2, held=S * weights + S**2 * block)


LAZY_RTRL = Component(
    facing="past",
    tensor="kij",
    randomness="deterministic",
    solution="closed-form",
    solver="lazy",
    title="the whole influence, exact, propagated in blocks",
    known_as="lazy RTRL",
    bias="none",
    memory=Order(3),
    time=Order(3),
    references=("williams1989", "schmidhuber1992"),
    element_wise=Cost("none", memory=Order(1, "m"), time=Order(1, "m")),
    least=_least,
    options={
        "block": Option(0, _block, "L, the steps of a block; 0 chooses it by the sizes"),
        "latency": Option(
            "block",
            lambda name, value: _check.one_of(name, value, ("block", "even")),
            "whether M is brought up to date at the end of a block or a share a step, evenly",
        ),
    },
)

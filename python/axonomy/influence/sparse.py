"""SnAp-n: of the influence, what n steps reach along sparse recurrent weights (Menick et al. 2021).

For each row i the states K of the units that its unit reaches within n - 1 steps, and the regressors of
its existing weights: ``B_i <- J[K, K] B_i + D[K, i] a_hat``, gradient ``q[K] B_i``. n = 1 is SnAp-1;
once n - 1 steps reach all that can be reached, it is RTRL. Memory and work follow the k states and d
weights kept of a row.
"""

from __future__ import annotations

from axonomy import _check
from axonomy.component import Component, Option
from axonomy.order import Order

SNAP = Component(
    facing="past",
    tensor="sparse",
    randomness="deterministic",
    solution="closed-form",
    solver="snap",
    title="what n steps reach",
    known_as="SnAp-n",
    bias="biased",
    memory=Order(1, "k d"),
    time=Order(1, "k d²"),
    references=("menick2021",),
    options={"hops": Option(2, lambda name, value: _check.integer(name, value, 1), "n, the steps of reach")},
    needs_mask=True,
)

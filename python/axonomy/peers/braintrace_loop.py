"""What braintrace has too, on its vanilla RNN, compiled: an update a step, all steps in a loop, one thread.

Its D_RTRL leaves the recurrent weights out of the Jacobian, which without a leak is RFLO; its SnAp of order 1
is SnAp-1, and of order 2, on dense weights, RTRL.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import brainstate
import braintrace
import jax
import jax.numpy as jnp
import numpy as np

from axonomy.peers import jax_scan  # which sets the flags for one thread
from axonomy.peers.base import Array, Problem

assert jax_scan

RULES: dict[str, tuple[Any, dict[str, Any]]] = {
    "rflo": (braintrace.D_RTRL, {}),
    "snap": (braintrace.SnAp, {"n": 1}),
    "rtrl": (braintrace.SnAp, {"n": 2, "snap_max_jacobian_elements": 2**40}),
}


class Loop:
    """A rule at work on a problem."""

    period = 1

    def __init__(self, rule: str, problem: Problem) -> None:
        W, W_out = problem.W, problem.W_out
        n, n_in = len(W), problem.X.shape[1]
        self.dtype = W.dtype
        algorithm, options = RULES[rule]
        with self._precision():
            cell = braintrace.nn.ValinaRNNCell(n_in, n, activation="tanh")
            self.learner = braintrace.compile(cell, algorithm, jnp.asarray(problem.X[0]), **options)
            self.readout = brainstate.nn.Linear(n, len(W_out))
            # Weights are transposed there, and the input comes before the state.
            cell.W.weight.value = _parameters(np.hstack([W[:, n:-1], W[:, :n]]), W[:, -1])
            self.readout.weight.value = _parameters(W_out[:, :-1], W_out[:, -1])
            self.X, self.Y = jnp.asarray(problem.X), jnp.asarray(problem.Y)
            cell.h.value = jnp.zeros(n, self.dtype)  # weakly typed as it is, and compiled for once more
        self.parameters = {"W": cell.W.weight, "W_out": self.readout.weight}
        self.lr = problem.lr
        self.at = 0
        self.loop = brainstate.transform.jit(lambda X, Y: brainstate.transform.for_loop(self._step, X, Y))

    def _loss(self, x: Any, y: Any) -> Any:
        return -jnp.sum(y * jax.nn.log_softmax(self.readout(self.learner(x))))

    def _step(self, x: Any, y: Any) -> None:
        gradients = brainstate.transform.grad(self._loss, self.parameters)(x, y)
        for name, parameter in self.parameters.items():
            parameter.value = jax.tree.map(lambda p, g: p - self.lr * g, parameter.value, gradients[name])

    def run(self, steps: int) -> None:
        with self._precision():
            while steps > 0:
                now = min(steps, len(self.X))
                begin = self.at if self.at + now <= len(self.X) else 0  # as in jax_scan
                self.at = begin + now
                self.loop(self.X[begin : self.at], self.Y[begin : self.at])
                steps -= now
            jax.block_until_ready([parameter.value for parameter in self.parameters.values()])

    @contextmanager
    def _precision(self) -> Iterator[None]:
        double = self.dtype == np.float64
        with (
            jax.enable_x64(double),
            brainstate.environ.context(precision=64 if double else 32),
            warnings.catch_warnings(),
        ):
            # SnAp says that it finds all units within two steps of each other, as they are.
            warnings.simplefilter("ignore", UserWarning)
            yield

    def weights(self) -> tuple[Array, Array]:
        W, W_out = (
            np.vstack([parameter.value["weight"], parameter.value["bias"]]).T
            for parameter in self.parameters.values()
        )
        n_in = W.shape[1] - len(W) - 1
        return np.hstack([W[:, n_in:-1], W[:, :n_in], W[:, -1:]]), W_out


def _parameters(weight: Array, bias: Array) -> dict[str, Any]:
    return {"weight": jnp.asarray(weight.T), "bias": jnp.asarray(bias)}


def start(rule: str, problem: Problem) -> Loop | None:
    """Return the program of a rule, or None if there is none here."""
    return Loop(rule, problem) if rule in RULES else None

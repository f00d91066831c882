"""What every program begins with, and what it is then asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from axonomy import rules
from axonomy.composed import ComposedRule, compose

Array = NDArray[Any]

WINDOW = 20

# The rules that programs may have, by the names that they have them under.
RULES: Mapping[str, ComposedRule] = {
    "rflo": rules.rflo(),
    "snap": rules.snap(),
    "uoro": rules.uoro(),
    "kf_rtrl": rules.kf_rtrl(),
    "r_kf_rtrl": rules.r_kf_rtrl(),
    "ok": rules.ok(),
    "ki_ij_signs": compose("past", "ki|ij", "stochastic", "closed-form"),
    "ki_ij_svd": compose("past", "ki|ij", "deterministic", "numerical"),
    "ki_ij_optimal": compose("past", "ki|ij", "stochastic", "numerical", solver="optimal"),
    "kernl": rules.kernl(),
    "tbptt": rules.tbptt(WINDOW),
    "e_bptt": rules.e_bptt(WINDOW),
    "f_bptt": rules.f_bptt(WINDOW),
    "dni": rules.dni(learning_rate=1e-3),  # stable at 512 units
    "rtrl": rules.rtrl(),
    "rtrl_lazy": rules.rtrl_lazy(),
}


@dataclass(frozen=True)
class Problem:
    """Online learning of a leaky RNN with alpha = 1 and tanh, softmax cross-entropy, plain SGD.

        a_hat = [a, x, 1]    a = tanh(W a_hat)    z = W_out [a, 1]    D = diag(1 - a²)    J = D W_rec

    Attributes
    ----------
    W : ndarray, shape (n, m)
        ``[W_rec, W_in, b]`` to begin with; its dtype is that of the whole run.
    W_out : ndarray, shape (n_out, n + 1)
        ``[W_out, b_out]``.
    X, Y : ndarray, shape (T, n_in), (T, n_out)
        The stream, which begins again when it is over.
    lr : float
        Of all weights, which take a step whenever there is a gradient.
    noise : ndarray, shape (T, n_noise), optional
        The rule's random numbers of each step, replayed; by default a program draws its own.
    """

    W: Array
    W_out: Array
    X: Array
    Y: Array
    lr: float
    noise: Array | None = None


class Program(Protocol):
    """A rule at work on a problem."""

    @property
    def period(self) -> int:
        """Steps that can only be taken together."""

    def run(self, steps: int) -> None:
        """Take the next steps, a multiple of the period, and have them done on return."""

    def weights(self) -> tuple[Array, Array]:
        """Return W and W_out as they are now."""


Draw = Callable[[int], Array]


def draws(problem: Problem, normal: bool = False) -> Draw:
    """Return ``draw(k)``: k random numbers, signs unless `normal`, or those that are to be replayed."""
    if problem.noise is not None:
        rows = iter(problem.noise)
        return lambda k: next(rows)
    rng = np.random.default_rng(0)
    dtype = problem.W.dtype
    if normal:
        return lambda k: rng.standard_normal(k, dtype)
    return lambda k: (2 * rng.integers(0, 2, k) - 1).astype(dtype)

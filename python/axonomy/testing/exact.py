"""The truth, in plain NumPy: RTRL and credit by their recursions, from J, D and a_hat."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import numpy as np

from axonomy._check import BoolArray, FloatArray
from axonomy.step import Step


def influences(steps: Sequence[Step], begins: BoolArray | None = None) -> FloatArray:
    """``M <- J M + M_bar`` (T, S, R, m); M starts from zero where a sequence begins."""
    M, found = np.zeros_like(steps[0].M_bar), []
    for t, s in enumerate(steps):
        if begins is not None and begins[t]:
            M = np.zeros_like(M)
        M = np.einsum("kl,lij->kij", s.J, M) + s.M_bar
        found.append(M)
    return np.array(found)


def past_gradients(steps: Sequence[Step], M: FloatArray) -> FloatArray:
    """``q · M`` (T, R, m): of each step's loss."""
    return np.array([np.einsum("k,kij->ij", s.q, m) for s, m in zip(steps, M, strict=True)])


def credit_gradients(
    steps: Sequence[Step], lag: int, period: int, begins: BoolArray | None = None
) -> FloatArray:
    """``(c^s D^s) ⊗ a_hat^s`` (T, R, m) where they are due, with all losses from s up to then.

    At step u, of those with ``(u + 1) % period == 0``, the sum over s from ``u - lag - period + 1`` to
    ``u - lag``.
    """
    found = np.zeros((len(steps), *steps[0].M_bar.shape[1:]))
    for u in range(period - 1, len(steps), period):
        c = np.zeros_like(steps[0].q)
        for s in range(u, max(u - lag - period, -1), -1):
            c = c + steps[s].q
            if s <= u - lag:
                found[u] += (c @ steps[s].D)[:, None] * steps[s].a_hat
            c = np.zeros_like(c) if begins is not None and begins[s] else c @ steps[s].J
    return found


def all_signs(steps: int, per_step: int) -> Iterator[FloatArray]:
    """Every sequence of signs, (steps, per_step)."""
    for signs in itertools.product((-1.0, 1.0), repeat=steps * per_step):
        yield np.array(signs).reshape(steps, per_step)

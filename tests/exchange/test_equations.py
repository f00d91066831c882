"""The equations that are exported, run by NumPy, are the core's; no extra is needed."""

from __future__ import annotations

import numpy as np
from hypothesis import given

import axonomy as ax
from drawing import Stream, assert_close
from exchanged import EQUATIONS, TOLERANCE, Array, drawn


class NumPy:
    """The functions that equations are made of."""

    tanh = staticmethod(np.tanh)

    @staticmethod
    def sigmoid(x: Array) -> Array:
        return 1 / (1 + np.exp(-x))

    @staticmethod
    def relu(x: Array) -> Array:
        return np.maximum(x, 0)

    @staticmethod
    def softplus(x: Array) -> Array:
        return np.logaddexp(0, x, dtype=x.dtype)

    @staticmethod
    def identity(x: Array) -> Array:
        return x


@given(case=drawn(EQUATIONS))
def test_equations(case: tuple[ax.Cell, Stream]) -> None:
    rnn, data = case
    ours, before = rnn.forward(data.X), rnn.state
    for x, expected in zip(data.X, ours.state, strict=True):
        h = np.sum(rnn.W * rnn.linearise(x, before).a_hat, axis=1)
        parts = dict(zip(rnn.components, np.split(before, len(rnn.components)), strict=True))
        after = rnn._equations(NumPy, parts, dict(zip(rnn.gates, np.split(h, len(rnn.gates)), strict=True)))
        assert list(after) == list(rnn.components)
        assert all(part.dtype == rnn.dtype for part in after.values())
        assert_close(np.concatenate(list(after.values())), expected, TOLERANCE[rnn.dtype.type])
        before = expected

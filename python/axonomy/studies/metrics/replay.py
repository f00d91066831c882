"""What one step buys: the loss again with other weights, from a state that is kept."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

import axonomy as ax
from axonomy._check import FloatArray
from axonomy.cells.base import Cell
from axonomy.tasks import Stream


class Replay:
    """A few steps of a network again, as a function of its recurrent weights.

        F(W) = sum of the losses of the last steps, all steps taken with W from a given state

    In double precision, through the read-out, and without noise on the state.

    Parameters
    ----------
    rnn : Cell
        Has the weights; it is not changed.
    stream : Stream
        The steps. Where there are resets the state begins at zero, as in the run.
    state : (S,) array_like
        Before the first of them.
    last : int
        How many steps at the end count.
    """

    def __init__(self, rnn: Cell, stream: Stream, state: FloatArray, last: int = 1) -> None:
        settings = {**rnn.settings(), "state_noise": 0.0}
        self._rnn = type(rnn)._blank(rnn.shape, np.float64, settings)
        self._rnn.W, self._rnn.W_out, self._rnn.b_out = rnn.W, rnn.W_out, rnn.b_out
        self._rnn.state = state
        self.W: FloatArray = self._rnn.W
        mask = np.arange(len(stream)) >= len(stream) - last
        if stream.mask is not None:
            mask &= stream.mask
        self._data: dict[str, Any] = {"X": stream.X, "Y": stream.Y, "mask": mask, "reset": stream.reset}
        self._exact = ax.rules.e_bptt(window=len(stream))

    def loss(self, W: FloatArray) -> float:
        """Return F(W) for W (R, m)."""
        self._rnn.W = W
        return float(np.nansum(ax.gradients(self._rnn, "output_only", **self._data).loss))

    def gradient(self, W: FloatArray) -> FloatArray:
        """Return dF/dW (R, m)."""
        self._rnn.W = W
        # One gradient at the end, through all of the steps.
        total: FloatArray = ax.gradients(self._rnn, self._exact, **self._data).recurrent[-1]
        return total

    @cached_property
    def _loss_here(self) -> float:
        return self.loss(self.W)

    @cached_property
    def _gradient_here(self) -> FloatArray:
        return self.gradient(self.W)

    def curvature(self, direction: FloatArray) -> FloatArray:
        """Return the second derivative of F at the present weights times a direction (R, m)."""
        length = float(np.linalg.norm(direction))
        if not length > 0:
            return np.zeros_like(direction)
        # A central difference of gradients: the step at which rounding and the next term are about as large.
        h = np.finfo(np.float64).eps ** (1 / 3) * max(1.0, float(np.abs(self.W).max())) / length
        ahead, behind = self.gradient(self.W + h * direction), self.gradient(self.W - h * direction)
        product: FloatArray = (ahead - behind) / (2 * h)
        return product

    def decrease(self, direction: FloatArray, rate: float) -> float:
        """Return ``F(W) - F(W - rate * direction)``."""
        return self._loss_here - self.loss(self.W - rate * direction)

    def decrease_to_second_order(self, direction: FloatArray, rate: float) -> float:
        """Return ``rate * F' d - rate^2 / 2 * d F'' d``."""
        first = float((self._gradient_here * direction).sum())
        second = float((direction * self.curvature(direction)).sum())
        return rate * first - rate**2 / 2 * second

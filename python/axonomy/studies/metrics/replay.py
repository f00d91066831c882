"""What one step buys: the loss again with other weights, from a state that is kept."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

import axonomy as ax
from axonomy import _core
from axonomy._check import FloatArray
from axonomy._sequence import sequence
from axonomy.cells.base import Cell
from axonomy.learner import core_learner
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
        self._state = np.asarray(state, np.float64)
        self.W: FloatArray = self._rnn.W
        mask = np.arange(len(stream)) >= len(stream) - last
        if stream.mask is not None:
            mask &= stream.mask
        self._steps = sequence(self._rnn, stream.X, stream.Y, mask, stream.reset)
        # One gradient at the end, through all of the steps.
        self._exact = core_learner(ax.rules.e_bptt(window=len(stream)), rnn.shape, self._rnn.dtype)
        self._none = core_learner(ax.rules.output_only(), rnn.shape, self._rnn.dtype)

    def loss(self, W: FloatArray) -> float:
        """Return F(W) for W (R, m); infinite where state or loss are not finite."""
        return float(np.nansum(self._run(self._none, W)[2]))

    def gradient(self, W: FloatArray) -> FloatArray:
        """Return dF/dW (R, m)."""
        total: FloatArray = self._run(self._exact, W)[0][-1]
        return total

    def _run(self, learner: Any, W: FloatArray) -> tuple[Any, ...]:
        # What `axonomy.gradients` does, but that the steps are checked once for many weights.
        self._rnn.W, self._rnn.state = W, self._state
        steps = self._steps
        run: Any = _core.gradients64
        *found, done = run(
            self._rnn._cell, learner, 0, None, steps.X, steps.Y, steps.mask, steps.reset, None, False, False
        )
        # With weights far off the network may diverge, which is no error of the run.
        return (
            tuple(found) if done == len(steps) else (np.full((1, *W.shape), np.nan), None, np.array(np.inf))
        )

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
        """Return ``F(W) - F(W - rate * direction)``; minus infinity if the network diverges there."""
        with np.errstate(over="ignore"):
            W = self.W - rate * direction
        return self._loss_here - self.loss(W) if np.isfinite(W).all() else -np.inf

    def decrease_to_second_order(self, direction: FloatArray, rate: float) -> float:
        """Return ``rate * F' d - rate^2 / 2 * d F'' d``."""
        first = float((self._gradient_here * direction).sum())
        second = float((direction * self.curvature(direction)).sum())
        return rate * first - rate**2 / 2 * second

"""Gradients of every step at fixed weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from axonomy import _check, _core
from axonomy._sequence import sequence
from axonomy.cells.base import Cell, FloatArray
from axonomy.errors import Diverged
from axonomy.history import History
from axonomy.learner import core_initial, core_learner
from axonomy.rules import as_rule


@dataclass(frozen=True, eq=False)
class Gradients:
    """Gradients of a sequence.

    Attributes
    ----------
    recurrent : ndarray, shape (T, R, m)
        Of ``W = [W_rec, W_in, b]``.
    output : ndarray, shape (T, n_out, n + 1)
        Of ``[W_out, b_out]``.
    loss : ndarray, shape (T,)
        NaN where masked.
    influence : ndarray, shape (T, S, R, m), or None
        M after each step, if it was asked for.
    credit : ndarray, shape (T, S), or None
        The credit behind each step's gradient, that of its earliest step, if it was asked for.
    """

    recurrent: FloatArray
    output: FloatArray
    loss: FloatArray
    influence: FloatArray | None = None
    credit: FloatArray | None = None


def gradients(
    rnn: Cell,
    rule: Any,
    X: object,
    Y: object,
    *,
    seed: int = 0,
    initial_state: object = None,
    noise: object = None,
    initial: Mapping[str, Any] | None = None,
    mask: object = None,
    reset: object = None,
    record_influence: bool = False,
    record_credit: bool = False,
) -> Gradients:
    """Return the gradient of every step that a rule computes, the weights held fixed.

    Parameters
    ----------
    rnn : Cell
        The network; it is not changed.
    rule : Rule, str, dict or function of ``axonomy.rules``
    X : array_like, shape (T, n_in)
        Inputs.
    Y : array_like, shape (T, n_out), or (T,) of class indices
        Targets.
    seed : int
        Of the random numbers, where none are given.
    initial_state : array_like, shape (S,), optional
        By default the network's present state.
    noise : array_like, shape (T, n_noise), optional
        The rule's random numbers, replayed; ``n_noise = rule.n_noise(rnn)``.
    initial : dict of arrays, optional
        What the learner starts from: ``"left"`` is the factor that holds k, ``"right"`` the other.
        ``k|ij`` (S,), (R, m); ``ki|j`` (S, R), (m,); ``kj|i`` (S, m), (R,); ``ki|ij`` (S, R), (R,
        m); ``kj|ij`` (S, m), (R, m); a leading axis for the rank. ``"A"`` is DNI's (S, S + n_out + 1).
    mask : array_like of bool, shape (T,), optional
        Where False there is no target, and q is zero; so is the gradient, unless the rule looks ahead.
    reset : array_like of bool, shape (T,), optional
        Where True state and learner start anew before the step.
    record_influence : bool
        Also return M of every step; zeros if the rule has none.
    record_credit : bool
        Also return the credit of every step; zeros if the rule has none.

    Returns
    -------
    Gradients

    Raises
    ------
    ValueError
        If an argument has the wrong shape, is not finite, or names nothing known.
    IncompatibleCell
        If the rule cannot run on such a network.
    Diverged
        If state or loss stop being finite.
    """
    if not isinstance(rnn, Cell):
        raise ValueError(f"rnn: expected a network, got {_check.describe(rnn)}")
    rule = as_rule(rule)
    data = sequence(rnn, X, Y, mask, reset)
    network = rnn._started(initial_state)
    learner = core_learner(rule, rnn.shape, rnn.dtype)
    given = None
    if noise is not None:
        meaning = "T, n_noise"
        given = _check.real_array("noise", noise, (len(data), learner.n_noise), rnn.dtype, meaning)
    start = None if initial is None else core_initial(learner.state(), initial, rnn.dtype)
    run: Any = _core.gradients32 if rnn.dtype == np.float32 else _core.gradients64
    recurrent, output, loss, influence, credit, done = run(
        network._cell, learner, _check.seed("seed", seed), start, data.X, data.Y, data.mask, data.reset,
        given, record_influence, record_credit,
    )  # fmt: skip
    if done < len(data):
        raise Diverged(f"step {done}: the state or the loss is not finite", done, History(loss[:done]))
    return Gradients(
        recurrent, output, loss, influence if record_influence else None, credit if record_credit else None
    )

"""The leaky RNN: ``a = (1 - α) a_prev + α φ(W a_hat)`` (Marschall et al. 2020, section 2).

S = R = n, ``D = α diag φ'(h)``, ``J = (1 - α) I + D W_rec``.
"""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np

from axonomy import _check, _core
from axonomy.cells.base import ACTIVATIONS, LOSSES, Cell
from axonomy.shape import Shape


class LeakyRNN(Cell):
    """A leaky RNN with a linear read-out.

    Parameters
    ----------
    W_rec : array_like, shape (n, n)
    W_in : array_like, shape (n, n_in)
    b_rec : array_like, shape (n,)
    W_out : array_like, shape (n_out, n)
    b_out : array_like, shape (n_out,)
        The arrays are copied.
    alpha : float
        Leak α in (0, 1]; 1 is the plain RNN.
    activation : {"tanh", "relu", "sigmoid", "softplus", "identity"}
        φ.
    loss : {"cross_entropy", "binary_cross_entropy", "mse"}
        Softmax or sigmoid cross-entropy, or ``½ Σ (z - y)²``.
    feedback : array_like, shape (n_out, n), optional
        Fixed feedback weights through which the error reaches the units instead of W_out.
    state_noise : float
        Standard deviation of normal noise added to the state while training.
    dtype : {float64, float32}
    mask : array_like of bool, shape (n, n), optional
        Which recurrent weights exist, ``[to, from]``; by default all. The others must be zero, stay zero
        and get no gradient, under every rule.

    Raises
    ------
    ValueError
        If shapes do not fit, a number is not finite, a name is not known, or a weight is not zero where
        the mask is False.

    References
    ----------
    Marschall, Cho & Savin, JMLR 21(135), 2020, eqs. 1-2.

    Examples
    --------
    >>> import axonomy as ax
    >>> rnn = ax.LeakyRNN.random(n_in=2, n_hidden=32, n_out=2, seed=0)
    >>> rnn.W.shape
    (32, 35)
    """

    kind: ClassVar[str] = "leaky_rnn"

    _alpha: float
    _activation: str

    def __init__(
        self,
        W_rec: Any,
        W_in: Any,
        b_rec: Any,
        W_out: Any,
        b_out: Any,
        alpha: float = 1.0,
        activation: str = "tanh",
        loss: str = "cross_entropy",
        feedback: Any = None,
        state_noise: float = 0.0,
        dtype: Any = np.float64,
        mask: Any = None,
    ) -> None:
        dtype = _check.float_dtype("dtype", dtype)
        W_rec = _check.array("W_rec", W_rec)
        n = len(W_rec) if W_rec.ndim == 2 else None
        recurrent = _check.real_array("W_rec", W_rec, (n, n), dtype, "n, n")
        n = recurrent.shape[0]
        inputs = _check.real_array("W_in", W_in, (n, None), dtype, "n, n_in")
        outputs = _check.real_array("W_out", W_out, (None, n), dtype, "n_out, n")
        pattern: Any = None if mask is None else _check.mask("mask", mask, n)
        n_out = _check.integer("n_out", outputs.shape[0], 1)
        shape = Shape(n, inputs.shape[1], n_out, pattern=pattern)
        self._make(shape, dtype, alpha, activation, loss, state_noise)
        self.W_rec, self.W_in, self.b_rec = recurrent, inputs, b_rec
        self.W_out, self.b_out = outputs, b_out
        self.feedback = feedback

    def _make(
        self,
        shape: Shape,
        dtype: np.dtype[Any],
        alpha: float,
        activation: str,
        loss: str,
        state_noise: float,
    ) -> None:
        self._alpha = _check.number("alpha", alpha, above=0, most=1)
        self._activation = _check.one_of("activation", activation, ACTIVATIONS)
        loss = _check.one_of("loss", loss, LOSSES)
        make = _core.make_leaky_rnn32 if dtype == np.float32 else _core.make_leaky_rnn64
        self._hold(make(shape._core(), loss, activation, self.alpha), shape, dtype, loss)
        self.state_noise = state_noise

    @property
    def alpha(self) -> float:
        """Leak α."""
        return self._alpha

    @property
    def activation(self) -> str:
        """Name of φ."""
        return self._activation

    def settings(self) -> dict[str, Any]:
        """Return alpha, activation, loss and state noise."""
        return {
            "alpha": self.alpha,
            "activation": self.activation,
            "loss": self.loss,
            "state_noise": self.state_noise,
        }

    @classmethod
    def _blank(cls, shape: Shape, dtype: Any, settings: dict[str, Any]) -> Self:
        cell = cls.__new__(cls)
        cell._make(shape, dtype, **settings)
        return cell

    @classmethod
    def random(
        cls,
        n_in: int,
        n_hidden: int,
        n_out: int,
        *,
        alpha: float = 1.0,
        activation: str = "tanh",
        loss: str = "cross_entropy",
        feedback: Any = None,
        state_noise: float = 0.0,
        dtype: Any = np.float64,
        mask: Any = None,
        density: float | None = None,
        seed: int = 0,
    ) -> Self:
        """Return a network with random weights.

        W_rec is orthogonal, ``W_in ~ N(0, 1/n_in)``, ``W_out ~ N(0, 1/n)``; biases and state are zero. With a
        mask, the weights of a unit that gets from k others are ``N(0, 1/k)``.

        Parameters
        ----------
        n_in, n_hidden, n_out : int
            Inputs, units and outputs.
        alpha, activation, loss, state_noise, dtype
            As in the class.
        feedback : "random" or array_like, shape (n_out, n), optional
            Fixed feedback weights; ``"random"`` draws them like W_out.
        mask : array_like of bool, shape (n, n), optional
            As in the class.
        density : float, optional
            Draws a mask by which every unit gets from this part of the units, from one at least.
        seed : int

        Returns
        -------
        LeakyRNN

        Raises
        ------
        ValueError
            If a size is not positive, a name is not known, or both mask and density are given.
        """
        n_in = _check.integer("n_in", n_in, 0)
        n = _check.integer("n_hidden", n_hidden, 1)
        n_out = _check.integer("n_out", n_out, 1)
        rng = np.random.default_rng(_check.seed("seed", seed))
        normal = rng.standard_normal((n, n))
        W_in = rng.standard_normal((n, n_in)) / np.sqrt(max(n_in, 1))
        W_out = rng.standard_normal((n_out, n)) / np.sqrt(n)
        if isinstance(feedback, str):
            _check.one_of("feedback", feedback, ("random",))
            feedback = rng.standard_normal((n_out, n)) / np.sqrt(n)
        if density is not None:
            if mask is not None:
                raise ValueError(f"density: expected none beside a mask, got {_check.describe(density)}")
            density = _check.number("density", density, above=0, most=1)
            inputs = max(1, round(density * n))
            mask = np.argsort(np.argsort(rng.random((n, n)))) < inputs  # the ranks within each row
        if mask is None:
            Q, R = np.linalg.qr(normal)
            W_rec = Q * np.sign(np.diag(R))  # the signs make the orthogonal matrix uniform
        else:
            mask = _check.mask("mask", mask, n)
            W_rec = np.where(mask, normal / np.sqrt(np.maximum(mask.sum(axis=1, keepdims=True), 1)), 0)
        return cls(
            W_rec, W_in, np.zeros(n), W_out, np.zeros(n_out),
            alpha, activation, loss, feedback, state_noise, dtype, mask,
        )  # fmt: skip

"""The leaky RNN: ``a = (1 - α) a_prev + α φ(W a_hat)`` (Marschall et al. 2020, section 2).

S = R = n, ``D = diag(α φ'(h))``, ``J = diag(1 - α) + D W_rec``; α of the network or of each unit.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from axonomy import _check
from axonomy.cells import initial
from axonomy.cells.base import ACTIVATIONS, Cell
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
    alpha : float or array_like, shape (n,)
        Leak α in (0, 1], the inverse of the time constant in steps, of all units or of each; 1 is the plain
        RNN.
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

    kind = "leaky_rnn"
    references = ("marschall2020",)

    _alpha: float | tuple[float, ...]
    _activation: str

    def __init__(
        self,
        W_rec: Any,
        W_in: Any,
        b_rec: Any,
        W_out: Any,
        b_out: Any,
        alpha: Any = 1.0,
        activation: str = "tanh",
        loss: str = "cross_entropy",
        feedback: Any = None,
        state_noise: float = 0.0,
        dtype: Any = np.float64,
        mask: Any = None,
    ) -> None:
        settings = {"alpha": alpha, "activation": activation, "loss": loss, "state_noise": state_noise}
        self._assemble((W_rec, W_in, b_rec, W_out, b_out), settings, feedback, dtype, mask)

    def _make(self, shape: Shape, dtype: np.dtype[Any], settings: dict[str, Any]) -> None:
        alpha, given = settings["alpha"], _check.array("alpha", settings["alpha"])
        if given.ndim == 0:
            one = given.item() if isinstance(alpha, np.ndarray) else alpha
            self._alpha = _check.number("alpha", one, above=0, most=1)
            alphas = [self._alpha] * shape.n
        else:
            _check.real_array("alpha", given, (shape.n,), np.float64, "n")
            alphas = [_check.number("alpha", value, above=0, most=1) for value in given.tolist()]
            self._alpha = tuple(alphas)
        self._activation = _check.one_of("activation", settings["activation"], ACTIVATIONS)
        self._hold(shape, dtype, settings, self._activation, alphas)

    def _equations(self, op: Any, before: dict[str, Any], h: dict[str, Any]) -> dict[str, Any]:
        alpha = np.asarray(self.alpha, self.dtype)
        return {"a": (1 - alpha) * before["a"] + alpha * getattr(op, self.activation)(h["h"])}

    @property
    def alpha(self) -> float | tuple[float, ...]:
        """Leak α, or that of each unit."""
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
    def random(
        cls,
        n_in: int,
        n_hidden: int,
        n_out: int,
        *,
        alpha: Any = 1.0,
        activation: str = "tanh",
        loss: str = "cross_entropy",
        feedback: Any = None,
        state_noise: float = 0.0,
        dtype: Any = np.float64,
        mask: Any = None,
        density: float | None = None,
        recurrent: str | None = None,
        inputs: str = "normal",
        seed: int = 0,
    ) -> Self:
        """Return a network with random weights.

        W_rec is orthogonal, ``W_in ~ N(0, 1/n_in)``, ``W_out ~ N(0, 1/n)``; biases and state are zero. With a
        mask, the weights of a unit that gets from k others are ``N(0, 1/k)``, or the identity's.

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
            Draws a mask by which every unit gets from this part of the units, from one at least; with
            ``recurrent="identity"`` from itself among them.
        recurrent : {"orthogonal", "glorot", "identity"}, optional
            Recurrent weights; ``"glorot"`` is ``N(0, 1/n)``.
        inputs : {"normal", "glorot"}
            Input weights, ``N(0, 1/n_in)`` or ``N(0, 2/(n_in + n))``.
        seed : int

        Returns
        -------
        LeakyRNN

        Raises
        ------
        ValueError
            If a size is not positive, a name is not known, or both mask and density are given.
        """
        arrays, feedback, mask = initial.draw(
            cls, n_in, n_hidden, n_out, recurrent=recurrent, inputs=inputs, keep_bias=None, chrono=None,
            feedback=feedback, mask=mask, density=density, seed=seed,
        )  # fmt: skip
        return cls(*arrays, alpha, activation, loss, feedback, state_noise, dtype, mask)

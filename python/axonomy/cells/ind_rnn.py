"""IndRNN: every unit gets from itself alone (Li et al. 2018)::

    a = φ(w a_prev + W_in x + b)

S = R = n, m = n_in + 2, element-wise: ``J = diag(φ'(h) w)``, ``D = diag φ'(h)``, F = 0, and RTRL is exact
at the cost of SnAp-1.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from axonomy import _check
from axonomy.cells import initial
from axonomy.cells.base import ACTIVATIONS, Cell
from axonomy.shape import Shape


class IndRNN(Cell):
    """An independently recurrent network with a linear read-out.

    Parameters
    ----------
    W_rec : array_like, shape (n, 1)
        The weight w of each unit to itself.
    W_in : array_like, shape (n, n_in)
    b_rec : array_like, shape (n,)
    W_out : array_like, shape (n_out, n)
    b_out : array_like, shape (n_out,)
        The arrays are copied.
    activation : {"relu", "tanh", "sigmoid", "softplus", "identity"}
        φ.
    loss : {"cross_entropy", "binary_cross_entropy", "mse"}
        Softmax or sigmoid cross-entropy, or ``½ Σ (z - y)²``.
    feedback : array_like, shape (n_out, n), optional
        Fixed feedback weights through which the error reaches the units instead of W_out.
    state_noise : float
        Standard deviation of normal noise added to the state while training.
    dtype : {float64, float32}

    Raises
    ------
    ValueError
        If shapes do not fit, a number is not finite, or a name is not known.

    References
    ----------
    Li, Li, Cook, Zhu & Gao, CVPR 2018.

    Examples
    --------
    >>> import axonomy as ax
    >>> ax.IndRNN.random(n_in=2, n_hidden=32, n_out=2, seed=0).W.shape
    (32, 4)
    """

    kind = "ind_rnn"
    element_wise = True
    default_recurrent = "uniform"
    references = ("li2018",)

    _activation: str

    def __init__(
        self,
        W_rec: Any,
        W_in: Any,
        b_rec: Any,
        W_out: Any,
        b_out: Any,
        activation: str = "relu",
        loss: str = "cross_entropy",
        feedback: Any = None,
        state_noise: float = 0.0,
        dtype: Any = np.float64,
    ) -> None:
        settings = {"activation": activation, "loss": loss, "state_noise": state_noise}
        self._assemble((W_rec, W_in, b_rec, W_out, b_out), settings, feedback, dtype, None)

    def _make(self, shape: Shape, dtype: np.dtype[Any], settings: dict[str, Any]) -> None:
        self._activation = _check.one_of("activation", settings["activation"], ACTIVATIONS)
        self._hold(shape, dtype, settings, self._activation)

    def _equations(self, op: Any, before: dict[str, Any], h: dict[str, Any]) -> dict[str, Any]:
        return {"a": getattr(op, self.activation)(h["h"])}

    @property
    def activation(self) -> str:
        """Name of φ."""
        return self._activation

    def settings(self) -> dict[str, Any]:
        """Return activation, loss and state noise."""
        return {"activation": self.activation, "loss": self.loss, "state_noise": self.state_noise}

    @classmethod
    def random(
        cls,
        n_in: int,
        n_hidden: int,
        n_out: int,
        *,
        activation: str = "relu",
        loss: str = "cross_entropy",
        feedback: Any = None,
        state_noise: float = 0.0,
        dtype: Any = np.float64,
        recurrent: str | None = None,
        inputs: str = "normal",
        seed: int = 0,
    ) -> Self:
        """Return a network with random weights; biases and state are zero, ``W_out ~ N(0, 1/n)``.

        Parameters
        ----------
        n_in, n_hidden, n_out : int
            Inputs, units and outputs.
        activation, loss, state_noise, dtype
            As in the class.
        feedback : "random" or array_like, shape (n_out, n), optional
            Fixed feedback weights; ``"random"`` draws them like W_out.
        recurrent : {"uniform", "identity", "glorot"}
            Weights of the units to themselves: ``U(0, 1)`` (the default, as in the authors' own program),
            one, or ``N(0, 1)``.
        inputs : {"normal", "glorot"}
            Input weights, ``N(0, 1/n_in)`` or ``N(0, 2/(n_in + n))``.
        seed : int

        Raises
        ------
        ValueError
            If a size is not positive or a name is not known.
        """
        arrays, feedback, _ = initial.draw(
            cls, n_in, n_hidden, n_out, recurrent=recurrent, inputs=inputs, keep_bias=None, chrono=None,
            feedback=feedback, mask=None, density=None, seed=seed,
        )  # fmt: skip
        return cls(*arrays, activation, loss, feedback, state_noise, dtype)

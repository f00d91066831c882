"""What gated cells share: no settings but the loss and the noise, and a gate that keeps the state."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np

from axonomy.cells import initial
from axonomy.cells.base import Cell
from axonomy.shape import Shape


class GatedCell(Cell):
    """A gated recurrent network with a linear read-out.

    Parameters
    ----------
    W_rec : array_like, shape (R, n), or (R, 1) if element-wise
    W_in : array_like, shape (R, n_in)
    b_rec : array_like, shape (R,)
        Rows gate by gate, in the order of :attr:`gates`; zeros where a gate sees no such regressor.
    W_out : array_like, shape (n_out, n)
    b_out : array_like, shape (n_out,)
        The arrays are copied.
    loss : {"cross_entropy", "binary_cross_entropy", "mse"}
        Softmax or sigmoid cross-entropy, or ``½ Σ (z - y)²``.
    feedback : array_like, shape (n_out, n), optional
        Fixed feedback weights through which the error reaches the units instead of W_out.
    state_noise : float
        Standard deviation of normal noise added to the state while training.
    dtype : {float64, float32}
    mask : array_like of bool, shape (n, n), optional
        Which recurrent weights exist, ``[to, from]``, shared by the gates; by default all.

    Raises
    ------
    ValueError
        If shapes do not fit, a number is not finite, a name is not known, or a number is not zero where
        there is no weight.
    """

    #: The keep gate's bias unless another is asked for.
    default_keep_bias: ClassVar[float | None] = None

    def __init__(
        self,
        W_rec: Any,
        W_in: Any,
        b_rec: Any,
        W_out: Any,
        b_out: Any,
        loss: str = "cross_entropy",
        feedback: Any = None,
        state_noise: float = 0.0,
        dtype: Any = np.float64,
        mask: Any = None,
    ) -> None:
        settings = {"loss": loss, "state_noise": state_noise}
        self._assemble((W_rec, W_in, b_rec, W_out, b_out), settings, feedback, dtype, mask)

    def _make(self, shape: Shape, dtype: np.dtype[Any], settings: dict[str, Any]) -> None:
        self._hold(shape, dtype, settings)

    def settings(self) -> dict[str, Any]:
        """Return loss and state noise."""
        return {"loss": self.loss, "state_noise": self.state_noise}

    @classmethod
    def random(
        cls,
        n_in: int,
        n_hidden: int,
        n_out: int,
        *,
        loss: str = "cross_entropy",
        feedback: Any = None,
        state_noise: float = 0.0,
        dtype: Any = np.float64,
        mask: Any = None,
        density: float | None = None,
        recurrent: str | None = None,
        inputs: str = "normal",
        keep_bias: float | None = None,
        chrono: int | None = None,
        seed: int = 0,
    ) -> Self:
        """Return a network with random weights; ``W_out ~ N(0, 1/n)``, state zero.

        Parameters
        ----------
        n_in, n_hidden, n_out : int
            Inputs, units and outputs.
        loss, state_noise, dtype, mask
            As in the class.
        feedback : "random" or array_like, shape (n_out, n), optional
            Fixed feedback weights; ``"random"`` draws them like W_out.
        density : float, optional
            Draws a mask by which every unit gets from this part of the units, from one at least; with
            ``recurrent="identity"`` from itself among them. Within a mask, the weights of a unit that gets
            from k others are ``N(0, 1/k)``, or the identity's.
        recurrent : {"orthogonal", "glorot", "identity", "uniform"}, optional
            Recurrent weights of each gate. Orthogonal by default; an element-wise cell has ``"uniform"``, its
            default, in the place of that. ``"glorot"`` is ``N(0, 1/n)``, or ``N(0, 1)`` if element-wise.
        inputs : {"normal", "glorot"}
            Input weights, ``N(0, 1/n_in)`` or ``N(0, 2/(n_in + n))``.
        keep_bias : float, optional
            Bias towards keeping the state, of the gate that does; one by default for the LSTM's forget gate
            (Jozefowicz, Zaremba & Sutskever 2015), else zero.
        chrono : int, optional
            Biases such that the units' time constants are spread evenly from 2 to this many steps (Tallec &
            Ollivier 2018b).
        seed : int

        Raises
        ------
        ValueError
            If a size is not positive, a name is not known, or two options set the same.
        """
        if keep_bias is None and chrono is None:
            keep_bias = cls.default_keep_bias
        arrays, feedback, mask = initial.draw(
            cls, n_in, n_hidden, n_out, recurrent=recurrent, inputs=inputs, keep_bias=keep_bias,
            chrono=chrono, feedback=feedback, mask=mask, density=density, seed=seed,
        )  # fmt: skip
        return cls(*arrays, loss, feedback, state_noise, dtype, mask)

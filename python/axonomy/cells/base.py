"""What a cell is: weights, state and read-out, held by the core and reached as numpy arrays.

One step, for every cell whose parameters enter through one affine map::

    h = W a_hat             a_hat = [a_prev, x, 1]     W (R, m)    a_hat (m,)
    s = f(s_prev, h)        s (S,); the activity a is the last n entries of s
    z = W_out a + b_out     L = loss(z, y)
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from axonomy import _check, _core
from axonomy.shape import Shape

LOSSES = ("cross_entropy", "binary_cross_entropy", "mse")
ACTIVATIONS = ("tanh", "relu", "sigmoid", "softplus", "identity")

FloatArray = _check.FloatArray


@dataclass(frozen=True, eq=False)
class Forward:
    """A network run over inputs.

    Attributes
    ----------
    state : ndarray, shape (T, S)
    activity : ndarray, shape (T, n)
    output : ndarray, shape (T, n_out)
        ``z``, before the loss's softmax or sigmoid.
    """

    state: FloatArray
    activity: FloatArray
    output: FloatArray


@dataclass(frozen=True, eq=False)
class Linearisation:
    """One step as a learner sees it.

    Attributes
    ----------
    J : ndarray, shape (S, S)
        ds/ds_prev.
    D : ndarray, shape (S, R)
        ds/dh, with entries only within units.
    a_hat : ndarray, shape (m,)
    state : ndarray, shape (S,)
        After the step.
    leak : ndarray, shape (S, S)
        ds/ds_prev at fixed h, with entries only within units.
    """

    J: FloatArray
    D: FloatArray
    a_hat: FloatArray
    state: FloatArray
    leak: FloatArray


class Cell(ABC):
    """A recurrent network of one kind of cell, with a linear read-out.

    Attributes
    ----------
    shape : Shape
        Its sizes.
    dtype : numpy.dtype
        float32 or float64.
    loss : str
        ``"cross_entropy"``, ``"binary_cross_entropy"`` or ``"mse"`` (``½ Σ (z - y)²``).
    """

    kind: ClassVar[str]

    shape: Shape
    dtype: np.dtype[Any]
    _loss: str
    _cell: _core.Cell32 | _core.Cell64

    @abstractmethod
    def settings(self) -> dict[str, Any]:
        """Return what makes a cell of this kind besides its sizes and arrays, as plain values."""

    @classmethod
    @abstractmethod
    def _blank(cls, shape: Shape, dtype: Any, settings: dict[str, Any]) -> Self:
        """Return a cell with all arrays zero."""

    def _hold(self, cell: _core.Cell32 | _core.Cell64, shape: Shape, dtype: Any, loss: str) -> None:
        self._cell = cell
        self.shape = shape
        self.dtype = dtype
        self._loss = loss

    @property
    def loss(self) -> str:
        """Name of the loss."""
        return self._loss

    def _array(self, name: str, value: object, shape: tuple[int, ...], meaning: str) -> FloatArray:
        return _check.real_array(name, value, shape, self.dtype, meaning)

    @property
    def W(self) -> FloatArray:
        """All recurrent parameters ``[W_rec, W_in, b]``, shape (R, m); a copy."""
        return self._cell.W

    @W.setter
    def W(self, value: object) -> None:
        m = self._cell.shape.m
        W = self._array("W", value, (self.shape.R, m), "R, m")
        self._check_existing("W", W)
        self._cell.W = W

    def _columns(self, part: slice | int) -> FloatArray:
        return np.ascontiguousarray(self._cell.W[:, part])

    def _set_columns(self, name: str, value: object, part: slice | int, meaning: str) -> None:
        W = self._cell.W
        W[:, part] = self._array(name, value, W[:, part].shape, meaning)
        self._check_existing(name, W)
        self._cell.W = W

    def _check_existing(self, name: str, W: FloatArray) -> None:
        """Refuse recurrent weights, the first n columns of W, where the mask has none."""
        mask = self.shape.mask
        if mask is None:
            return
        there = W[:, : self.shape.n] != 0
        if (wrong := there & ~np.tile(mask, (self.shape.rows_per_unit, 1))).any():
            row, column = (int(i) for i in np.argwhere(wrong)[0])
            got = W[row, column]
            raise ValueError(f"{name}: expected zeros where the mask is False, got {got} at {(row, column)}")

    @property
    def mask(self) -> _check.BoolArray | None:
        """Which recurrent weights exist, shape (n, n), ``[to, from]``; None: all. The others stay zero."""
        return self.shape.mask

    @property
    def W_rec(self) -> FloatArray:
        """Recurrent weights, shape (R, n); a copy."""
        return self._columns(slice(0, self.shape.n))

    @W_rec.setter
    def W_rec(self, value: object) -> None:
        self._set_columns("W_rec", value, slice(0, self.shape.n), "R, n")

    @property
    def W_in(self) -> FloatArray:
        """Input weights, shape (R, n_in); a copy."""
        return self._columns(slice(self.shape.n, -1))

    @W_in.setter
    def W_in(self, value: object) -> None:
        self._set_columns("W_in", value, slice(self.shape.n, -1), "R, n_in")

    @property
    def b_rec(self) -> FloatArray:
        """Recurrent biases, shape (R,); a copy."""
        return self._columns(-1)

    @b_rec.setter
    def b_rec(self, value: object) -> None:
        self._set_columns("b_rec", value, -1, "R")

    @property
    def W_out(self) -> FloatArray:
        """Output weights, shape (n_out, n); a copy."""
        return np.ascontiguousarray(self._cell.W_out[:, :-1])

    @W_out.setter
    def W_out(self, value: object) -> None:
        both = self._cell.W_out
        both[:, :-1] = self._array("W_out", value, both[:, :-1].shape, "n_out, n")
        self._cell.W_out = both

    @property
    def b_out(self) -> FloatArray:
        """Output biases, shape (n_out,); a copy."""
        return np.ascontiguousarray(self._cell.W_out[:, -1])

    @b_out.setter
    def b_out(self, value: object) -> None:
        both = self._cell.W_out
        both[:, -1] = self._array("b_out", value, (self.shape.n_out,), "n_out")
        self._cell.W_out = both

    @property
    def feedback(self) -> FloatArray | None:
        """Fixed feedback weights W_FB, shape (n_out, n): ``q = e W_FB``. None: through W_out."""
        return self._cell.feedback

    @feedback.setter
    def feedback(self, value: object) -> None:
        if value is not None:
            value = self._array("feedback", value, (self.shape.n_out, self.shape.n), "n_out, n")
        self._cell.feedback = value

    @property
    def state(self) -> FloatArray:
        """The state s, shape (S,); a copy."""
        return self._cell.state

    @state.setter
    def state(self, value: object) -> None:
        self._cell.state = self._array("state", value, (self.shape.S,), "S")

    @property
    def state_noise(self) -> float:
        """Standard deviation of the normal noise added to the state while training."""
        return self._cell.state_noise

    @state_noise.setter
    def state_noise(self, value: object) -> None:
        self._cell.state_noise = _check.number("state_noise", value, least=0)

    def arrays(self) -> dict[str, FloatArray]:
        """Return copies of all that training changes, and of the feedback weights, by name."""
        arrays = {"W": self._cell.W, "W_out": self._cell.W_out, "state": self._cell.state}
        feedback = self._cell.feedback
        return arrays if feedback is None else {**arrays, "feedback": feedback}

    def copy(self) -> Self:
        """Return an equal network that shares nothing with this one."""
        other = type(self)._blank(self.shape, self.dtype, self.settings())
        for name, array in self.arrays().items():
            setattr(other._cell, name, array)
        return other

    def forward(self, X: object, initial_state: object = None) -> Forward:
        """Run the network over inputs, without learning, noise or any change to this object.

        Parameters
        ----------
        X : array_like, shape (T, n_in)
        initial_state : array_like, shape (S,), optional
            By default the present :attr:`state`.

        Returns
        -------
        Forward

        Raises
        ------
        ValueError
            If an argument has the wrong shape or is not finite.
        """
        inputs = _check.real_array("X", X, (None, self.shape.n_in), self.dtype, "T, n_in")
        other = self._started(initial_state)
        state, output = other._cell.forward(inputs)
        return Forward(state, np.ascontiguousarray(state[:, -self.shape.n :]), output)

    def linearise(self, x: object, state: object = None) -> Linearisation:
        """Return J, D and a_hat of one step, without any change to this object.

        Parameters
        ----------
        x : array_like, shape (n_in,)
        state : array_like, shape (S,), optional
            The state before the step; by default the present one.

        Returns
        -------
        Linearisation

        Raises
        ------
        ValueError
            If an argument has the wrong shape or is not finite.
        """
        inputs = _check.real_array("x", x, (self.shape.n_in,), self.dtype, "n_in")
        other = self._started(state, "state")
        other._cell.forward(inputs[None])
        J, D, leak, a_hat = other._cell.linearised()
        return Linearisation(J, D, a_hat, other._cell.state, leak)

    def _started(self, state: object, name: str = "initial_state") -> Self:
        """Return a copy in another state."""
        other = self.copy()
        if state is not None:
            other._cell.state = self._array(name, state, (self.shape.S,), "S")
        return other

    def __repr__(self) -> str:
        s = self.shape
        settings = ", ".join(f"{k}={v!r}" for k, v in self.settings().items())
        if s.pattern is not None:
            settings += f", density={sum(map(len, s.pattern)) / s.n**2:.3g}"
        return (
            f"{type(self).__name__}(n_in={s.n_in}, n_hidden={s.n}, n_out={s.n_out}, {settings}, "
            f"dtype={self.dtype})"
        )

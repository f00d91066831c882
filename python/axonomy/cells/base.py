"""What a cell is: weights, state and read-out, held by the core and reached as numpy arrays.

One step, for every cell whose parameters enter through one affine map::

    h = W a_hat             a_hat = [a_prev, x, 1]     W (R, m)    a_hat (m,)
    s = f(s_prev, h)        s (S,); the activity a is the last n entries of s
    z = W_out a + b_out     L = loss(z, y)

A kind of cell is a class that states its gates, the parts of the rows of W, and its components, the parts
of the state. In element-wise cells each row has regressors of its own, ``[state of its unit, x, 1]``: a_hat
(R, m).
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from axonomy import _check, _core, bibliography
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
    a_hat : ndarray, shape (m,); (R, m) of an element-wise cell
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

    While a trainer runs it, its arrays can be set by the run's own callback alone; in another thread that
    raises a RuntimeError.

    Attributes
    ----------
    shape : Shape
        Its sizes.
    dtype : numpy.dtype
        float32 or float64.
    loss : str
        ``"cross_entropy"``, ``"binary_cross_entropy"`` or ``"mse"`` (``½ Σ (z - y)²``).
    """

    #: Its name in the registry.
    kind: ClassVar[str]
    #: Names of the parts of the rows, R = len(gates) n, and of the state, S = len(components) n.
    gates: ClassVar[tuple[str, ...]] = ("h",)
    components: ClassVar[tuple[str, ...]] = ("a",)
    #: Of each gate, which regressors its rows have weights for; None: all.
    sees: ClassVar[tuple[tuple[str, ...], ...] | None] = None
    #: Whether a row sees the state of its own unit only, and which component that is.
    element_wise: ClassVar[bool] = False
    fed_back: ClassVar[str] = "a"
    #: The gate that keeps the state when it opens (+1) or closes (-1), and the gate that admits what is new.
    keep_gate: ClassVar[tuple[str, int] | None] = None
    input_gate: ClassVar[str | None] = None
    #: A keyword of :meth:`random`'s ``recurrent``.
    default_recurrent: ClassVar[str] = "orthogonal"
    #: Where the equations come from: keys of the bibliography.
    references: ClassVar[tuple[str, ...]] = ()

    shape: Shape
    dtype: np.dtype[Any]
    _loss: str
    _cell: _core.Cell32 | _core.Cell64

    @abstractmethod
    def settings(self) -> dict[str, Any]:
        """Return what makes a cell of this kind besides its sizes and arrays, as plain values."""

    @abstractmethod
    def _make(self, shape: Shape, dtype: np.dtype[Any], settings: dict[str, Any]) -> None:
        """Check the kind's own settings and call :meth:`_hold` with them; all arrays are zero."""

    @abstractmethod
    def _equations(self, op: Any, before: dict[str, Any], h: dict[str, Any]) -> dict[str, Any]:
        """Return the components of the state after a step.

        Parameters
        ----------
        op : object
            Has a function for each of :data:`ACTIVATIONS`.
        before : dict
            The components of the state before the step, values with ``+``, ``-`` and ``*``.
        h : dict
            ``W a_hat``, gate by gate.
        """

    @classmethod
    def _shape(cls, n: int, n_in: int, n_out: int, pattern: Any = None) -> Shape:
        """Return the sizes of a network of this kind."""
        if pattern is not None and cls.element_wise:
            raise ValueError(f"mask: expected none, as the units of {cls.__name__} are not coupled")
        return Shape(
            n,
            n_in,
            n_out,
            states_per_unit=len(cls.components),
            rows_per_unit=len(cls.gates),
            pattern=pattern,
            sees=cls.sees,
            element_wise=cls.element_wise,
            fed_back=cls.components.index(cls.fed_back),
        )

    @classmethod
    def _blank(cls, shape: Shape, dtype: Any, settings: dict[str, Any]) -> Self:
        """Return a cell with all arrays zero."""
        cell = cls.__new__(cls)
        cell._make(shape, dtype, settings)
        return cell

    def _assemble(
        self,
        arrays: tuple[Any, Any, Any, Any, Any],
        settings: dict[str, Any],
        feedback: Any,
        dtype: Any,
        mask: Any,
    ) -> None:
        """Check W_rec, W_in, b_rec, W_out, b_out and everything else, and take it over."""
        dtype = _check.float_dtype("dtype", dtype)
        gates, element_wise = len(self.gates), self.element_wise
        rows, columns = ("n" if gates == 1 else f"{gates} n"), ("1" if element_wise else "n")
        W_rec, W_out = _check.array("W_rec", arrays[0]), _check.array("W_out", arrays[3])
        of_units = W_out if element_wise else W_rec  # whose columns are the units
        n = of_units.shape[1] if of_units.ndim == 2 else None
        R, m = (None if n is None else gates * n), (1 if element_wise else n)
        W_rec = _check.real_array("W_rec", W_rec, (R, m), dtype, f"{rows}, {columns}")
        W_in = _check.real_array("W_in", arrays[1], (R, None), dtype, f"{rows}, n_in")
        W_out = _check.real_array("W_out", W_out, (None, n), dtype, "n_out, n")
        n = int(W_out.shape[1])
        pattern: Any = None if mask is None else _check.mask("mask", mask, n)
        n_out = _check.integer("n_out", W_out.shape[0], 1)
        self._make(self._shape(n, W_in.shape[1], n_out, pattern), dtype, settings)
        self.W_rec, self.W_in, self.b_rec = W_rec, W_in, arrays[2]
        self.W_out, self.b_out = W_out, arrays[4]
        self.feedback = feedback

    def _hold(self, shape: Shape, dtype: Any, settings: dict[str, Any], *own: Any) -> None:
        """Make the core's cell; `own` are the checked settings that other kinds do not have."""
        self._loss = _check.one_of("loss", settings["loss"], LOSSES)
        make = getattr(_core, f"make_{self.kind}{32 if dtype == np.float32 else 64}")
        self._cell = make(shape._core(), self._loss, *own)
        self.shape = shape
        self.dtype = dtype
        self.state_noise = settings["state_noise"]

    @property
    def loss(self) -> str:
        """Name of the loss."""
        return self._loss

    def _array(self, name: str, value: object, shape: tuple[int, ...], meaning: str) -> FloatArray:
        return _check.real_array(name, value, shape, self.dtype, meaning)

    @property
    def W(self) -> FloatArray:
        """All recurrent parameters ``[W_rec, W_in, b]``, shape (R, m); a copy.

        Rows that have no weight for a regressor have a zero there, which stays zero and gets no gradient.
        """
        return self._cell.W

    @W.setter
    def W(self, value: object) -> None:
        m = self._cell.shape.m
        W = self._array("W", value, (self.shape.R, m), "R, m")
        self._check_existing("W", W)
        self._cell.W = W

    @property
    def _recurrent(self) -> slice:
        return slice(0, 1 if self.element_wise else self.shape.n)

    @property
    def _inputs(self) -> slice:
        return slice(self._recurrent.stop, -1)

    def _columns(self, part: slice | int) -> FloatArray:
        return np.ascontiguousarray(self._cell.W[:, part])

    def _set_columns(self, name: str, value: object, part: slice | int, meaning: str) -> None:
        W = self._cell.W
        W[:, part] = self._array(name, value, W[:, part].shape, meaning)
        self._check_existing(name, W[:, part], part)
        self._cell.W = W

    def _check_existing(self, name: str, values: FloatArray, part: slice | int = slice(0, None)) -> None:
        """Refuse numbers in some columns of W (R, m) where it has no weight."""
        if not (wrong := (values != 0) & ~self.shape.weights[:, part]).any():
            return
        at = tuple(int(i) for i in np.argwhere(wrong)[0])
        row, column = at[0], (at[1] + part.start if isinstance(part, slice) else part)
        if self.mask is not None and 0 <= column < self.shape.n and not self.mask[row % self.shape.n, column]:
            where = "where the mask is False"
        else:
            gate = self.gates[row // self.shape.n]
            seen = " and ".join(self.sees[self.gates.index(gate)] if self.sees else ())
            where = f"as gate {gate!r} sees {seen} only"
        raise ValueError(f"{name}: expected zeros {where}, got {values[at]} at {at}")

    @property
    def mask(self) -> _check.BoolArray | None:
        """Which recurrent weights exist, shape (n, n), ``[to, from]``; None: all. The others stay zero."""
        return self.shape.mask

    @property
    def W_rec(self) -> FloatArray:
        """Recurrent weights, shape (R, n), or (R, 1) of an element-wise cell; a copy."""
        return self._columns(self._recurrent)

    @W_rec.setter
    def W_rec(self, value: object) -> None:
        self._set_columns("W_rec", value, self._recurrent, "R, 1" if self.element_wise else "R, n")

    @property
    def W_in(self) -> FloatArray:
        """Input weights, shape (R, n_in); a copy."""
        return self._columns(self._inputs)

    @W_in.setter
    def W_in(self, value: object) -> None:
        self._set_columns("W_in", value, self._inputs, "R, n_in")

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

    @classmethod
    def citation(cls) -> str:
        """Return BibTeX of where the equations come from."""
        return bibliography.bibtex(cls.references)

    def arrays(self) -> dict[str, FloatArray]:
        """Return copies of all that training changes, and of the feedback weights, by name."""
        arrays = {"W": self._cell.W, "W_out": self._cell.W_out, "state": self._cell.state}
        feedback = self._cell.feedback
        return arrays if feedback is None else {**arrays, "feedback": feedback}

    def copy(self) -> Self:
        """Return an equal network that shares nothing with this one."""
        make, parts = self.__reduce__()
        copied: Self = make(*parts)
        return copied

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        # For pickle and both functions of the module copy, which would share or refuse the core's cell.
        return type(self)._of, (self.shape, self.dtype, self.settings(), self.arrays())

    @classmethod
    def _of(
        cls, shape: Shape, dtype: np.dtype[Any], settings: dict[str, Any], arrays: dict[str, FloatArray]
    ) -> Self:
        """Return the network whose :meth:`settings` and :meth:`arrays` these are."""
        cell = cls._blank(shape, dtype, settings)
        for name, array in arrays.items():
            setattr(cell._cell, name, array)
        return cell

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

    def to_torch(self) -> tuple[Any, Any]:
        """Return PyTorch's recurrent module and read-out with the same weights.

        A LeakyRNN with ``alpha=1`` and tanh or relu gives ``torch.nn.RNN``, a GRU ``torch.nn.GRU``, an LSTM
        ``torch.nn.LSTM``. Feedback weights and state noise stay behind; where a mask says that there is no
        weight, the module has a zero like any other.

        Returns
        -------
        module : torch.nn.RNN, torch.nn.GRU or torch.nn.LSTM
            With ``batch_first=False``: ``module(X, rnn.to_torch_state())`` for X (T, n_in) or (T, B, n_in).
        readout : torch.nn.Linear

        Raises
        ------
        IncompatibleCell
            If no module of torch.nn has these equations.
        MissingExtra
            Without torch, which ``pip install "axonomy[torch]"`` brings.
        """
        from axonomy.exchange import torch

        return torch.to_torch(self)

    def to_torch_state(self, state: object = None) -> Any:
        """Return the state as :meth:`to_torch`'s module takes it: h (1, n), or h and c.

        Parameters
        ----------
        state : array_like, shape (S,) or (B, S), optional
            By default the present :attr:`state`; of B streams, as ``Trainer.states``, h is (1, B, n).

        Raises
        ------
        IncompatibleCell, MissingExtra
            As :meth:`to_torch`.
        """
        from axonomy.exchange import torch

        return torch.to_torch_state(self, state)

    @classmethod
    def from_torch(
        cls,
        module: Any,
        readout: Any,
        loss: str = "cross_entropy",
        feedback: Any = None,
        state_noise: float = 0.0,
        mask: Any = None,
        *,
        state: Any = None,
    ) -> Self:
        """Return the network of a recurrent module and a read-out of PyTorch's.

        ``Cell.from_torch`` takes any module that has a counterpart here, a kind of cell its own.

        Parameters
        ----------
        module : torch.nn.RNN, torch.nn.GRU or torch.nn.LSTM
            Of one layer and one direction, without projection, in float32 or float64.
        readout : torch.nn.Linear
        loss, feedback, state_noise, mask
            As in the class.
        state : Tensor, shape (1, n), or two of them, optional
            The h, or h and c, that the module returned; by default zero.

        Raises
        ------
        ValueError
            If these are no such modules, or what they hold does not fit.
        IncompatibleCell
            If no module of torch.nn has this kind's equations.
        MissingExtra
            Without torch.
        """
        from axonomy.exchange import torch

        return torch.from_torch(
            cls,
            module,
            readout,
            state=state,
            loss=loss,
            feedback=feedback,
            state_noise=state_noise,
            mask=mask,
        )

    def to_onnx(self, path: str | os.PathLike[str] | None = None, *, batch: bool = False) -> Any:
        """Return one step of the network as an ONNX model, and write it to a file if one is named.

        Inputs x (n_in,) and state (S,), outputs z (n_out,) and next_state (S,), in the network's dtype; z is
        before the loss's softmax or sigmoid. The first state is :attr:`state`, or zeros.

        Parameters
        ----------
        path : path, optional
            Written beside and renamed, so that the file is whole or as it was.
        batch : bool
            Whether each has a first axis of any length.

        Returns
        -------
        onnx.ModelProto
            Checked; its metadata say the version of axonomy, the kind of cell and its settings.

        Raises
        ------
        MissingExtra
            Without onnx, which ``pip install "axonomy[onnx]"`` brings.
        """
        from axonomy.exchange import onnx

        return onnx.to_onnx(self, path, batch=batch)

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

"""Learners: the part of a rule that has memory.

:class:`Learner` is what one writes to add a rule in Python; :func:`make_learner` makes the learner of any
rule, to be driven by hand.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from axonomy import _check, _core
from axonomy.cells.base import Cell, FloatArray
from axonomy.component import Option, Options
from axonomy.order import Order
from axonomy.rule import Rule
from axonomy.rules import as_rule
from axonomy.shape import Shape
from axonomy.step import Step


class Learner(ABC):
    """A learning rule written in Python: step in, gradient out.

    Given to :func:`axonomy.register` it fills a cell of the table, and composes, trains, saves and mixes as
    any other rule. A step that raises is not taken: network, learner and random numbers stay as they were
    before it.

    Parameters
    ----------
    shape : Shape
        Sizes of the network.
    dtype : numpy.dtype
        Of the numbers of the run.
    **options
        The settings of :attr:`options`.

    Attributes
    ----------
    facing, tensor, randomness, solution, solver, title, bias, memory, time, known_as, references, options
        Facts of the class, as in :class:`axonomy.component.Component`. A rule that is late also says so by
        `lag` and the static methods :meth:`lag_steps` and :meth:`period`.
    needs_shared : bool
        Whether the rule has to have one a_hat (m,) for all rows, so that it is refused element-wise cells,
        where a_hat is (R, m).
    carries : tuple of str
        Names of the attributes, float arrays of fixed shape, that outlive a step. :meth:`reset` makes them;
        the library saves, loads and snapshots them, and replaces them by copies when it likes.

    Examples
    --------
    >>> import numpy as np
    >>> import axonomy as ax
    >>> class Trace(ax.Learner):
    ...     "The immediate influence, forgotten at a fixed rate."
    ...     facing, tensor, randomness, solution = "past", "kij", "deterministic", "closed-form"
    ...     solver, title, bias = "fixed-trace", "a trace of fixed decay", "biased"
    ...     memory = time = ax.Order(3)
    ...     carries = ("M",)
    ...     def reset(self, state):
    ...         self.M = np.zeros((self.shape.S, self.shape.R, self.shape.m))
    ...     def step(self, step):
    ...         self.M = 0.8 * self.M + step.M_bar
    ...         return np.einsum("k,kij->ij", step.q, self.M)
    >>> with ax.registered(Trace):
    ...     rule = ax.compose("past", "kij", "deterministic", "closed-form", solver="fixed-trace")
    ...     stream = ax.tasks.Add().generate(100)
    ...     rnn = ax.LeakyRNN.random(n_in=2, n_hidden=4, n_out=2)
    ...     history = ax.Trainer(rnn, rule, ax.SGD(0.01)).run(stream.X, stream.Y)
    """

    facing: ClassVar[str]
    tensor: ClassVar[str]
    randomness: ClassVar[str]
    solution: ClassVar[str]
    solver: ClassVar[str]
    title: ClassVar[str]
    bias: ClassVar[str]
    memory: ClassVar[Order]
    time: ClassVar[Order]
    known_as: ClassVar[str] = ""
    references: ClassVar[tuple[str, ...]] = ()
    options: ClassVar[dict[str, Option]] = {}
    lag: ClassVar[str] = "0"
    needs_shared: ClassVar[bool] = False
    carries: ClassVar[tuple[str, ...]] = ()

    @staticmethod
    def lag_steps(options: Options) -> int:
        """Return by how many steps the gradient is late."""
        return 0

    @staticmethod
    def period(options: Options) -> int:
        """Return every how many steps there is a gradient, the sum over as many."""
        return 1

    def __init__(self, shape: Shape, dtype: np.dtype[Any], **options: Any) -> None:
        self.shape = shape
        self.dtype = dtype
        for name, value in options.items():
            setattr(self, name, value)

    @abstractmethod
    def reset(self, state: FloatArray) -> None:
        """Become as new, the network being in `state` (S,)."""

    @abstractmethod
    def step(self, step: Step) -> FloatArray | None:
        """Take in one step and return the gradient (R, m), or None for zero."""

    def new_sequence(self, state: FloatArray) -> None:
        """Forget the past, as a new sequence begins in `state` (S,); what was learned may stay."""
        self.reset(state)

    @property
    def n_noise(self) -> int:
        """Random numbers a step takes."""
        return 0

    @property
    def noise_kind(self) -> str | None:
        """``"signs"`` or ``"normal"``, of unit variance; None if nothing is drawn."""
        return "signs" if self.n_noise else None

    @property
    def looks_ahead(self) -> bool:
        """Whether there is a gradient at steps without a target too: by default of future-facing rules."""
        return self.facing == "future"

    def influence(self) -> FloatArray | None:
        """Return the influence M (S, R, m) the learner stands for; None if it has none."""
        return None

    def credit(self) -> FloatArray | None:
        """Return the credit c (S,) behind the last gradient; None if it has none."""
        return None

    def diagnostics(self) -> dict[str, float]:
        """Return quantities of the last step worth recording, by name; always the same names."""
        return {}

    # What the core calls.

    def _checked_facts(self) -> tuple[str | None, int, bool, list[str]]:
        name = type(self).__name__
        n_noise = _check.integer(f"{name}.n_noise", self.n_noise, 0)
        kind = self.noise_kind
        if kind is not None:
            kind = _check.one_of(f"{name}.noise_kind", kind, ("signs", "normal"))
        elif n_noise:
            raise ValueError(
                f"{name}.noise_kind: expected 'signs' or 'normal' for {n_noise} numbers, got None"
            )
        ahead = _check.truth(f"{name}.looks_ahead", self.looks_ahead)
        for carried in self.carries:
            if carried in ("left", "right"):
                raise ValueError(
                    f"{name}.carries: expected other names than {carried!r}, which is a factor's"
                )
            if not hasattr(self, carried):
                raise ValueError(f"{name}.carries: expected attributes that reset() makes, got {carried!r}")
        return kind, n_noise, ahead, list(self.carries)

    def _checked_diagnostics(self) -> dict[str, float]:
        name = f"{type(self).__name__}.diagnostics"
        given = _check.mapping(name, self.diagnostics(), "a dict of numbers")
        return {str(key): float(_check.real_array(f"{name}: {key}", value, (), float, finite=False))
                for key, value in given.items()}  # fmt: skip

    def _checked_update(self, *arrays: FloatArray) -> FloatArray | None:
        gradient = self.step(Step(*arrays))
        if gradient is None:
            return None
        return self._checked("step", gradient, (self.shape.R, self.shape.m), "R, m")

    def _checked_influence(self) -> FloatArray | None:
        M = self.influence()
        shape = (self.shape.S, self.shape.R, self.shape.m)
        return None if M is None else self._checked("influence", M, shape, "S, R, m")

    def _checked_credit(self) -> FloatArray | None:
        c = self.credit()
        return None if c is None else self._checked("credit", c, (self.shape.S,), "S")

    def _checked(self, method: str, value: object, shape: tuple[int | None, ...], meaning: str) -> FloatArray:
        # What is not finite is for the core to find: the run has diverged.
        name = f"{type(self).__name__}.{method}"
        return _check.real_array(name, value, shape, self.dtype, meaning, finite=False)

    def _carried(self, name: str, shape: tuple[int, ...] | None, strict: bool) -> FloatArray | None:
        """Return an attribute for the core; if it does not fit, raise or, unless strict, return None."""
        try:
            value = np.asarray(getattr(self, name, None))
            if shape is None:
                shape = value.shape
            return self._checked(name, value, tuple(shape), "as reset() makes it")
        except ValueError:
            if strict:
                raise
            return None


def core_learner(rule: Rule, shape: Shape, dtype: np.dtype[Any]) -> _core.Learner32 | _core.Learner64:
    """Return the core's learner for a rule on a network of this shape."""
    make = _core.make_learner32 if dtype == np.float32 else _core.make_learner64
    return make(shape._core(), rule._spec(shape))


def core_initial(state: Mapping[str, Any], initial: object, dtype: Any) -> dict[str, FloatArray]:
    """Return the arrays of `initial` as the entries of `state` that they are to replace.

    A factor (``"left"``, ``"right"``) has the rank as its leading axis, or no such axis at rank 1;
    the core has it last.
    """
    given = _check.mapping("initial", initial, "a dict of arrays")
    result = {}
    names = [name for name, value in state.items() if value.dtype.kind == "f"]
    for name, value in given.items():
        _check.one_of("initial", name, names)
        shape = state[name].shape
        if name.rpartition(".")[2] in ("left", "right"):
            value = _check.array(f"initial[{name!r}]", value)
            outer = (shape[-1], *shape[:-1])
            if value.ndim == len(shape) - 1 and shape[-1] == 1:
                value = value[None]
            array = _check.real_array(f"initial[{name!r}]", value, outer, dtype, "r, ...")
            result[name] = np.asfortranarray(np.moveaxis(array, 0, -1))
        else:
            array = _check.real_array(f"initial[{name!r}]", value, shape, dtype)
            result[name] = np.asfortranarray(array)
    return result


class HandDriven:
    """A rule's learner, driven by hand: give it J, D, a_hat and q, read the gradient.

    Make one with :func:`make_learner`.

    Attributes
    ----------
    rule : Rule
    shape : Shape
    dtype : numpy.dtype
    """

    def __init__(self, rule: Rule, shape: Shape, seed: int, dtype: np.dtype[Any]) -> None:
        self.rule = rule
        self.shape = shape
        self.dtype = dtype
        make: Any = _core.HandDriven32 if dtype == np.float32 else _core.HandDriven64
        self._core = make(shape._core(), core_learner(rule, shape, dtype), seed)

    def step(
        self,
        J: object,
        D: object,
        a_hat: object,
        q: object,
        leak: object = None,
        noise: object = None,
        state: object = None,
        y: object = None,
    ) -> None:
        """Take in one step.

        Parameters
        ----------
        J : array_like, shape (S, S)
            ds/ds_prev.
        D : array_like, shape (S, R)
            ds/dh; entries only where row and column belong to one unit.
        a_hat : array_like, shape (m,), or (R, m) of an element-wise shape
            The regressors.
        q : array_like, shape (S,)
            dL/ds.
        leak : array_like, shape (S, S), optional
            ds/ds_prev at fixed h; entries only within units. RFLO needs it.
        noise : array_like, shape (n_noise,), optional
            The random numbers of this step; by default they are drawn.
        state : array_like, shape (S,), optional
            s after the step. Rules that model the credit need it.
        y : array_like, shape (n_out,), optional
            The target, for the same rules.

        Raises
        ------
        ValueError
            If an argument has the wrong shape or is not finite, or the rule needs what was not given.
        """
        S, R, m = self.shape.S, self.shape.R, self.shape.m
        assert m is not None
        arrays = [
            _check.real_array("J", J, (S, S), self.dtype, "S, S"),
            _check.real_array("D", D, (S, R), self.dtype, "S, R"),
            _check.real_array(
                "a_hat",
                a_hat,
                *(((R, m), self.dtype, "R, m") if self.shape.element_wise else ((m,), self.dtype, "m")),
            ),
            _check.real_array("q", q, (S,), self.dtype, "S"),
        ]
        more = [
            None if value is None else _check.real_array(name, value, shape, self.dtype, meaning)
            for name, value, shape, meaning in (
                ("leak", leak, (S, S), "S, S"),
                ("noise", noise, (self.n_noise,), "n_noise"),
                ("state", state, (S,), "S"),
                ("y", y, (self.shape.n_out,), "n_out"),
            )
        ]
        self._core.step(*arrays, *more)

    def gradient(self) -> FloatArray:
        """Return the gradient of the last step, shape (R, m)."""
        gradient: FloatArray = self._core.gradient()
        return gradient

    def influence(self) -> FloatArray | None:
        """Return the influence M that the learner stands for, shape (S, R, m); None if it has none."""
        M: FloatArray | None = self._core.influence()
        return M

    def credit(self) -> FloatArray | None:
        """Return the credit (S,) behind the last gradient, of its earliest step; None if it has none."""
        c: FloatArray | None = self._core.credit()
        return c

    def reset(self, state: object = None) -> None:
        """Become as new; `state` (S,), by default zero, is where the network goes on."""
        self._core.reset(self._state(state))

    def new_sequence(self, state: object = None) -> None:
        """Begin a new sequence: gradients still due stay due, and a learned model stays."""
        self._core.new_sequence(self._state(state))

    def _state(self, state: object) -> FloatArray | None:
        return None if state is None else _check.real_array("state", state, (self.shape.S,), self.dtype, "S")

    def state(self) -> dict[str, Any]:
        """Return copies of all that outlives a step, by name."""
        state: dict[str, Any] = self._core.state()
        return state

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Take over what :meth:`state` returned.

        Raises
        ------
        ValueError
            If an entry is missing or has the wrong shape; nothing is changed then.
        """
        self._core.load_state(_check.mapping("state", state, "a dict of arrays"))

    def __reduce__(self) -> tuple[Any, tuple[Any, ...], Any]:
        # The seed does not matter: the generator is part of the state.
        return type(self), (self.rule, self.shape, 0, self.dtype), self.state()

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._core.load_state(state)

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return int(self._core.learner.nbytes)

    @property
    def n_noise(self) -> int:
        """How many random numbers a step takes."""
        return int(self._core.learner.n_noise)

    @property
    def noise_kind(self) -> str | None:
        """``"signs"``, ``"normal"``, ``"mixed"`` for a hybrid of both, or None if nothing is drawn."""
        kind: str | None = self._core.learner.noise_kind
        return kind

    def diagnostics(self) -> dict[str, float]:
        """Return the rule's own quantities of the last step, by name."""
        values: dict[str, float] = self._core.learner.diagnostics()
        return values


def make_learner(
    rule: Any,
    network: Cell | Shape,
    *,
    seed: int = 0,
    dtype: Any = None,
    initial: Mapping[str, Any] | None = None,
) -> HandDriven:
    """Return the learner of a rule, to be driven by hand.

    Parameters
    ----------
    rule : Rule, str, dict or function of ``axonomy.rules``
    network : Cell or Shape
        The network, or its sizes.
    seed : int
        Of the rule's random numbers.
    dtype : {float64, float32}, optional
        By default the network's, or float64.
    initial : dict of arrays, optional
        What the learner starts from; as in :func:`axonomy.gradients`.

    Returns
    -------
    HandDriven

    Raises
    ------
    ValueError
        If an argument is not what it should be.
    IncompatibleCell
        If the rule cannot run on such a network.
    """
    rule = as_rule(rule)
    if not isinstance(network, (Cell, Shape)):
        raise ValueError(f"network: expected a network or a Shape, got {_check.describe(network)}")
    shape = network.shape if isinstance(network, Cell) else network
    if dtype is None:
        dtype = network.dtype if isinstance(network, Cell) else np.float64
    learner = HandDriven(rule, shape, _check.seed("seed", seed), _check.float_dtype("dtype", dtype))
    if initial is not None:
        prefix = "learner."
        state = learner.state()
        own = {k[len(prefix) :]: v for k, v in state.items() if k.startswith(prefix)}
        own = core_initial(own, initial, learner.dtype)
        learner.load_state({**state, **{prefix + k: v for k, v in own.items()}})
    return learner

"""A rule's learner, driven by hand: give it J, D, a_hat and q, read the gradient."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from axonomy import _check, _core
from axonomy.cells.base import Cell, FloatArray
from axonomy.errors import IncompatibleCell
from axonomy.rule import Rule
from axonomy.rules import as_rule
from axonomy.shape import Shape


def core_learner(rule: Rule, shape: Shape, dtype: np.dtype[Any]) -> _core.Learner32 | _core.Learner64:
    """Return the core's learner for a rule on a network of this shape."""
    if rule.component.needs_mask and shape.pattern is None:
        raise IncompatibleCell(
            f"{rule.name} needs sparse recurrent weights, a network with a mask: on dense ones n >= 2 is "
            "RTRL (axonomy.rules.rtrl() or rtrl_lazy()), and n = 1 is axonomy.rules.snap(1)"
        )
    make = _core.make_learner32 if dtype == np.float32 else _core.make_learner64
    return make(shape._core(), rule._spec())


def core_initial(state: Mapping[str, Any], initial: object, dtype: Any) -> dict[str, FloatArray]:
    """Return `state` with the arrays of `initial` in place of its own.

    A factor (``"left"``, ``"right"``) has the rank as its leading axis, or no such axis at rank 1;
    the core has it last.
    """
    given = _check.mapping("initial", initial, "a dict of arrays")
    result = dict(state)
    names = [name for name, value in state.items() if value.dtype.kind == "f"]
    for name, value in given.items():
        _check.one_of("initial", name, names)
        shape = state[name].shape
        if name in ("left", "right"):
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


class Learner:
    """The part of a rule that has memory. Make one with :func:`make_learner`.

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
    ) -> None:
        """Take in one step.

        Parameters
        ----------
        J : array_like, shape (S, S)
            ds/ds_prev.
        D : array_like, shape (S, R)
            ds/dh; entries only where row and column belong to one unit.
        a_hat : array_like, shape (m,)
            The regressors.
        q : array_like, shape (S,)
            dL/ds.
        leak : array_like, shape (S, S), optional
            ds/ds_prev at fixed h; entries only within units. RFLO needs it.
        noise : array_like, shape (n_noise,), optional
            The random numbers of this step; by default they are drawn.

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
            _check.real_array("a_hat", a_hat, (m,), self.dtype, "m"),
            _check.real_array("q", q, (S,), self.dtype, "S"),
        ]
        more: list[FloatArray | None] = [None, None]
        if leak is not None:
            more[0] = _check.real_array("leak", leak, (S, S), self.dtype, "S, S")
        if noise is not None:
            more[1] = _check.real_array("noise", noise, (self.n_noise,), self.dtype, "n_noise")
        self._core.step(*arrays, *more)

    def gradient(self) -> FloatArray:
        """Return the gradient of the last step, shape (R, m)."""
        gradient: FloatArray = self._core.gradient()
        return gradient

    def influence(self) -> FloatArray | None:
        """Return the influence M that the learner stands for, shape (S, R, m); None if it has none."""
        M: FloatArray | None = self._core.influence()
        return M

    def reset(self) -> None:
        """Forget the past."""
        self._core.reset()

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
        """``"signs"``, ``"normal"``, or None if the rule is deterministic."""
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
) -> Learner:
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
    Learner

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
    learner = Learner(rule, shape, _check.seed("seed", seed), _check.float_dtype("dtype", dtype))
    if initial is not None:
        prefix = "learner."
        state = learner.state()
        own = {k[len(prefix) :]: v for k, v in state.items() if k.startswith(prefix)}
        own = core_initial(own, initial, learner.dtype)
        learner.load_state({**state, **{prefix + k: v for k, v in own.items()}})
    return learner

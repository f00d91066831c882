"""The sizes of a network as the learners see it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from axonomy import _check, _core

#: What rows of W may have weights for: the state that comes back, the inputs, the constant.
REGRESSORS = ("state", "input", "bias")


@dataclass(frozen=True)
class Shape:
    """Sizes of a network, in the symbols of the theory.

    State ``k = component * n + unit``, row ``i = gate * n + unit``. The activity is the last component
    of the state; the first n regressors are the previous activity. In an element-wise network each row has
    regressors of its own, ``[state of its unit, x, 1]``, so that a_hat is (R, m) and J couples no two units.

    Parameters
    ----------
    n : int
        Units.
    n_in, n_out : int
        Inputs and outputs.
    m : int, optional
        Regressors of a row; by default ``n + n_in + 1`` for ``[a_prev, x, 1]``, ``1 + n_in + 1`` if
        element-wise.
    states_per_unit, rows_per_unit : int
        States and rows of W of each unit.
    pattern : tuple of tuples of int, or array of bool, shape (n, n); optional
        The recurrent weights that exist: for each unit the units that get from it, or a mask ``[to, from]``,
        which becomes such tuples. All gates of a unit share them. By default all exist.
    sees : tuple of tuples of str, optional
        Of each gate, which of :data:`REGRESSORS` its rows have weights for; by default all.
    element_wise : bool
        Whether a row sees the state of its own unit only.
    fed_back : int, optional
        Which component of the state is among the regressors; by default the last, the activity.
    """

    n: int
    n_in: int = 0
    n_out: int = 0
    m: int | None = None
    states_per_unit: int = 1
    rows_per_unit: int = 1
    pattern: tuple[tuple[int, ...], ...] | None = None
    sees: tuple[tuple[str, ...], ...] | None = None
    element_wise: bool = False
    fed_back: int | None = None

    def __post_init__(self) -> None:
        for name, minimum in (
            ("n", 1),
            ("n_in", 0),
            ("n_out", 0),
            ("states_per_unit", 1),
            ("rows_per_unit", 1),
        ):
            object.__setattr__(self, name, _check.integer(name, getattr(self, name), minimum))
        object.__setattr__(self, "element_wise", _check.truth("element_wise", self.element_wise))
        state = 1 if self.element_wise else self.n
        m = state + self.n_in + 1 if self.m is None else _check.integer("m", self.m, 1)
        object.__setattr__(self, "m", m)
        last = self.states_per_unit - 1
        back = last if self.fed_back is None else _check.integer("fed_back", self.fed_back, 0, last)
        object.__setattr__(self, "fed_back", back)
        if self.sees is not None:
            object.__setattr__(self, "sees", _sees(self.sees, self.rows_per_unit))
        if self.pattern is not None:
            if self.element_wise:
                raise ValueError("pattern: expected none, as an element-wise network couples no two units")
            object.__setattr__(self, "pattern", _pattern(self.pattern, self.n))

    @property
    def S(self) -> int:
        """Number of states."""
        return self.states_per_unit * self.n

    @property
    def R(self) -> int:
        """Number of rows of W."""
        return self.rows_per_unit * self.n

    @property
    def mask(self) -> _check.BoolArray | None:
        """Which recurrent weights exist, shape (n, n), ``[to, from]``; None: all."""
        if self.pattern is None:
            return None
        mask = np.zeros((self.n, self.n), np.bool_)
        for column, units in enumerate(self.pattern):
            mask[list(units), column] = True
        return mask

    @property
    def weights(self) -> _check.BoolArray:
        """Which entries of W are weights, shape (R, m), if its columns are ``[W_rec, W_in, b]``."""
        there = np.ones((self.R, self.m or 0), np.bool_)
        state = 1 if self.element_wise else self.n
        columns = {
            "state": slice(0, state),
            "input": slice(state, state + self.n_in),
            "bias": slice(-1, None),
        }
        for gate, seen in enumerate(self.sees or ()):
            for name in set(REGRESSORS) - set(seen):
                there[gate * self.n : (gate + 1) * self.n, columns[name]] = False
        if (mask := self.mask) is not None:
            there[:, : self.n] &= np.tile(mask, (self.rows_per_unit, 1))
        return there

    def with_regressors(self, m: int) -> Shape:
        """Return the same sizes with another number of regressors."""
        return replace(self, m=m)

    def _core(self) -> _core.Shape:
        assert self.m is not None
        return _core.Shape(
            n=self.n,
            n_in=self.n_in,
            n_out=self.n_out,
            m=self.m,
            states_per_unit=self.states_per_unit,
            rows_per_unit=self.rows_per_unit,
            pattern=self.pattern,
            sees=None
            if self.sees is None
            else [sum(1 << REGRESSORS.index(name) for name in gate) for gate in self.sees],
            element_wise=self.element_wise,
            fed_back=-1 if self.fed_back is None else self.fed_back,
        )

    @classmethod
    def _of(cls, core: Any) -> Shape:
        sizes = (core.n, core.n_in, core.n_out, core.m, core.states_per_unit, core.rows_per_unit)
        sees = None
        if core.sees is not None:
            sees = tuple(tuple(n for i, n in enumerate(REGRESSORS) if bits >> i & 1) for bits in core.sees)
        return cls(
            *sizes,
            pattern=None if core.pattern is None else tuple(map(tuple, core.pattern)),
            sees=sees,
            element_wise=core.element_wise,
            fed_back=core.fed_back,
        )


def _pattern(value: object, n: int) -> tuple[tuple[int, ...], ...]:
    if isinstance(value, np.ndarray):
        return tuple(tuple(np.flatnonzero(column).tolist()) for column in _check.mask("pattern", value, n).T)
    if not isinstance(value, Sequence) or len(value) != n or not all(isinstance(c, Iterable) for c in value):
        raise ValueError(
            f"pattern: expected the units that get from each of the {n} units, or a mask ({n}, {n}), "
            f"got {_check.describe(value)}"
        )
    return tuple(tuple(sorted({_check.integer("pattern", u, 0, n - 1) for u in column})) for column in value)


def _sees(value: object, gates: int) -> tuple[tuple[str, ...], ...]:
    listed = isinstance(value, Sequence) and all(isinstance(gate, Iterable) for gate in value)
    if not isinstance(value, Sequence) or not listed or len(value) != gates:
        raise ValueError(
            f"sees: expected one entry for each of the {gates} gates, got {_check.describe(value)}"
        )
    return tuple(
        tuple(name for name in REGRESSORS if name in {_check.one_of("sees", n, REGRESSORS) for n in gate})
        for gate in value
    )

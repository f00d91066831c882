"""The sizes of a network as the learners see it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from axonomy import _check, _core


@dataclass(frozen=True)
class Shape:
    """Sizes of a network, in the symbols of the theory.

    State ``k = component * n + unit``, row ``i = gate * n + unit``. The activity is the last component
    of the state; the first n regressors are the previous activity.

    Parameters
    ----------
    n : int
        Units.
    n_in, n_out : int
        Inputs and outputs.
    m : int, optional
        Regressors; by default ``n + n_in + 1`` for ``[a_prev, x, 1]``.
    states_per_unit, rows_per_unit : int
        States and rows of W of each unit.
    pattern : tuple of tuples of int, or array of bool, shape (n, n); optional
        The recurrent weights that exist: for each unit the units that get from it, or a mask ``[to, from]``,
        which becomes such tuples. All gates of a unit share them. By default all exist.
    """

    n: int
    n_in: int = 0
    n_out: int = 0
    m: int | None = None
    states_per_unit: int = 1
    rows_per_unit: int = 1
    pattern: tuple[tuple[int, ...], ...] | None = None

    def __post_init__(self) -> None:
        for name, minimum in (
            ("n", 1),
            ("n_in", 0),
            ("n_out", 0),
            ("states_per_unit", 1),
            ("rows_per_unit", 1),
        ):
            object.__setattr__(self, name, _check.integer(name, getattr(self, name), minimum))
        m = self.n + self.n_in + 1 if self.m is None else _check.integer("m", self.m, 1)
        object.__setattr__(self, "m", m)
        if self.pattern is not None:
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
        )

    @classmethod
    def _of(cls, core: Any) -> Shape:
        sizes = (core.n, core.n_in, core.n_out, core.m, core.states_per_unit, core.rows_per_unit)
        return cls(*sizes, pattern=None if core.pattern is None else tuple(map(tuple, core.pattern)))


def _pattern(value: object, n: int) -> tuple[tuple[int, ...], ...]:
    if isinstance(value, np.ndarray):
        return tuple(tuple(np.flatnonzero(column).tolist()) for column in _check.mask("pattern", value, n).T)
    if not isinstance(value, Sequence) or len(value) != n or not all(isinstance(c, Iterable) for c in value):
        raise ValueError(
            f"pattern: expected the units that get from each of the {n} units, or a mask ({n}, {n}), "
            f"got {_check.describe(value)}"
        )
    return tuple(tuple(sorted({_check.integer("pattern", u, 0, n - 1) for u in column})) for column in value)

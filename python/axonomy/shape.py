"""The sizes of a network as the learners see it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

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
    """

    n: int
    n_in: int = 0
    n_out: int = 0
    m: int | None = None
    states_per_unit: int = 1
    rows_per_unit: int = 1

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

    @property
    def S(self) -> int:
        """Number of states."""
        return self.states_per_unit * self.n

    @property
    def R(self) -> int:
        """Number of rows of W."""
        return self.rows_per_unit * self.n

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
        )

    @classmethod
    def _of(cls, core: Any) -> Shape:
        return cls(core.n, core.n_in, core.n_out, core.m, core.states_per_unit, core.rows_per_unit)

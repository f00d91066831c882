"""Learning rates that change with the number t of updates made, t = 0, 1, ..."""

from __future__ import annotations

from abc import ABC
from dataclasses import MISSING, dataclass, fields
from typing import Any, ClassVar

from axonomy import _check


@dataclass(frozen=True)
class Schedule(ABC):
    """A learning rate over updates."""

    initial: float

    kind: ClassVar[str]

    def __post_init__(self) -> None:
        _check.number("initial", self.initial, least=0)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {"schedule": self.kind, **{f.name: getattr(self, f.name) for f in fields(self)}}

    def _spec(self) -> dict[str, Any]:
        return {"kind": self.kind, **{f.name: float(getattr(self, f.name)) for f in fields(self)}}


@dataclass(frozen=True)
class Constant(Schedule):
    """``initial`` throughout."""

    kind: ClassVar[str] = "constant"


@dataclass(frozen=True)
class ExponentialDecay(Schedule):
    """``initial * factor^(t / steps)``."""

    factor: float
    steps: float

    kind: ClassVar[str] = "exponential"

    def __post_init__(self) -> None:
        super().__post_init__()
        _check.number("factor", self.factor, above=0, most=1)
        _check.number("steps", self.steps, above=0)


@dataclass(frozen=True)
class InverseDecay(Schedule):
    """``initial / (1 + t / steps)^power``."""

    steps: float
    power: float = 1.0

    kind: ClassVar[str] = "inverse"

    def __post_init__(self) -> None:
        super().__post_init__()
        _check.number("steps", self.steps, above=0)
        _check.number("power", self.power, least=0)


SCHEDULES: dict[str, type[Schedule]] = {s.kind: s for s in (Constant, ExponentialDecay, InverseDecay)}


def as_schedule(name: str, value: object) -> Schedule:
    """Return a schedule from a number, a schedule, or what its ``to_dict`` returned."""
    if isinstance(value, Schedule):
        return value
    if isinstance(value, dict):
        values = dict(value)
        kind = SCHEDULES[_check.one_of("schedule", values.pop("schedule", None), SCHEDULES)]
        known = {f.name for f in fields(kind)}
        required = {f.name for f in fields(kind) if f.default is MISSING}
        if not required <= set(values) <= known:
            expected = ", ".join(sorted(known))
            raise ValueError(f"{name}: expected a schedule of {expected}, got {_check.describe(value)}")
        return kind(**values)
    return Constant(_check.number(name, value, least=0))

"""What a check says: a mismatch, the smallest case in which a law fails, the laws that hold."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np


class Mismatch(AssertionError):
    """A law does not hold in one case; the message has what differs, expected and got."""


@dataclass(frozen=True)
class Failure:
    """A law that does not hold, and the smallest case found.

    Attributes
    ----------
    law : str
    case : str
        Sizes and seed.
    what : str
        Which entry differs, what was expected and what came; or what was raised.
    """

    law: str
    case: str
    what: str

    def __str__(self) -> str:
        return f"{self.law}\n    {self.what}\n    smallest case: {self.case}"


@dataclass
class Report:
    """What :func:`axonomy.testing.check_rule` has looked at.

    Attributes
    ----------
    rule : str
    cases : dict of str to int
        In how many cases each law was tried.
    skipped : dict of str to str
        Laws that say nothing about this rule, and why.
    failures : list of Failure
    """

    rule: str
    cases: dict[str, int] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)

    @property
    def laws(self) -> tuple[str, ...]:
        """The laws that were looked at."""
        return tuple(self.cases)

    def __str__(self) -> str:
        count, tried = len(self.cases), sum(self.cases.values())
        lines = [f"{self.rule}: {count} law{'s hold' if count != 1 else ' holds'} in {tried} cases"]
        lines += [f"  {law}: {count}" for law, count in self.cases.items()]
        lines += [f"  {law}: not looked at, {reason}" for law, reason in self.skipped.items()]
        return "\n".join(lines)

    def raise_if_failed(self) -> None:
        """Raise an AssertionError that lists what failed."""
        if not self.failures:
            return
        count = len(self.cases)
        text = "\n\n".join(f"  {failure}" for failure in self.failures)
        raise AssertionError(f"{self.rule}: {len(self.failures)} of {count} laws fail\n\n{text}")


def compare(name: str, got: Any, expected: Any, tolerance: float = 0.0, steps: bool = True) -> None:
    """Raise a :class:`Mismatch` unless all entries agree.

    Parameters
    ----------
    name : str
        What is compared.
    got, expected : array_like
    tolerance : float
        In units of the largest expected entry, or of 1 if that is less; 0: bit by bit.
    steps : bool
        Whether the first axis is time: the first step that differs is shown, else the worst entry.
    """
    got, expected = np.asarray(got), np.asarray(expected)
    if got.shape != expected.shape:
        raise Mismatch(f"{name}: expected shape {expected.shape}, got {got.shape}")
    if got.dtype.kind in "fiu" and expected.dtype.kind in "fiu":
        size = max(1.0, float(np.abs(np.nan_to_num(expected)).max(initial=0.0)))
        off = np.abs(np.nan_to_num(got.astype(float) - expected.astype(float), posinf=np.inf, neginf=np.inf))
        off = np.where(np.isnan(got) != np.isnan(expected), np.inf, off)
    else:
        size, off = 1.0, (got != expected).astype(float)
    if not (off > tolerance * size).any():
        return
    if steps:
        bad = (off > tolerance * size).reshape(len(off), -1).any(axis=1)
        t = int(np.argmax(bad))
        inner = np.unravel_index(int(np.argmax(off[t])), off.shape[1:])
        entry: tuple[int, ...] = tuple(int(i) for i in inner)
        where, index = f", step {t}", (t, *entry)
    else:
        entry = tuple(int(i) for i in np.unravel_index(int(np.argmax(off)), off.shape))
        where, index = "", entry
    raise Mismatch(
        f"{_entry(name, entry)}{where}: expected {_shown(expected[index])}, got {_shown(got[index])}"
    )


def finite(name: str, got: Any) -> None:
    """Raise a :class:`Mismatch` unless all entries are finite; the first axis is time."""
    got = np.asarray(got)
    if np.isfinite(got).all():
        return
    index = tuple(int(i) for i in np.argwhere(~np.isfinite(got))[0])
    raise Mismatch(f"{_entry(name, index[1:])}, step {index[0]}: expected a finite number, got {got[index]}")


def _entry(name: str, index: tuple[int, ...]) -> str:
    return f"{name}, entry [{', '.join(map(str, index))}]" if index else name


def _shown(value: Any) -> str:
    return f"{value:.12g}" if isinstance(value, (float, np.floating)) else str(value)


def tried(
    report: Report, law: str, cases: Iterable[Any], check: Callable[[Any], None], shrink: bool = True
) -> None:
    """Try a law on cases, the smallest first, up to the first in which it fails.

    If `shrink`, that one is then tried with fewer steps.
    """
    report.cases[law] = 0
    for case in cases:
        report.cases[law] += 1
        what = _failure(check, case)
        if what is None:
            continue
        for T in range(1, getattr(case, "T", 0) if shrink else 0):
            shorter = replace(case, T=T)
            found = _failure(check, shorter)
            if found is not None and not found.startswith(_RAISED):
                case, what = shorter, found
                break
        report.failures.append(Failure(law, str(case), what))
        return
    if report.cases[law] == 0:
        raise NotForThisRule(f"rule: {NO_SIZE}")


NO_SIZE = "expected one whose blocks of columns are those of a small network"


class NotForThisRule(ValueError):
    """A law that cannot be tried on a rule; the message says what it expected of it."""


_RAISED = "raised "


def _failure(check: Callable[[Any], None], case: Any) -> str | None:
    try:
        check(case)
    except Mismatch as error:
        return str(error)
    except Exception as error:
        return f"{_RAISED}{type(error).__name__}: {error}"
    return None

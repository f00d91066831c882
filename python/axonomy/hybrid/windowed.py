"""Exact over the last L steps, by another past-facing rule beyond them.

A step is held until it is L steps old, and then goes to the other rule with the credit that has been pulled
back to it in place of q: ``gradient = sum over the last L steps s of (c^s D^s) ⊗ a_hat^s + what the rule
makes of c^(t-L)``. Unbiased if the rule is, at L n² operations a step more.

With ``keep`` below 1 the rule works for that part of the time only. Every so many steps its influence is kept
with this probability, and counts 1 / keep as much from then on, or is forgotten; it takes nothing in until
the next time. The mean stays what it was, as in a truncation at random (Tallec & Ollivier 2017), while the
work of the rule is done as seldom: O(n^2.5) a step for KF-RTRL and ``ki|ij`` with ``keep="1/sqrt(n)"``, in
place of O(n³), for more noise in what is older than L steps.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from axonomy import _check
from axonomy import rule as rule_module
from axonomy.hybrid.parts import Hybrid, inner_name, leaves
from axonomy.rule import Rule
from axonomy.rules import as_rule

if TYPE_CHECKING:
    from axonomy.shape import Shape

ROOT = "1/sqrt(n)"
MOST_HALVINGS = 20


@dataclass(frozen=True)
class Windowed(Hybrid):
    """A rule beyond a window of exact steps. Make one with :func:`windowed`.

    Attributes
    ----------
    rule : Rule
        What takes in the steps that leave the window.
    window : int
        L, the steps that are exact.
    keep : float or str
        How probably the rule's influence is kept at a time: a power of 1/2, or ``"1/sqrt(n)"``.
    every : int
        How many steps it is from one time to the next.
    """

    kind: ClassVar[str] = "windowed"

    rule: Rule
    window: int
    keep: float | str
    every: int

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rule beyond the window."""
        return (self.rule,)

    @property
    def axes(self) -> tuple[str, str, str, str]:
        """Those of the rule; the tensor is another beside the window; stochastic if kept so."""
        _, tensor, randomness, solution = self.rule.axes
        return (
            "past",
            tensor if tensor == "kij" else self.kind,
            randomness if self.keep == 1 else "stochastic",
            solution,
        )

    @property
    def references(self) -> tuple[str, ...]:
        """Keys of the bibliography, of the window and of the rule."""
        own = ("williams1990",) if self.keep == 1 else ("williams1990", "tallec2017")
        return tuple(dict.fromkeys((*own, *super().references)))

    @property
    def name(self) -> str:
        """The name of the rule, and beyond what."""
        kept = "" if self.keep == 1 else f", kept {_written(self.keep)}"
        return f"{inner_name(self.rule)} beyond {self.window} steps{kept}"

    def __str__(self) -> str:
        kept = "" if self.keep == 1 else f", kept {_written(self.keep)} every {self.every}"
        return f"beyond {self.window} exact steps{kept}: {self.rule}"

    def to_dict(self) -> dict[str, Any]:
        """Return ``{"windowed": {"rule": {...}, "window": ..., "keep": ..., "every": ...}}``."""
        settings = {"window": self.window, "keep": self.keep, "every": self.every}
        return {"windowed": {"rule": self.rule.to_dict(), **settings}}

    def halvings(self, n: int) -> int:
        """Return the power of 1/2 that ``keep`` is in a network of n units."""
        if isinstance(self.keep, str):
            return int(math.log2(n) / 2)
        return -int(math.log2(self.keep))

    def _spec(self, shape: Shape) -> dict[str, Any]:
        return {
            "tensor": "windowed",
            "parts": [self.rule._spec(shape)],
            "window": self.window,
            "halvings": self.halvings(shape.n),
            "every": self.every,
        }


def _written(keep: float | str) -> str:
    return keep if isinstance(keep, str) else f"1/{round(1 / keep)}"


def windowed(rule: Any, window: int = 8, keep: float | str = 1.0, every: int = 64) -> Windowed:
    """Make the gradient exact over the last steps, and leave what is older to a past-facing rule.

    Parameters
    ----------
    rule : Rule, str, dict or function of ``axonomy.rules``
        Past-facing, with a gradient at every step; it must not run the network itself, as KeRNL does.
    window : int
        L, how many steps are exact; each costs O(n²) operations and numbers held.
    keep : float or str
        How probably the rule's influence is kept at a time: 1 (always), 1/2, 1/4, ..., or ``"1/sqrt(n)"``,
        the power of 1/2 that is next above that.
    every : int
        How many steps it is from one time to the next, if it is not kept always. The longer, the fewer
        factors of 1 / `keep` has what is far back, and the longer a stretch without it.

    Returns
    -------
    Windowed

    Raises
    ------
    ValueError
        If the rule is not of that sort, or another argument not of its range.

    Examples
    --------
    >>> import axonomy as ax
    >>> ax.windowed("kf_rtrl").name
    'KF-RTRL beyond 8 steps'
    >>> ax.windowed("kf_rtrl", window=16, keep=1 / 4).name
    'KF-RTRL beyond 16 steps, kept 1/4'
    """
    older = as_rule(rule)
    if older.facing != "past":
        raise ValueError(f"rule: expected a past-facing one, got {older.name}, facing {older.facing}")
    if (older.lag, older.period) != (0, 1):
        raise ValueError(f"rule: expected one with a gradient at every step, got {older.name}")
    for leaf in leaves(older):
        if leaf.component.needs_network:
            raise ValueError(f"rule: expected one that does not run the network itself, got {leaf.name}")
    window = _check.integer("window", window, 1)
    return Windowed(older, window, _keep(keep), _check.integer("every", every, 1))


def _keep(value: float | str) -> float | str:
    if isinstance(value, str):
        return _check.one_of("keep", value, (ROOT,))
    keep = _check.number("keep", value, above=0, most=1)
    if math.frexp(keep)[0] != 0.5 or keep < 0.5**MOST_HALVINGS:
        raise ValueError(f"keep: expected 1, 1/2, 1/4, ... or {ROOT!r}, got {keep:g}")
    return keep


def _from_dict(data: dict[str, Any]) -> Windowed:
    if set(data) != {"windowed"}:
        raise ValueError(
            f"rule: expected {{'windowed': {{...}}}} and nothing else, got {_check.describe(data)}"
        )
    settings = _check.mapping("windowed", data["windowed"], "a dict of settings")
    if "rule" not in settings or set(settings) - {"rule", "window", "keep", "every"}:
        raise ValueError(f"windowed: expected rule, window, keep and every, got {_check.describe(settings)}")
    return windowed(**settings)


rule_module.kind("windowed", _from_dict)

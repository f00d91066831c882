"""Mix: a convex combination of the gradients of several rules, past- and future-facing alike.

``gradient = Σ w_i gradient_i``, ``Σ w_i = 1``. Each part keeps its own state and lag. Of a past- and a
future-facing part each pair (loss at t, weights used at s) is still counted once in total; a mix of
unbiased rules is unbiased.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from axonomy import _check
from axonomy import rule as rule_module
from axonomy.hybrid.parts import Hybrid, inner_name
from axonomy.rule import Rule
from axonomy.rules import as_rule

if TYPE_CHECKING:
    from axonomy.shape import Shape


@dataclass(frozen=True)
class Mix(Hybrid):
    """A convex combination of rules. Make one with :func:`mix`.

    Attributes
    ----------
    rules : tuple of Rule
    weights : tuple of float
        At least 0, with sum 1.
    """

    kind: ClassVar[str] = "mix"

    _rules: tuple[Rule, ...]
    weights: tuple[float, ...]

    def __post_init__(self) -> None:
        if not self._rules or len(self._rules) != len(self.weights):
            raise ValueError(
                f"weights: expected one for each of the {len(self._rules)} rules, got {len(self.weights)}"
            )

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules it is made of."""
        return self._rules

    @property
    def name(self) -> str:
        """The weights and names of the parts."""
        return " + ".join(f"{w:g} {inner_name(r)}" for w, r in zip(self.weights, self.rules, strict=True))

    def __str__(self) -> str:
        parts = (f"{w:g}: {r}" for w, r in zip(self.weights, self.rules, strict=True))
        return f"mix of {'; '.join(parts)}"

    def to_dict(self) -> dict[str, Any]:
        """Return ``{"mix": [{"weight": w, "rule": {...}}, ...]}``."""
        pairs = zip(self.weights, self.rules, strict=True)
        return {"mix": [{"weight": weight, "rule": rule.to_dict()} for weight, rule in pairs]}

    def _spec(self, shape: Shape) -> dict[str, Any]:
        return {
            "tensor": "mix",
            "parts": [rule._spec(shape) for rule in self.rules],
            "weights": list(self.weights),
        }


def mix(rules: Sequence[Any], weights: Sequence[float] | None = None) -> Mix:
    """Mix rules: the gradient is a convex combination of theirs.

    Parameters
    ----------
    rules : sequence of Rule, str, dict or function of ``axonomy.rules``
    weights : sequence of float, optional
        At least 0, with sum 1; by default equal.

    Returns
    -------
    Mix

    Raises
    ------
    ValueError
        If there is no rule, or the weights are not as many, negative, or do not sum to 1.

    Examples
    --------
    >>> import axonomy as ax
    >>> ax.mix(["uoro", ax.rules.f_bptt(window=5)], [0.25, 0.75]).name
    '0.25 UORO + 0.75 F-BPTT'
    """
    if isinstance(rules, (str, bytes)) or not isinstance(rules, Sequence) or not rules:
        raise ValueError(f"rules: expected at least one rule, in a sequence, got {_check.describe(rules)}")
    parts = tuple(as_rule(rule) for rule in rules)
    if weights is None:
        weights = [1 / len(parts)] * len(parts)
    values = _check.real_array("weights", weights, (len(parts),), "float64", "one a rule")
    checked = tuple(_check.number("weights", float(value), least=0) for value in values)
    if not math.isclose(math.fsum(checked), 1.0, abs_tol=1e-9):
        raise ValueError(f"weights: expected numbers with sum 1, got sum {math.fsum(checked):g}")
    return Mix(parts, checked)


def _from_dict(data: dict[str, Any]) -> Mix:
    if set(data) != {"mix"} or not isinstance(data["mix"], Sequence):
        raise ValueError(f"rule: expected {{'mix': [...]}} and nothing else, got {_check.describe(data)}")
    parts = [_check.mapping("mix", part, "a dict of weight and rule") for part in data["mix"]]
    for part in parts:
        if set(part) != {"weight", "rule"}:
            raise ValueError(f"mix: expected a dict of weight and rule, got {_check.describe(part)}")
    return mix([part["rule"] for part in parts], [part["weight"] for part in parts])


rule_module.kind("mix", _from_dict)

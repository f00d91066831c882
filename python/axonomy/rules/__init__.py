"""The named rules, one file a family. Each is a cell of the table and only composes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from axonomy import _check
from axonomy.rule import Rule
from axonomy.rules.baseline import output_only
from axonomy.rules.credit import dni, dni_b, e_bptt, f_bptt, node_perturbation
from axonomy.rules.exact import rtrl, rtrl_lazy, tbptt
from axonomy.rules.factored import kf_rtrl, ok, r_kf_rtrl, uoro
from axonomy.rules.perturbation import kernl
from axonomy.rules.unit_diagonal import eprop, rflo, snap

_NAMED: dict[str, Callable[..., Rule]] = {
    function.__name__: function
    for function in (
        rtrl,
        rtrl_lazy,
        tbptt,
        uoro,
        kf_rtrl,
        r_kf_rtrl,
        ok,
        kernl,
        rflo,
        snap,
        eprop,
        f_bptt,
        e_bptt,
        dni,
        dni_b,
        node_perturbation,
        output_only,
    )
}

__all__ = [
    "as_rule",
    "dni",
    "dni_b",
    "e_bptt",
    "eprop",
    "f_bptt",
    "kernl",
    "kf_rtrl",
    "names",
    "node_perturbation",
    "ok",
    "output_only",
    "r_kf_rtrl",
    "rflo",
    "rtrl",
    "rtrl_lazy",
    "snap",
    "tbptt",
    "uoro",
]


def names() -> tuple[str, ...]:
    """Return the names of all named rules."""
    return tuple(_NAMED)


def as_rule(rule: Rule | str | Mapping[str, Any] | Callable[[], Rule]) -> Rule:
    """Return a rule from a rule, a name, a dict or one of the functions of this module.

    Raises
    ------
    ValueError
        If it is none of these, or names no rule.
    """
    if isinstance(rule, Rule):
        return rule
    if isinstance(rule, str):
        return _NAMED[_check.one_of("rule", rule, _NAMED)]()
    if isinstance(rule, Mapping):
        return Rule.from_dict(rule)
    if rule in _NAMED.values():
        return rule()
    raise ValueError(
        f"rule: expected a Rule, the name of one, a dict or a function that makes one, "
        f"got {_check.describe(rule)}"
    )

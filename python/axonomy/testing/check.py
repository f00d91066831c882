"""The conformance suite: every law on one rule."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from axonomy import _check
from axonomy.hybrid.parts import Hybrid
from axonomy.rules import as_rule
from axonomy.testing import cases
from axonomy.testing.laws import LAWS, Law, law_named
from axonomy.testing.report import NO_SIZE, Failure, NotForThisRule, Report, tried


def check_rule(rule: Any, *, laws: Sequence[str] | None = None) -> Report:
    """Try every law on a rule, from the smallest sizes up.

    Shapes and finiteness; linearity in q of a past-facing rule; reset, masks and new sequences; resuming;
    runs as functions of their seed; update intervals, monitors, float32; the rule as a value; and what is
    declared: randomness, bias (see :func:`assert_unbiased`), lag and period, memory. For composed rules,
    hybrids, and rules with parts in Python. Steps given by hand are also those of element-wise cells, where
    each row has regressors of its own, unless the rule is refused these.

    Parameters
    ----------
    rule : Rule, str, dict or function of ``axonomy.rules``
    laws : sequence of str, optional
        Which to try, by their names in a report, ``laws`` and ``skipped``; all by default.

    Returns
    -------
    Report
        What was looked at, in how many cases, and what does not apply.

    Raises
    ------
    AssertionError
        If laws fail: each with the smallest case (units, regressors, states and rows a unit, steps, seed),
        the entry that differs, what was expected and what came.
    ValueError
        If the blocks of a hybrid are those of no small network.

    Examples
    --------
    >>> import axonomy as ax
    >>> report = ax.testing.check_rule("rflo")
    >>> "linear in q" in report.laws
    True
    >>> print(report)  # doctest: +ELLIPSIS
    RFLO: ... laws hold in ... cases
    ...
    """
    rule = as_rule(rule)
    if isinstance(rule, Hybrid) and not cases.network_sizes(rule):
        raise NotForThisRule(f"rule: {NO_SIZE}, got {rule}")
    report = Report(rule.name)
    for law in _chosen(laws):
        try:
            if reason := law.skip(rule):
                report.skipped[law.name] = reason
                continue
            sizes = law.sizes(rule)
        except NotForThisRule as error:
            report.skipped[law.name] = str(error)
            continue
        except Exception as error:
            report.cases[law.name] = 0
            failure = Failure(law.name, "any", f"raised {type(error).__name__}: {error}")
            report.failures.append(failure)
            continue
        tried(report, law.name, sizes, lambda size, law=law: law.check(rule, size), law.shrink(rule))  # type: ignore[misc]
    report.raise_if_failed()
    return report


def _chosen(laws: Sequence[str] | None) -> Sequence[Law]:
    if laws is None:
        return LAWS
    if isinstance(laws, str) or not isinstance(laws, Sequence) or not laws:
        raise ValueError(f"laws: expected a sequence of names of laws, got {_check.describe(laws)}")
    return [law_named(name) for name in laws]

"""What was measured, as the columns of long tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np

from axonomy import _check

#: The metrics that are of single steps, or of the period of the rule.
OF_STEPS = ("bias", "bias_squared", "bias_noise", "variance", "snr", "loss_decrease", "loss_decrease_2")


def metric_columns(found: Mapping[str, Any], rules: Sequence[str]) -> dict[str, list[Any]]:
    """Return a row for each rule, metric, window and stretch of the run.

    Parameters
    ----------
    found : dict of arrays
        What `measure` returned.
    rules : sequence of str
        A name for each of its passengers.

    Returns
    -------
    dict of lists
        The columns rule, metric, window, step and value; what could not be measured has no row.
    """
    _check_names(found, rules)
    columns: dict[str, list[Any]] = {name: [] for name in ("rule", "metric", "window", "step", "value")}
    values = {("cosine", int(w)): found["cosine"][:, i] for i, w in enumerate(found["window"])}
    values |= {(name, 1): found[name] for name in OF_STEPS if name in found}
    for (metric, window), array in values.items():
        for (b, step), (p, rule) in product(enumerate(found["step"]), enumerate(rules)):
            if np.isnan(array[b, p]):
                continue
            row = (rule, metric, window, int(step), float(array[b, p]))
            for column, entry in zip(columns.values(), row, strict=True):
                column.append(entry)
    return columns


def alignment_columns(found: Mapping[str, Any], rules: Sequence[str]) -> dict[str, list[Any]]:
    """Return a row for each pair of rules, in both orders: the columns rule_a, rule_b and cosine."""
    _check_names(found, rules)
    pairs = list(product(enumerate(rules), repeat=2))
    return {
        "rule_a": [a for (_, a), _ in pairs],
        "rule_b": [b for _, (_, b) in pairs],
        "cosine": [float(found["alignment"][i, j]) for (i, _), (j, _) in pairs],
    }


def _check_names(found: Mapping[str, Any], rules: Sequence[str]) -> None:
    passengers = found["alignment"].shape[0]
    if isinstance(rules, str) or len(rules) != passengers:
        raise ValueError(f"rules: expected {passengers} names, one a passenger, got {_check.describe(rules)}")

"""One axis varied at a time: pairs of cells that differ on it alone, tested seed by seed and task by task."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from axonomy._extras import require
from axonomy.studies.statistics._bootstrap import interval, standardised
from axonomy.studies.statistics.scores import AXES, blocks, on_axes

if TYPE_CHECKING:
    from pandas import DataFrame

ALPHA = 0.05
_CONTRAST = ["axis", "level_a", "level_b"]


def differing_axis(a: Any, b: Any) -> str | None:
    """Return the one axis on which two cells differ, or None if it is none or several.

    A tensor belongs to one facing: cells that differ in both, and in nothing else, are a pair of the axis
    facing.
    """
    apart = [axis for axis in AXES if a[axis] != b[axis]]
    if apart == ["facing", "tensor"]:
        return "facing"
    return apart[0] if len(apart) == 1 else None


def differences(scores: DataFrame) -> DataFrame:
    """Return what changes in each setting and seed when one axis alone does.

    Rules of other ``settings`` than each other's, as the rank, make no pair; those without any pair with all.

    Parameters
    ----------
    scores : DataFrame
        As `scores` returns it.

    Returns
    -------
    DataFrame
        A row for each pair, setting and seed: ``axis``, ``level_a``, ``level_b``, ``rule_a``, ``rule_b``, and
        ``difference``, the score of b less that of a. Levels are in a fixed order, so that pairs of a
        contrast agree.
    """
    pd = require("pandas", "study")
    cells = on_axes(scores)
    wide = blocks(cells)
    rules = cells.drop_duplicates("rule").set_index("rule")
    parts = []
    for one, other in itertools.combinations(sorted(rules.index), 2):
        axis = differing_axis(rules.loc[one], rules.loc[other])
        settings = {rules.loc[one, "settings"], rules.loc[other, "settings"]} - {""}
        if axis is None or len(settings) > 1:
            continue
        a, b = sorted((one, other), key=lambda rule: (rules.loc[rule, axis], rule))
        difference = (wide[b] - wide[a]).dropna()
        parts.append(
            pd.DataFrame(
                {
                    "axis": axis,
                    "level_a": rules.loc[a, axis],
                    "level_b": rules.loc[b, axis],
                    "rule_a": a,
                    "rule_b": b,
                    "difference": difference,
                }
            ).reset_index()
        )
    columns = ["setting", "seed", *_CONTRAST, "rule_a", "rule_b", "difference"]
    table: DataFrame = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)
    return table[columns]


def pairs(scores: DataFrame, *, seed: int = 0) -> DataFrame:
    """Return every pair of rules that differ on exactly one axis, with its effect and paired tests.

    Parameters
    ----------
    scores : DataFrame
        As `scores` returns it.
    seed : int
        Of the bootstrap.

    Returns
    -------
    DataFrame
        A row for each pair, the largest effects of each axis first. ``effect`` is the mean difference of the
        scores (negative: b is better) with its bootstrap interval ``low`` to ``high``, ``median`` their
        median; ``d`` the effect over the standard deviation of the differences, with ``d_low``, ``d_high``;
        ``n`` the blocks (settings x seeds) that have both; ``tasks`` the settings, ``tasks_agreeing`` those
        whose mean has the effect's sign; ``p`` of Wilcoxon's signed-rank test and ``p_t`` of the paired t
        test, ``holm`` and ``holm_t`` corrected by Holm over all rows; ``shapiro`` the p of normal
        differences, which the t test assumes.
    """
    return _tested(differences(scores), [*_CONTRAST, "rule_a", "rule_b"], seed)


def contrasts(scores: DataFrame, *, seed: int = 0) -> DataFrame:
    """Return what a change of one level of an axis does, on average over the pairs that differ in it alone.

    Within a block (setting and seed) the pairs are averaged, then tested as in :func:`pairs`; ``pairs`` says
    how many. Holm's correction is over all rows of this table.
    """
    apart = differences(scores)
    pd = require("pandas", "study")
    if not len(apart):
        return _tested(apart, _CONTRAST, seed)
    averaged = apart.groupby([*_CONTRAST, "setting", "seed"], as_index=False)["difference"].mean()
    tested = _tested(averaged, _CONTRAST, seed)
    count = apart.drop_duplicates(["rule_a", "rule_b"]).groupby(_CONTRAST).size().rename("pairs")
    return pd.merge(tested, count.reset_index(), on=_CONTRAST)


def _tested(apart: DataFrame, by: list[str], seed: int) -> DataFrame:
    pd = require("pandas", "study")
    rows = [
        {**dict(zip(by, key, strict=True)), **paired(group, seed)}
        for key, group in (apart.groupby(by, sort=True) if len(apart) else ())
    ]
    columns = [*by, "effect", "median", "low", "high", "d", "d_low", "d_high", "n", "tasks", "tasks_agreeing"]
    columns += ["p", "holm", "p_t", "holm_t", "shapiro"]
    table = pd.DataFrame(rows, columns=[name for name in columns if not name.startswith("holm")])
    for name in ("p", "p_t"):
        table[name.replace("p", "holm")] = holm(table[name].to_numpy(float))
    table["_size"] = -table["effect"].abs().astype(float)
    table["_axis"] = table["axis"].map({axis: i for i, axis in enumerate(AXES)})
    table = table.sort_values(["_axis", "_size"], kind="stable").reset_index(drop=True)
    return table[columns]


def holm(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return p values corrected by Holm's method; those that are nan were no tests and stay nan."""
    corrected = np.full(len(p), np.nan)
    there = np.isfinite(p)
    if there.any():
        multitest = require("statsmodels.stats.multitest", "study")
        corrected[there] = multitest.multipletests(p[there], alpha=ALPHA, method="holm")[1]
    return corrected


def paired(group: DataFrame, seed: int) -> dict[str, float]:
    """Return effect and tests, as :func:`pairs` says, of a table with ``setting`` and ``difference``."""
    stats = require("scipy.stats", "study")
    values = group["difference"].to_numpy(float)
    n, effect = len(values), float(values.mean())
    low, high = interval(values, seed=seed)
    same = n < 2 or np.ptp(values) == 0  # no spread: no test of it
    d_low, d_high = (np.nan, np.nan) if same else interval(values, standardised, seed=seed)
    by_task = group.groupby("setting")["difference"].mean()
    p = p_t = shapiro = np.nan
    if n >= 2 and not values.any():
        p = p_t = 1.0  # not different anywhere
    elif n >= 2:
        # Without zeros, which the test leaves out itself, it finds its exact distribution at once.
        p = float(stats.wilcoxon(values[values != 0]).pvalue)
        p_t = np.nan if same else float(stats.ttest_1samp(values, 0.0).pvalue)
    if n >= 3 and not same:
        shapiro = float(stats.shapiro(values).pvalue)
    return {
        "effect": effect,
        "median": float(np.median(values)),
        "low": low,
        "high": high,
        "d": np.nan if same else float(standardised(values)),
        "d_low": d_low,
        "d_high": d_high,
        "n": n,
        "tasks": len(by_task),
        "tasks_agreeing": int((np.sign(by_task) == np.sign(effect)).sum()),
        "p": p,
        "p_t": p_t,
        "shapiro": shapiro,
    }

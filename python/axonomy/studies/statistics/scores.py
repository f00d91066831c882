"""The final losses of a study: their means, and scores that can be compared between tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from axonomy._extras import require
from axonomy.studies.statistics._bootstrap import interval

if TYPE_CHECKING:
    from pandas import DataFrame, Series

AXES = ("facing", "tensor", "randomness", "solution")
#: A score above it, and that of a diverged run, counts as this: twice what the read-out alone has to gain.
CAP = 2.0
_KEPT = (
    "task", "cell", "rule", *AXES, "solver", "settings", "status", "bias", "seed", "final_loss", "diverged",
)  # fmt: skip


def final(runs: DataFrame) -> DataFrame:
    """Return the final runs; a new column ``setting`` has the task, and cell and n where it has several."""
    table = runs[runs["phase"] == "final"].reset_index(drop=True)
    if not len(table):
        raise ValueError("runs: expected at least one finished run of the final phase, got none")
    setting = table["task"].astype(str)
    for column, name in (("cell", "{}"), ("n", "n = {}")):
        several = table.groupby("task")[column].transform("nunique") > 1
        words = table[column].map(lambda value, name=name: ", " + name.format(value))
        setting = setting + words.where(several, "")
    setting = setting.str.replace(":", ", ")
    table["setting"] = setting
    twice = table.duplicated(["setting", "rule", "seed"])
    if twice.any():
        row = table[twice].iloc[0]
        raise ValueError(
            f"runs: expected one final run of each setting, rule and seed, got two of {row['setting']}, "
            f"{row['rule']}, seed {row['seed']}"
        )
    return table


def means(runs: DataFrame, *, seed: int = 0) -> DataFrame:
    """Return the mean final loss of each rule in each setting, best first.

    Parameters
    ----------
    runs : DataFrame
        As `Results.runs` has it.
    seed : int
        Of the bootstrap.

    Returns
    -------
    DataFrame
        A row for each setting and rule: ``mean`` over the runs that ended, with the bootstrap interval
        ``low`` to ``high`` over seeds; ``seeds``, and how many of them ``diverged``; ``place`` within the
        setting, rules with more diverged runs behind those with fewer; the axes and the cost; whether the
        tuned rate is at an ``edge`` of the grid, where a wider one might serve the rule better.
    """
    pd = require("pandas", "study")
    rows = []
    for (setting, rule), group in final(runs).groupby(["setting", "rule"], sort=False):
        ended = group.loc[~group["diverged"] & np.isfinite(group["final_loss"]), "final_loss"].to_numpy(float)
        low, high = interval(ended, seed=seed)
        first = group.iloc[0]
        rows.append(
            {
                "setting": setting,
                "rule": rule,
                **{column: first[column] for column in (*AXES, "solver", "status", "bias")},
                "mean": float(ended.mean()) if len(ended) else np.nan,
                "low": low,
                "high": high,
                "seeds": len(group),
                "diverged": len(group) - len(ended),
                "learning_rate": first["learning_rate"],
                "edge": bool(first["edge"]),
                "tuning_runs": first["tuning_runs"],
                "update_steps": first["update_steps"],
                "seconds_per_step": float(group["seconds_per_step"].median()),
                "bytes": float(group["bytes"].median()),
                "floor": float(group["floor"].iloc[0]),
            }
        )
    table = pd.DataFrame(rows)
    table["share_diverged"] = table["diverged"] / table["seeds"]
    table = table.sort_values(["setting", "share_diverged", "mean"], kind="stable").reset_index(drop=True)
    table["place"] = table.groupby("setting").cumcount() + 1
    result: DataFrame = table.drop(columns="share_diverged")
    return result


def scores(runs: DataFrame) -> DataFrame:
    """Return the final losses on one scale for all settings.

    Within each setting 0 is the floor of the task, or the lowest mean loss of any rule where no floor is
    known; 1 is the mean loss of the read-out baseline, or the median rule's where it did not run. Scores
    above `CAP`, and those of diverged runs, are set to it, so that none is dropped and none outweighs all
    others.

    Parameters
    ----------
    runs : DataFrame
        As `Results.runs` has it.

    Returns
    -------
    DataFrame
        A row for each final run: ``setting``, ``rule``, ``seed``, the axes, ``score`` and whether it was
        ``capped``.
    """
    table = final(runs)
    parts = []
    for _, group in table.groupby("setting", sort=False):
        zero, one = _scale(group)
        score = (group["final_loss"] - zero) / (one - zero)
        capped = group["diverged"] | ~(score <= CAP)  # nan and inf too
        kept = group[["setting", *_KEPT]].copy()
        kept["score"] = score.where(~capped, CAP).astype(float)
        kept["capped"] = capped
        parts.append(kept)
    result: DataFrame = require("pandas", "study").concat(parts, ignore_index=True)
    return result


def on_axes(table: DataFrame) -> DataFrame:
    """Return the rows of rules that are cells of the table: hybrids and baselines have no axes.

    Those that are `repeated` are left out too.
    """
    table = table[~table["status"].isin(["baseline", "hybrid"])]
    return table[~repeated(table)].reset_index(drop=True)


def comparable(scores: DataFrame) -> DataFrame:
    """Return :func:`on_axes` of the scores.

    Raises
    ------
    ValueError
        If there are no two rules in it, or no two scores.
    """
    table = on_axes(scores)
    if table["rule"].nunique() < 2:
        raise ValueError("scores: expected two rules or more that are cells of the table")
    if table["score"].nunique() < 2:
        raise ValueError("scores: expected scores that differ")
    return table


def repeated(table: DataFrame) -> Series:
    """Return which rows are of a rule that computes the same numbers as one before it in its setting.

    Such are the rules without randomness and bias, as RTRL and lazy RTRL: counted twice they would be the
    evidence of two.
    """
    exact = (table["randomness"] == "deterministic") & (table["bias"] == "none")
    first = table["rule"].where(exact).groupby(table["setting"]).transform("first")
    result: Series = exact & (table["rule"] != first)
    return result


def blocks(table: DataFrame, value: str = "score") -> Any:
    """Return the values with a row for each setting and seed, and a column for each rule."""
    return table.pivot(index=["setting", "seed"], columns="rule", values=value)


def _scale(group: DataFrame) -> tuple[float, float]:
    """The losses that score 0 and 1."""
    ended = group[~group["diverged"] & np.isfinite(group["final_loss"])]
    if not len(ended):
        return 0.0, 1.0
    by_rule: Series = ended.groupby("rule")["final_loss"].mean()
    floor = float(group["floor"].iloc[0])
    zero = floor if np.isfinite(floor) else float(by_rule.min())
    baseline = ended.loc[ended["status"] == "baseline", "final_loss"]
    one = float(baseline.mean()) if len(baseline) else float(by_rule.median())
    if not one > zero:  # nothing to gain, or a baseline that is best
        one = float(by_rule.max())
    return zero, one if one > zero else zero + 1.0

"""Which metric of a rule's gradient predicts its final performance?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from axonomy._extras import require
from axonomy.studies.statistics._bootstrap import NONE, interval
from axonomy.studies.statistics.pairs import holm
from axonomy.studies.statistics.scores import repeated

if TYPE_CHECKING:
    from pandas import DataFrame

LEAST_RULES = 5
TOGETHER = "all together"
_PERMUTATIONS = 999
_RESAMPLES = 999


def joined(metrics: DataFrame, scores: DataFrame) -> DataFrame:
    """Return each metric beside the score, a row for each setting and rule.

    Parameters
    ----------
    metrics : DataFrame
        As `Results.metrics` has it. A rule is judged on all trajectories that it rode along: the value is the
        mean over seeds, steps and the rules that trained, of what is finite; infinite where all is, as the
        signal-to-noise ratio of a rule that draws nothing, and minus infinite if anything is, as the loss
        decrease of a step after which the network diverges. It is matched by task and cell.
    scores : DataFrame
        As `scores` returns it, with the columns ``task`` and ``cell`` of the runs.

    Returns
    -------
    DataFrame
        ``setting``, ``rule``, the axes, ``status``, ``score``, ``metric`` (its window after it, where there
        is one), ``value``, and ``rank``: the place of the value within its setting, from 0 to 1.
    """
    pd = require("pandas", "study")
    there = metrics[metrics["value"].notna()]
    names = there["metric"].astype(str)
    several = there.groupby("metric")["window"].nunique()
    windowed = there["metric"].map(several > 1).astype(bool)
    over = names + " over " + there["window"].map(lambda w: f"{w:g} step{'s' if w > 1 else ''}").astype(str)
    there = there.assign(metric=names.where(~windowed, over), finite=there["value"].where(np.isfinite))
    groups = there.groupby(["task", "cell", "rule", "metric"])
    values = groups["finite"].mean().fillna(groups["value"].max()).rename("value")
    values = values.mask(groups["value"].min() == -np.inf, -np.inf).reset_index()
    by = ["task", "cell", "setting", "rule", "facing", "tensor", "randomness", "solution", "status"]
    performance = scores.groupby(by, as_index=False)["score"].mean()
    table = pd.merge(values, performance, on=["task", "cell", "rule"])
    places = table.groupby(["setting", "metric"])["value"]
    count = places.transform("size") - 1
    table["rank"] = ((places.rank() - 1) / count.where(count > 0)).fillna(0.5)
    return table.drop(columns=["task", "cell"])


def predictors(metrics: DataFrame, scores: DataFrame, *, seed: int = 0) -> DataFrame:
    """Return how well each metric predicts the final score over rules and tasks, the best first.

    Parameters
    ----------
    metrics, scores : DataFrame
        As in :func:`joined`.
    seed : int
        Of the bootstrap and the permutations.

    Returns
    -------
    DataFrame
        A row for each metric, and one for all of them together: ``rank_correlation`` (Spearman's, of places
        within each setting) with ``low`` to ``high``, its permutation ``p`` and ``holm``; ``r_squared``,
        cross-validated with one rule left out at a time, with ``r_low`` to ``r_high``: 0 is what the mean of
        the other rules in the setting gives, and less than 0 is worse than that. Intervals resample rules,
        permutations exchange them: a rule has as many rows as settings, which are not independent. ``rules``,
        ``settings``, ``n``.
    """
    pd = require("pandas", "study")
    table = joined(metrics, scores)
    table = table[table["status"] != "baseline"]  # it takes no gradient that could be judged
    again = scores.loc[repeated(scores), ["setting", "rule"]].drop_duplicates()
    table = table.merge(again, how="left", indicator="again")
    table = table[table["again"] == "left_only"].drop(columns="again")
    wide_y = table.drop_duplicates(["setting", "rule"]).pivot(index="rule", columns="setting", values="score")
    ranks = {
        str(metric): group.pivot(index="rule", columns="setting", values="rank")
        for metric, group in table.groupby("metric")
    }
    rows = [
        {"metric": metric, **_one(places, wide_y.loc[places.index, places.columns], seed)}
        for metric, places in ranks.items()
        if len(places) >= LEAST_RULES
    ]
    if len(rows) > 1:
        complete = pd.concat(ranks, axis=1).dropna()
        if len(complete) >= LEAST_RULES:
            together = [complete[metric] for metric in ranks]
            settings = [s for s in wide_y.columns if all(s in places.columns for places in together)]
            y = wide_y.loc[complete.index, settings]
            r, low, high = _left_out([places[settings] for places in together], y, seed)
            rows.append({"metric": TOGETHER, "r_squared": r, "r_low": low, "r_high": high, **_size(y)})
    columns = ["metric", "rank_correlation", "low", "high", "p", "r_squared", "r_low", "r_high"]
    result = pd.DataFrame(rows, columns=[*columns, "rules", "settings", "n"])
    result.insert(5, "holm", holm(result["p"].to_numpy(float)))
    result["_last"] = result["metric"] == TOGETHER
    result = result.sort_values(["_last", "r_squared"], ascending=[True, False], kind="stable")
    found: DataFrame = result.drop(columns="_last").reset_index(drop=True)
    return found


def _size(y: DataFrame) -> dict[str, int]:
    return {"rules": y.shape[0], "settings": y.shape[1], "n": int(y.notna().to_numpy().sum())}


def _one(places: DataFrame, y: DataFrame, seed: int) -> dict[str, Any]:
    stats = require("scipy.stats", "study")
    x = places.to_numpy(float)
    performance = y.rank(axis=0).to_numpy(float)
    performance = (performance - 1) / np.maximum(np.nanmax(performance, axis=0) - 1, 1)

    def correlation(chosen: Any, others: Any | None = None) -> float:
        """Of the places of some rules with the performance of the same or others."""
        first = x[np.asarray(chosen, dtype=int)].ravel()
        second = performance[np.asarray(chosen if others is None else others, dtype=int)].ravel()
        there = np.isfinite(first) & np.isfinite(second)
        first, second = first[there], second[there]
        if len(first) < 3 or np.ptp(first) == 0 or np.ptp(second) == 0:
            return 0.0
        return float(stats.spearmanr(first, second).statistic)

    index = np.arange(len(x))
    low, high = interval(
        index, correlation, seed=seed, vectorized=False, resamples=_RESAMPLES, method="percentile"
    )
    p = stats.permutation_test(
        (index,),
        lambda permuted: correlation(permuted, index),
        permutation_type="pairings",
        vectorized=False,
        n_resamples=_PERMUTATIONS,
        rng=np.random.default_rng(seed),
    ).pvalue
    r, r_low, r_high = _left_out([places], y, seed)
    return {
        "rank_correlation": correlation(index),
        "low": low,
        "high": high,
        "p": float(p),
        "r_squared": r,
        "r_low": r_low,
        "r_high": r_high,
        **_size(y),
    }


def _left_out(metrics: list[DataFrame], y: DataFrame, seed: int) -> tuple[float, float, float]:
    """Cross-validated R squared, one rule left out at a time, against the mean of the others."""
    linear, selection = require("sklearn.linear_model", "study"), require("sklearn.model_selection", "study")
    score = y.to_numpy(float)
    rule, setting = np.nonzero(np.isfinite(score) & np.all([np.isfinite(m) for m in metrics], axis=0))
    target = score[rule, setting]
    onehot = np.eye(score.shape[1])[setting]
    columns = np.column_stack([m.to_numpy(float)[rule, setting] for m in metrics])
    features = np.hstack([onehot, columns])
    model: Any = linear.LinearRegression(fit_intercept=False)
    if len(metrics) > 1:  # they say much the same: least squares would not stand on its own
        model = linear.RidgeCV(alphas=np.logspace(-3, 3, 13), fit_intercept=False)
    cv = selection.LeaveOneGroupOut()
    predicted = selection.cross_val_predict(model, features, target, groups=rule, cv=cv)
    plain = selection.cross_val_predict(
        linear.LinearRegression(fit_intercept=False), onehot, target, groups=rule, cv=cv
    )
    count = score.shape[0]
    errors = np.asarray(np.bincount(rule, (target - predicted) ** 2, count), dtype=np.float64)
    spread = np.asarray(np.bincount(rule, (target - plain) ** 2, count), dtype=np.float64)
    if not spread.sum() > 0:
        return float("nan"), *NONE

    def r_squared(errors: NDArray[np.float64], spread: NDArray[np.float64], axis: int = -1) -> Any:
        return 1.0 - errors.sum(axis=axis) / spread.sum(axis=axis)

    low, high = interval([errors, spread], r_squared, seed=seed, method="percentile")
    return float(r_squared(errors, spread)), low, high

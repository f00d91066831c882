"""All statistics of a study, computed once; what it does not have is left out, and said so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TypeVar

import numpy as np

from axonomy._extras import require
from axonomy.studies import statistics
from axonomy.studies.statistics._bootstrap import interval
from axonomy.studies.statistics.prediction import joined
from axonomy.studies.statistics.scores import AXES, final

if TYPE_CHECKING:
    from pandas import DataFrame

    from axonomy.studies.statistics import Clusters, Decomposition, Mixed

T = TypeVar("T")


class Tables(Protocol):
    """What is asked of results: the four tables of a study, and how many of its runs are not in them."""

    def runs(self) -> DataFrame: ...
    def curves(self) -> DataFrame: ...
    def metrics(self) -> DataFrame: ...
    def alignment(self) -> DataFrame: ...
    def missing(self) -> int: ...


@dataclass(frozen=True)
class Analysis:
    """What was found.

    Attributes
    ----------
    runs : DataFrame
        The final runs, with their ``setting``.
    means, scores, pairs, contrasts, equal_cost, predictors : DataFrame
        As the functions of these names in `axonomy.studies.statistics` return them; `equal_cost` as
        `at_equal_cost` does.
    rules : DataFrame
        A row a rule, the best first: its mean ``score`` over settings and seeds with ``low`` to ``high``, the
        axes, the median cost, ``diverged`` and ``runs``. Those that did not run ``everywhere`` come last.
    curves : DataFrame
        As `Results.curves` has them, of the final runs, with ``setting``.
    variance, ranked : Decomposition or None
        Of the scores, and of their ranks.
    mixed, mixed_ranked : Mixed or None
    performance, alignment : Clusters or None
    metrics : DataFrame
        Each metric beside the score.
    missing : int
        Runs that the study has still to do.
    left_out : dict of str to str
        By section: the sentence that says why it is not there.
    """

    runs: DataFrame
    means: DataFrame
    scores: DataFrame
    rules: DataFrame
    curves: DataFrame
    pairs: DataFrame
    contrasts: DataFrame
    equal_cost: DataFrame
    variance: Decomposition | None
    ranked: Decomposition | None
    mixed: Mixed | None
    mixed_ranked: Mixed | None
    performance: Clusters | None
    alignment: Clusters | None
    metrics: DataFrame
    predictors: DataFrame
    missing: int
    left_out: dict[str, str] = field(default_factory=dict)

    @property
    def settings(self) -> list[str]:
        """The tasks, with what else differs."""
        return list(dict.fromkeys(self.runs["setting"]))

    @property
    def scale(self) -> str:
        """What scores of 0 and 1 are."""
        baseline = self.scores[self.scores["status"] == "baseline"]["setting"].nunique() == len(self.settings)
        one = (
            "the read-out alone"
            if baseline
            else "the read-out alone, or the median rule where it did not run"
        )
        zero = (
            "the task's floor" if self.means["floor"].notna().all() else "the task's floor or its best rule"
        )
        return f"0: {zero}; 1: {one}"

    @property
    def seeds(self) -> int:
        """Seeds of most of the rules' runs."""
        return int(self.means["seeds"].median())


def analyse(tables: Tables, *, seed: int = 0) -> Analysis:
    """Compute all statistics of a study.

    Parameters
    ----------
    tables : Results
        Or whatever hands out the same tables.
    seed : int
        Of bootstraps and permutations.

    Returns
    -------
    Analysis

    Raises
    ------
    ValueError
        If no run of the final phase is there.
    """
    left_out: dict[str, str] = {}

    def tried(section: str, function: Callable[[], T]) -> T | None:
        """A part that the study may be too small for says so itself."""
        try:
            return function()
        except ValueError as error:
            left_out[section] = f"Left out: {str(error).partition(': ')[2] or error}."
            return None

    runs = final(tables.runs())
    scores = statistics.scores(runs)
    pairs = statistics.pairs(scores, seed=seed)
    if not len(pairs):
        left_out["axes"] = "Left out: no two rules of this study differ on exactly one axis."
    measured, aligned = tables.metrics(), tables.alignment()
    metrics = joined(measured, scores) if len(measured) else measured
    predictors = statistics.predictors(measured, scores, seed=seed) if len(measured) else measured
    if not len(measured):
        left_out["metrics"] = "Left out: this study measured no metrics of gradients."
    elif not len(predictors):
        left_out["metrics"] = "Left out: too few rules have metrics to say what predicts."
    alignment = None
    if len(aligned):
        alignment = tried("alignment", lambda: statistics.alignment_clusters(aligned, scores, seed=seed))
    else:
        left_out["alignment"] = "Left out: this study measured no alignment of gradients."
    variance = tried("variance", lambda: statistics.decompose(scores))
    if variance is not None and variance.table["omega_sq"].isna().all():
        left_out["variance"] = "No shares are given: one run of each rule in each task leaves no residual."
    curves = tables.curves()
    if len(curves):
        curves = curves.merge(runs[["key", "setting"]], on="key")
    if not len(curves):
        left_out["curves"] = "Left out: this study kept no learning curves."
    return Analysis(
        runs=runs,
        means=statistics.means(runs, seed=seed),
        scores=scores,
        rules=_rules(runs, scores, seed),
        curves=curves,
        pairs=pairs,
        contrasts=statistics.contrasts(scores, seed=seed),
        equal_cost=statistics.at_equal_cost(runs, scores, seed=seed),
        variance=variance,
        ranked=tried("variance", lambda: statistics.decompose(scores, ranked=True)),
        mixed=tried("mixed", lambda: statistics.mixed_model(scores)),
        mixed_ranked=tried("mixed", lambda: statistics.mixed_model(scores, ranked=True)),
        performance=tried("clusters", lambda: statistics.performance_clusters(scores, seed=seed)),
        alignment=alignment,
        metrics=metrics,
        predictors=predictors,
        missing=tables.missing(),
        left_out=left_out,
    )


def _rules(runs: DataFrame, scores: DataFrame, seed: int) -> DataFrame:
    """The rules over all settings. Intervals are over seeds, each of which is the mean of its settings."""
    cost = runs.groupby("rule")[["seconds_per_step", "bytes"]].median()
    rows = []
    for rule, group in scores.groupby("rule"):
        by_seed = group.groupby("seed")["score"].mean().to_numpy(float)
        low, high = interval(by_seed, seed=seed)
        first = group.iloc[0]
        rows.append(
            {
                "rule": rule,
                **{column: first[column] for column in (*AXES, "status", "bias")},
                "score": float(group.groupby("setting")["score"].mean().mean()),
                "low": low,
                "high": high,
                "diverged": int(group["diverged"].sum()),
                "capped": int(group["capped"].sum()),
                "runs": len(group),
                "settings": group["setting"].nunique(),
                "everywhere": group["setting"].nunique() == scores["setting"].nunique(),
                "seconds_per_step": float(cost.loc[rule, "seconds_per_step"]),
                "bytes": float(cost.loc[rule, "bytes"]),
            }
        )
    table: DataFrame = require("pandas", "study").DataFrame(rows)
    order = ["everywhere", "score", "rule"]
    table = table.sort_values(order, ascending=[False, True, True], kind="stable").reset_index(drop=True)
    assert np.isfinite(table["score"]).all()  # diverged runs have the score of the cap
    return table

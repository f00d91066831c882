"""How much of the variance of performance each axis explains, beside the tasks and their interactions."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from axonomy._extras import require
from axonomy.studies.statistics.scores import comparable

if TYPE_CHECKING:
    from pandas import DataFrame

#: The columns whose levels together are the levels of a factor: a tensor is nested in its facing, a rule in
#: all axes, and a seed, which gives all rules the same data and weights, in its task.
FACTORS = {
    "facing": frozenset({"facing"}),
    "tensor": frozenset({"facing", "tensor"}),
    "randomness": frozenset({"randomness"}),
    "solution": frozenset({"solution"}),
    "task": frozenset({"setting"}),
    "rule": frozenset({"facing", "tensor", "randomness", "solution", "rule"}),
    "seed": frozenset({"setting", "seed"}),
}
_MOST = 5000  # values that Shapiro's test takes


@dataclass(frozen=True)
class Decomposition:
    """The variance of the scores by its sources.

    Attributes
    ----------
    table : DataFrame
        A row for each term, ``residual`` last: ``df``, ``sum_sq`` (type II), ``F`` and ``p`` against the
        residual, which is about these very rules, and ``F_rules``, ``p_rules`` against what rules of the same
        axes differ by, which is about rules like these; of the task, against what seeds differ by within it.
        ``omega_sq`` is the share of the variance beyond what the same would give by chance: shuffled
        among the rules an axis has none. ``low`` to ``high`` is its jackknife interval over seeds. A term
        that the filled cells cannot tell from others has df 0.
    assumptions : DataFrame
        ``check``, ``statistic``, ``p``, ``holds``, ``reading`` in words.
    ranked : bool
        Whether the scores were replaced by their ranks.
    n : int
        Runs.
    """

    table: DataFrame
    assumptions: DataFrame
    ranked: bool
    n: int


def decompose(scores: DataFrame, *, ranked: bool = False) -> Decomposition:
    """Decompose the variance of the scores over axes, task and interactions; type-II sums of squares.

    The sum of squares of a term is what it adds to a model of all terms that do not contain it. A rule is
    nested in the axes: its own row is what the axes leave unexplained among rules, and that of rule:task how
    this differs between tasks. Seeds are blocks within the tasks.

    Parameters
    ----------
    scores : DataFrame
        As `scores` returns it.
    ranked : bool
        Take the ranks of the scores instead of these.

    Returns
    -------
    Decomposition

    References
    ----------
    Hays 1963 (omega squared). Conover & Iman 1981 (ranks). Efron & Tibshirani 1993, chapter 11 (jackknife).
    """
    stats, pd = require("scipy.stats", "study"), require("pandas", "study")
    table = comparable(scores)
    y = table["score"].to_numpy(float)
    if ranked:
        y = stats.rankdata(y)
    models = _Models(table)
    fits = {model: models.fit(y, model) for model in models.needed}
    full = fits[models.full]
    sums = {model: float(fit.ssr) for model, fit in fits.items()}
    freedoms = {model: int(fit.df_resid) for model, fit in fits.items()}
    rows = _rows(models, sums, freedoms, y)
    for row, (low, high) in zip(rows, _intervals(models, table, y), strict=True):
        row["low"], row["high"] = low, high
    columns = ["term", "df", "sum_sq", "omega_sq", "low", "high", "F", "p", "F_rules", "p_rules"]
    groups = [y[index] for index in table.groupby(["setting", "rule"]).indices.values()]
    return Decomposition(
        pd.DataFrame(rows, columns=columns), _assumptions(np.asarray(full.resid), groups), ranked, len(y)
    )


class _Models:
    """Linear models over sets of terms; the one-hot columns of a term span those of all it contains."""

    def __init__(self, table: DataFrame) -> None:
        self.table = table
        mains = [f for f in FACTORS if f not in ("rule", "seed") and self._levels(FACTORS[f]) > 1]
        terms: list[tuple[str, ...]] = [(f,) for f in mains]
        terms += [pair for pair in itertools.combinations(mains, 2) if pair != ("facing", "tensor")]
        terms += [("rule",), *([("rule", "task")] if "task" in mains else [])]
        # A seed can be told from noise where it has several rules.
        terms += [("seed",)] if table["seed"].nunique() > 1 else []
        self.columns: dict[tuple[str, ...], frozenset[str]] = {("task",): FACTORS["task"]}
        self.columns |= {term: frozenset().union(*(FACTORS[f] for f in term)) for term in terms}
        self.terms = terms
        self.full = tuple(terms)
        self.steps = {term: self._step(term) for term in terms}
        self.needed = list(dict.fromkeys([self.full, (), *itertools.chain(*self.steps.values())]))

    def _levels(self, columns: frozenset[str]) -> int:
        return len(self.table[sorted(columns)].drop_duplicates())

    def _step(self, term: tuple[str, ...]) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        """The models without the term and with it: all terms that do not contain it."""
        others = [t for t in self.terms if not self.columns[t] >= self.columns[term]]
        return tuple(others), (*others, term)

    def design(self, model: Sequence[tuple[str, ...]], table: DataFrame | None = None) -> NDArray[np.float64]:
        """An orthonormal basis (rows, rank) of the columns of a model."""
        table = self.table if table is None else table
        parts = [_indicators(table, sorted(self.columns[term])) for term in model]
        basis: NDArray[np.float64] = require("scipy.linalg", "study").orth(
            np.hstack([np.ones((len(table), 1)), *parts])
        )
        return basis

    def fit(self, y: NDArray[np.float64], model: Sequence[tuple[str, ...]]) -> Any:
        """The least-squares fit."""
        return require("statsmodels.api", "study").OLS(y, self.design(model)).fit()


def _rows(models: _Models, sums: Any, freedoms: Any, y: NDArray[np.float64]) -> list[dict[str, Any]]:
    stats = require("scipy.stats", "study")
    rest, left = sums[models.full], freedoms[models.full]
    error = rest / left if left else np.nan
    steps = {
        term: (max(sums[without] - sums[with_it], 0.0), freedoms[without] - freedoms[with_it])
        for term, (without, with_it) in models.steps.items()
    }
    rows = []
    for term, (square, df) in steps.items():
        row: dict[str, Any] = {"term": ":".join(term), "df": df, "sum_sq": square}
        if df:
            row["omega_sq"] = _omega(term, steps, error, sums[()])
            if left and error > 0:
                row["F"] = square / df / error
                row["p"] = float(stats.f.sf(row["F"], df, left))
            against = steps.get(_against(term), (0.0, 0))
            if against[1] and against[0] > 0:
                row["F_rules"] = square / df / (against[0] / against[1])
                row["p_rules"] = float(stats.f.sf(row["F_rules"], df, against[1]))
        rows.append(row)
    rows.append({"term": "residual", "df": left, "sum_sq": rest})
    return rows


def _against(term: tuple[str, ...]) -> tuple[str, ...]:
    """What is nested in the levels of a term, and differs by chance; rules and seeds have the runs alone."""
    if {"rule", "seed"} & set(term):
        return ()
    if term == ("task",):
        return ("seed",)
    return ("rule", "task") if "task" in term else ("rule",)


def _omega(
    term: tuple[str, ...], steps: dict[tuple[str, ...], tuple[float, int]], error: float, total: float
) -> float:
    """The share of the variance, without what chance alone would give."""
    square, df = steps[term]
    if not df or not total > 0:
        return float("nan")
    against, freedom = steps.get(_against(term), (0.0, 0))
    chance = against / freedom if freedom else error
    return float((square - df * chance) / (total + error))


def _intervals(models: _Models, table: DataFrame, y: NDArray[np.float64]) -> list[tuple[float, float]]:
    """Jackknife intervals of omega squared over seeds; of each term, then of the residual (none).

    They need the same runs of every seed. Then a model without seeds is the same for all of them, so that its
    fit is that of their mean; seeds add what each differs by from that mean within the tasks.
    """
    none = [(np.nan, np.nan)] * (len(models.terms) + 1)
    wide = table.assign(value=y).pivot(index=["setting", "rule"], columns="seed", values="value")
    seeds = wide.shape[1]
    if seeds < 3 or wide.isna().any(axis=None):
        return none
    one = table.drop_duplicates(["setting", "rule"]).set_index(["setting", "rule"], drop=False)
    one = one.loc[wide.index].reset_index(drop=True)
    Y = wide.to_numpy(float).T  # (seeds, setting x rule)
    tasks = _indicators(one, ["setting"])
    tasks = tasks / np.sqrt(tasks.sum(axis=0))
    seed_term = ("seed",)
    bases = {}
    for model in models.needed:
        # A mean of each task is part of what seeds span.
        unseeded = [("task",) if term == seed_term else term for term in model]
        bases[model] = models.design(unseeded, one)
    joined = np.hstack(list(bases.values()))
    starts = np.cumsum([0, *(basis.shape[1] for basis in bases.values())])[:-1]
    seeded = np.array([seed_term in model for model in bases])

    def omegas(drawn: NDArray[np.float64]) -> list[float]:
        mean = drawn.mean(axis=0)
        fitted = np.add.reduceat((mean @ joined) ** 2, starts) * len(drawn)
        fitted += seeded * (((drawn - mean) @ tasks) ** 2).sum()
        sums = dict(zip(bases, (drawn**2).sum() - fitted, strict=True))
        columns = {
            model: basis.shape[1] + (seed_term in model) * tasks.shape[1] * (len(drawn) - 1)
            for model, basis in bases.items()
        }
        left = drawn.size - columns[models.full]
        steps = {
            term: (sums[without] - sums[with_it], columns[with_it] - columns[without])
            for term, (without, with_it) in models.steps.items()
        }
        error = sums[models.full] / left if left else np.nan
        return [_omega(term, steps, error, sums[()]) for term in steps]

    # Drawn again with replacement, seeds come twice, and runs differ by too little.
    without_one = np.array([omegas(np.delete(Y, i, axis=0)) for i in range(seeds)])
    spread = np.sqrt((seeds - 1) * without_one.var(axis=0))
    margin = require("scipy.stats", "study").t.ppf(0.975, seeds - 1) * spread
    return [(float(a - b), float(a + b)) for a, b in zip(omegas(Y), margin, strict=True)] + none[-1:]


def _indicators(table: DataFrame, columns: Sequence[str]) -> NDArray[np.float64]:
    """A column for each combination of levels."""
    codes = table.groupby(list(columns)).ngroup().to_numpy()
    return np.asarray(np.eye(codes.max() + 1)[codes])


def _assumptions(residuals: NDArray[np.float64], groups: list[NDArray[np.float64]]) -> DataFrame:
    """Normal residuals of equal variance, tested and put in words."""
    pd, stats = require("pandas", "study"), require("scipy.stats", "study")
    rows = []
    if len(residuals) >= 3 and np.ptp(residuals) > 1e-12:
        some = residuals
        if len(some) > _MOST:
            some = np.random.default_rng(0).choice(residuals, _MOST, replace=False)
        found = stats.shapiro(some)
        skew, tails = float(stats.skew(residuals)), float(stats.kurtosis(residuals))
        rows.append(
            _check(
                "Shapiro-Wilk: normal residuals",
                found,
                f"skewness {skew:.2f}, excess kurtosis {tails:.2f}",
            )
        )
    groups = [group for group in groups if len(group) >= 3]
    if len(groups) > 1 and any(np.ptp(group) > 0 for group in groups):
        spreads = [float(np.std(group, ddof=1)) for group in groups]
        positive = [spread for spread in spreads if spread > 0]
        found = stats.levene(*groups, center="median")
        rows.append(
            _check(
                "Levene (medians): equal variance of rules and tasks",
                found,
                f"standard deviations from {min(positive):.3g} to {max(positive):.3g}",
            )
        )
    return pd.DataFrame(rows, columns=["check", "statistic", "p", "holds", "reading"])


def _check(name: str, found: Any, detail: str) -> dict[str, Any]:
    holds = bool(found.pvalue > 0.05)
    word = "nothing speaks against it" if holds else "it does not hold: read F and p with care"
    return {
        "check": name,
        "statistic": float(found.statistic),
        "p": float(found.pvalue),
        "holds": holds,
        "reading": f"{detail}; {word}",
    }

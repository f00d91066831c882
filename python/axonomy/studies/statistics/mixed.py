"""A mixed model of performance: the axes fixed; task, seed and rule random."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from axonomy._extras import require
from axonomy.studies.statistics.scores import comparable

if TYPE_CHECKING:
    from pandas import DataFrame

_Z = 1.959963984540054  # of 95 % intervals
_METHODS = ("bfgs", "lbfgs", "powell")


@dataclass(frozen=True)
class Mixed:
    """A fitted mixed model.

    Attributes
    ----------
    effects : DataFrame
        A row for each fixed effect: ``axis``, ``effect`` in words, ``estimate`` with ``low`` to ``high``
        (Wald), ``p``.
    axes : DataFrame
        A row for each axis: ``df`` and the Wald test of all its effects, ``statistic`` (chi squared) and
        ``p``.
    components : DataFrame
        A row for each random effect and the residual: ``variance``, its ``share`` of all of them, ``levels``.
    converged : bool
    shapiro : float
        p of normal residuals.
    notes : tuple of str
        What the fit warned of.
    n : int
        Runs.
    """

    effects: DataFrame
    axes: DataFrame
    components: DataFrame
    converged: bool
    shapiro: float
    notes: tuple[str, ...]
    n: int


def mixed_model(scores: DataFrame, *, ranked: bool = False) -> Mixed:
    """Fit ``score ~ axes`` by REML; task, seed, rule and their pairs with task are random effects, crossed.

    Rules of the same axes differ, and runs of one rule are alike: without the random effects of rules each
    run would count as evidence about axes. Effects of two levels are the difference between them; those of
    tensors are taken from the mean of their facing, the last of which follows from the others and is not
    listed.

    Parameters
    ----------
    scores : DataFrame
        As `scores` returns it.
    ranked : bool
        Take the ranks of the scores, from 0 to 1, instead of these.

    Returns
    -------
    Mixed
    """
    pd, stats = require("pandas", "study"), require("scipy.stats", "study")
    table = comparable(scores)
    y = table["score"].to_numpy(float)
    if ranked:
        y = (stats.rankdata(y) - 1) / (len(y) - 1)
    names, X = _fixed(table)
    random = _random(table)
    if not random:
        raise ValueError("scores: expected several tasks, seeds or runs of a rule, got one of each")
    fit, notes = _fit(y, X, random)
    k = len(names)
    estimate, error = np.asarray(fit.params)[:k], np.asarray(fit.bse)[:k]
    effects = pd.DataFrame(
        {
            "axis": [axis for axis, _ in names],
            "effect": [words for _, words in names],
            "estimate": estimate,
            "low": estimate - _Z * error,
            "high": estimate + _Z * error,
            "p": np.asarray(fit.pvalues)[:k],
        }
    )
    rows = []
    for axis in dict.fromkeys(axis for axis, _ in names if axis):
        chosen = [i for i, (of, _) in enumerate(names) if of == axis]
        found = fit.wald_test(np.eye(len(np.asarray(fit.params)))[chosen], use_f=False, scalar=True)
        rows.append(
            {"axis": axis, "df": len(chosen), "statistic": float(found.statistic), "p": float(found.pvalue)}
        )
    # The names of variance components come back sorted.
    variances = dict(zip(fit.model.exog_vc.names, np.asarray(fit.vcomp).tolist(), strict=True))
    variances = {name: variances[name] for name in random} | {"residual": float(fit.scale)}
    components = pd.DataFrame(
        {
            "component": list(variances),
            "variance": list(variances.values()),
            "share": [value / sum(variances.values()) for value in variances.values()],
            "levels": [*(Z.shape[1] for Z in random.values()), len(table)],
        }
    )
    shapiro = float(stats.shapiro(np.asarray(fit.resid)[:5000]).pvalue)
    return Mixed(
        effects,
        pd.DataFrame(rows, columns=["axis", "df", "statistic", "p"]),
        components,
        bool(fit.converged),
        shapiro,
        notes,
        len(table),
    )


def _fixed(table: DataFrame) -> tuple[list[tuple[str, str]], NDArray[np.float64]]:
    """Names (axis, words) and columns (rows, k), of full rank: what cells cannot tell apart is left out."""
    columns: dict[tuple[str, str], Any] = {("", "mean"): np.ones(len(table))}
    for axis in ("randomness", "solution", "facing"):
        levels = sorted(table[axis].unique())
        # Two levels at most: the table has no more.
        if len(levels) == 2:
            columns[axis, f"{levels[0]} → {levels[1]}"] = np.where(table[axis] == levels[1], 0.5, -0.5)
    for facing, group in table.groupby("facing"):
        *tensors, last = sorted(group["tensor"].unique())
        for tensor in tensors:
            sign = (table["tensor"] == tensor).astype(float) - (table["tensor"] == last).astype(float)
            columns["tensor", f"{tensor} against the {facing}-facing mean"] = sign.to_numpy()
    names: list[tuple[str, str]] = []
    kept: list[NDArray[np.float64]] = []
    for name, column in columns.items():
        if np.linalg.matrix_rank(np.column_stack([*kept, column])) > len(kept):
            names.append(name)
            kept.append(np.asarray(column, dtype=np.float64))
    return names, np.column_stack(kept)


def _random(table: DataFrame) -> dict[str, NDArray[np.float64]]:
    """Indicator columns of each random effect; one of a single level, or one each run, has none."""
    groupings = {
        "task": ["setting"],
        "seed": ["seed"],
        "seed:task": ["seed", "setting"],
        "rule": ["rule"],
        "rule:task": ["rule", "setting"],
    }
    found: dict[str, NDArray[np.float64]] = {}
    for name, by in groupings.items():
        codes = table.groupby(by).ngroup().to_numpy()
        levels = int(codes.max()) + 1
        again = ":" in name and table["setting"].nunique() < 2
        if 1 < levels < len(table) and not again:
            found[name] = np.eye(levels)[codes]
    return found


def _fit(
    y: NDArray[np.float64], X: NDArray[np.float64], random: Mapping[str, NDArray[np.float64]]
) -> tuple[Any, tuple[str, ...]]:
    models = require("statsmodels.regression.mixed_linear_model", "study")
    spec = models.VCSpec(
        list(random),
        [[[f"{name} {i}" for i in range(Z.shape[1])]] for name, Z in random.items()],
        [[Z] for Z in random.values()],
    )
    # All effects are crossed: to statsmodels that is one group, with variance components.
    model = models.MixedLM(y, X, groups=np.ones(len(y)), exog_vc=spec)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fit = model.fit(reml=True, method=list(_METHODS))
    notes = dict.fromkeys(" ".join(str(warning.message).split()) for warning in caught)
    if fit.converged:  # what the methods tried before said of themselves is of no account
        notes = {note: None for note in notes if "converge" not in note and "Retrying" not in note}
    return fit, tuple(notes)

"""Do rules that share an axis perform alike, or follow like gradients? Clusters, compared with each axis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from axonomy._extras import require
from axonomy.studies.statistics.pairs import holm
from axonomy.studies.statistics.scores import AXES, on_axes

if TYPE_CHECKING:
    from pandas import DataFrame

PERMUTATIONS = 999


@dataclass(frozen=True)
class Clusters:
    """A hierarchical clustering of rules, and what it has to do with the axes.

    Attributes
    ----------
    rules : tuple of str
        In the order of the leaves, similar ones side by side.
    linkage : (N - 1, 4) ndarray
        As scipy has it, over the rules in the order of `labels`.
    labels : tuple of str
        The rules in the order that `linkage` counts them in.
    agreement : DataFrame
        A row for each axis with several levels: ``levels``, the tree being cut into as many clusters;
        ``sizes``, those of the clusters; ``rand``, the adjusted Rand index (1: the clusters are the levels;
        0: chance); ``null_high``, which 95 % of permuted labels stay below; ``p`` of the permutation test,
        the ``least_p`` that it can have, and ``holm``.
    matrix : DataFrame
        Similarities or profiles, a row a rule, in the order of `rules`.
    n : int
        Rules.
    """

    rules: tuple[str, ...]
    linkage: NDArray[np.float64]
    labels: tuple[str, ...]
    agreement: DataFrame
    matrix: DataFrame
    n: int


def performance_clusters(scores: DataFrame, *, seed: int = 0) -> Clusters:
    """Cluster the rules by their profiles: the mean scores; Euclidean distance, Ward's linkage.

    Parameters
    ----------
    scores : DataFrame
        As `scores` returns it.
    seed : int
        Of the permutations.
    """
    table = on_axes(scores)
    profiles = table.pivot_table(index="rule", columns="setting", values="score", aggfunc="mean").dropna()
    _enough(len(profiles))
    distance = require("scipy.spatial.distance", "study").pdist(profiles.to_numpy(float))
    return _clustered(profiles, distance, table, seed, square=False)


def alignment_clusters(alignment: DataFrame, scores: DataFrame, *, seed: int = 0) -> Clusters:
    """Cluster the rules by the mean cosine of their gradients; Ward's linkage.

    The distance of two is that of vectors of unit length with this cosine between them, sqrt(2 - 2 cosine).

    Parameters
    ----------
    alignment : DataFrame
        As `Results.alignment` has it; the mean is over tasks, seeds and the rules that trained.
    scores : DataFrame
        As `scores` returns it; says which axes a rule has.
    seed : int
        Of the permutations.
    """
    cells = on_axes(scores)
    matrix = cosines(alignment)
    there = [rule for rule in matrix.index if rule in set(cells["rule"])]
    matrix = matrix.loc[there, there]
    # A pair that never rode along together is no further apart than gradients that have nothing in common.
    distance = np.sqrt(np.clip(2.0 - 2.0 * np.nan_to_num(matrix.to_numpy(float), nan=0.0), 0.0, 4.0))
    np.fill_diagonal(distance, 0.0)
    _enough(len(matrix))
    condensed = require("scipy.spatial.distance", "study").squareform(distance, checks=False)
    return _clustered(matrix, condensed, cells, seed, square=True)


def cosines(alignment: DataFrame) -> DataFrame:
    """Return the mean cosine of each pair of rules as a symmetric table with a diagonal of ones."""
    pd = require("pandas", "study")
    turned = alignment.rename(columns={"rule_a": "rule_b", "rule_b": "rule_a"})
    both = pd.concat([alignment, turned], ignore_index=True)
    both = both[np.isfinite(both["cosine"])]
    matrix = both.pivot_table(index="rule_a", columns="rule_b", values="cosine", aggfunc="mean")
    rules = sorted({*matrix.index, *matrix.columns})
    matrix = matrix.reindex(index=rules, columns=rules)
    values = matrix.to_numpy(float).copy()
    np.fill_diagonal(values, 1.0)
    table: DataFrame = pd.DataFrame(values, index=rules, columns=rules)
    return table


def _enough(rules: int) -> None:
    if rules < 3:
        raise ValueError(f"scores: expected three rules or more to cluster, got {rules}")


def _clustered(
    table: DataFrame, distance: NDArray[np.float64], cells: DataFrame, seed: int, *, square: bool
) -> Clusters:
    hierarchy = require("scipy.cluster.hierarchy", "study")
    linkage = hierarchy.linkage(distance, method="ward", optimal_ordering=True)
    labels = tuple(map(str, table.index))
    order = hierarchy.leaves_list(linkage)
    rules = tuple(labels[i] for i in order)
    axes = cells.drop_duplicates("rule").set_index("rule").loc[list(labels), list(AXES)]
    matrix = table.loc[list(rules), list(rules)] if square else table.loc[list(rules)]
    return Clusters(rules, linkage, labels, _agreement(linkage, axes, seed), matrix, len(rules))


def _agreement(linkage: NDArray[np.float64], axes: DataFrame, seed: int) -> DataFrame:
    """The clusters beside the levels of each axis, whose labels are then permuted among the rules."""
    pd, stats = require("pandas", "study"), require("scipy.stats", "study")
    hierarchy, metrics = require("scipy.cluster.hierarchy", "study"), require("sklearn.metrics", "study")

    rows = []
    for axis in AXES:
        levels = pd.factorize(axes[axis])[0]
        count = int(levels.max()) + 1
        if not 1 < count < len(levels):
            continue
        clusters = hierarchy.cut_tree(linkage, n_clusters=count)[:, 0]

        def rand(permuted: Any, clusters: Any = clusters) -> float:
            return float(metrics.adjusted_rand_score(permuted, clusters))

        found = stats.permutation_test(
            (levels,),
            rand,
            permutation_type="pairings",
            vectorized=False,
            n_resamples=PERMUTATIONS,
            alternative="greater",
            rng=np.random.default_rng(seed),
        )
        rows.append(
            {
                "axis": axis,
                "levels": count,
                "sizes": ", ".join(map(str, sorted(np.bincount(clusters).tolist(), reverse=True))),
                "rand": float(found.statistic),
                "null_high": float(np.quantile(found.null_distribution, 0.95)),
                "p": float(found.pvalue),
                "least_p": max(1 / (PERMUTATIONS + 1), 1 / _arrangements(np.bincount(levels))),
            }
        )
    columns = ["axis", "levels", "sizes", "rand", "null_high", "p", "least_p"]
    table: DataFrame = pd.DataFrame(rows, columns=columns)
    table["holm"] = holm(table["p"].to_numpy(float))
    return table


def _arrangements(sizes: NDArray[np.int64]) -> float:
    """In how many ways the labels can stand."""
    special = require("scipy.special", "study")
    return float(np.exp(special.gammaln(sizes.sum() + 1) - special.gammaln(sizes + 1).sum()))

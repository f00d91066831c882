"""New cells of the table beside the best known rule that costs no more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from axonomy._extras import require
from axonomy.studies.statistics.pairs import holm, paired
from axonomy.studies.statistics.scores import blocks, final, on_axes

if TYPE_CHECKING:
    from pandas import DataFrame

SLACK = 1.1  # by which a known rule may be dearer: times are measured
COSTS = ("seconds_per_step", "bytes")
_COLUMNS = (
    "rule", "rival", "rivals", "effect", "median", "low", "high", "d", "d_low", "d_high", "n", "tasks",
    "tasks_agreeing", "p", "holm", "p_t", "holm_t", "shapiro", "time_ratio", "bytes_ratio",
)  # fmt: skip


def at_equal_cost(runs: DataFrame, scores: DataFrame, *, seed: int = 0) -> DataFrame:
    """Return each new cell beside the best of the known rules that hold and take no more than it does.

    The best is chosen by the scores that are then compared, which favours the known rule.

    Parameters
    ----------
    runs : DataFrame
        As `Results.runs` has it.
    scores : DataFrame
        As `scores` returns it.
    seed : int
        Of the bootstrap.

    Returns
    -------
    DataFrame
        A row for each new cell, those that gain most first. ``rivals`` is how many known rules cost no more:
        in the settings that both have, neither the time of a step nor the bytes held are above its own by
        more than a tenth (ratios of medians, their geometric mean); ``rival`` is that of the lowest mean
        score, empty if there is none. ``effect`` is the score of the new cell less the rival's, with tests as
        `pairs` has them, Holm's correction being over all rows; ``time_ratio`` and ``bytes_ratio`` are its
        cost over the rival's.
    """
    cells = on_axes(scores)
    wide = blocks(cells)
    status = cells.drop_duplicates("rule").set_index("rule")["status"]
    cost = np.log(final(runs).groupby(["setting", "rule"])[list(COSTS)].median().clip(lower=1e-12)).unstack()
    rows = []
    for rule in status.index[status == "new"]:
        best, rivals = None, 0
        for known in status.index[status == "known"]:
            apart = (wide[rule] - wide[known]).dropna()
            if not len(apart):
                continue
            ratios = [float(np.exp((cost[name][rule] - cost[name][known]).mean())) for name in COSTS]
            if min(ratios) * SLACK < 1:
                continue
            rivals += 1
            # Where they ran on different tasks, what counts is the difference on those of both.
            if best is None or apart.mean() > best[1].mean():
                best = known, apart, ratios
        row = {"rule": rule, "rival": "", "rivals": rivals}
        if best is not None:
            rival, apart, (time, held) = best
            row |= {"rival": rival, "time_ratio": time, "bytes_ratio": held}
            row |= paired(apart.rename("difference").reset_index(), seed)
        rows.append(row)
    table: DataFrame = require("pandas", "study").DataFrame(rows, columns=list(_COLUMNS))
    for name in ("p", "p_t"):
        table[name.replace("p", "holm")] = holm(table[name].to_numpy(float))
    table = table.sort_values(["effect", "rule"], kind="stable").reset_index(drop=True)
    return table

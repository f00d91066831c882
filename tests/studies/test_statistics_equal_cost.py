"""New cells at the cost of known rules: what is planted is found, against the right rival."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import synthetic
from axonomy.studies.statistics import at_equal_cost, scores

CELLS = synthetic.cells()
FEW = ["RTRL", "lazy RTRL", "KF-RTRL", "UORO", "ki|ij svd", "ki|ij signs", "read-out only"]
COST = {  # seconds, bytes
    "RTRL": (9e-6, 90_000.0),
    "lazy RTRL": (5e-6, 90_000.0),
    "KF-RTRL": (2e-6, 9_000.0),
    "UORO": (1e-6, 3_000.0),
    "ki|ij svd": (3e-6, 10_000.0),
    "ki|ij signs": (1.9e-6, 10_000.0),  # a little faster than KF-RTRL: within the slack
    "read-out only": (1e-7, 0.0),
}
LOSS = {"RTRL": -0.3, "lazy RTRL": -0.3, "KF-RTRL": -0.1, "UORO": 0.1, "ki|ij svd": -0.2, "ki|ij signs": -0.1}


def table(tasks: tuple[str, ...] = synthetic.TASKS) -> pd.DataFrame:
    runs = synthetic.runs(
        lambda rule, task: LOSS.get(rule["rule"], 0.0),
        rules=CELLS[CELLS["rule"].isin(FEW)], tasks=tasks, noise=0.02, seeds=6,
    )  # fmt: skip
    for column, name in enumerate(("seconds_per_step", "bytes")):
        runs[name] = runs["rule"].map(lambda rule, column=column: COST[rule][column])
    return runs


def found(runs: pd.DataFrame) -> pd.DataFrame:
    return at_equal_cost(runs, scores(runs)).set_index("rule")


def test_better_at_equal_cost() -> None:
    result = found(table())
    assert list(result.index) == ["ki|ij svd", "ki|ij signs"]
    assert list(result["rival"]) == ["KF-RTRL", "KF-RTRL"]
    assert list(result["rivals"]) == [2, 2]
    svd, signs = result.loc["ki|ij svd"], result.loc["ki|ij signs"]
    assert svd["high"] < 0
    assert svd["holm"] < 0.001
    assert svd["n"] == 18
    assert signs["low"] < 0.1
    assert signs["holm"] > 0.05  # it was planted equal
    assert svd["time_ratio"] == pytest.approx(1.5)
    assert svd["bytes_ratio"] == pytest.approx(10 / 9)


def test_what_costs_more_is_no_rival() -> None:
    runs = table()
    runs.loc[runs["rule"] == "KF-RTRL", "bytes"] = 11_100.0
    result = found(runs)
    assert list(result["rival"]) == ["UORO", "UORO"]
    runs.loc[runs["rule"] == "UORO", "seconds_per_step"] = 4e-6
    result = found(runs)
    assert list(result["rival"]) == ["", ""]
    assert list(result["rivals"]) == [0, 0]
    assert result[["effect", "p", "holm"]].isna().all(axis=None)


def test_compared_where_both_ran() -> None:
    runs = table()
    runs = runs[(runs["rule"] != "KF-RTRL") | (runs["task"] == "add")]
    svd = found(runs).loc["ki|ij svd"]
    # UORO is further behind on all tasks than KF-RTRL is on its one.
    assert (svd["rival"], svd["n"], svd["tasks"]) == ("KF-RTRL", 6, 1)


def test_without_new_cells() -> None:
    runs = table()
    runs = runs[runs["status"] != "new"]
    assert len(found(runs)) == 0


def test_effects_are_those_of_the_pairs() -> None:
    runs = table()
    scored = scores(runs)
    by_rule = scored.groupby("rule")["score"].mean()
    result = found(runs)
    for rule, row in result.iterrows():
        assert row["effect"] == pytest.approx(by_rule[rule] - by_rule[row["rival"]])
    assert np.isfinite(result[["low", "high", "d", "p", "holm", "p_t", "holm_t"]]).all(axis=None)

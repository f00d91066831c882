"""Clusters that follow an axis are found to, and those of chance are not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import synthetic
from axonomy.studies.statistics import alignment_clusters, performance_clusters, scores
from axonomy.studies.statistics import clusters as module
from axonomy.studies.statistics.clusters import cosines

TABLE = synthetic.runs(noise=0.01)
SCORES = scores(TABLE)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PERMUTATIONS", 199)


@pytest.mark.parametrize("axis", ["facing", "randomness", "solution"])
def test_alignment_by_an_axis(axis: str) -> None:
    found = alignment_clusters(synthetic.alignment(TABLE, axis), SCORES)
    agreement = found.agreement.set_index("axis")
    assert agreement.loc[axis, "rand"] == pytest.approx(1.0)
    assert agreement.loc[axis, "p"] == pytest.approx(1 / 200)
    assert agreement.loc[axis, "holm"] < 0.05
    assert agreement.loc[axis, "null_high"] < 0.5
    # Similar ones stand side by side.
    levels = SCORES.drop_duplicates("rule").set_index("rule").loc[list(found.rules), axis]
    assert (levels.to_numpy()[1:] != levels.to_numpy()[:-1]).sum() == 1
    assert list(found.matrix.index) == list(found.matrix.columns) == list(found.rules)


def test_performance_by_an_axis() -> None:
    table = synthetic.runs(lambda rule, task: 0.2 * (rule["solution"] == "numerical"), noise=0.01)
    found = performance_clusters(scores(table))
    agreement = found.agreement.set_index("axis")
    assert agreement.loc["solution", "rand"] == pytest.approx(1.0)
    assert agreement.loc["solution", "holm"] < 0.05
    assert found.n == 27  # RTRL and lazy RTRL are one
    assert list(found.matrix.columns) == sorted(synthetic.TASKS)


def test_chance_agrees_with_no_axis() -> None:
    """p of a permutation test is uniform where labels mean nothing: of 24 tests few are below 0.1."""
    p = [alignment_clusters(synthetic.alignment(TABLE, None, rng=i), SCORES).agreement["p"] for i in range(6)]
    assert np.mean(np.concatenate(p) < 0.1) <= 0.3
    assert min(np.concatenate(p)) > 1 / 200 - 1e-9


def test_cosines_are_means_of_both_orders() -> None:
    table = pd.DataFrame(
        [("a", "b", 0.2), ("b", "a", 0.4), ("a", "c", np.nan), ("b", "c", -0.5)],
        columns=["rule_a", "rule_b", "cosine"],
    )
    found = cosines(table)
    assert found.loc["a", "b"] == found.loc["b", "a"] == pytest.approx(0.3)
    assert found.loc["c", "b"] == -0.5
    assert np.isnan(found.loc["a", "c"])
    assert [found.loc[rule, rule] for rule in "abc"] == [1.0, 1.0, 1.0]


def test_too_few_rules() -> None:
    two = SCORES[SCORES["rule"].isin(["RTRL", "UORO"])]
    with pytest.raises(ValueError, match="three rules or more to cluster, got 2"):
        performance_clusters(two)


def test_a_rule_that_lacks_a_task_has_no_profile() -> None:
    lacking = SCORES[~((SCORES["rule"] == "UORO") & (SCORES["setting"] == "add"))]
    assert "UORO" not in performance_clusters(lacking).rules

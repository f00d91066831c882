"""Means with intervals, and scores on one scale."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import synthetic
from axonomy.studies.statistics import CAP, means, scores
from axonomy.studies.statistics._bootstrap import interval

RULES = synthetic.cells().set_index("rule").loc[["RTRL", "UORO", "KF-RTRL", "read-out only"]].reset_index()


def few(**options: object) -> object:
    return synthetic.runs(rules=RULES, tasks=("add",), **options)


def test_intervals_hold_the_mean_as_often_as_they_say() -> None:
    """Over 300 samples; a bootstrap of few values is known to be a little too narrow."""
    draw = np.random.default_rng(0)
    held = 0
    for i in range(300):
        low, high = interval(draw.exponential(size=25), seed=i, resamples=500)
        held += low <= 1.0 <= high
    assert 0.87 <= held / 300 <= 0.98


def test_interval_of_next_to_nothing() -> None:
    assert interval([2.0, 2.0, 2.0]) == (2.0, 2.0)
    assert np.isnan(interval([1.0])).all()
    low, high = interval([1.0, 2.0])
    assert 1.0 <= low <= high <= 2.0


def test_interval_of_pairs_keeps_them_together() -> None:
    x = np.random.default_rng(0).normal(size=30)
    low, high = interval([x, x + 1.0], lambda a, b, axis: (b - a).mean(axis=axis), method="percentile")
    assert (low, high) == pytest.approx((1.0, 1.0))


def test_means() -> None:
    table = few(effect=lambda rule, task: {"UORO": 0.2, "KF-RTRL": 0.1}.get(rule["rule"], 0.0), noise=0.01)
    found = means(table)
    assert list(found["rule"]) == ["RTRL", "KF-RTRL", "UORO", "read-out only"]
    assert list(found["place"]) == [1, 2, 3, 4]
    for _, row in found.iterrows():
        losses = table.loc[table["rule"] == row["rule"], "final_loss"]
        assert row["mean"] == pytest.approx(losses.mean())
        assert losses.min() < row["low"] < row["mean"] < row["high"] < losses.max()
        assert (row["seeds"], row["diverged"]) == (5, 0)


def test_diverged_runs_are_counted_and_come_last() -> None:
    table = synthetic.diverge(few(noise=0.01), "RTRL", seed=2)
    found = means(table).set_index("rule")
    assert found.loc["RTRL", "diverged"] == 1
    assert found.loc["RTRL", "seeds"] == 5
    assert found.loc["RTRL", "place"] == 4
    ended = table[(table["rule"] == "RTRL") & ~table["diverged"]]
    assert found.loc["RTRL", "mean"] == pytest.approx(ended["final_loss"].mean())
    scored = scores(table)
    hit = (scored["rule"] == "RTRL") & (scored["seed"] == 2)
    assert len(scored) == len(table)
    assert scored.loc[hit, "score"].item() == CAP
    assert list(scored["capped"]) == list(hit)


def test_a_rule_that_always_diverged() -> None:
    table = few()
    for seed in range(5):
        table = synthetic.diverge(table, "UORO", seed)
    found = means(table).set_index("rule").loc["UORO"]
    assert np.isnan(found["mean"])
    assert (found["diverged"], found["place"]) == (5, 4)
    assert (scores(table).query("rule == 'UORO'")["score"] == CAP).all()


def test_scores_are_0_at_the_floor_and_1_at_the_read_out() -> None:
    table = few(noise=0.0)
    table.loc[table["rule"] == "RTRL", "final_loss"] = synthetic.FLOORS["add"]
    found = scores(table).groupby("rule")["score"].mean()
    assert found["RTRL"] == pytest.approx(0.0)
    assert found["read-out only"] == pytest.approx(1.0)
    expected = (0.7 - synthetic.FLOORS["add"]) / (1.0 - synthetic.FLOORS["add"])
    assert found["UORO"] == pytest.approx(expected)


def test_without_a_floor_the_best_rule_is_0_and_without_a_baseline_the_median_is_1() -> None:
    table = synthetic.runs(
        lambda rule, task: {"UORO": 0.2, "KF-RTRL": 0.1}.get(rule["rule"], 0.0),
        rules=RULES[RULES["status"] != "baseline"], tasks=("mimic",), noise=0.0,
    )  # fmt: skip
    found = scores(table).groupby("rule")["score"].mean()
    assert found.to_dict() == pytest.approx({"RTRL": 0.0, "KF-RTRL": 1.0, "UORO": 2.0})


def test_losses_of_other_units_score_the_same() -> None:
    """A task's scale and offset do not matter."""
    table = synthetic.runs(rules=RULES, tasks=("mimic",))
    other = table.assign(final_loss=3.0 + 20.0 * table["final_loss"])
    np.testing.assert_allclose(scores(other)["score"], scores(table)["score"])


def test_settings_are_told_apart_by_what_differs() -> None:
    table = synthetic.runs(rules=RULES, tasks=("add",))
    assert set(scores(table)["setting"]) == {"add"}
    both = [table, table.assign(cell="gru", key=table["key"] + "g")]
    assert set(scores(pd.concat(both))["setting"]) == {"add, leaky_rnn", "add, gru"}


def test_tuning_runs_are_no_results() -> None:
    table = few()
    tuning = table.assign(phase="tuning", final_loss=0.0)
    assert means(pd.concat([tuning, table])).equals(means(table))
    with pytest.raises(ValueError, match="at least one finished run of the final phase"):
        scores(tuning)


def test_two_runs_of_one_seed_are_an_error() -> None:
    table = few()
    with pytest.raises(ValueError, match="got two of add, RTRL, seed 0"):
        means(pd.concat([table, table.iloc[:1]]))

"""The metric that tells is found; one that does not is worth nothing, and is said to be."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import synthetic
from axonomy.studies.statistics import prediction as module
from axonomy.studies.statistics import predictors, scores
from axonomy.studies.statistics.prediction import TOGETHER, joined

TABLE = synthetic.runs(between=0.1, noise=0.02)
SCORES = scores(TABLE)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PERMUTATIONS", 299)
    monkeypatch.setattr(module, "_RESAMPLES", 99)


def test_the_telling_metric_is_found() -> None:
    found = predictors(synthetic.metrics(TABLE, ["snr"]), SCORES)
    assert found.loc[0, "metric"] == "snr"
    row = found.set_index("metric").loc["snr"]
    assert row["rank_correlation"] < -0.9
    assert row["low"] < row["rank_correlation"] < row["high"] < -0.8
    assert row["r_squared"] > 0.6
    assert row["r_low"] < row["r_squared"] < row["r_high"]
    assert row["holm"] < 0.05
    assert (row["rules"], row["settings"], row["n"]) == (27, 3, 81)
    rest = found[~found["metric"].isin(["snr", TOGETHER])]
    assert set(rest["metric"]) == {
        "cosine over 1 step", "cosine over 10 steps", "cosine over 100 steps", "bias", "variance",
        "loss_decrease",
    }  # fmt: skip
    assert (rest["r_squared"] < 0.1).all()
    assert found["metric"].iloc[-1] == TOGETHER
    assert found["r_squared"].iloc[-1] > 0.6


def test_nothing_predicts_where_nothing_does() -> None:
    """Metrics of chance: cross-validated R squared is below 0 mostly, and corrected p rejects as stated."""
    wrong, r = 0, []
    for i in range(8):
        found = predictors(synthetic.metrics(TABLE, (), rng=i), SCORES)
        r += list(found["r_squared"])
        wrong += bool((found["holm"] < 0.05).any())
    assert wrong <= 2
    assert np.median(r) < 0
    assert max(r) < 0.3


def test_r_squared_leaves_the_whole_rule_out() -> None:
    """By hand, rule by rule, from the others' means and slope."""
    metrics = synthetic.metrics(TABLE, ["snr"])
    table = joined(metrics, SCORES).query("metric == 'snr' and rule != 'lazy RTRL'")  # which is RTRL
    model = baseline = 0.0
    for rule in table["rule"].unique():
        train, test = table[table["rule"] != rule], table[table["rule"] == rule]
        dummies = pd.get_dummies(train["setting"]).astype(float)
        X = np.column_stack([dummies, train["rank"]])
        coefficients = np.linalg.lstsq(X, train["score"].to_numpy())[0]
        new = np.column_stack([pd.get_dummies(test["setting"])[dummies.columns].astype(float), test["rank"]])
        model += ((test["score"] - new @ coefficients) ** 2).sum()
        baseline += (
            (test["score"] - test["setting"].map(train.groupby("setting")["score"].mean())) ** 2
        ).sum()
    found = predictors(metrics, SCORES).set_index("metric")
    assert found.loc["snr", "r_squared"] == pytest.approx(1 - model / baseline)


def test_places_are_taken_within_the_setting() -> None:
    """A metric's scale in a task does not matter."""
    metrics = synthetic.metrics(TABLE, ["snr"])
    scaled = metrics.assign(value=np.where(metrics["task"] == "add", 100.0, 1.0) * metrics["value"])
    pd.testing.assert_frame_equal(predictors(scaled, SCORES), predictors(metrics, SCORES))
    places = joined(metrics, SCORES).groupby(["setting", "metric"])["rank"]
    assert (places.min() == 0.0).all()
    assert (places.max() == 1.0).all()


def test_what_is_infinite_is_above_all_others() -> None:
    """All of a rule's values, that is: one among finite ones is none."""
    metrics = synthetic.metrics(TABLE, ["snr"])
    snr = metrics["metric"] == "snr"
    metrics.loc[snr & metrics["rule"].isin(["RTRL", "RFLO"]), "value"] = np.inf
    once = metrics.index[snr & (metrics["rule"] == "UORO")][0]
    metrics.loc[once, "value"] = np.inf
    table = joined(metrics, SCORES).query("metric == 'snr'").set_index("rule")
    top = table.groupby("setting")["rank"].max()
    assert (table.loc[["RTRL", "RFLO"], "rank"].to_numpy() == top.iloc[0]).all()
    assert np.isinf(table.loc["RFLO", "value"]).all()
    assert np.isfinite(table.drop(["RTRL", "RFLO"])["value"]).all()
    assert predictors(metrics, SCORES)["rules"].max() == 27


def test_the_baseline_is_no_gradient_to_be_judged() -> None:
    metrics = synthetic.metrics(TABLE)
    added = metrics[metrics["rule"] == "RTRL"].assign(rule="read-out only", value=99.0)
    assert predictors(pd.concat([metrics, added]), SCORES)["rules"].max() == 27


def test_a_metric_of_few_rules_is_left_out() -> None:
    metrics = synthetic.metrics(TABLE)
    few = metrics[~((metrics["metric"] == "bias") & ~metrics["rule"].isin(["RTRL", "UORO"]))]
    assert "bias" not in set(predictors(few, SCORES)["metric"])
    assert len(predictors(metrics.iloc[:0], SCORES)) == 0

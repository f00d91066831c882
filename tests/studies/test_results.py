"""Results as tables: each column is what it is said to be."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

import axonomy as ax
from axonomy.studies import Results, Store, conduct
from axonomy.studies.plan import best_rate
from axonomy.studies.results import ALIGNMENT, CURVES, MEASURED, RUNS
from small_study import Here, small

EXACT = '{ tensor = "kij", randomness = "deterministic", solution = "closed-form" }'
CHEAP = EXACT.replace("kij", "k=i")
HYBRID = f"{{ mix = [{{ weight = 0.5, rule = {EXACT} }}, {{ weight = 0.5, rule = {CHEAP} }}] }}"


def test_runs(tmp_path: Path) -> None:
    rules = f'["rflo", "uoro:rank=2", "output_only", "ki|ij:stochastic:closed-form", {HYBRID}]'
    table = conduct(small(rules=rules), tmp_path, Here()).runs()
    assert tuple(table.columns) == RUNS
    assert len(table) == 5 * (4 + 2)
    assert list(table["phase"].unique()) == ["tuning", "final"]
    assert set(table["task"]) == {"add:lags=[1, 2]"}
    assert set(table["cell"]) == {"leaky_rnn"}
    assert set(table["tuning_runs"]) == {4}
    assert set(table["floor"]) == {ax.tasks.Add(lags=(1, 2)).floors["both lags"]}
    assert not table["diverged"].any()
    assert table["diverged_at"].isna().all()
    assert (table["seconds_per_step"] > 0).all()
    by_rule = table.drop_duplicates("rule").set_index("rule")
    assert list(by_rule["status"]) == ["known", "known", "baseline", "new", "hybrid"]
    assert list(by_rule["bias"]) == ["biased", "none", "biased", "none", "biased"]
    axes = ["facing", "tensor", "randomness", "solution", "solver"]
    assert list(by_rule.loc["UORO", axes]) == ["past", "k|ij", "stochastic", "closed-form", "signs"]
    for name in ("read-out only", by_rule.index[-1]):
        assert list(by_rule.loc[name, axes]) == ["-"] * 5
    assert by_rule.loc["UORO", "bytes"] == ax.make_learner(ax.rules.uoro(rank=2), ax.Shape(4, 2, 2)).nbytes


def test_the_rate_is_the_one_that_tuning_chose(tmp_path: Path) -> None:
    table = conduct(small(), tmp_path, Here()).runs()
    for _, rows in table.groupby("rule"):
        tuning, final = (rows[rows["phase"] == phase] for phase in ("tuning", "final"))
        losses = {rate: list(of["final_loss"]) for rate, of in tuning.groupby("learning_rate")}
        assert set(final["learning_rate"]) == {best_rate(losses)}
    # Two at least, or the test would say little.
    rates = small(learning_rates="[1e-6, 0.1]", rules='["rtrl"]', tuning_steps="2000")
    assert set(conduct(rates, tmp_path, Here()).runs().query("phase == 'final'")["learning_rate"]) == {0.1}


def test_curves(tmp_path: Path) -> None:
    results = conduct(small(), tmp_path, Here())
    curves, runs = results.curves(), results.runs()
    assert tuple(curves.columns) == CURVES
    final = runs[runs["phase"] == "final"].set_index("key")
    assert set(curves["key"]) == set(final.index)
    for key, curve in curves.groupby("key"):
        assert list(curve["step"]) == list(range(1, 61))
        assert curve["loss"].iloc[-6:].mean() == pytest.approx(final.loc[key, "final_loss"], rel=1e-12)


def test_diverged_runs_are_counted(tmp_path: Path) -> None:
    settings = {
        "tasks": '[{ task = "mimic", n_in = 2, n_out = 2 }]',
        "cells": '["leaky_rnn:activation=relu"]',
        "steps": "400",
        "rules": '["output_only"]',
    }
    both = conduct(
        small(**settings, learning_rates="[10.0, 0.01]", tuning_steps="400"), tmp_path, Here()
    ).runs()
    tuning, final = (both[both["phase"] == phase] for phase in ("tuning", "final"))
    wild = tuning[tuning["learning_rate"] == 10.0]
    assert wild["diverged"].all()
    assert np.isinf(wild["final_loss"]).all()
    assert ((wild["diverged_at"] > 0) & (wild["diverged_at"] < 400)).all()
    assert set(final["learning_rate"]) == {0.01}
    alone = conduct(small(**settings, learning_rates="[10.0]"), tmp_path, Here())
    assert alone.runs()["diverged"].tolist() == [True, True]
    assert (alone.curves()["step"] < 400).all()


def test_half_done(tmp_path: Path) -> None:
    for count in (0, 5, 13):
        with pytest.raises(RuntimeError):
            conduct(small(), tmp_path, Here(fail_at=count if count < 6 else 8, error=RuntimeError()))
        results = Results.open(tmp_path)
        done = len(results.runs())
        assert done == {0: 0, 5: 5, 13: 13}[count]
        assert results.missing() == 18 - done
    assert tuple(results.curves().columns) == CURVES
    assert tuple(results.metrics().columns) == MEASURED
    assert tuple(results.alignment().columns) == ALIGNMENT
    assert len(results.metrics()) == len(results.alignment()) == 0


def test_each_result_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    conduct(small(metrics='["cosine"]', metric_seeds="1"), tmp_path, Here())
    read: list[str] = []
    load = Store.load
    monkeypatch.setattr(Store, "load", lambda store, run: (read.append(run.key), load(store, run))[1])
    results = Results.open(tmp_path)
    assert results.missing() == 0
    for table in (results.runs, results.curves, results.metrics, results.alignment):
        assert table().equals(table())
    assert len(read) == len(set(read)) == 12 + 6 + 3


def test_missing_pandas(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    results = conduct(small(rules='["rflo"]'), tmp_path, Here())
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match=r'pip install "axonomy\[study\]"'):
        results.runs()


def test_measured_for_real(tmp_path: Path) -> None:
    """Rules ride along for real; what they are compared with is the exact gradient."""
    pytest.importorskip("axonomy.studies.metrics")
    names = ("cosine", "bias", "variance", "snr", "loss_decrease", "loss_decrease_2", "alignment")
    settings = {"learning_rates": "[0.1]", "windows": "[1, 10]", "metric_every": "20", "metric_seeds": "1"}
    study = small(**settings, rules='["rtrl", "uoro", "output_only"]', steps="400", metrics=str(list(names)))
    results = conduct(study, tmp_path, Here())
    table = results.metrics()
    assert set(table["metric"]) == set(names[:-1])
    assert set(table["trained_by"]) == {"RTRL", "UORO", "read-out only"}
    assert set(table["rule"]) == {"RTRL", "UORO"}
    mean = table.groupby(["rule", "metric", "window"])["value"].mean()
    assert mean["RTRL", "cosine", 1] == pytest.approx(1)
    assert mean["RTRL", "variance", 1] == pytest.approx(0, abs=1e-12)
    assert mean["UORO", "cosine", 1] < 0.9
    assert mean["UORO", "variance", 1] > 0.01
    alignment = results.alignment().set_index(["trained_by", "rule_a", "rule_b"])["cosine"]
    assert alignment["UORO", "RTRL", "UORO"] == pytest.approx(alignment["UORO", "UORO", "RTRL"])
    assert results.missing() == 0


def test_metrics(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the measuring is asked for, and where in the tables each of its numbers comes to stand."""
    asked: list[dict[str, Any]] = []

    def measure(trajectory: Any, stream: Any, passengers: Any, **options: Any) -> dict[str, Any]:
        asked.append({"trajectory": trajectory, "stream": stream, "passengers": passengers, **options})
        return {
            "step": np.array([30, 60]),
            "window": np.array([1, 10]),
            "cosine": np.arange(8.0).reshape(2, 2, 2),
            "snr": 100 + np.arange(4.0).reshape(2, 2),
            "alignment": np.array([[1.0, 0.5], [0.25, 1.0]]),
        }

    module = ModuleType("axonomy.studies.metrics")
    module.measure = measure  # type: ignore[attr-defined]
    module.Trajectory = lambda *a, **k: SimpleNamespace(a=a, **k)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "axonomy.studies.metrics", module)
    settings = {"metrics": '["cosine", "snr", "alignment"]', "windows": "[1, 10]", "learning_rates": "[0.1]"}
    results = conduct(small(**settings, metric_seeds="1"), tmp_path, Here())
    assert len(asked) == 3
    assert asked[1]["passengers"] == [ax.rules.rflo(), ax.rules.uoro()]
    assert asked[1]["trajectory"].a[1] == ax.rules.uoro()
    assert {k: asked[1][k] for k in ("replicates", "windows", "every", "seed", "horizon")} == {
        "replicates": 8, "windows": (1, 10), "every": 5, "seed": 0, "horizon": None,
    }  # fmt: skip
    assert len(asked[1]["stream"]) == 60
    table = results.metrics()
    assert tuple(table.columns) == MEASURED
    assert len(table) == 3 * (8 + 4)
    along = table[table["trained_by"] == "UORO"].set_index(["rule", "metric", "window", "step"])["value"]
    for b, step in enumerate((30, 60)):
        for p, rule in enumerate(("RFLO", "UORO")):
            assert along[rule, "snr", 1, step] == 100 + 2 * b + p
            for w, window in enumerate((1, 10)):
                assert along[rule, "cosine", window, step] == 4 * b + 2 * w + p
    alignment = results.alignment().set_index(["trained_by", "rule_a", "rule_b"])["cosine"]
    assert len(alignment) == 3 * 4
    assert alignment["RFLO", "RFLO", "UORO"] == 0.5
    assert alignment["RFLO", "UORO", "RFLO"] == 0.25
    assert len(results.runs()) == 6
    # Asked for later, nothing that was there is run again.
    engine = Here()
    plain = {"learning_rates": "[0.1]"}
    conduct(small(**plain), tmp_path, engine)
    assert engine.asked == []

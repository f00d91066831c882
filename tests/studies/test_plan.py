"""The runs of a study: what is in the key, and fairness."""

from __future__ import annotations

import dataclasses
import math
import re
from pathlib import Path

import numpy as np
import pytest

import axonomy as ax
from axonomy.studies import plan
from axonomy.studies.plan import best_rate
from small_study import small


def keys(**settings: str) -> set[str]:
    study = small(**settings)
    return {p.run.key for p in (*study.plan("tuning"), *study.plan("final", dict.fromkeys(study.cases, 0.1)))}


def test_key() -> None:
    run = small().cases[0].first
    assert re.fullmatch("[0-9a-f]{16}", run.key)
    assert run.key == dataclasses.replace(run).key


def test_everything_that_determines_a_result_is_in_its_key(monkeypatch: pytest.MonkeyPatch) -> None:
    run = small().cases[0].first
    others = {
        "task": ax.tasks.Add(lags=(1, 3)),
        "data": "x",
        "network": plan.Network.of("leaky_rnn", {"alpha": 0.5}),
        "n": 5,
        "rule": ax.rules.uoro(),
        "optimiser": "adam",
        "learning_rate": 0.5,
        "update_every": 2,
        "seed": 77,
        "steps": 61,
        "dtype": "float32",
        "metrics": plan.Measured(("cosine",), (), 8, (1,), 100),
    }
    assert set(others) == {field.name for field in dataclasses.fields(run)}
    found = {dataclasses.replace(run, **{name: value}).key for name, value in others.items()}
    assert len(found | {run.key}) == len(others) + 1
    monkeypatch.setattr(plan, "FORMAT", 0)
    assert dataclasses.replace(run).key not in found | {run.key}
    monkeypatch.undo()
    monkeypatch.setattr(ax, "__version__", "0")
    assert dataclasses.replace(run).key not in found | {run.key}
    monkeypatch.undo()
    monkeypatch.setattr("axonomy._build.build_info", lambda: {"sources": "0"})
    assert dataclasses.replace(run).key not in found | {run.key}


def test_what_does_not_determine_a_result_is_not() -> None:
    """The name, other seeds, rules and rates of the study, the order of any of them."""
    base = keys()
    assert base == keys(name='"other"')
    assert base < keys(
        seeds="3", rules='["rtrl", "output_only", "uoro", "rflo"]', learning_rates="[0.1, 0.01, 1]"
    )
    assert not base & keys(n="5")


def test_fair() -> None:
    """The same grid, tuning seeds, data and first weights for every rule; final seeds that no tuning saw."""
    study = small()
    tuning = study.plan("tuning")
    budgets = {}
    for planned in tuning:
        run = planned.run
        budgets.setdefault(planned.case, []).append(
            (run.learning_rate, run.seed, run.steps, run.update_every)
        )
    assert len(budgets) == 3
    assert len({tuple(sorted(budget)) for budget in budgets.values()}) == 1
    assert all(len(budget) == study.tuning_runs == 4 for budget in budgets.values())
    final = study.plan("final", {case: 0.01 * (i + 1) for i, case in enumerate(study.cases)})
    assert not {p.run.seed for p in tuning} & {p.run.seed for p in final}
    for seed in study.seeds:
        runs = [p.run for p in final if p.run.seed == seed]
        assert len(runs) == 3
        assert len({run.trainer().rnn.W.tobytes() for run in runs}) == 1
        assert len({run.stream().X.tobytes() for run in runs}) == 1
    assert {p.run.learning_rate for p in final} == {0.01, 0.02, 0.03}


def test_no_final_run_without_a_rate() -> None:
    study = small()
    assert study.plan("final") == []
    assert len(study.plan("final", {study.cases[1]: 0.1})) == 2
    single = small(learning_rates="[0.5]")
    assert single.plan("tuning") == []
    assert {p.run.learning_rate for p in single.plan("final")} == {0.5}


def test_seed_by_seed() -> None:
    """What is cut short has all rules alike."""
    study = small()
    seeds = [p.run.seed for p in study.plan("final", dict.fromkeys(study.cases, 0.1))]
    assert seeds == sorted(seeds)


def test_measuring_runs() -> None:
    study = small(metrics='["cosine"]', metric_seeds="1", learning_rates="[0.1]")
    measuring, final = study.plan("metrics"), study.plan("final")
    assert len(measuring) == 3
    assert len(final) == 6
    assert not {p.run.key for p in measuring} & {p.run.key for p in final}
    for planned in measuring:
        assert planned.run.metrics is not None
        assert planned.run.metrics.passengers == (ax.rules.rflo(), ax.rules.uoro())
        assert dataclasses.replace(planned.run, metrics=None) in [p.run for p in final]
    fewer = small(metrics='["cosine"]', metric_steps="7", learning_rates="[0.1]").plan("metrics")
    assert {p.run.steps for p in fewer} == {7}
    assert len(fewer) == 6
    assert small().plan("metrics", dict.fromkeys(small().cases, 0.1)) == []


def test_best_rate() -> None:
    inf, nan = math.inf, math.nan
    assert best_rate({0.1: [3.0, 1.0], 0.2: [1.0, 1.5]}) == 0.2
    assert best_rate({0.1: [0.0, inf], 0.2: [5.0, 5.0]}) == 0.2
    assert best_rate({0.1: [0.0, nan], 0.2: [5.0, 5.0]}) == 0.2
    assert best_rate({0.2: [1.0], 0.1: [1.0]}) == 0.1
    assert best_rate({0.1: [inf, inf], 0.2: [inf, 1.0]}) == 0.2
    assert best_rate({0.2: [inf], 0.1: [inf]}) == 0.1


def test_a_file_with_other_content_is_another_run(tmp_path: Path) -> None:
    path = tmp_path / "data.npz"
    task = f'[{{ task = "file", path = "{path}", inputs = ["x"], targets = ["y"] }}]'
    np.savez(path, x=np.zeros((90, 1)), y=np.zeros(90))
    before = keys(tasks=task)
    assert before == keys(tasks=task)
    np.savez(path, x=np.zeros((90, 1)), y=np.ones(90))
    assert not before & keys(tasks=task)

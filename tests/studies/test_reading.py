"""Reading a study: what it means, and what is said of one that means nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import axonomy as ax
from axonomy.studies import Study, StudyError
from axonomy.studies.study import shipped
from small_study import SETTINGS, small, text


def labels(study: Study) -> list[str]:
    return [case.label for case in study.cases]


def test_what_is_not_said() -> None:
    study = Study.parse('[study]\nsteps = 9\nlearning_rates = [1]\ntasks = ["add"]\nrules = ["rtrl"]')
    assert (study.seeds, study.n, study.optimiser, study.update_every) == ((0, 1, 2), 32, "sgd", 1)
    assert study.tuning_steps == 9
    assert study.learning_rates == (1.0,)
    assert not set(study.seeds) & set(study.tuning_seeds)
    assert study.cases[0].first.task == ax.tasks.Add()
    assert study.plan("tuning") == []
    assert study.tuning_runs == 0


def test_rules_by_name_by_axes_and_all() -> None:
    names = labels(small(rules='["uoro:rank=3", "ki|ij:deterministic:numerical"]'))
    assert names == ["UORO", "ki|ij TruncatedSVD"]
    unbiased = labels(small(rules='[{ bias = "none" }]'))
    expected = [c for c in ax.table() if c.bias == "none"]
    assert len(unbiased) == len(expected)
    everything = small(rules="[{ all = true }]")
    filled = [c for c in ax.table() if c.status != "impossible"]
    assert len(everything.cases) + len(everything.left_out) == len(filled)
    assert [left.label for left in everything.left_out] == ["SnAp-n"]
    assert "sparse recurrent weights" in everything.left_out[0].reason
    two = small(rules='[{ tensor = ["k|ij", "ki|j"], randomness = "stochastic", rank = 2 }]')
    assert [case.first.rule.tensor for case in two.cases] == ["k|ij"] * 2 + ["ki|j"] * 2
    assert all(case.first.rule.rank == 2 for case in two.cases)


def test_a_rule_that_is_selected_twice_counts_once() -> None:
    assert labels(small(rules='["rtrl", { tensor = "kij" }, "rtrl"]')).count("RTRL") == 1


def test_rules_of_one_name_are_told_apart() -> None:
    assert labels(small(rules='["uoro", "uoro:rank=3", "rflo"]')) == ["UORO, rank 1", "UORO, rank 3", "RFLO"]


def test_hybrids(tmp_path: Path) -> None:
    hybrid = ax.mix(["rflo", "dni"], [0.25, 0.75])
    (tmp_path / "rule.toml").write_text(hybrid.to_toml(), encoding="utf-8")
    (tmp_path / "study.toml").write_text(text(rules='["rule.toml"]'), encoding="utf-8")
    assert Study.load(tmp_path / "study.toml").rules == (hybrid,)
    written = (
        'rules = [{ by_block = { W_rec = { tensor = "k|ij", randomness = "stochastic", solution = "x" } } }]'
    )
    with pytest.raises(StudyError, match=r"line 2: rules\[0\]: solution: expected one of"):
        Study.parse(f"[study]\n{written}\nsteps = 1\nlearning_rates = [1]\ntasks = ['add']")


def test_rules_are_crossed_with_cells() -> None:
    study = small(
        rules='["rtrl", "kf_rtrl"]', cells='["gru", "ind_rnn", { cell = "leaky_rnn", alpha = 0.5 }]'
    )
    assert [(case.cell, case.label) for case in study.cases] == [
        ("gru", "RTRL"), ("gru", "KF-RTRL"), ("ind_rnn", "RTRL"),
        ("leaky_rnn:alpha=0.5", "RTRL"), ("leaky_rnn:alpha=0.5", "KF-RTRL"),
    ]  # fmt: skip
    assert [(left.cell, left.label) for left in study.left_out] == [("ind_rnn", "KF-RTRL")]


def test_a_task_has_cells_and_rules_of_its_own() -> None:
    study = small(
        rules='["dni:learning_rate=0.1", "rflo"]',
        tasks='["add", { task = "add", lags = [3, 5], cells = ["gru"], rules = ["dni:learning_rate=0.2"] }]',
    )
    found = [(case.task, case.cell, case.label) for case in study.cases]
    assert found == [
        ("add", "leaky_rnn", "DNI"), ("add", "leaky_rnn", "RFLO"),
        ("add:lags=[3, 5]", "gru", "DNI"), ("add:lags=[3, 5]", "gru", "RFLO"),
    ]  # fmt: skip
    rates = [case.first.rule.options["learning_rate"] for case in study.cases if case.label == "DNI"]
    assert rates == [0.1, 0.2]


def test_a_file_beside_the_study(tmp_path: Path) -> None:
    np.savez(tmp_path / "data.npz", x=np.zeros((90, 1)), y=np.zeros(90))
    task = '{ task = "file", path = "data.npz", inputs = ["x"], targets = ["y"] }'
    (tmp_path / "study.toml").write_text(text(tasks=f"[{task}]"), encoding="utf-8")
    study = Study.load(tmp_path / "study.toml")
    assert study.entries[0].task.path == str(tmp_path / "data.npz")
    assert Study.parse(study.to_toml()) == study
    assert study.cases[0].task.startswith("file:inputs=")
    assert str(tmp_path) not in study.cases[0].task


def test_quick() -> None:
    quick = text() + '[quick]\nsteps = 5\nrules = ["rtrl"]\n'
    assert Study.parse(quick).steps == 60
    study = Study.parse(quick, quick=True)
    assert (study.steps, study.tuning_steps, labels(study)) == (5, 40, ["RTRL"])
    with pytest.raises(StudyError, match=r"expected a table \[quick\]"):
        Study.parse(text(), quick=True)
    with pytest.raises(StudyError, match="line 11: steps: expected a whole number at least 1, got 0"):
        Study.parse(text() + "[quick]\nsteps = 0\n")


@pytest.mark.parametrize("quick", [False, True])
@pytest.mark.parametrize("name", ["axes", "paper", "table"])
def test_shipped(name: str, quick: bool) -> None:
    assert name in shipped()
    study = Study.load(name, quick=quick)
    assert study.name == name
    assert Study.parse(study.to_toml()) == study


def test_shipped_paper() -> None:
    """The ten rules of the paper's table and the baseline, on four tasks, at the paper's sizes."""
    study = Study.load("paper")
    assert (study.steps, len(study.seeds), study.n) == (1_000_000, 20, 32)
    assert 1e-4 in study.learning_rates
    assert [(case.task, case.cell) for case in study.cases[::11]] == [
        ("add", "leaky_rnn"), ("add:hold=2:lags=[3, 5]", "leaky_rnn:alpha=0.5"),
        ("mimic", "leaky_rnn"), ("mimic:alpha=0.5", "leaky_rnn:alpha=0.5"),
    ]  # fmt: skip
    assert len(set(labels(study))) == 11


def test_shipped_table_has_every_cell() -> None:
    filled = {(c.facing, c.tensor, c.randomness, c.solution, c.solver) for c in ax.table() if c.solver}
    for quick in (False, True):
        study = Study.load("table", quick=quick)
        assert {(*case.first.rule.axes, case.first.rule.solver) for case in study.cases} == filled


def test_round_trip() -> None:
    study = small(
        cells='["gru", { cell = "leaky_rnn", alpha = [0.1, 0.2, 0.3, 0.4] }]',
        optimiser='"adam:clip=1"',
        rules='["uoro:rank=2", { bias = "none" }, \'{"mix": [{"weight": 1, "rule": {"tensor": "k=i", '
        '"randomness": "deterministic", "solution": "closed-form"}}]}\']',
        seeds="[5, 7]",
        metrics='["cosine", "alignment"]',
    )
    again = Study.parse(study.to_toml())
    assert again == study
    assert [case.label for case in again.cases] == labels(study)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"steps": "0"}, "line 2: steps: expected a whole number at least 1, got 0"),
        ({"steps": '"x"'}, "line 2: steps: expected a whole number at least 1, got 'x'"),
        ({"sead": "1"}, "line 10: sead: expected one of name, steps, seeds, "),
        ({"seeds": "[1, 1]"}, "line 4: seeds: expected a number, or a list of different seeds, got [1, 1]"),
        ({"seeds": "[1]", "tuning_seeds": "[1]"}, "line 5: tuning_seeds: expected none of the seeds, got 1"),
        ({"learning_rates": "[]"}, "line 6: learning_rates: expected a list of at least one, got []"),
        ({"learning_rates": "[-1]"}, "line 6: learning_rates: expected a finite real number above 0, got -1"),
        ({"tasks": '["sum"]'}, "line 8: tasks[0]: task: expected one of add, mimic, "),
        ({"tasks": '["add:lag=2"]'}, "line 8: tasks[0]: task 'add' does not take 'lag'; it takes lags, hold"),
        ({"tasks": '[\n"add",\n{ task = "add",\n lags = [1, 1] }]'.replace(",\n lags", ", lags")},
         "line 10: tasks[1]: lags: expected two different ones, got (1, 1)"),
        ({"tasks": '["add", "add"]'}, "line 8: tasks[1]: expected to be given once, got 'add' again"),
        ({"rules": '[\n  "rflo",\n  "rlfo",\n]'}, "line 11: rules[1]: rule must be one of rtrl, "),
        ({"rules": '[{ bias = "small" }]'}, "line 9: rules[0]: bias: expected one of 'none', 'biased', got "),
        ({"rules": '[{ tensor = "k=i", bias = "none" }]'}, "line 9: rules[0]: expected choices that"),
        ({"rules": '[{ rank = 2 }]'}, "line 9: rules[0]: expected all = true, or one of the "),
        ({"rules": '[{ tensor = "k=i", rank = 2 }]'}, "line 9: rules[0]: rank: expected 1, as "),
        ({"rules": '["ki|ij:deterministic:closed-form"]'}, "line 9: rules[0]: no rule is past, ki|ij, "),
        ({"rules": '"rtrl"'}, "line 9: rules: expected a list of at least one, got 'rtrl'"),
        ({"rules": '["snap:n=2"]'}, "line 9: rules: expected one that can run, but SnAp-n needs sparse"),
        ({"cells": '["rnn"]'}, "line 10: cells[0]: cell: expected one of 'leaky_rnn', "),
        ({"cells": '["gru:alpha=1"]'}, "line 10: cells[0]: options of gru: expected one of "),
        ({"cells": '["leaky_rnn:alpha=3"]'}, "line 10: cells: alpha: expected "),
        ({"rules": '["uoro:rnk=3"]'}, "line 9: rules[0]: rnk: uoro takes rank, current"),
        ({"optimiser": '"lion"'}, "line 10: optimiser: expected one of 'sgd', "),
        ({"optimiser": '"sgd:lr=1"'}, "line 10: optimiser: expected no lr, which learning_rates has"),
        ({"metrics": '["cosin"]'}, "line 10: metrics[0]: metrics: expected one of 'cosine', 'bias', "),
        ({"dtype": '"float16"'}, "line 10: dtype: expected float32 or float64, got 'float16'"),
    ],
)  # fmt: skip
def test_errors(settings: dict[str, str], message: str) -> None:
    with pytest.raises(StudyError) as error:
        small(**settings)
    assert str(error.value).startswith(f"study.toml, {message}")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[study\n", "study.toml: no TOML: "),
        ("", "study.toml, line 1: study: expected a table [study], got none"),
        ("[study]\n[other]\n", "study.toml, line 2: expected a table [study] or [quick], got 'other'"),
        ("study = 3", "study.toml, line 1: expected a table, got 3"),
        ("\n[study]\nsteps = 3", "study.toml, line 2: learning_rates: expected to be given, got nothing"),
    ],
)
def test_files_that_are_no_study(content: str, message: str) -> None:
    with pytest.raises(StudyError) as error:
        Study.parse(content)
    assert str(error.value).startswith(message)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(
        StudyError, match=r"expected a \.toml file or one of axes, paper, table, got 'nothing'"
    ):
        Study.load("nothing")
    with pytest.raises(StudyError, match=r"x\.toml: cannot be read: No such file"):
        Study.load(tmp_path / "x.toml")
    (tmp_path / "b.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(StudyError, match="expected text"):
        Study.load(tmp_path / "b.toml")


def test_settings_are_those_of_the_tests() -> None:
    """Line numbers above count on it."""
    assert list(SETTINGS) == [
        "steps",
        "tuning_steps",
        "seeds",
        "tuning_seeds",
        "learning_rates",
        "n",
        "tasks",
        "rules",
    ]

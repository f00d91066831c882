"""One axis at a time: planted effects are found, with the right size; where there are none, none are."""

from __future__ import annotations

import gc
import importlib
from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import synthetic
from axonomy.studies.statistics import AXES, contrasts, differences, pairs, scores
from axonomy.studies.statistics.pairs import differing_axis, holm

CELLS = synthetic.cells()


@pytest.fixture
def no_intervals(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """They take nearly all of the time, and the tests look at p alone."""
    module = importlib.import_module("axonomy.studies.statistics.pairs")
    monkeypatch.setattr(module, "interval", lambda *arrays, **options: (np.nan, np.nan))
    # statsmodels collects garbage at each correction: what is there by now it need not go through.
    gc.freeze()
    yield
    gc.unfreeze()


SIGNS = CELLS[CELLS["solver"].isin(["signs", "optimal", "none"])]  # and the baseline, for the scale


def by_axis(planted: str, size: float = 0.1) -> synthetic.Effect:
    return lambda rule, task: size * (planted in (rule["randomness"], rule["tensor"]))


def test_pairs_are_all_that_differ_on_one_axis() -> None:
    """Against a search that knows only the table."""
    table = scores(synthetic.runs())
    found = {(row["rule_a"], row["rule_b"]): row["axis"] for _, row in differences(table).iterrows()}
    cells = CELLS[(CELLS["status"] != "baseline") & (CELLS["rule"] != "lazy RTRL")].set_index("rule")
    expected = {}
    for i, a in enumerate(cells.index):
        for b in cells.index[i + 1 :]:
            apart = {axis for axis in AXES if cells.loc[a, axis] != cells.loc[b, axis]}
            if len(apart) == 1 or apart == {"facing", "tensor"}:
                expected[frozenset((a, b))] = "facing" if "facing" in apart else apart.pop()
    assert {frozenset(pair): axis for pair, axis in found.items()} == expected
    assert set(expected.values()) == set(AXES)


def test_neither_baseline_nor_hybrids_make_pairs() -> None:
    hybrid = CELLS.iloc[:1].assign(
        rule="mix", status="hybrid", facing="-", tensor="-", randomness="-", solution="-"
    )
    table = scores(synthetic.runs(rules=pd.concat([CELLS, hybrid])))
    rules = {*differences(table)["rule_a"], *differences(table)["rule_b"]}
    assert rules == set(CELLS["rule"]) - {"read-out only", "lazy RTRL"}


def test_rules_of_other_ranks_make_no_pair() -> None:
    other = SIGNS[SIGNS["solver"] != "none"].assign(rule=SIGNS["rule"] + ", rank 4", settings="rank 4")
    ranked = pd.concat([SIGNS, other])
    table = differences(scores(synthetic.runs(rules=ranked, tasks=("add",), seeds=2)))
    for a, b in zip(table["rule_a"], table["rule_b"], strict=True):
        assert a.endswith(", rank 4") == b.endswith(", rank 4")


def test_axis_of_a_pair() -> None:
    cell = dict(zip(AXES, ("past", "k|ij", "stochastic", "numerical"), strict=True))
    assert differing_axis(cell, cell) is None
    assert differing_axis(cell, cell | {"tensor": "ki|j"}) == "tensor"
    assert differing_axis(cell, cell | {"tensor": "c_i", "facing": "future"}) == "facing"
    assert differing_axis(cell, cell | {"tensor": "ki|j", "solution": "closed-form"}) is None


def test_a_planted_effect_is_found_on_its_axis_alone() -> None:
    table = synthetic.runs(by_axis("stochastic"), tasks=("mimic", "digits"), seeds=8, noise=0.02)
    found = contrasts(scores(table)).set_index("axis")
    row = found.loc["randomness"]
    assert (row["level_a"], row["level_b"]) == ("deterministic", "stochastic")
    # 0.1 of a loss that the baseline has 0.3 more of than the best.
    assert row["low"] < 1 / 3 < row["high"] + 0.05
    assert row["effect"] == pytest.approx(1 / 3, rel=0.2)
    assert row["d"] > 2
    assert row["d_low"] < row["d"] < row["d_high"]
    assert row["holm"] < 0.01
    assert row["holm_t"] < 0.01
    assert (row["n"], row["tasks"], row["tasks_agreeing"]) == (16, 2, 2)
    others = found.drop(index="randomness")
    assert (others["effect"].abs() < 0.1).all()


def test_effects_agree_with_scipy() -> None:
    table = scores(synthetic.runs(by_axis("k|ij"), rules=SIGNS))
    wide = table.pivot(index=["setting", "seed"], columns="rule", values="score")
    for _, row in pairs(table).iterrows():
        a, b = wide[row["rule_a"]], wide[row["rule_b"]]
        assert row["effect"] == pytest.approx((b - a).mean())
        assert row["p"] == pytest.approx(stats.wilcoxon(b, a).pvalue)
        assert row["p_t"] == pytest.approx(stats.ttest_rel(b, a).pvalue)
        assert row["low"] < row["effect"] < row["high"]
        assert row["holm"] >= row["p"]


def test_holm() -> None:
    """Holm 1979: the smallest of four times 4, the next times 3, never falling; no test stays out."""
    p = np.array([0.01, np.nan, 0.04, 0.03, 0.005])
    np.testing.assert_allclose(holm(p), [0.03, np.nan, 0.06, 0.06, 0.02])
    assert np.isnan(holm(np.full(2, np.nan))).all()


@pytest.mark.usefixtures("no_intervals")
def test_nothing_is_found_where_nothing_is() -> None:
    """Any rejection among the pairs of a null table, after Holm's correction: in at most 5 % of tables.

    In 60 tables 8 or more would come by chance in one of a hundred, were the rate 5 %.
    """
    rules = SIGNS[SIGNS["tensor"].isin(["k|ij", "ki|j", "ki|ij", "-"])]
    wrong = wrong_t = 0
    for i in range(60):
        found = pairs(scores(synthetic.runs(rules=rules, tasks=("mimic",), seeds=9, rng=i)))
        assert len(found) == 9
        wrong += bool((found["holm"] < 0.05).any())
        wrong_t += bool((found["holm_t"] < 0.05).any())
    assert wrong <= 7
    assert wrong_t <= 7
    assert wrong_t > 0  # a test that never rejects would pass too


@pytest.mark.usefixtures("no_intervals")
def test_single_tests_reject_at_their_rate() -> None:
    """Without correction, a fifth of the tests of a true null, at p < 0.2: of 50 tables, one pair each."""
    rules = CELLS[CELLS["rule"].isin(["UORO", "KF-RTRL", "read-out only"])]
    found = [pairs(scores(synthetic.runs(rules=rules, tasks=("mimic",), seeds=12, rng=i))) for i in range(50)]
    rate = np.mean([table["p"].item() < 0.2 for table in found])
    assert 0.03 < rate < 0.37  # 0.2, and three standard deviations of 50 draws


def test_equal_runs_differ_by_nothing() -> None:
    rules = CELLS[CELLS["rule"].isin(["UORO", "KF-RTRL", "read-out only"])]
    (row,) = pairs(scores(synthetic.runs(rules=rules, noise=0.0))).to_dict("records")
    assert (row["effect"], row["low"], row["high"], row["p"]) == (0.0, 0.0, 0.0, 1.0)
    assert np.isnan(row["d"])


def test_one_seed_of_one_task_is_no_test() -> None:
    table = scores(synthetic.runs(rules=SIGNS, tasks=("add",), seeds=1))
    found = pairs(table)
    assert len(found)
    assert found[["p", "holm", "d", "low", "high"]].isna().all(axis=None)


def test_no_pairs() -> None:
    table = scores(synthetic.runs(rules=CELLS[CELLS["rule"].isin(["UORO", "DNI"])]))
    assert len(pairs(table)) == 0
    assert len(contrasts(table)) == 0

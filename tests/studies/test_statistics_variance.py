"""Shares of the variance: beside statsmodels' own where that can do it, and planted ones."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from statsmodels.formula.api import ols

import synthetic
from axonomy.studies.statistics import decompose, mixed_model, scores

CELLS = synthetic.cells()


def crossed(seeds: int = 4, rng: int = 0, missing: int = 0) -> pd.DataFrame:
    """Scores of a full product of two axes and two tasks; nothing is nested but the rule."""
    draw = np.random.default_rng(rng)
    rows = []
    for randomness, solution, task, seed in itertools.product("ab", "cd", "xyz", range(seeds)):
        rows.append(
            {
                "setting": task, "rule": randomness + solution, "seed": seed, "facing": "past", "tensor": "t",
                "randomness": randomness, "solution": solution, "status": "known", "bias": "biased",
                "score": (randomness == "b") * 0.5 + (task == "y") * 0.3 + draw.normal(0, 0.2),
            }
        )  # fmt: skip
    table = pd.DataFrame(rows)
    return table.drop(index=draw.choice(len(table), missing, replace=False))


@pytest.mark.parametrize("missing", [0, 7])
def test_type_two_sums_are_those_of_statsmodels(missing: int) -> None:
    """Balanced or not: the main effects and pairs of a model without the terms that are nested in others."""
    table = crossed(missing=missing)
    found = decompose(table).table.set_index("term")
    # Up to three axes the highest interaction is the rule's; the seeds are blocks within the tasks.
    formula = "score ~ randomness * solution * setting + C(seed):setting"
    expected = sm.stats.anova_lm(ols(formula, table).fit(), typ=2)
    for ours, theirs in {
        "randomness": "randomness",
        "solution": "solution",
        "randomness:solution": "randomness:solution",
        "randomness:task": "randomness:setting",
        "solution:task": "solution:setting",
    }.items():
        assert found.loc[ours, "sum_sq"] == pytest.approx(expected.loc[theirs, "sum_sq"]), ours
        assert found.loc[ours, "df"] == expected.loc[theirs, "df"]
        assert found.loc[ours, "F"] == pytest.approx(expected.loc[theirs, "F"])
        assert found.loc[ours, "p"] == pytest.approx(expected.loc[theirs, "PR(>F)"])
    assert found.loc["residual", "sum_sq"] == pytest.approx(expected.loc["Residual", "sum_sq"])


def test_sums_of_a_balanced_table_add_up() -> None:
    table = crossed()
    found = decompose(table).table
    total = ((table["score"] - table["score"].mean()) ** 2).sum()
    assert found["sum_sq"].sum() == pytest.approx(total)
    assert found["df"].sum() == len(table) - 1


def test_omega_squared() -> None:
    """Of a textbook's formula (Hays 1963), and inside its interval."""
    table = crossed()
    found = decompose(table).table.set_index("term")
    error = found.loc["residual", "sum_sq"] / found.loc["residual", "df"]
    row = found.loc["randomness"]  # a rule a cell: nothing differs beside the axes
    expected = (row["sum_sq"] - row["df"] * error) / (found["sum_sq"].sum() + error)
    assert row["omega_sq"] == pytest.approx(expected)
    assert row["low"] < row["omega_sq"] < row["high"]
    task, seed = found.loc["task"], found.loc["seed"]
    chance = task["df"] * seed["sum_sq"] / seed["df"]
    assert task["omega_sq"] == pytest.approx((task["sum_sq"] - chance) / (found["sum_sq"].sum() + error))
    assert task["F_rules"] == pytest.approx(task["sum_sq"] / task["df"] / (seed["sum_sq"] / seed["df"]))


def test_axes_that_say_nothing_have_no_share() -> None:
    """Rules differ much, but not by their axes: shares are about nothing on average, and so are intervals."""
    shares = []
    for i in range(12):
        table = scores(synthetic.runs(seeds=6, rng=i, between=0.1, noise=0.03))
        found = (
            decompose(table).table.set_index("term").loc[["tensor", "randomness", "solution", "tensor:task"]]
        )
        shares.append(found["omega_sq"])
    assert np.abs(np.mean(shares, axis=0)).max() < 0.08
    assert np.mean(shares) < 0.03


def test_the_interval_of_a_share_holds_it_as_often_as_it_says() -> None:
    """Over seeds, for given rules; what is to be held is the mean over many."""
    many = scores(synthetic.runs(planted, seeds=280, noise=0.1, between=0.03, tasks=("mimic", "digits")))
    rows = []
    for i in range(40):
        some = many[many["seed"].isin(range(7 * i, 7 * i + 7))]
        rows.append(decompose(some).table.set_index("term").loc["randomness", ["low", "omega_sq", "high"]])
    low, share, high = np.array(rows, dtype=float).T
    inside = (low < share.mean()) & (share.mean() < high)
    assert inside.mean() > 0.95 - 3 * np.sqrt(0.95 * 0.05 / 40)


def planted(rule: pd.Series, task: str) -> float:
    return 0.15 * (rule["randomness"] == "stochastic")


def test_the_planted_axis_explains_most() -> None:
    found = decompose(scores(synthetic.runs(planted, noise=0.02, between=0.01))).table.set_index("term")
    axes = found.loc[["facing", "tensor", "solution"]]
    assert found.loc["randomness", "omega_sq"] > 5 * axes["omega_sq"].max()
    assert found.loc["randomness", ["p", "p_rules"]].max() < 1e-3
    assert axes["p_rules"].min() > 0.01
    low, high = found.loc["randomness", ["low", "high"]]
    assert 0 < low < high < 1
    ranked = decompose(scores(synthetic.runs(planted, noise=0.02, between=0.01)), ranked=True)
    assert ranked.ranked
    assert ranked.table.set_index("term").loc["randomness", "p_rules"] < 1e-3


def test_an_interaction_with_the_task_is_told_from_the_axis() -> None:
    """Stochastic rules are worse in one task, better in another: no effect of the axis, one of the pair."""

    def effect(rule: pd.Series, task: str) -> float:
        return {"mimic": 0.1, "digits": -0.1}[task] * (rule["randomness"] == "stochastic")

    table = scores(synthetic.runs(effect, tasks=("mimic", "digits"), noise=0.02, seeds=6))
    found = decompose(table).table.set_index("term")
    assert found.loc["randomness:task", "omega_sq"] > 0.1
    assert found.loc["randomness:task", "p"] < 1e-6
    assert found.loc["randomness:task", "omega_sq"] > 5 * abs(found.loc["solution:task", "omega_sq"])


def test_what_the_cells_cannot_tell_apart_has_no_freedom() -> None:
    """No future-facing tensor has both a stochastic and a numerical cell: no share is made up for it."""
    table = decompose(scores(synthetic.runs())).table
    without = table[table["df"] == 0]
    assert len(without)
    assert without[["omega_sq", "F", "p", "low", "high"]].isna().all(axis=None)


def test_axes_of_a_null_table_are_found_at_the_stated_rate() -> None:
    """Rules differ, but not by their axes: F over rules keeps its rate; F over runs does not claim to."""
    rejected = runs = 0
    tests = 0
    for i in range(40):
        found = decompose(scores(synthetic.runs(tasks=("mimic",), seeds=3, rng=i, between=0.1))).table
        axes = found[found["term"].isin(["tensor", "randomness", "solution", "facing"]) & (found["df"] > 0)]
        rejected += int((axes["p_rules"] < 0.1).sum())
        runs += int((axes["p"] < 0.1).sum())
        tests += len(axes)
    assert tests == 160
    assert (
        rejected / tests < 0.1 + 3 * np.sqrt(0.1 * 0.9 / tests) + 0.03
    )  # some of the tests are of one table
    assert rejected > 0
    assert runs > 2 * rejected


def test_assumptions_are_checked() -> None:
    table = crossed(seeds=12)
    good = decompose(table).assumptions
    assert len(good) == 2
    assert good["holds"].all()
    draw = np.random.default_rng(0)
    spoilt = table.assign(score=table["score"] + (table["rule"] == "ac") * draw.standard_cauchy(len(table)))
    bad = decompose(spoilt).assumptions
    assert not bad["holds"].any()
    assert all("read F and p with care" in reading for reading in bad["reading"])


def test_one_seed() -> None:
    """Nothing is left to test against but the rules."""
    found = decompose(scores(synthetic.runs(planted, seeds=1, tasks=("mimic",)))).table.set_index("term")
    assert np.isnan(found.loc["randomness", "p"])
    assert found.loc["residual", "df"] == 0
    assert found.loc["randomness", "p_rules"] < 0.05
    assert found[["low", "high"]].isna().all(axis=None)


def test_one_rule_is_refused() -> None:
    for function in (decompose, mixed_model):
        with pytest.raises(ValueError, match="two rules or more"):
            function(scores(synthetic.runs(rules=CELLS.iloc[:1])))


# ----------------------------------------------------------------------------------- the mixed model


def test_mixed_model_finds_what_was_planted() -> None:
    table = synthetic.runs(planted, tasks=("a", "b", "c", "d"), seeds=4, noise=0.03, between=0.03)
    found = mixed_model(scores(table))
    assert found.converged
    effects = found.effects.set_index("effect")
    row = effects.loc["deterministic → stochastic"]
    assert row["low"] < 0.15 / 0.35 < row["high"]
    assert row["p"] < 1e-4
    assert found.axes.set_index("axis").loc["randomness", "p"] < 1e-4
    assert found.axes.set_index("axis").loc["solution", "p"] > 0.01
    shares = found.components.set_index("component")["share"]
    assert set(shares.index) == {"task", "seed", "seed:task", "rule", "rule:task", "residual"}
    assert shares.sum() == pytest.approx(1.0)


def test_mixed_model_gives_the_variance_to_whom_it_belongs() -> None:
    """Rules differ beside their axes, far more than runs: that is the rules' variance."""
    table = scores(synthetic.runs(tasks=("mimic",), seeds=6, noise=0.02, between=0.1))
    shares = mixed_model(table).components.set_index("component")["share"]
    assert shares["rule"] > 0.7
    assert "task" not in shares.index
    assert "rule:task" not in shares.index


def test_mixed_model_does_not_take_runs_for_rules() -> None:
    """Rules differ, but not by their axes: Wald tests are a little liberal, no more."""
    wrong = [
        (mixed_model(scores(synthetic.runs(tasks=("mimic",), seeds=3, rng=i, between=0.1))).axes["p"] < 0.05)
        for i in range(20)
    ]
    assert np.mean(wrong) < 0.2

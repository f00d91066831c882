"""docs/results: the page's numbers are those of its tables, and these follow from the runs beside them."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from axonomy.studies import Study, statistics
from axonomy.studies.report import text
from programs import assert_named_files_exist

FOLDER = Path(__file__).parents[2] / "docs" / "results"
PAGE = FOLDER / "README.md"
WORDS = PAGE.read_text(encoding="utf-8")
NUMBER = r"−?[0-9.]+"
INTERVALS = (("low", "high"), ("r_low", "r_high"), ("d_low", "d_high"))


@pytest.fixture(scope="module")
def runs() -> pd.DataFrame:
    return pd.read_csv(FOLDER / "runs.csv.gz")


def tables() -> dict[str, pd.DataFrame]:
    return {path.stem: pd.read_csv(path) for path in (FOLDER / "statistics").glob("*.csv")}


def test_every_interval_is_one_of_the_tables() -> None:
    """A number and the interval behind it stand like this in a row of some table, to the digits given."""
    known = set()
    for table in tables().values():
        for low, high in INTERVALS:
            if low in table:
                columns = [c for c in table.columns if pd.api.types.is_float_dtype(table[c])]
                for _, row in table.dropna(subset=[low, high]).iterrows():
                    for sign in (1, -1):  # of a difference either side may be named first
                        ends = sorted((sign * row[low], sign * row[high]))
                        known |= {
                            said for c in columns if np.isfinite(row[c])
                            for said in (
                                f"{text.value(sign * row[c])} {text.interval(*ends)}",
                                text.short(sign * row[c], *ends),
                            )
                        }  # fmt: skip
    quoted = re.findall(rf"{NUMBER} \[{NUMBER}, {NUMBER}\]", WORDS)
    assert len(quoted) > 20
    assert [said for said in quoted if said not in known] == []


def test_the_tables_follow_from_the_runs(runs: pd.DataFrame) -> None:
    found = statistics.means(runs)
    there = tables()["means"]
    pd.testing.assert_frame_equal(found, there, check_dtype=False, rtol=1e-9)
    scores = statistics.scores(runs)
    pd.testing.assert_frame_equal(scores, tables()["scores"], check_dtype=False, rtol=1e-9)


def test_they_are_runs_of_the_shipped_study(runs: pd.DataFrame) -> None:
    """All of them, and no others."""
    study = Study.load("table")
    final = runs[runs["phase"] == "final"]
    expected = {(case.task, case.cell, case.label, seed) for case in study.cases for seed in study.seeds}
    assert set(final[["task", "cell", "rule", "seed"]].itertuples(index=False, name=None)) == expected
    assert len(final) == len(expected)
    assert set(final["steps"]) == {study.steps}
    tuning = runs[runs["phase"] == "tuning"]
    assert len(tuning) == len(study.cases) * study.tuning_runs
    assert set(tuning["learning_rate"]) == set(study.learning_rates)


def test_files_that_are_named_exist() -> None:
    assert_named_files_exist(PAGE)
    assert (FOLDER / "findings.txt").read_text(encoding="utf-8").strip()

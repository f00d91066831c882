"""axonomy report: where it writes, what it is called, and what it refuses."""

from __future__ import annotations

import sys
import types
from pathlib import Path

import pytest

import synthetic
from axonomy.studies.statistics import clusters
from command_line import axonomy, refused

RULES = synthetic.cells()[synthetic.cells()["rule"].isin(["RTRL", "UORO", "KF-RTRL", "read-out only"])]


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that says what it is, whose results are tables that never ran."""
    opened = synthetic.Study(synthetic.runs(rules=RULES, tasks=("mimic",), seeds=3))
    fake = types.ModuleType("axonomy.studies.results")
    fake.Results = types.SimpleNamespace(open=lambda folder: opened)
    monkeypatch.setitem(sys.modules, "axonomy.studies.results", fake)
    monkeypatch.setattr(clusters, "PERMUTATIONS", 99)
    (tmp_path / "study.toml").write_text('[study]\nname = "a study"\n', encoding="utf-8")
    return tmp_path


def test_report(study: Path) -> None:
    result = axonomy("report", study)
    page = study / "report" / "index.html"
    assert result.stdout.strip() == str(page)
    html = page.read_text(encoding="utf-8")
    assert "<title>a study</title>" in html
    assert "name = &quot;a study&quot;" in html
    assert "Learning curves: mimic ..." in result.stderr


def test_elsewhere_and_by_the_name_of_the_folder(study: Path, tmp_path: Path) -> None:
    (study / "study.toml").write_text("[study]\nsteps = 3\n", encoding="utf-8")
    axonomy("report", study, "--out", tmp_path / "there", "--seed", 3)
    assert f"<title>{study.name}</title>" in (tmp_path / "there" / "index.html").read_text(encoding="utf-8")
    assert not (study / "report").exists()


def test_refused(tmp_path: Path) -> None:
    assert (
        refused("report", tmp_path / "none")
        == f"DIR: expected the folder of a study, got {tmp_path / 'none'}"
    )
    assert refused("report", tmp_path) == f"DIR: {tmp_path} holds no results of axonomy study (no study.toml)"


def test_a_study_file_that_is_none(study: Path) -> None:
    (study / "study.toml").write_text("[study", encoding="utf-8")
    assert refused("report", study).startswith(f"DIR: {study / 'study.toml'} cannot be read: ")
    assert not (study / "report").exists()

"""axonomy report, on the results of a real study: where it writes, what is in it, and what it refuses."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest

import axonomy as ax
from axonomy.studies import conduct
from axonomy.studies.statistics import clusters, prediction
from command_line import axonomy, refused
from small_study import Here, small

SETTINGS = {
    "name": '"a study"',
    "steps": "300",
    "seeds": "3",
    "rules": '["rtrl", "rflo", "uoro", "kf_rtrl", "dni", "e_bptt", "output_only", '
    '"ki|j:deterministic:numerical"]',
    "tasks": '[{ task = "add", lags = [1, 2] }, { task = "mimic", n_in = 2, n_hidden = 3, n_out = 2 }]',
    "metrics": '["cosine", "bias", "variance", "snr", "loss_decrease", "alignment"]',
    "windows": "[1, 20]",
    "metric_every": "20",
    "metric_seeds": "1",
    "replicates": "2",
}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("study")
    conduct(small(**SETTINGS), folder, Here())
    return folder


@pytest.fixture
def study(finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(clusters, "PERMUTATIONS", 99)
    monkeypatch.setattr(prediction, "_PERMUTATIONS", 49)
    monkeypatch.setattr(prediction, "_RESAMPLES", 49)
    return Path(shutil.copytree(finished, tmp_path / "study"))


def test_results_of_another_core(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("axonomy._build.build_info", lambda: {"sources": "0"})
    said = refused("report", study)
    assert said.startswith("DIR: the 128 results in ")
    assert f"than this one, {ax.__version__} 0, or of an earlier form" in said


def test_report(study: Path) -> None:
    result = axonomy("report", study)
    page = study / "report" / "index.html"
    assert result.stdout.strip() == str(page)
    assert "Learning curves: add, lags=[1, 2] ..." in result.stderr
    html = page.read_text(encoding="utf-8")
    assert "<title>a study</title>" in html
    assert "lags = [1, 2]" in html  # the study's file
    assert "not finished" not in html
    assert {path.stem for path in (study / "report" / "figures").iterdir()} == {
        "ranking", "periodic_table", "cost", "curves1", "curves2", "axis_effects", "variance", "alignment",
        "metrics",
    }  # fmt: skip
    means = pd.read_csv(study / "report" / "statistics" / "means.csv")
    assert len(means) == 2 * 8
    assert set(means.loc[means["setting"].str.startswith("mimic"), "floor"]) == {0.0}
    # Of two rates both are edges.
    assert means["edge"].all()
    assert "16 of 16 tuned rates are at an edge of the grid" in html
    metrics = pd.read_csv(study / "report" / "statistics" / "metrics.csv")
    assert set(metrics["metric"]) == {
        "cosine over 1 step", "cosine over 20 steps", "bias", "variance", "snr", "loss_decrease",
    }  # fmt: skip


def test_elsewhere_and_unfinished(study: Path, tmp_path: Path) -> None:
    for path in list((study / "runs").glob("*.json"))[:3]:
        path.unlink()
    axonomy("report", study, "--out", tmp_path / "there", "--seed", 3)
    html = (tmp_path / "there" / "index.html").read_text(encoding="utf-8")
    assert "The study is not finished: " in html
    assert not (study / "report").exists()


def test_a_corrupt_result_is_named_and_nothing_written(study: Path) -> None:
    path = min((study / "runs").glob("*.json"))
    path.write_text(path.read_text(encoding="utf-8").replace(":", ";", 1), encoding="utf-8")
    assert f"error: {path} is corrupt" in axonomy("report", study, code=2).stderr
    assert not (study / "report").exists()


def test_refused(tmp_path: Path) -> None:
    assert (
        refused("report", tmp_path / "none")
        == f"DIR: expected the folder of a study, got {tmp_path / 'none'}"
    )
    assert refused("report", tmp_path) == f"{tmp_path} holds no study (no study.toml)"


def test_a_study_file_that_is_none(study: Path) -> None:
    (study / "study.toml").write_text("[study", encoding="utf-8")
    assert refused("report", study).startswith(f"{study / 'study.toml'}: no TOML: ")
    assert not (study / "report").exists()

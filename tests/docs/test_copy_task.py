"""docs/copy_task: the script runs, resumes and draws, and the page has the numbers of its results."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "docs" / "copy_task"
NAMES = {"exact gradient, lazy RTRL": "exact (lazy RTRL)"}


@pytest.fixture(scope="module")
def script() -> object:
    spec = importlib.util.spec_from_file_location("copy_task", FOLDER / "run.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_runs_resumes_and_draws(script: object, tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    runs = script.measure(path, steps=2000, hidden=4)
    assert len(runs) == len(script.CELLS) * len(script.RULES) * len(script.SEEDS)
    written = path.read_text()
    again = script.measure(path, steps=2000, hidden=4)
    assert again == runs
    assert path.read_text() == written
    script.draw(runs, tmp_path / "figure.png")
    assert (tmp_path / "figure.png").stat().st_size > 10_000


def test_the_page_has_the_results(script: object, monkeypatch: pytest.MonkeyPatch) -> None:
    def not_there(*key: object) -> None:
        raise AssertionError(f"results.jsonl lacks {key}")

    monkeypatch.setattr(script, "climb", not_there)
    runs = script.measure(FOLDER / "results.jsonl", steps=1_000_000, hidden=32)
    page = (FOLDER / "README.md").read_text(encoding="utf-8")
    found = {}
    for line in re.findall(r"^\| (.*) \|$", page, re.MULTILINE)[1:]:
        name, *cells = (cell.strip() for cell in line.replace("ki\\|ij", "ki/ij").split("|"))
        name = name.replace("`", "").replace("ki/ij", "ki|ij")
        found[NAMES.get(name, name)] = cells
    assert set(found) == set(script.RULES)
    for rule, cells in found.items():
        for cell, (lengths, rate) in zip(script.CELLS, (cells[:2], cells[2:]), strict=True):
            mine = [run for run in runs if run["cell"] == cell and run["rule"] == rule]
            assert [run["reached"] for run in mine] == [int(n) for n in lengths.split(",")]
            assert {run["rate"] for run in mine} == {float(rate)}
            assert not any(run["diverged"] for run in mine)

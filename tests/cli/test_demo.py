"""axonomy demo, with fewer steps than it has."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

import axonomy as ax
from axonomy.cli import _comparison
from command_line import axonomy, config_of, is_png, names_in, refused

# `axonomy.cli.demo` is the module and `from axonomy.cli.app import demo` the function.
DEMO = "axonomy.cli.demo"


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{DEMO}.STEPS", 100)
    monkeypatch.setattr(f"{DEMO}.SEEDS", 2)


@pytest.mark.usefixtures("short")
def test_demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    text = axonomy("demo").stdout
    folder = tmp_path / "demo"
    assert names_in(folder) == {"config.toml", "compare.csv", "learning_curves.png"}
    assert is_png(folder / "learning_curves.png")
    with (folder / "compare.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    from axonomy.cli.demo import RULES

    labels = set(_comparison.named_rules(RULES))
    assert {row["rule"] for row in rows} == labels
    assert len(rows) == len(RULES) == 7
    assert {row["seeds"] for row in rows} == {"2"}
    config = config_of(folder)
    assert (config["steps"], config["seeds"]) == (100, 2)
    assert ax.tasks.from_dict(config["task"]) == ax.tasks.Add(lags=(6, 10))
    for floor in ax.tasks.Add(lags=(6, 10)).floors:
        assert floor in text


@pytest.mark.usefixtures("short")
def test_folder(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    assert "is not empty" in refused("demo", "--out", tmp_path)
    axonomy("demo", "--out", tmp_path, "--force")
    assert "notes.txt" in names_in(tmp_path)


def test_it_compares_new_rules_with_known_ones() -> None:
    from axonomy.cli.demo import RULES

    status = {cell.rule(): cell.status for cell in ax.table() if cell.solver}
    rules = _comparison.named_rules(RULES).values()
    assert [status.get(rule) for rule in rules].count("new") == 2

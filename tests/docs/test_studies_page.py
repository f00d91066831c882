"""What docs/studies.md shows is what happens: its file, its program, its keys."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from axonomy.studies import Study
from axonomy.studies.study import _KEYS, MEASURES, shipped
from command_line import axonomy
from programs import assert_named_files_exist, run_in_order

PAGE = Path(__file__).parents[2] / "docs" / "studies.md"
TEXT = PAGE.read_text(encoding="utf-8")


def test_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (file,) = re.findall(r"```toml\n(.*?)```", TEXT, flags=re.DOTALL)
    (tmp_path / "example.toml").write_text(file, encoding="utf-8")
    assert Study.load("example.toml").name == "example"
    run_in_order(re.findall(r"```python\n(.*?)```\n\n```text\n(.*?)```", TEXT, flags=re.DOTALL), PAGE)


def test_command() -> None:
    (command,) = re.findall(r"^axonomy (study .*)$", TEXT, flags=re.MULTILINE)
    _, name, *options = shlex.split(command)
    assert name in shipped()
    helped = axonomy("study", "--help").stdout
    assert all(option in helped for option in options if option.startswith("--"))


def test_keys() -> None:
    """Every key is explained, and every name of a table's first column is a key."""
    table = TEXT.split("| key | meaning")[1].split("\n\n")[0]
    explained = re.findall(r"`(\w+)`", "".join(line.split("|")[1] for line in table.splitlines()[2:]))
    assert set(explained) == set(_KEYS) - {"name"}
    assert set(re.findall(r"`(\w+)`", next(x for x in table.splitlines() if "`metrics`" in x))) == {
        "metrics",
        *MEASURES,
    }
    assert all(f"| `{name}` |" in TEXT for name in shipped())


def test_files_that_are_named_exist() -> None:
    assert_named_files_exist(PAGE)

"""What README.md shows is what happens: its table, its programs and its commands."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

import axonomy as ax
from programs import assert_named_files_exist, run_in_order

README = Path(__file__).parents[2] / "README.md"
TEXT = README.read_text(encoding="utf-8")
# (language, code, the expected output that follows, if any)
BLOCKS = re.findall(r"```(python|sh)\n(.*?)```(?:\n\n```text\n(.*?)```)?", TEXT, flags=re.DOTALL)
PYTHON = [(code, output) for language, code, output in BLOCKS if language == "python"]
COMMANDS = [
    line
    for language, code, _ in BLOCKS
    if language == "sh"
    for line in code.splitlines()
    if line.startswith("axonomy ")
]


def test_table() -> None:
    found = re.search(r"<!-- table -->\n(.*?)<!-- /table -->", TEXT, flags=re.DOTALL)
    assert found is not None
    assert found[1].strip() == ax.table().to_markdown().strip()


def test_programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One after the other, as a reader would type them; what is printed is what is said."""
    monkeypatch.chdir(tmp_path)
    assert len(PYTHON) >= 5
    run_in_order(PYTHON, README)


@pytest.mark.parametrize("command", COMMANDS)
def test_commands(command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from typer.testing import CliRunner

    from axonomy.cli.app import app

    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, shlex.split(command)[1:])
    assert result.exit_code == 0, result.output
    assert result.output.strip()


def test_files_that_are_named_exist() -> None:
    assert_named_files_exist(README)

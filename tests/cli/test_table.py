"""axonomy table, and what all commands share: help, version, missing extras."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys

import pytest

import axonomy as ax
from axonomy.cli.app import app
from command_line import axonomy, refused

TABLE = ax.table()
COMMANDS = [command.callback.__name__ for command in app.registered_commands]


def test_json() -> None:
    assert json.loads(axonomy("table", "--format", "json").stdout) == TABLE.rows()


def test_csv() -> None:
    text = axonomy("table", "--format", "csv").stdout
    assert list(csv.DictReader(io.StringIO(text))) == TABLE.rows()


def cells_of(line: str) -> tuple[str, ...]:
    parts = line.strip().removeprefix("|").removesuffix("|").replace("\\|", "\0").split("|")
    return tuple(part.strip().replace("\0", "|") for part in parts)


def test_markdown() -> None:
    text = axonomy("table", "--format", "markdown").stdout
    rows = [cells_of(line) for line in text.splitlines() if line.startswith("|")]
    headings, lines = TABLE.lines()
    assert rows[0] == headings
    assert set(rows[1]) == {"---"}
    assert rows[2:] == lines
    for number, reason in enumerate(TABLE.reasons(), start=1):
        assert f"\n[{number}] {reason}" in text


def test_text() -> None:
    assert axonomy("table").stdout == f"{TABLE}\n"
    assert axonomy("table", "--format", "text").stdout == f"{TABLE}\n"


@pytest.mark.parametrize("cell", ["gru", "ind_rnn"])
def test_of_a_cell(cell: str) -> None:
    assert axonomy("table", "--cell", cell).stdout == f"{ax.table(cell)}\n"
    text = axonomy("table", "--cell", cell, "--format", "csv").stdout
    assert list(csv.DictReader(io.StringIO(text))) == ax.table(cell).rows()


def test_of_a_cell_that_is_not_there() -> None:
    assert refused("table", "--cell", "rnn").startswith("cell: expected one of 'leaky_rnn', 'gru', ")


def test_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """In colour, as wide as the terminal is, and with nothing lost."""
    from rich.console import Console

    from axonomy.cli import table

    printed = io.StringIO()
    console = Console(file=printed, width=200, force_terminal=True, color_system=None)
    monkeypatch.setattr(table, "Console", lambda: console)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    table.table()
    text = printed.getvalue()
    _, lines = TABLE.lines()
    for line in lines:
        for part in line:
            assert part in text
    for note in TABLE.notes():
        assert note.split()[0] in text


def test_unknown_format() -> None:
    result = axonomy("table", "--format", "xml", code=2)
    assert "xml" in result.stderr
    assert result.stdout == ""


# -------------------------------------------------------------------------------- every command


def test_help() -> None:
    text = axonomy("--help").stdout
    for command in COMMANDS:
        assert command in text
    assert {"table", "train", "compare", "demo"} <= set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    text = axonomy(command, "--help").stdout
    function = next(c.callback for c in app.registered_commands if c.callback.__name__ == command)
    assert function.__doc__.splitlines()[0] in text
    assert "--help" in text


def test_no_command_is_a_question() -> None:
    result = axonomy(code=2)
    assert "Usage" in result.output


def test_version() -> None:
    assert axonomy("--version").stdout == f"axonomy {ax.__version__}\n"


def test_unknown_command() -> None:
    assert "trian" in axonomy("trian", code=2).stderr


def run_without(package: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    program = (
        "import sys\n"
        f"sys.modules[{package!r}] = None\n"
        f"sys.argv = ['axonomy', *{list(arguments)!r}]\n"
        "from axonomy.cli import main\n"
        "main()\n"
    )
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("package", ["typer", "rich"])
def test_missing_extra(package: str) -> None:
    done = run_without(package, "table")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == (
        f'axonomy: this needs {package}, which is not installed: pip install "axonomy[cli]" brings it\n'
    )


def test_the_installed_program() -> None:
    done = run_without("matplotlib", "table", "--format", "json")  # needed for figures alone
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == TABLE.rows()

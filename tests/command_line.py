"""The command line, called in this process; its files, read."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import numpy as np
from typer.testing import CliRunner, Result

from axonomy.cli.app import app


def axonomy(*arguments: object, code: int = 0) -> Result:
    """Run a command; it must end with this code, and never with a traceback."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result


def refused(*arguments: object) -> str:
    """What is said of arguments that will not do: one paragraph on stderr, and nothing else."""
    result = axonomy(*arguments, code=2)
    assert result.stdout == ""
    assert result.stderr.startswith("error: ")
    assert result.stderr.endswith("\n")
    assert "\n\n" not in result.stderr
    assert "Traceback" not in result.stderr
    return result.stderr.removeprefix("error: ").rstrip("\n")


def config_of(folder: Path) -> dict[str, Any]:
    return tomllib.loads((folder / "config.toml").read_text(encoding="utf-8"))


def losses_of(folder: Path) -> np.ndarray:
    with np.load(folder / "metrics.npz") as metrics:
        return metrics["loss"]


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def is_png(path: Path) -> bool:
    return path.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")

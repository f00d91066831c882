"""Builds for several instruction sets: the one that is asked for is taken, and no other name is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import axonomy as ax

CORES = Path(ax.__file__).with_name("_cores")
pytestmark = pytest.mark.skipif(not CORES.is_dir(), reason="this build is for one instruction set")


def chosen(level: str | None) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "AXONOMY_INSTRUCTIONS"}
    if level is not None:
        environment["AXONOMY_INSTRUCTIONS"] = level
    code = "import axonomy; print(axonomy.build_info()['flags'])"
    return subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)


@pytest.mark.parametrize("level", sorted(path.name for path in CORES.glob("*")))
def test_what_is_asked_for(level: str) -> None:
    assert f"-march={level}" in chosen(level).stdout


def test_the_best_by_default() -> None:
    from axonomy import _processor

    best = [level for level in _processor.levels() if (CORES / level).is_dir()][-1]
    assert f"-march={best}" in chosen(None).stdout


def test_what_is_not_there() -> None:
    result = chosen("mmx")
    assert result.returncode == 1
    assert "AXONOMY_INSTRUCTIONS: expected one of x86-64" in result.stderr

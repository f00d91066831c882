"""docs/cells.md runs, and has every kind of cell."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import axonomy as ax
from programs import assert_named_files_exist, run_in_order

PAGE = Path(__file__).parents[2] / "docs" / "cells.md"
TEXT = PAGE.read_text(encoding="utf-8")
PYTHON = re.findall(r"```python\n(.*?)```(?:\n\n```text\n(.*?)```)?", TEXT, flags=re.DOTALL)


def test_programs() -> None:
    """One after the other, as a reader would type them; what is printed is what is said."""
    assert len(PYTHON) >= 7
    run_in_order(PYTHON, PAGE)


@pytest.mark.parametrize("kind", ax.cells.CELLS.values(), ids=ax.cells.CELLS)
def test_every_kind_of_cell(kind: type[ax.Cell]) -> None:
    """With its sizes; each gate has its name in the equations."""
    section = re.search(rf"\n### {kind.__name__}\n(.*?)(?=\n##)", TEXT, flags=re.DOTALL)
    assert section is not None
    p, g = len(kind.components), len(kind.gates)
    size = {(1, 1): "S = R = n"}.get((p, g), f"S = {'' if p == 1 else p}n, R = {g}n")
    assert size in section[1]
    for gate in kind.gates:
        assert gate == "h" or f"h_{gate}" in section[1]


def test_files_that_are_named_exist() -> None:
    assert_named_files_exist(PAGE)


def test_linked() -> None:
    assert "docs/cells.md" in (PAGE.parents[1] / "README.md").read_text(encoding="utf-8")

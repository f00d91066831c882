"""docs/tutorial.md runs: its programs one after the other, what they print, and the figure they draw."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import axonomy as ax
from axonomy import registry
from programs import assert_named_files_exist, run_in_order

TUTORIAL = Path(__file__).parents[2] / "docs" / "tutorial.md"
TEXT = TUTORIAL.read_text(encoding="utf-8")
PYTHON = re.findall(r"```python\n(.*?)```(?:\n\n```text\n(.*?)```)?", TEXT, flags=re.DOTALL)


@pytest.fixture
def registry_as_it_was():
    before = list(registry._added)
    yield
    registry._added[:] = before


@pytest.mark.usefixtures("registry_as_it_was")
def test_programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One after the other, as a reader would type them; what is printed is what is said."""
    monkeypatch.chdir(tmp_path)
    assert len(PYTHON) >= 9
    run_in_order(PYTHON, TUTORIAL)
    assert [path.name for path in tmp_path.iterdir()] == ["tutorial.png"]
    drawn, committed = (
        (path / "tutorial.png").read_bytes() for path in (tmp_path, TUTORIAL.parent / "figures")
    )
    assert drawn[:24] == committed[:24]  # PNG, of one size
    assert any(cell.solver == "keep-and-mix" for cell in ax.table())


def test_files_that_are_named_exist() -> None:
    assert "](figures/tutorial.png)" in TEXT
    assert_named_files_exist(TUTORIAL)


def test_linked() -> None:
    assert "docs/tutorial.md" in (TUTORIAL.parents[1] / "README.md").read_text(encoding="utf-8")

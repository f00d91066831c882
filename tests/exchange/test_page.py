"""docs/exchange.md runs: its programs one after the other, and what they print."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from programs import assert_named_files_exist, run_in_order

PAGE = Path(__file__).parents[2] / "docs" / "exchange.md"
PYTHON = re.findall(
    r"```python\n(.*?)```(?:\n\n```text\n(.*?)```)?", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL
)


def test_programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for package in ("torch", "onnx", "onnxruntime"):
        pytest.importorskip(package, reason=f"{package} is not installed: make exchange runs this test")
    monkeypatch.chdir(tmp_path)
    assert len(PYTHON) >= 4
    run_in_order(PYTHON, PAGE)
    assert [path.name for path in tmp_path.iterdir()] == ["step.onnx"]


def test_files_that_are_named_exist() -> None:
    assert_named_files_exist(PAGE)


def test_linked() -> None:
    assert "docs/exchange.md" in (PAGE.parents[1] / "README.md").read_text(encoding="utf-8")

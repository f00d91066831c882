"""docs/results: every number of its page, and of the README's lines on it, is that of its tables."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import Any

import pytest

from axonomy.studies import Study
from programs import assert_named_files_exist

FOLDER = Path(__file__).parents[2] / "docs" / "results"


@pytest.fixture(scope="module")
def script() -> Any:
    spec = importlib.util.spec_from_file_location("results", FOLDER / "make.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_pages_have_the_numbers_of_the_tables(script: Any) -> None:
    blocks = script.blocks(script.found())
    used = set()
    for path in script.PAGES:
        page = path.read_text(encoding="utf-8")
        assert page == script.filled(page, blocks), f"run {FOLDER / 'make.py'}"
        used |= set(re.findall(r"<!-- ([a-z ]+) -->\n", page)) & set(blocks)
    assert used == set(blocks)


def test_files_that_are_named_exist() -> None:
    assert_named_files_exist(FOLDER / "README.md")


def test_it_is_the_study_that_is_shipped() -> None:
    assert Study.load(FOLDER / "study.toml") == Study.load("table")


def test_small_enough() -> None:
    assert sum(path.stat().st_size for path in FOLDER.iterdir() if path.is_file()) < 2_500_000

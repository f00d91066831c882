"""Who is cited, in docstrings, comments and pages, is in the bibliography."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from axonomy import registry
from axonomy.bibliography import ENTRIES, LABELS, bibtex
from axonomy.cells import CELLS
from programs import ROOT

PARTS = ("axes", "cells", "credit", "hybrid", "influence", "optimisers", "rules", "tasks")
SOURCES = [
    *(path for part in PARTS for path in sorted((ROOT / "python" / "axonomy" / part).rglob("*.py"))),
    *(ROOT / "python" / "axonomy" / name for name in ("composed.py", "curriculum.py", "table.py")),
    *(
        path
        for part in ("cell", "credit", "influence", "optimiser")
        for path in sorted((ROOT / "cpp" / "include" / "axonomy" / part).rglob("*.hpp"))
    ),
    *(path for path in sorted((ROOT / "docs").rglob("*")) if path.suffix in (".md", ".py")),
    ROOT / "README.md",
]
# Ada, Babbage & Menabrea (1843); Ada et al. 1843b; Ada 1843
CITED = re.compile(r"\b([A-Z][a-z]+)(?:, [A-Z][a-z]+)*(?: & [A-Z][a-z]+| et al\.)? \(?([12]\d{3}[a-z]?)\b")


def cited(text: str) -> set[tuple[str, str]]:
    """First authors and years; lines may be broken, and begin with the marks of a comment."""
    return set(CITED.findall(re.sub(r"\s+(?:(?://|#:?)\s+)?", " ", text)))


def test_how_citations_are_found() -> None:
    text = "of Ada, Babbage &\n// Menabrea (1843); Ada et al. 1843b) and Turing 1936, CVPR 2018, 9(8), 1997"
    assert cited(text) == {("Ada", "1843"), ("Ada", "1843b"), ("Turing", "1936")}
    assert sum(len(cited(path.read_text(encoding="utf-8"))) for path in SOURCES) > 100


def first_and_year(label: str) -> tuple[str, str]:
    return label.split()[0], label.split()[-1]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_all_are_known(path: Path) -> None:
    known = {first_and_year(label) for label in LABELS.values()}
    assert cited(path.read_text(encoding="utf-8")) <= known


@pytest.mark.parametrize("key", ENTRIES)
def test_entries(key: str) -> None:
    """A label of the same first author and year, and a field a line."""
    author, year = first_and_year(LABELS[key])
    first, *fields, last = ENTRIES[key].splitlines()
    assert re.fullmatch(rf"@\w+{{{key},", first)
    assert last == "}"
    for line in fields:
        assert re.match(r"  [a-z]+ += \{| {13,}\S", line), line
    names = {line.split("=")[0].strip(): line.split("=", 1)[1].strip() for line in fields if "= {" in line}
    assert names["author"].startswith(f"{{{author},")
    assert names["year"] == f"{{{year.rstrip('ab')}}}"
    assert {"author", "title", "year"} <= set(names)
    assert ENTRIES[key].count("{") == ENTRIES[key].count("}")


def test_keys() -> None:
    assert set(LABELS) == set(ENTRIES)
    assert len(set(LABELS.values())) == len(LABELS)
    parts = (*registry.components(), *registry.BASELINES, *CELLS.values())
    for key in {key for part in parts for key in part.references}:
        assert bibtex([key]) == ENTRIES[key]

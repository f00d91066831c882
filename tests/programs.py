"""What the tests of several documents share: running their programs, looking for the files they name."""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).parents[1]


def run_in_order(programs: Iterable[tuple[str, str]], document: Path) -> None:
    """One after the other, as a reader would type them; what is printed is what is said."""
    names: dict[str, object] = {}
    for code, expected in programs:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(code, str(document), "exec"), names)
        assert printed.getvalue() == expected


def assert_named_files_exist(document: Path) -> None:
    """Links from where the document is, paths in backticks from the root."""
    text = document.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        if "://" not in target:
            assert (document.parent / target).is_file(), target
    for target in re.findall(r"`((?:docs|tests|cpp|bench|python)/[^`]*|[A-Z]+\.md)`", text):
        assert (ROOT / target).exists(), target

"""The folder of a report.

index.html      the page, which needs nothing beside it
figures/        every figure as PDF, SVG and PNG
statistics/     every table of numbers as CSV
findings.txt    what was found, a sentence a line, as at the top of the page
"""

from __future__ import annotations

import base64
import io
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import axonomy as ax
from axonomy import _files
from axonomy._extras import require
from axonomy.plots import style
from axonomy.studies.report import page
from axonomy.studies.report.analysis import Analysis, Tables, analyse
from axonomy.studies.report.figures import Shown, figures
from axonomy.studies.report.findings import findings

if TYPE_CHECKING:
    from pandas import DataFrame

PAGE, FINDINGS, FIGURES, STATISTICS = "index.html", "findings.txt", "figures", "statistics"
FORMATS = ("pdf", "svg", "png")
_NO_DATE: dict[str, Any] = {"pdf": {"CreationDate": None}, "svg": {"Date": None}, "png": None}


@dataclass(frozen=True)
class Drawn:
    """A figure as the page shows it: its files, its picture as a data URL, its size in CSS pixels."""

    name: str
    section: str
    title: str
    caption: str
    files: tuple[str, ...]
    data: str
    width: int
    height: int


def write(
    tables: Tables,
    folder: str | os.PathLike[str],
    *,
    name: str = "study",
    study: str = "",
    seed: int = 0,
    tell: Callable[[str], object] = lambda what: None,
) -> Path:
    """Write the report of a study.

    Parameters
    ----------
    tables : Results
        Or whatever hands out the same tables.
    folder : path
        Made if it is not there. What an earlier report left in it is replaced.
    name : str
        Of the study; the title of the page.
    study : str
        The study's file, shown on the page.
    seed : int
        Of bootstraps and permutations: the same results and seed give the same files.
    tell : callable
        Hears what is being done.

    Returns
    -------
    Path
        Of the page.
    """
    tell("statistics")
    found = analyse(tables, seed=seed)
    folder = Path(folder)
    for part in (FIGURES, STATISTICS):
        (folder / part).mkdir(parents=True, exist_ok=True)
        for old in (folder / part).iterdir():  # of a larger study
            if old.suffix.removeprefix(".") in (*FORMATS, "csv"):
                old.unlink()
    for title, table in _tables(found).items():
        with _files.whole(folder / STATISTICS / f"{title}.csv") as file:
            file.write(table.to_csv(index=False).encode())
    drawn = []
    for shown in figures(found):
        tell(shown.title)
        drawn.append(_draw(shown, folder / FIGURES))
    sentences = findings(found)
    with _files.whole(folder / FINDINGS) as file:
        file.write("".join(f"{sentence}\n" for sentence in sentences).encode())
    html = page.page(found, drawn, sentences, name=name, version=ax.__version__, study=study)
    with _files.whole(folder / PAGE) as file:
        file.write(html.encode())
    return folder / PAGE


def _draw(shown: Shown, folder: Path) -> Drawn:
    files, svg = [], b""
    # Identifiers of an SVG are random otherwise.
    salted = require("matplotlib", "cli").rc_context({"svg.hashsalt": shown.name})
    with style.applied(), salted:
        for kind in FORMATS:
            buffer = io.BytesIO()
            shown.figure.savefig(buffer, format=kind, metadata=_NO_DATE[kind])
            files.append(f"{shown.name}.{kind}")
            with _files.whole(folder / files[-1]) as file:
                file.write(buffer.getvalue())
            if kind == "svg":
                svg = buffer.getvalue()
    width, height = (round(96 * inches) for inches in shown.figure.get_size_inches())
    data = f"data:image/svg+xml;base64,{base64.b64encode(svg).decode()}"
    return Drawn(shown.name, shown.section, shown.title, shown.caption, tuple(files), data, width, height)


def _tables(found: Analysis) -> dict[str, DataFrame]:
    """All numbers, by the name of their file."""
    tables = {"means": found.means, "rules": found.rules, "scores": found.scores}
    if "axes" not in found.left_out:
        tables |= {"pairs": found.pairs, "contrasts": found.contrasts}
    if len(found.equal_cost):
        tables["equal_cost"] = found.equal_cost
    for decomposition, name in ((found.variance, "variance"), (found.ranked, "variance_of_ranks")):
        if decomposition is not None:
            tables |= {name: decomposition.table, f"{name}_assumptions": decomposition.assumptions}
    if found.mixed is not None:
        tables |= {"mixed_effects": found.mixed.effects, "mixed_components": found.mixed.components}
    for clusters, name in ((found.performance, "performance"), (found.alignment, "alignment")):
        if clusters is not None:
            tables |= {
                f"{name}_agreement": clusters.agreement,
                f"{name}_matrix": clusters.matrix.reset_index(),
            }
    if "metrics" not in found.left_out:
        tables |= {"predictors": found.predictors, "metrics": found.metrics}
    return tables

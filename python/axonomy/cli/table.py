"""``axonomy table``: every cell of the four axes."""

from __future__ import annotations

import json
import sys
from enum import StrEnum
from typing import Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

import axonomy as ax
from axonomy import _check
from axonomy.cells import CELLS


class Format(StrEnum):
    """How to print the table."""

    text = "text"
    json = "json"
    markdown = "markdown"
    csv = "csv"


_STYLES = {"new": "bold green", "impossible": "dim", "baseline": "italic"}


def _rich(cells: ax.Table) -> Table:
    headings, lines = cells.lines()
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for heading in headings:
        folded = heading in ("rule", "reference")
        table.add_column(heading, overflow="fold", no_wrap=not folded)
    for cell, line in zip(cells, lines, strict=True):
        table.add_row(*map(escape, line), style=_STYLES.get(cell.status))
    return table


def table(
    format: Annotated[Format, typer.Option(help="How to print it.")] = Format.text,
    cell: Annotated[
        str | None,
        typer.Option(help=f"For networks of this kind: {', '.join(CELLS)}.", metavar="NAME"),
    ] = None,
) -> None:
    """Print every cell: known, new and impossible, with bias, memory, time and reference."""
    cells = ax.table(None if cell is None else _check.one_of("cell", cell, CELLS))
    match format:
        case Format.text if sys.stdout.isatty():
            Console().print(_rich(cells))
            Console().print(*map(escape, cells.notes()), sep="\n", style="dim", highlight=False)
        case Format.text:
            typer.echo(str(cells))
        case Format.json:
            typer.echo(json.dumps(json.loads(cells.to_json()), indent=2, ensure_ascii=False))
        case Format.markdown:
            typer.echo(cells.to_markdown().rstrip())
        case Format.csv:
            typer.echo(cells.to_csv().rstrip())

"""The figure of ``axonomy bench``."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import typer

from axonomy.machine import measure_machine, needed
from axonomy.rule import Rule


def precision(dtype: str) -> str:
    """Say which precision a dtype has."""
    return {"float64": "double", "float32": "single"}[dtype] + " precision"


def draw(path: Path, dtype: str, speeds: Iterable[tuple[Rule, int, str, float]]) -> None:
    """Draw the roofline of rules at numbers of units, on kinds of cell, with their steps per second.

    What a step needs is not known of all rules; the others are left out.
    """
    from axonomy.plots.roofline import Point, roofline  # matplotlib is slow to load, and not always needed

    points = []
    speeds = list(speeds)
    several = len({cell for _, _, cell, _ in speeds}) > 1
    for rule, n, cell, steps_per_second in speeds:
        least = needed(rule, n, cell)
        if least is None:
            continue
        name = f"{rule.name}, {cell}" if several else rule.name
        bytes_moved = least.moved * np.dtype(dtype).itemsize
        points.append(Point(name, n, least.operations / bytes_moved, least.operations * steps_per_second))
    if not points:
        typer.echo("no figure: of none of these rules it is known what a step needs", err=True)
        return
    roofline(points, measure_machine(dtype), f"One thread, {precision(dtype)}").savefig(path)
    typer.echo(f"{path}", err=True)

"""The table of rules, as one knows that of the elements, coloured by how well each rule did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from axonomy._extras import require
from axonomy.axes import RANDOMNESS, SOLUTIONS, TENSORS
from axonomy.plots import looks, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_ROW, _EMPTY = 0.42, 0.24  # inches of a row of rules, and of one without any


@dataclass(frozen=True)
class Element:
    """A rule in the table; nan for one of which nothing is known."""

    rule: str
    place: looks.Place
    score: float


def periodic_table(elements: Sequence[Element], title: str = "", *, top: float = 1.25) -> Figure:
    """Draw the table: a row for each tensor, a column for each randomness and solution.

    Parameters
    ----------
    elements : sequence of Element
        Those without a place in the table are left out.
    title : str
    top : float
        The score that the darkest colour stands for, and all above it.

    Returns
    -------
    matplotlib.figure.Figure
    """
    columns = list(product(RANDOMNESS, SOLUTIONS))
    cells = {
        (tensor.name, *column): [
            e
            for e in elements
            if (e.place.tensor, e.place.randomness, e.place.solution) == (tensor.name, *column)
        ]
        for tensor in TENSORS
        for column in columns
    }
    if not any(cells.values()):
        raise ValueError("periodic_table: elements must hold at least one cell of the table, got none")
    lines = {  # two rules stand side by side
        tensor.name: max(1, *(-(-len(cells[tensor.name, *column]) // 2) for column in columns))
        for tensor in TENSORS
    }
    heights = [_ROW * lines[t.name] for t in TENSORS]
    with style.applied():
        body = sum(heights) + 0.12
        height = body + 1.75
        figure: Figure = require("matplotlib.figure", "cli").Figure(figsize=(style.SIZE[0], height))
        axes = figure.add_axes((0.115, 0.75 / height, 0.875, body / height))
        axes.set_xlim(0, len(columns))
        axes.set_ylim(body, 0)
        axes.set_axis_off()
        figure.suptitle(title, x=0.015, ha="left", weight="bold", fontsize=style.FONT_SIZE + 1.5)
        matplotlib = require("matplotlib", "cli")
        scale = matplotlib.cm.ScalarMappable(
            matplotlib.colors.Normalize(0, top), matplotlib.colormaps["viridis_r"]
        )
        y, facing = 0.0, TENSORS[0].facing
        for tensor, tall in zip(TENSORS, heights, strict=True):
            if tensor.facing != facing:
                y, facing = y + 0.12, tensor.facing
            axes.text(-0.03, y + tall / 2, tensor.name, ha="right", va="center", weight="bold")
            for x, column in enumerate(columns):
                _cell(axes, (x, y, tall), cells[tensor.name, *column], scale)
            y += tall
        _headings(axes, heights, columns)
        bar = figure.add_axes((0.36, 0.4 / height, 0.38, 0.12 / height))
        figure.colorbar(scale, cax=bar, orientation="horizontal", extend="max")
        bar.tick_params(labelsize=style.FONT_SIZE - 2, length=2)
        bar.set_xlabel("normalised loss", fontsize=style.FONT_SIZE - 1.5)
    return figure


def _headings(axes: Axes, heights: list[float], columns: list[tuple[str, str]]) -> None:
    common: dict[str, Any] = {"ha": "center", "va": "bottom"}
    for x, (_, solution) in enumerate(columns):
        axes.text(x + 0.5, -0.06, solution, **common)
    for i, randomness in enumerate(RANDOMNESS):
        axes.text(len(SOLUTIONS) * (i + 0.5), -0.28, randomness, weight="bold", **common)
        ends = [len(SOLUTIONS) * i + 0.04, len(SOLUTIONS) * (i + 1) - 0.04]
        axes.plot(ends, [-0.25, -0.25], color=style.FAINT, linewidth=0.8, clip_on=False)
    y = 0.0
    for facing in dict.fromkeys(tensor.facing for tensor in TENSORS):
        own = sum(tall for tall, tensor in zip(heights, TENSORS, strict=True) if tensor.facing == facing)
        axes.text(
            -0.36, y + own / 2, f"{facing}-facing", rotation=90, ha="center", va="center", color=style.SOFT
        )
        y += own + 0.12


def _luminance(colour: Sequence[float]) -> float:
    """Of sRGB; white and black ink contrast alike with 0.18 (WCAG 2)."""
    c = np.asarray(colour)
    return float(np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4) @ (0.2126, 0.7152, 0.0722))


def _cell(axes: Axes, box: tuple[float, float, float], elements: list[Element], scale: Any) -> None:
    """The rules of a cell, two in a line; a cell without any is an outline."""
    patch = require("matplotlib.patches", "cli").Rectangle
    x, y, tall = box
    gap = 0.012
    if not elements:
        axes.add_patch(
            patch((x + gap, y + 0.015), 1 - 2 * gap, tall - 0.03, facecolor="#F4F4F4", edgecolor="none")
        )
        return
    lines = -(-len(elements) // 2)
    for i, element in enumerate(elements):
        beside = 1 if len(elements) == 1 or (i == len(elements) - 1 and i % 2 == 0) else 2
        width, height = 1 / beside, tall / lines
        left, top = x + (i % 2) * width * (beside == 2), y + (i // 2) * height
        known = np.isfinite(element.score)
        colour = scale.to_rgba(element.score) if known else (1.0, 1.0, 1.0, 1.0)
        axes.add_patch(
            patch(
                (left + gap, top + 0.015),
                width - 2 * gap,
                height - 0.03,
                facecolor=colour,
                edgecolor=style.FAINT,
                linewidth=0.4,
            )
        )
        ink = "white" if _luminance(colour[:3]) < 0.19 else "#111111"
        name = style.wrapped(style.beside(element.rule, element.place.tensor), 15 if beside == 2 else 28)
        small = "\n" in name or (beside == 2 and len(name) > 13)
        tail = f"\n{round(element.score, 2) + 0.0:.2f}" if known else "\ndid not run"
        axes.text(
            left + width / 2,
            top + height / 2,
            name + tail,
            ha="center",
            va="center",
            color=ink,
            fontsize=style.FONT_SIZE - (3.6 if small else 2.5),
            linespacing=1.0,
        )

"""Metrics of gradients against final performance, a panel for each metric."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from axonomy._extras import require
from axonomy.plots import looks, style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMNS = 4


@dataclass(frozen=True)
class Panel:
    """A metric: its value and the score of each rule in each task, and a line or two about them."""

    metric: str
    places: Sequence[looks.Place]
    x: Sequence[float]
    y: Sequence[float]
    words: str = ""


def metric_panels(panels: Sequence[Panel], title: str = "", *, x: str, y: str) -> Figure:
    """Draw the metrics in the order given; all panels share their axes.

    Parameters
    ----------
    panels : sequence of Panel
        At least one.
    title : str
    x, y : str
        What the axes show.

    Returns
    -------
    matplotlib.figure.Figure
    """
    if not panels:
        raise ValueError("metric_panels: panels must hold at least one metric, got none")
    columns = min(COLUMNS, len(panels))
    rows = -(-len(panels) // columns)
    with style.applied():
        height = 1.05 + 1.95 * rows
        figure: Figure = require("matplotlib.figure", "cli").Figure(figsize=(style.SIZE[0], height))
        grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
        figure.subplots_adjust(
            left=0.08, right=0.985, wspace=0.1, hspace=0.5, bottom=0.72 / height, top=1 - 0.85 / height
        )
        figure.suptitle(title, x=0.08, ha="left", weight="bold", fontsize=style.FONT_SIZE + 1.5)
        for axes, panel in zip(grid.flat, panels, strict=False):
            for place, across, up in zip(panel.places, panel.x, panel.y, strict=True):
                looks.mark(axes, across, up, place, size=3.2, alpha=0.8)
            axes.set_title(panel.metric, fontsize=style.FONT_SIZE - 0.5, pad=22)
            axes.annotate(
                panel.words,
                (0, 1),
                xytext=(0, 2),
                xycoords="axes fraction",
                textcoords="offset points",
                va="bottom",
                color=style.SOFT,
                fontsize=style.FONT_SIZE - 2.5,
            )
            axes.tick_params(labelsize=style.FONT_SIZE - 2)
        for i, axes in enumerate(grid.flat):
            axes.set_visible(i < len(panels))
            if i < len(panels) <= i + columns:
                axes.set_xlabel(x, fontsize=style.FONT_SIZE - 1)
                axes.tick_params(labelbottom=True)
        for i in range(rows):
            grid[i, 0].set_ylabel(y, fontsize=style.FONT_SIZE - 1)
        values = np.array([up for panel in panels for up in panel.y], dtype=np.float64)
        values = values[np.isfinite(values)]
        if len(values):
            margin = 0.06 * np.ptp(values) or 0.1
            grid[0, 0].set_ylim(values.min() - margin, values.max() + margin)
        looks.legend(figure, [place for panel in panels for place in panel.places])
    return figure

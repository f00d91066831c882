"""Effects with their intervals, in rows under headings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from axonomy._extras import require
from axonomy.plots import style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_COLOURS = (style.COLOURS[0], style.COLOURS[1])


@dataclass(frozen=True)
class Effect:
    """A row of a forest plot.

    Attributes
    ----------
    group, name : str
        The heading that the row is under, and what it is called.
    value, low, high : float
    series : str
        Of several values under one name, which this is.
    parts : sequence of float
        Single effects that the value is a mean of, drawn small.
    note : str
        Written at the right.
    sure : bool
        Drawn full if so, hollow if it may be chance.
    """

    group: str
    name: str
    value: float
    low: float
    high: float
    series: str = ""
    parts: Sequence[float] = field(default=())
    note: str = ""
    sure: bool = True


def forest(
    effects: Sequence[Effect], title: str = "", *, axis: str = "effect", note: str = "", sides: str = ""
) -> Figure:
    """Draw the effects in the order given.

    Parameters
    ----------
    effects : sequence of Effect
        At least one.
    title : str
    axis : str
        What the horizontal axis shows.
    note : str
        Heading of the notes.
    sides : str
        What it means to be left or right of nothing.

    Returns
    -------
    matplotlib.figure.Figure
    """
    if not effects:
        raise ValueError("forest: effects must hold at least one effect, got none")
    series = list(dict.fromkeys(effect.series for effect in effects))
    rows: dict[tuple[str, str], float] = {}
    headings: dict[str, float] = {}
    y = 0.0
    for effect in effects:
        if effect.group and effect.group not in headings:
            y += 0.35 if headings else 0.0
            headings[effect.group] = y
            y += 1.0
        if (effect.group, effect.name) not in rows:
            rows[effect.group, effect.name] = y
            y += 1.0
    with style.applied():
        height = 0.95 + 0.2 * y + (0.22 if sides else 0)
        figure: Figure = require("matplotlib.figure", "cli").Figure(figsize=(style.SIZE[0], height))
        axes = figure.add_axes((0.31, (0.5 + 0.22 * bool(sides)) / height, 0.48, 0.2 * y / height))
        figure.suptitle(title, x=0.015, ha="left", weight="bold", fontsize=style.FONT_SIZE + 1.5)
        axes.axvline(0, color=style.FAINT, linewidth=0.9, zorder=0)
        axes.set_ylim(y - 0.4, -0.6)
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        axes.set_xlabel(axis + (f"\n{sides}" if sides else ""))
        small = style.FONT_SIZE - 1.5
        beside = axes.get_yaxis_transform()
        for heading, at in headings.items():
            axes.text(
                -0.62, at, heading, transform=beside, va="center_baseline", weight="bold", fontsize=small
            )
        for (_, name), at in rows.items():
            axes.text(-0.6, at, name, transform=beside, va="center_baseline", fontsize=small)
        if note:
            axes.text(
                1.03, -1.1, note, transform=beside, va="center_baseline", fontsize=small, color=style.SOFT
            )
        for effect in effects:
            colour = _COLOURS[series.index(effect.series) % 2]
            shift = 0.0 if len(series) == 1 else 0.36 * (series.index(effect.series) - 0.5)
            at = rows[effect.group, effect.name] + shift
            axes.plot(
                effect.parts, [at] * len(effect.parts), "|", color=style.SOFT, alpha=0.55, ms=5, zorder=1
            )
            axes.plot([effect.low, effect.high], [at, at], color=colour, linewidth=1.3, zorder=2)
            face = colour if effect.sure else "white"
            shape = "o" if effect.series == series[0] else "s"
            axes.plot(effect.value, at, shape, color=colour, markerfacecolor=face, ms=4.5, zorder=3)
            if effect.note:
                axes.text(1.03, at, effect.note, transform=beside, va="center_baseline", fontsize=small)
        values = [v for e in effects for v in (e.value, e.low, e.high, *e.parts) if np.isfinite(v)]
        if values:
            low, high = min([0.0, *values]), max([0.0, *values])
            margin = 0.05 * (high - low) or 0.1
            axes.set_xlim(low - margin, high + margin)
        if len(series) > 1:
            line = require("matplotlib.lines", "cli").Line2D
            handles = [
                line([], [], marker="os"[i % 2], color=_COLOURS[i % 2], linewidth=1.3, ms=4.5, label=name)
                for i, name in enumerate(series)
            ]
            at_top: dict[str, Any] = {
                "loc": "lower right",
                "bbox_to_anchor": (1.02, 1.0),
                "ncols": len(series),
            }
            axes.legend(handles=handles, **at_top, fontsize=small, frameon=False, columnspacing=1.2)
    return figure

"""Rules ranked by their final loss, a column for each task."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from axonomy._extras import require
from axonomy.plots import looks, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Entry:
    """A rule in a task: the mean loss with its interval, the runs that it is of, and how many diverged."""

    rule: str
    task: str
    place: looks.Place
    mean: float
    low: float
    high: float
    runs: Sequence[float] = field(default=())
    diverged: int = 0


def ranking(
    entries: Sequence[Entry],
    floors: dict[str, float] | None = None,
    baselines: dict[str, float] | None = None,
    title: str = "",
) -> Figure:
    """Draw the losses, rules in the order in which they first come, best on top.

    Parameters
    ----------
    entries : sequence of Entry
        At least one.
    floors, baselines : dict of str to float
        By task: its floor, and what the baseline reaches.
    title : str

    Returns
    -------
    matplotlib.figure.Figure
    """
    if not entries:
        raise ValueError("ranking: entries must hold at least one rule, got none")
    rules = list(dict.fromkeys(entry.rule for entry in entries))
    tasks = list(dict.fromkeys(entry.task for entry in entries))
    tensors = {entry.rule: entry.place.tensor for entry in entries}
    titles = {task: style.wrapped(task, 60 // len(tasks)) for task in tasks}
    with style.applied():
        head = 0.42 + 0.18 * (1 + max(title.count("\n") for title in titles.values()))
        height = 0.65 + head + 0.185 * len(rules)
        figure: Figure = require("matplotlib.figure", "cli").Figure(figsize=(style.SIZE[0], height))
        panels = figure.subplots(1, len(tasks), sharey=True, squeeze=False)[0]
        figure.subplots_adjust(
            left=0.29, right=0.985, wspace=0.09, bottom=0.72 / height, top=1 - head / height
        )
        figure.suptitle(title, x=0.015, ha="left", weight="bold", fontsize=style.FONT_SIZE + 1.5)
        for panel, task in zip(panels, tasks, strict=True):
            own = [entry for entry in entries if entry.task == task]
            _column(panel, own, rules, (floors or {}).get(task), (baselines or {}).get(task))
            panel.set_title(titles[task], fontsize=style.FONT_SIZE - 0.5, pad=4)
            panel.set_xlabel("final loss")
            panel.tick_params(axis="x", labelsize=style.FONT_SIZE - 1.5)
            panel.tick_params(axis="y", length=0)
        first = panels[0]
        first.set_ylim(len(rules) - 0.4, -0.6)
        first.set_yticks(
            range(len(rules)), [style.shortened(rule) for rule in rules], fontsize=style.FONT_SIZE - 1.5
        )
        first.tick_params(axis="y", pad=38)
        for y, rule in enumerate(rules):
            first.annotate(
                tensors[rule],
                (0, y),
                xycoords=("axes fraction", "data"),
                xytext=(-4, 0),
                textcoords="offset points",
                ha="right",
                va="center_baseline",
                color=style.SOFT,
                fontsize=style.FONT_SIZE - 2,
            )
        looks.legend(figure, [entry.place for entry in entries], y=0.0)
    return figure


def _column(
    axes: Axes, entries: list[Entry], rules: list[str], floor: float | None, baseline: float | None
) -> None:
    for y in range(0, len(rules), 2):
        axes.axhspan(y - 0.5, y + 0.5, color="#F4F4F4", linewidth=0, zorder=0)
    for value, dashes in ((floor, (0, (2, 2))), (baseline, (0, (6, 2)))):
        if value is not None and np.isfinite(value):
            axes.axvline(value, color=style.FAINT, linewidth=0.9, linestyle=dashes, zorder=1)
    left, right = _limits(entries, floor, baseline)
    axes.set_xlim(left, right)
    for entry in entries:
        y = rules.index(entry.rule)
        words = f"{entry.diverged} diverged" if entry.diverged else ""
        if np.isfinite(entry.mean) and entry.mean <= right:
            axes.plot([entry.low, entry.high], [y, y], color=entry.place.colour, linewidth=1.2, zorder=3)
            axes.plot(
                entry.runs, [y] * len(entry.runs), "|", color=entry.place.colour, alpha=0.45, ms=4, zorder=2
            )
            looks.mark(axes, entry.mean, y, entry.place, zorder=4)
        elif np.isfinite(entry.mean):
            words = f"{entry.mean:.3g} ▸" + (f", {words}" if words else "")
        if words:
            axes.annotate(
                words,
                (1, y),
                xycoords=("axes fraction", "data"),
                xytext=(-2, 0),
                textcoords="offset points",
                ha="right",
                va="center_baseline",
                color=style.SOFT,
                fontsize=style.FONT_SIZE - 2.5,
                zorder=5,
                bbox={"facecolor": "white", "alpha": 0.75, "edgecolor": "none", "pad": 0.5},
            )


def _limits(entries: list[Entry], floor: float | None, baseline: float | None) -> tuple[float, float]:
    """From the lowest to a little beyond the baseline: what is far worse is written, not drawn."""
    lines = [value for value in (floor, baseline) if value is not None and np.isfinite(value)]
    values = [v for entry in entries for v in (entry.low, entry.mean, *entry.runs) if np.isfinite(v)]
    if not values:
        return 0.0, 1.0
    low = min([*values, *lines])
    highs = [v for entry in entries for v in (entry.mean, entry.high) if np.isfinite(v)]
    reach = baseline if baseline is not None and np.isfinite(baseline) else float(np.median(highs))
    high = max(min(max(highs), low + 1.5 * (reach - low)), *lines, low)
    margin = 0.05 * (high - low) or 0.1
    return low - margin, high + margin

"""Learning curves of many rules: a panel for each group of them, all the others in grey behind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from axonomy._extras import require
from axonomy.plots import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMNS = 3
_GREY = "#D4D4D4"
_LIST = 4  # names below each other
_ROW = 1.85  # inches


@dataclass(frozen=True)
class Curve:
    """The mean loss of a rule over its seeds, with an interval.

    Attributes
    ----------
    name : str
    group : str
        The panel that it belongs to; empty for one that is drawn in all of them, as a baseline is.
    step, mean, low, high : (P,) ndarray
        ``low`` and ``high`` may hold nan.
    ended : bool
        Whether a run of it diverged.
    """

    name: str
    group: str
    step: NDArray[np.float64]
    mean: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    ended: bool = False


def curve_panels(
    curves: Sequence[Curve],
    floors: Mapping[str, float] | None = None,
    title: str = "",
    *,
    loss: str = "loss",
    top: float | None = None,
) -> Figure:
    """Draw the curves, a panel for each group.

    Parameters
    ----------
    curves : sequence of Curve
        At least one.
    floors : dict of str to float
        Losses that limited predictors cannot go below.
    title : str
    loss : str
        What the vertical axis shows.
    top : float
        Upper end of the vertical axis; from the curves by default.

    Returns
    -------
    matplotlib.figure.Figure
    """
    if not curves:
        raise ValueError("curve_panels: curves must hold at least one curve, got none")
    floors = dict(floors or {})
    groups = list(dict.fromkeys(curve.group for curve in curves if curve.group)) or [""]
    columns = min(COLUMNS, len(groups))
    rows = -(-len(groups) // columns)
    low, high = _limits(curves, list(floors.values()), top)
    with style.applied():
        figure: Figure = require("matplotlib.figure", "cli").Figure(
            figsize=(style.SIZE[0], 0.75 + _ROW * rows)
        )
        height = figure.get_figheight()
        panels = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
        figure.subplots_adjust(
            left=0.085, right=0.985, wspace=0.08, hspace=0.24, bottom=0.45 / height, top=1 - 0.55 / height
        )
        figure.suptitle(title, x=0.085, ha="left", weight="bold", fontsize=style.FONT_SIZE + 1.5)
        for panel, group in zip(panels.flat, groups, strict=False):
            _panel(panel, curves, group, floors, (low, high))
        for panel in list(panels.flat)[len(groups) :]:
            panel.set_visible(False)
        for i in range(rows):
            panels[i, 0].set_ylabel(loss)
        for i, panel in enumerate(panels.flat):
            # The lowest panel of each column says what is below.
            if i < len(groups) <= i + columns:
                panel.set_xlabel("step")
                panel.tick_params(labelbottom=True)
        panels[0, 0].xaxis.set_major_formatter(_thousands)
    return figure


def _panel(
    axes: Axes, curves: Sequence[Curve], group: str, floors: Mapping[str, float], limits: tuple[float, float]
) -> None:
    axes.set_title(group, fontsize=style.FONT_SIZE, pad=3)
    for curve in curves:
        if curve.group and curve.group != group:
            axes.plot(curve.step, curve.mean, color=_GREY, linewidth=0.6, zorder=1)
    own = [curve for curve in curves if curve.group == group and group]
    always = [curve for curve in curves if not curve.group]
    for i, curve in enumerate(own + always):
        colour, dashes = style.colour(i)
        if curve in always:
            colour, dashes = style.INK, (0, (4, 2))
        axes.fill_between(curve.step, curve.low, curve.high, color=colour, alpha=0.2, linewidth=0, zorder=2)
        name = style.shortened(style.beside(curve.name, group), 20) + (" ×" if curve.ended else "")
        axes.plot(curve.step, curve.mean, color=colour, linestyle=dashes, label=name, zorder=3)
    for name, floor in floors.items():
        if not limits[0] <= floor <= limits[1]:
            continue
        axes.axhline(floor, color=style.FAINT, linewidth=0.9, linestyle=(0, (2, 2)), zorder=0)
        axes.annotate(
            name,
            (0, floor),
            xycoords=("axes fraction", "data"),
            xytext=(2, -2),
            textcoords="offset points",
            va="top",
            color=style.SOFT,
            style="italic",
            fontsize=style.FONT_SIZE - 3,
        )
    axes.set_ylim(*limits)
    axes.margins(x=0)
    axes.tick_params(labelsize=style.FONT_SIZE - 2)
    axes.legend(
        loc="upper right",
        framealpha=0.75,
        edgecolor="none",
        fontsize=style.FONT_SIZE - 2.5,
        handlelength=1.4,
        labelspacing=0.2,
        borderaxespad=0.1,
        columnspacing=0.8,
        ncols=1 if len(own) + len(always) <= _LIST else 2,
    )


def _limits(curves: Sequence[Curve], floors: list[float], top: float | None) -> tuple[float, float]:
    """Vertical range; the first steps and one bad rule must not flatten all the rest."""
    means = [curve.mean[np.isfinite(curve.mean)] for curve in curves]
    means = [mean for mean in means if len(mean)]
    if not means:
        return 0.0, 1.0
    bottom = min([*floors, *(float(mean.min()) for mean in means)])
    starts, ends = [float(mean[0]) for mean in means], [float(mean[-1]) for mean in means]
    high = min(max(starts), 2 * max(float(np.median(starts)), float(np.median(ends))) - bottom)
    high = max(high, float(np.quantile(ends, 0.9))) if top is None else top
    margin = 0.08 * (high - bottom) or 0.1
    # Room for the names, which stand at the top.
    always = sum(not curve.group for curve in curves)
    names = [sum(curve.group == group for curve in curves) + always for group in {c.group for c in curves}]
    lines = max(n if n <= _LIST else -(-n // 2) for n in names)
    free = lines * 1.25 * (style.FONT_SIZE - 2.5) / 72 / (0.78 * _ROW)
    low = bottom - 1.5 * margin
    return low, low + (high + 0.3 * margin - low) / (1 - free)


def _thousands(step: float, _: object) -> str:
    if step >= 1e6:
        return f"{step / 1e6:g}M"
    return f"{step / 1e3:g}k" if step >= 1e3 else f"{step:g}"

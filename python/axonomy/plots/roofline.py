"""The roofline: operations per second of rules, by how many they do with each byte, and what is possible."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from axonomy._extras import require
from axonomy.plots import style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from axonomy.machine import Machine


@dataclass(frozen=True)
class Point:
    """A rule at some size.

    Attributes
    ----------
    rule : str
        Its name.
    n : int
        Units.
    intensity : float
        Operations per byte that is moved.
    flops : float
        Operations per second.
    """

    rule: str
    n: int
    intensity: float
    flops: float


def roofline(points: Sequence[Point], machine: Machine, title: str = "") -> Figure:
    """Draw the points of each rule, larger ones for more units, and the machine's roofs.

    Parameters
    ----------
    points : sequence of Point
        At least one.
    machine : Machine
        As measured.
    title : str
        Title of the figure.

    Returns
    -------
    matplotlib.figure.Figure
    """
    if not points:
        raise ValueError("points: expected at least one")
    with style.applied():
        figure, axes = style.new_figure()
        figure.subplots_adjust(left=0.1, right=0.72, bottom=0.13, top=0.9)
        axes.set(xscale="log", yscale="log", xlabel="operations per byte", ylabel="GFLOP/s")
        axes.set_title(title)
        ticker = require("matplotlib.ticker", "cli")
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5)))
            axis.set_major_formatter(lambda value, _: f"{value:g}")
            axis.set_minor_formatter(lambda value, _: "")
        left = min(point.intensity for point in points) / 2
        right = 2 * max(*(point.intensity for point in points), machine.gemm / machine.levels[-1].bandwidth)
        axes.set_xlim(left, right)
        lowest = min(min(point.flops for point in points), left * machine.levels[-1].bandwidth)
        axes.set_ylim(lowest / 2e9, 1.6 * machine.flops / 1e9)
        for level in machine.levels:
            ends = np.array([left, machine.gemm / level.bandwidth])
            axes.plot(ends, ends * level.bandwidth / 1e9, color=style.FAINT, linewidth=0.8)
            axes.annotate(
                level.name,
                (left, left * level.bandwidth / 1e9),
                xytext=(3, 3),
                textcoords="offset points",
                color=style.SOFT,
                fontsize=style.FONT_SIZE - 1.5,
            )
        roofs = {"matrix products": machine.gemm, "registers": machine.flops}
        for flops in roofs.values():
            axes.axhline(flops / 1e9, color=style.FAINT, linewidth=0.8)
        if machine.flops < 1.2 * machine.gemm:  # no room for a name between them
            roofs = {"matrix products, registers": machine.flops}
        for name, flops in roofs.items():
            axes.annotate(
                name,
                (right, flops / 1e9),
                xytext=(-3, 3),
                textcoords="offset points",
                ha="right",
                color=style.SOFT,
                fontsize=style.FONT_SIZE - 1.5,
            )
        sizes = sorted({point.n for point in points})
        for i, rule in enumerate(dict.fromkeys(point.rule for point in points)):
            own = sorted((point for point in points if point.rule == rule), key=lambda point: point.n)
            colour, dash = style.colour(i)
            x, y = [point.intensity for point in own], [point.flops / 1e9 for point in own]
            axes.plot(x, y, color=colour, linestyle=dash, label=rule)
            axes.scatter(x, y, s=[12 + 14 * sizes.index(point.n) for point in own], color=colour, zorder=3)
        axes.legend(loc="upper left", bbox_to_anchor=(1.02, 1.0), frameon=False, borderaxespad=0)
        axes.annotate(
            "points grow with the units:\n" + ", ".join(f"{n:,}" for n in sizes),
            (1.02, 0),
            xycoords="axes fraction",
            color=style.SOFT,
            fontsize=style.FONT_SIZE - 1.5,
        )
    return figure

"""One look for the axes in all figures of a study: colour, shape and filling of a rule's mark."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from axonomy._extras import require
from axonomy.plots import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLOURS = {"stochastic": style.COLOURS[1], "deterministic": style.COLOURS[0]}
_SHAPES = {"past": "o", "future": "s"}


@dataclass(frozen=True)
class Place:
    """Where a rule stands on the axes; ``"-"`` for what has no place there, as hybrids and baselines."""

    facing: str = "-"
    tensor: str = "-"
    randomness: str = "-"
    solution: str = "-"

    @property
    def colour(self) -> str:
        """By randomness."""
        return _COLOURS.get(self.randomness, style.INK)

    @property
    def shape(self) -> str:
        """By facing."""
        return _SHAPES.get(self.facing, "D")

    @property
    def filling(self) -> str:
        """By solution: full if there is a formula."""
        return "white" if self.solution == "numerical" else self.colour


def mark(axes: Axes, x: float, y: float, place: Place, size: float = 4.5, **options: Any) -> None:
    """Draw the mark of a rule."""
    axes.plot(
        x,
        y,
        place.shape,
        color=place.colour,
        markerfacecolor=place.filling,
        markersize=size,
        markeredgewidth=1.0,
        **options,
    )


def legend(figure: Figure, places: list[Place], y: float = 0.0) -> None:
    """Say at the foot of the figure what the marks mean, as far as they occur."""
    line = require("matplotlib.lines", "cli").Line2D
    seen = {axis: {getattr(place, axis) for place in places} for axis in ("randomness", "solution", "facing")}
    common: dict[str, Any] = {"linestyle": "", "markersize": 5}
    handles = [
        line([], [], marker="o", color=colour, label=name, **common)
        for name, colour in _COLOURS.items()
        if name in seen["randomness"]
    ]
    handles += [
        line([], [], marker="o", color=style.SOFT, markerfacecolor=filling, label=name, **common)
        for name, filling in (("closed-form", style.SOFT), ("numerical", "white"))
        if name in seen["solution"]
    ]
    handles += [
        line(
            [],
            [],
            marker=shape,
            color=style.SOFT,
            markerfacecolor="#D4D4D4",
            label=f"{name}-facing",
            **common,
        )
        for name, shape in _SHAPES.items()
        if name in seen["facing"]
    ]
    if "-" in seen["facing"]:
        handles.append(line([], [], marker="D", color=style.INK, label="hybrid or baseline", **common))
    figure.legend(
        handles=handles,
        loc="lower center",
        bbox_to_anchor=(0.5, y),
        ncols=len(handles),
        frameon=False,
        fontsize=style.FONT_SIZE - 1.5,
        handletextpad=0.1,
        columnspacing=1.2,
    )

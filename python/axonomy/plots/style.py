"""How the figures look, in one place."""

from __future__ import annotations

import textwrap
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from axonomy._extras import require

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Colours of Okabe & Ito (2008), told apart by colour-blind readers and in grey; their yellow is
#: left out, it is lost on white paper.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
#: Once the colours are used up they come again with the next of these.
DASHES: tuple[Any, ...] = ("-", (0, (5, 1.5)), (0, (1, 1)))

INK = "#222222"
SOFT = "#666666"  # words that are not the data's
FAINT = "#8A8A8A"  # lines that are not the data's
FONT_SIZE = 9.0
LINE_WIDTH = 1.3
SIZE = (7.2, 4.2)  # inches: the width of a printed page between its margins
DPI = 200

_RC = {
    "font.family": "sans-serif",
    "font.size": FONT_SIZE,
    "axes.titlesize": FONT_SIZE + 1.5,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "lines.linewidth": LINE_WIDTH,
    "figure.dpi": DPI,
    "savefig.dpi": DPI,
}


def applied() -> AbstractContextManager[None]:
    """The style, for as long as a figure is drawn; leaves the user's own settings alone."""
    context: AbstractContextManager[None] = require("matplotlib", "cli").rc_context(_RC)
    return context


def new_figure(size: tuple[float, float] = SIZE) -> tuple[Figure, Axes]:
    """An empty figure that no global state of matplotlib knows of."""
    figure = require("matplotlib.figure", "cli").Figure(figsize=size)
    return figure, figure.add_subplot()


def colour(i: int) -> tuple[str, Any]:
    """Colour and dashes of the i-th curve."""
    return COLOURS[i % len(COLOURS)], DASHES[i // len(COLOURS) % len(DASHES)]


def beside(name: str, heading: str) -> str:
    """A name without the heading that it stands under anyway."""
    return name.removeprefix(f"{heading} ")


def wrapped(words: str, most: int) -> str:
    """Words in lines of at most so many letters."""
    return "\n".join(textwrap.wrap(words, most, break_on_hyphens=False))


def shortened(name: str, most: int = 25) -> str:
    """A name that fits beside a figure; hybrids spell out all their parts."""
    return name if len(name) <= most else f"{name[: most - 1]}…"

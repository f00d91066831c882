"""Who moves the weights like whom: cosines of gradients, rules in the order of their clusters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from axonomy._extras import require
from axonomy.plots import looks, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_STRIPS = ("facing", "randomness", "solution")
_DARK = ("future", "stochastic", "numerical")


def alignment_matrix(
    rules: Sequence[str],
    matrix: NDArray[np.float64],
    places: Sequence[looks.Place],
    linkage: NDArray[np.float64],
    title: str = "",
) -> Figure:
    """Draw the matrix, the tree that orders it, and where each rule stands on the axes.

    Parameters
    ----------
    rules : sequence of N str
        In the order of the tree's leaves.
    matrix : (N, N) ndarray
        Cosines; nan where none was measured.
    places : sequence of N Place
    linkage : (N - 1, 4) ndarray
        As `scipy.cluster.hierarchy` has it; its leaves come in the order of `rules`.
    title : str

    Returns
    -------
    matplotlib.figure.Figure
    """
    N = len(rules)
    if matrix.shape != (N, N):
        raise ValueError(f"matrix: expected shape ({N}, {N}), got {matrix.shape}")
    hierarchy = require("scipy.cluster.hierarchy", "study")
    with style.applied():
        width = style.SIZE[0]
        side, left, top = 3.6, 1.75, 0.5  # inches
        height = top + side + 1.55
        figure: Figure = require("matplotlib.figure", "cli").Figure(figsize=(width, height))

        def box(x: float, y: float, w: float, h: float) -> Axes:
            """From inches, y from the top."""
            axes: Axes = figure.add_axes((x / width, 1 - (y + h) / height, w / width, h / height))
            return axes

        figure.suptitle(title, x=0.015, ha="left", weight="bold", fontsize=style.FONT_SIZE + 1.5)
        small = min(style.FONT_SIZE - 2, 0.8 * side / N * 72)
        main = box(left, top, side, side)
        colours = require("matplotlib", "cli").colormaps["RdBu_r"].with_extremes(bad="#DDDDDD")
        image = main.imshow(matrix, cmap=colours, vmin=-1, vmax=1, aspect="auto", interpolation="nearest")
        names = [style.shortened(rule) for rule in rules]
        main.set_yticks(range(N), names, fontsize=small)
        main.set_xticks(range(N), names, fontsize=small, rotation=90)
        main.tick_params(length=0, pad=2)
        for spine in main.spines.values():
            spine.set_visible(False)

        strips = box(left + side + 0.06, top, 0.42, side)
        marks = [[getattr(place, axis) in _DARK for axis in _STRIPS] for place in places]
        strips.imshow(marks, cmap="Greys", vmin=0, vmax=1.3, aspect="auto", interpolation="nearest")
        for x in range(1, len(_STRIPS)):
            strips.axvline(x - 0.5, color="white", linewidth=2)
        for y in range(1, N):
            strips.axhline(y - 0.5, color="white", linewidth=0.5)
        strips.set_xticks(range(len(_STRIPS)), _DARK, fontsize=style.FONT_SIZE - 2, rotation=90)
        strips.set_yticks(range(N), [place.tensor for place in places], fontsize=small)
        strips.tick_params(length=0, pad=2, labelleft=False, labelright=True)
        for spine in strips.spines.values():
            spine.set_edgecolor(style.FAINT)
            spine.set_visible(True)

        tree = box(left + side + 0.95, top, width - left - side - 0.95 - 0.1, side)
        drawn = hierarchy.dendrogram(linkage, orientation="right", no_labels=True, no_plot=True)
        for across, along in zip(drawn["dcoord"], drawn["icoord"], strict=True):
            # Leaves lie at 5, 15, 25, ...
            tree.plot(across, [(y - 5) / 10 for y in along], color=style.SOFT, linewidth=0.7)
        tree.set_ylim(N - 0.5, -0.5)
        tree.set_xlim(0, None)
        tree.set_axis_off()

        bar = box(0.2, top + side + 0.85, 1.1, 0.1)
        figure.colorbar(image, cax=bar, orientation="horizontal", ticks=[-1, 0, 1])
        bar.tick_params(labelsize=style.FONT_SIZE - 2, length=2)
        bar.set_title("cosine", fontsize=style.FONT_SIZE - 1.5, pad=3, weight="normal", loc="center")
    return figure

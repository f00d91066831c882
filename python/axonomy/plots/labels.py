"""Labels at the right margin, each at the height of what it names, none on top of another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from axonomy.plots import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Label:
    """What stands at the right margin: a name, the height of its line, and the line's looks."""

    name: str
    height: float
    colour: str
    aside: bool = False  # not data: thin and in italics


def label_right(figure: Figure, axes: Axes, labels: Sequence[Label]) -> None:
    """Write labels beside the right edge of the axes, tied to their lines, and make room for them.

    The vertical limits and margins of the axes must be final.
    """
    if not labels:
        return
    low, high = axes.get_ylim()
    box = axes.get_position()
    inches = box.height * figure.get_figheight()
    gap = 1.35 * style.FONT_SIZE / 72 / inches * (high - low)
    heights = np.clip([label.height for label in labels], low, high)
    beside = axes.get_yaxis_transform()  # x in parts of the axes, y in data
    x_text = 1.048
    widths = []
    for label, height, y in zip(labels, heights, spread(heights, gap, low, high), strict=True):
        axes.plot(
            [1.0, 1.022, 1.040],
            [height, y, y],
            transform=beside,
            color=label.colour,
            linewidth=0.8 if label.aside else style.LINE_WIDTH,
            clip_on=False,
        )
        text = axes.text(
            x_text,
            y,
            label.name,
            transform=beside,
            va="center_baseline",
            color=style.SOFT if label.aside else style.INK,
            style="italic" if label.aside else "normal",
        )
        widths.append(text.get_window_extent().width / figure.dpi)
    room = (max(widths) + 0.08) / figure.get_figwidth()
    # right + (x_text - 1) (right - left) + room = 1
    right = (1.0 - room + (x_text - 1.0) * box.x0) / x_text
    figure.subplots_adjust(right=max(right, box.x0 + 0.3))


def spread(heights: ArrayLike, gap: float, low: float, high: float) -> NDArray[np.float64]:
    """Move heights apart as little as possible.

    Parameters
    ----------
    heights : (N,) array
        Where the labels would like to be.
    gap : float
        Least distance between two of them.
    low, high : float
        Range to stay in, as long as N labels fit into it.

    Returns
    -------
    (N,) ndarray
        The least-squares solution, in the order of ``heights``.
    """
    wanted = np.asarray(heights, dtype=np.float64)
    order = np.argsort(wanted, kind="stable")
    # For z_i = y_i - i gap the condition y_{i+1} >= y_i + gap is monotony: pool what violates it.
    targets = wanted[order] - gap * np.arange(len(wanted))
    pools: list[tuple[float, int]] = []  # mean, count
    for target in targets:
        mean, count = float(target), 1
        while pools and pools[-1][0] > mean:
            before, n = pools.pop()
            mean, count = (before * n + mean * count) / (n + count), n + count
        pools.append((mean, count))
    z = np.repeat([mean for mean, _ in pools], [count for _, count in pools])
    # Clipping a best monotone solution to a range gives the best one inside the range.
    z = np.clip(z, low, max(low, high - gap * (len(wanted) - 1)))
    placed = np.empty_like(wanted)
    placed[order] = z + gap * np.arange(len(wanted))
    return placed

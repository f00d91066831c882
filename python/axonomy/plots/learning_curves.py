"""Learning curves: the smoothed loss of several rules on one task, and the task's floors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from axonomy.plots import style
from axonomy.plots.labels import Label, label_right

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_POINTS = 1000  # a figure has no room for more


def learning_curves(
    curves: Mapping[str, ArrayLike],
    floors: Mapping[str, float] | None = None,
    window: int | None = None,
    title: str = "",
    *,
    stride: int = 1,
    loss: str = "loss",
) -> Figure:
    """Draw the running mean of the loss over the steps.

    Parameters
    ----------
    curves : dict of str to (T,) or (seeds, T) array
        Loss of every step, by label; nan where there was none. Several seeds are drawn as their
        mean, within the band from the lowest to the highest. A curve may end early.
    floors : dict of str to float
        Losses that limited predictors cannot go below, as `axonomy.tasks.Task.floors` has them.
    window : int
        Steps of the running mean; a fiftieth of the longest curve by default.
    title : str
        Title of the figure.
    stride : int
        Steps that one entry of the curves stands for, if they are means of several.
    loss : str
        What the vertical axis shows.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> figure = learning_curves({"RTRL": history.loss}, task.floors)  # doctest: +SKIP
    >>> figure.savefig("curve.png")  # doctest: +SKIP
    """
    arrays = {label: np.atleast_2d(np.asarray(c, dtype=np.float64)) for label, c in curves.items()}
    _check(arrays, window, stride)
    floors = dict(floors or {})
    T = max(A.shape[1] for A in arrays.values())  # entries
    entries = max((T * stride // 50 if window is None else window) // stride, 1)

    with style.applied():
        figure, axes = style.new_figure()
        figure.subplots_adjust(left=0.115, bottom=0.125, top=0.86)
        axes.set_xlim(0, T * stride)
        axes.set_xlabel("step")
        axes.set_ylabel(loss)
        axes.xaxis.set_major_formatter(lambda step, _: f"{step:,.0f}")
        axes.set_title(title, pad=22)
        axes.annotate(
            _subtitle(entries * stride, max(len(A) for A in arrays.values())),
            (0, 1),
            xytext=(0, 9),
            xycoords="axes fraction",
            textcoords="offset points",
            color=style.SOFT,
        )

        labels, means = [], []
        for i, (name, losses) in enumerate(arrays.items()):
            colour, dashes = style.colour(i)
            steps, runs = smooth(losses, entries)
            mean = _draw(axes, steps * stride, runs, colour, dashes)
            if len(mean):
                labels.append(Label(name, float(mean[-1]), colour))
                means.append(mean)
        for name, floor in floors.items():
            axes.axhline(floor, color=style.FAINT, lw=0.9, ls=(0, (2, 2)), zorder=0)
            labels.append(Label(f"floor: {name}", floor, style.FAINT, aside=True))
        axes.set_ylim(*_limits(means, list(floors.values())))
        label_right(figure, axes, labels)
    return figure


def smooth(losses: NDArray[np.float64], window: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Running mean along the last axis, at no more than `MOST_POINTS` points.

    Parameters
    ----------
    losses : (..., T) ndarray
        Entries that are not finite do not count.
    window : int
        Length of the mean; it ends at the point it belongs to.

    Returns
    -------
    steps : (P,) ndarray
        Number of entries up to and including each point.
    means : (..., P) ndarray
        nan where all of the window is.
    """
    T = losses.shape[-1]
    window = min(window, T)
    there = np.isfinite(losses)
    start = np.zeros((*losses.shape[:-1], 1))
    sums = np.concatenate([start, np.cumsum(np.where(there, losses, 0.0), axis=-1)], axis=-1)
    counts = np.concatenate([start, np.cumsum(there, axis=-1)], axis=-1)
    steps = np.unique(np.linspace(window, T, min(T - window + 1, MOST_POINTS)).astype(np.int64))
    counted = counts[..., steps] - counts[..., steps - window]
    with np.errstate(invalid="ignore", divide="ignore"):
        means = (sums[..., steps] - sums[..., steps - window]) / counted
    return steps, means


def _draw(
    axes: Axes,
    steps: NDArray[np.int64],
    runs: NDArray[np.float64],
    colour: str,
    dashes: object,
) -> NDArray[np.float64]:
    """Draw the runs (seeds, P) of one rule; returns the finite part of their mean."""
    mean = runs.mean(axis=0)
    if len(runs) > 1:
        axes.fill_between(steps, runs.min(axis=0), runs.max(axis=0), color=colour, alpha=0.15, lw=0)
    axes.plot(steps, mean, color=colour, ls=dashes)
    seen = np.flatnonzero(np.isfinite(mean))
    if len(seen) and (last := int(steps[seen[-1]])) < axes.get_xlim()[1]:
        # Ended early: mark the end, and lead from there to the label at the margin.
        height = mean[seen[-1]]
        axes.plot(last, height, "x", color=colour, ms=5)
        axes.plot([last, axes.get_xlim()[1]], [height] * 2, color=colour, lw=0.8, ls=(0, (1, 3)))
    return np.asarray(mean[seen])


def _limits(means: list[NDArray[np.float64]], floors: list[float]) -> tuple[float, float]:
    """Vertical range; the first steps of one bad rule must not flatten all that comes after."""
    bottoms = [*floors, *(float(mean.min()) for mean in means)]
    tops = [*floors, *(float(np.quantile(mean, 0.98)) for mean in means)]
    if not tops:
        return 0.0, 1.0
    low, high = min(bottoms), max(tops)
    margin = 0.05 * (high - low) or 0.1 * abs(high) or 1.0
    return low - margin, high + margin


def _subtitle(window: int, seeds: int) -> str:
    parts = []
    if window > 1:
        parts.append(f"running mean of {window:,} steps")
    if seeds > 1:
        parts.append(f"mean and range of {seeds} seeds")
    return "; ".join(parts)


def _check(arrays: Mapping[str, NDArray[np.float64]], window: int | None, stride: int) -> None:
    if not arrays:
        raise ValueError("learning_curves: curves must hold at least one curve, got none")
    for label, A in arrays.items():
        if A.ndim != 2 or A.size == 0:
            raise ValueError(
                f"learning_curves: curve {label!r} must have shape (T,) or (seeds, T), got {A.shape}"
            )
    for name, value in (("window", window), ("stride", stride)):
        if value is not None and value < 1:
            raise ValueError(f"learning_curves: {name} must be >= 1, got {value}")

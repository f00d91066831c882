"""Loss against cost, and the rules that none beats in both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from axonomy._extras import require
from axonomy.plots import looks, style
from axonomy.plots.labels import spread

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


_LINE = 1.35  # height of a line, in font sizes


@dataclass(frozen=True)
class Priced:
    """A rule: its loss with an interval, and what it costs by each name."""

    rule: str
    place: looks.Place
    loss: float
    low: float
    high: float
    costs: dict[str, float]


def front(costs: Sequence[float], losses: Sequence[float]) -> list[int]:
    """Return the indices of the Pareto front, the cheapest first: no other is as cheap and better."""
    order = sorted(range(len(costs)), key=lambda i: (costs[i], losses[i]))
    best, kept = np.inf, []
    for i in order:
        if losses[i] < best:
            best = losses[i]
            kept.append(i)
    return kept


def loss_against_cost(rules: Sequence[Priced], title: str = "", *, loss: str = "normalised loss") -> Figure:
    """Draw each rule by its loss and each of its costs, with the Pareto front.

    Parameters
    ----------
    rules : sequence of Priced
        At least one; all with the same costs.
    title : str
    loss : str
        What the vertical axis shows.

    Returns
    -------
    matplotlib.figure.Figure
    """
    if not rules:
        raise ValueError("loss_against_cost: rules must hold at least one rule, got none")
    names = list(rules[0].costs)
    with style.applied():
        figure: Figure = require("matplotlib.figure", "cli").Figure(figsize=(style.SIZE[0], 4.4))
        panels = figure.subplots(1, len(names), sharey=True, squeeze=False)[0]
        figure.subplots_adjust(left=0.085, right=0.985, wspace=0.06, bottom=0.19, top=0.9)
        figure.suptitle(title, x=0.085, ha="left", weight="bold", fontsize=style.FONT_SIZE + 1.5)
        panels[0].set_ylabel(loss)
        values = [v for rule in rules for v in (rule.loss, rule.low) if np.isfinite(v)]
        # Those far worse than the others must not flatten them: they are marked at the upper edge.
        top = max(
            min(values), min(max(values), 1.6 * float(np.quantile([rule.loss for rule in rules], 0.75)))
        )
        margin = 0.08 * (top - min(values)) or 0.1
        panels[0].set_ylim(min(values) - 1.5 * margin, top + margin)
        for panel, name in zip(panels, names, strict=True):
            _panel(panel, rules, name)
        looks.legend(figure, [rule.place for rule in rules])
    return figure


def _room(costs: Sequence[float]) -> float:
    """The factor by which the axis begins below the cheapest, so that a name fits: 30 % of the width."""
    return float(max((max(costs) / min(costs)) ** 0.45, 2.0))


def _panel(axes: Axes, rules: Sequence[Priced], name: str) -> None:
    axes.set_xscale("log")
    axes.set_xlabel(name)
    rules = [rule for rule in rules if rule.costs[name] > 0]  # the axis has no zero
    if not rules:
        return
    costs = [rule.costs[name] for rule in rules]
    best = front(costs, [rule.loss for rule in rules])
    axes.step(
        [costs[i] for i in best],
        [rules[i].loss for i in best],
        where="post",
        color=style.FAINT,
        linewidth=1.0,
        linestyle=(0, (4, 2)),
        zorder=1,
    )
    top = axes.get_ylim()[1]
    for rule, cost in zip(rules, costs, strict=True):
        if rule.loss > top:
            axes.annotate(
                f"{style.shortened(rule.rule)}, {rule.loss:.2f} ▴",
                (cost, top),
                ha="center",
                va="top",
                color=rule.place.colour,
                fontsize=style.FONT_SIZE - 2.5,
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5},
            )
            continue
        axes.plot([cost, cost], [rule.low, rule.high], color=rule.place.colour, linewidth=0.8, alpha=0.6)
        looks.mark(axes, cost, rule.loss, rule.place, zorder=3)
    axes.set_xlim(min(costs) / _room(costs), max(costs) * 1.5)
    # Names of the front only, at the side where nothing is better; each below those of cheaper rules.
    box = axes.transAxes.transform((0, 0)), axes.transAxes.transform((1, 1))
    line = _LINE * (style.FONT_SIZE - 2) / 72 * axes.figure.dpi / (box[1][1] - box[0][1])
    low, high = axes.get_ylim()
    named = [i for i in reversed(best) if rules[i].loss <= top]
    heights = [(rules[i].loss - low) / (high - low) - 0.5 * line for i in named]
    for i, y in zip(named, spread(heights, line, 0.6 * line, 1 - 0.6 * line), strict=True):
        axes.annotate(
            style.shortened(rules[i].rule),
            (costs[i], rules[i].loss),
            xytext=(-14, y),
            textcoords=("offset points", "axes fraction"),
            ha="right",
            va="center_baseline",
            fontsize=style.FONT_SIZE - 2,
            arrowprops={"arrowstyle": "-", "color": style.FAINT, "linewidth": 0.6, "shrinkA": 0},
            bbox={"facecolor": "white", "alpha": 0.7, "edgecolor": "none", "pad": 0.3},
            zorder=4,
        )

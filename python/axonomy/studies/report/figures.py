"""The figures of the report, each with the caption that says what it was made of."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

import axonomy as ax
from axonomy import plots
from axonomy._extras import require
from axonomy.plots.curve_panels import Curve
from axonomy.plots.forest import Effect
from axonomy.plots.looks import Place
from axonomy.plots.metric_panels import Panel
from axonomy.plots.pareto import Priced
from axonomy.plots.periodic import Element
from axonomy.plots.ranking import Entry
from axonomy.studies.report import text
from axonomy.studies.report.analysis import Analysis
from axonomy.studies.statistics import CAP
from axonomy.studies.statistics.prediction import TOGETHER
from axonomy.studies.statistics.scores import AXES

if TYPE_CHECKING:
    from matplotlib.figure import Figure

POINTS = 60  # of a curve: a panel has no room for more
MOST_COLUMNS = 4  # tasks beside each other
_NORMALISED = "normalised loss"


@dataclass(frozen=True)
class Shown:
    """A figure of the report: its file's name, the section it belongs to, its title and caption."""

    name: str
    section: str
    title: str
    figure: Figure
    caption: str


def figures(found: Analysis) -> Iterator[Shown]:
    """Draw what the study has."""
    yield from _ranking(found)
    yield from _periodic(found)
    yield from _cost(found)
    if "curves" not in found.left_out:
        yield from _curves(found)
    if "axes" not in found.left_out:
        yield _effects(found)
    if "variance" not in found.left_out:
        yield _variance(found)
    if found.alignment is not None:
        yield _alignment(found)
    if "metrics" not in found.left_out:
        yield _metrics(found)


def _place(row: Any) -> Place:
    return Place(*(row[axis] for axis in AXES))


def _sample(found: Analysis) -> str:
    """n, in words."""
    rules = len(found.rules)
    return (
        f"{text.count(rules, 'rule')} × {text.count(len(found.settings), 'task')} × "
        f"{text.count(found.seeds, 'seed')}; n = {text.number(len(found.runs))} runs, "
        f"{text.number(int(found.runs['diverged'].sum()))} of them diverged"
    )


def _ranking(found: Analysis) -> Iterator[Shown]:
    means = found.means.set_index(["setting", "rule"])
    runs = found.runs[~found.runs["diverged"]].groupby(["setting", "rule"])["final_loss"].apply(list)
    for i, settings in enumerate(_chunks(found.settings, MOST_COLUMNS)):
        entries, floors, baselines = [], {}, {}
        for rule in found.rules["rule"]:
            for setting in settings:
                if (setting, rule) not in means.index:
                    continue
                row = means.loc[(setting, rule)]
                entries.append(
                    Entry(
                        rule, setting, _place(row), row["mean"], row["low"], row["high"],
                        runs.get((setting, rule), []), int(row["diverged"]),
                    )
                )  # fmt: skip
                floors[setting] = row["floor"]
                if row["status"] == "baseline":
                    baselines[setting] = row["mean"]
        # Panels stand in the order of the study.
        entries.sort(
            key=lambda entry: (list(found.rules["rule"]).index(entry.rule), settings.index(entry.task))
        )
        yield Shown(
            f"ranking{i + 1 if i else ''}",
            "ranking",
            "Ranked final loss",
            plots.ranking(entries, floors, baselines, "Final loss of every rule"),
            "Mean loss of the last tenth of the steps; rules in the order of their mean normalised loss "
            "over the tasks, those that did not run on all of them last. Marks: mean over seeds, with 95 % "
            "bootstrap intervals (BCa); ticks: single runs. Dotted: the task's floor, where it is known; "
            "dashed: the read-out alone. Diverged runs are counted at the right and are in no mean; ▸ is "
            f"beyond the axis. {_sample(found)}.",
        )


def _periodic(found: Analysis) -> Iterator[Shown]:
    # What the table has and the study did not run is shown as such.
    known = {(row["solver"], *(row[axis] for axis in AXES)) for _, row in found.runs.iterrows()}
    elements = [
        Element(row["rule"] + ("" if row["everywhere"] else " *"), _place(row), row["score"])
        for _, row in found.rules.iterrows()
        if row["facing"] != "-"
    ]
    if not elements:
        return
    elements += [
        Element(cell.name if cell.status == "known" else str(cell.solver), place, float("nan"))
        for cell in ax.table()
        if cell.status in ("known", "new")
        for place in [Place(cell.facing, cell.tensor, cell.randomness, cell.solution)]
        if (cell.solver, *(getattr(cell, axis) for axis in AXES)) not in known
    ]
    yield Shown(
        "periodic_table",
        "ranking",
        "The table, coloured by performance",
        plots.periodic_table(elements, "The table of rules, by performance"),
        f"Mean normalised loss over tasks and seeds ({found.scale}); dark is bad. *: not on all tasks. "
        f"White: not in this study; empty grey: no rule is possible there. {_sample(found)}.",
    )


def _cost(found: Analysis) -> Iterator[Shown]:
    rules = [
        Priced(
            row["rule"], _place(row), row["score"], row["low"], row["high"],
            {"time of a step (µs)": row["seconds_per_step"] * 1e6, "memory held (bytes)": row["bytes"]},
        )
        for _, row in found.rules.iterrows()
        if row["everywhere"]
    ]  # fmt: skip
    if not rules:
        return
    yield Shown(
        "cost",
        "cost",
        "Loss against cost",
        plots.loss_against_cost(rules, "Loss against cost"),
        "Mean normalised loss over tasks, with 95 % bootstrap intervals over seeds, against the median "
        "time of a step and the bytes that the rule holds (one that holds none cannot stand on that axis), "
        "of rules that ran on all tasks. "
        "Dashed: the Pareto front, whose rules are named: no rule is both cheaper and better. "
        f"{_sample(found)}.",
    )


def _curves(found: Analysis) -> Iterator[Shown]:
    order = list(found.rules["rule"])
    # A panel a tensor, in the order of the table; hybrids together.
    tensors = [tensor.name for tensor in ax.axes.TENSORS]
    runs = found.runs.set_index("key")
    for i, setting in enumerate(found.settings):
        of_setting = found.curves[found.curves["setting"] == setting]
        curves = []
        for rule, group in of_setting.groupby("rule"):
            run = runs.loc[group["key"].iloc[0]]
            panel = {"baseline": "", "hybrid": "hybrids"}.get(run["status"], run["tensor"])
            ended = runs.loc[group["key"].unique(), "diverged"].any()
            curves.append(_curve(str(rule), panel, group, bool(ended)))
        if not curves:
            continue
        place = {name: k for k, name in enumerate([*tensors, "hybrids", ""])}
        curves.sort(key=lambda curve: (place[curve.group], order.index(curve.name)))
        own = found.runs[found.runs["setting"] == setting]
        floor, floors = float(own["floor"].iloc[0]), json.loads(own["floors"].iloc[0])
        if np.isfinite(floor) and floor not in floors.values():
            floors["floor"] = floor
        start = max(float(curve.mean[0]) for curve in curves)
        baseline = own.loc[own["status"] == "baseline", "final_loss"].mean()
        top = min(start, floor + 2 * (baseline - floor)) if np.isfinite(floor) and baseline > floor else None
        yield Shown(
            f"curves{i + 1}",
            "curves",
            f"Learning curves: {setting}",
            plots.curve_panels(curves, floors, f"Learning curves: {setting}", top=top),
            "Loss of the rules of each tensor, the others in grey. Lines: mean over "
            f"{text.count(found.seeds, 'seed')}; bands: 95 % bootstrap intervals of it (percentile). Dashed "
            "black: the read-out "
            f"alone{'; dotted: floors of limited memories' if floors else '; no floor is known'}. "
            f"×: a run diverged, and the mean is of the others from there on. n = {text.number(len(own))} "
            "runs.",
        )


def _curve(name: str, panel: str, group: Any, ended: bool) -> Curve:
    """Mean and interval over the seeds, at no more points than can be seen."""
    stats = require("scipy.stats", "study")
    wide = group.pivot_table(index="step", columns="seed", values="loss").sort_index()
    every = -(-len(wide) // POINTS)
    blocks = np.arange(len(wide)) // every
    step = wide.index.to_series().groupby(blocks).max().to_numpy(float)
    values = wide.groupby(blocks).mean().to_numpy(float)  # (points, seeds)
    there = np.isfinite(values)
    count = there.sum(axis=1)
    mean = np.where(there, values, 0.0).sum(axis=1) / np.maximum(count, 1)
    mean[count == 0] = np.nan
    low, high = np.full(len(mean), np.nan), np.full(len(mean), np.nan)
    whole = there.all(axis=1)
    if values.shape[1] > 1 and whole.any():
        band = stats.bootstrap(
            (values[whole],),
            np.mean,
            axis=1,
            n_resamples=500,
            method="percentile",
            rng=np.random.default_rng(0),
        ).confidence_interval
        low[whole], high[whole] = band.low, band.high
    return Curve(name, panel, step, mean, low, high, ended)


def _effects(found: Analysis) -> Shown:
    singles = found.pairs.groupby(["axis", "level_a", "level_b"])["effect"].apply(list)
    effects = [
        Effect(
            row["axis"],
            f"{row['level_a']} → {row['level_b']}",
            row["effect"],
            row["low"],
            row["high"],
            parts=singles[row["axis"], row["level_a"], row["level_b"]],
            note=text.columns(row["pairs"], text.p_value(row["holm"])),
            sure=bool(row["holm"] < 0.05),
        )
        for _, row in found.contrasts.iterrows()
    ]
    blocks = int(found.contrasts["n"].max())
    return Shown(
        "axis_effects",
        "axes",
        "One axis at a time",
        plots.forest(
            effects,
            "What one axis does, the others held",
            axis="change of the normalised loss",
            note="pairs, Holm p",
            sides="← second level better       first level better →",
        ),
        "Difference of normalised loss between rules that differ on exactly one axis, averaged over all "
        "such pairs within a task and seed (a tensor belongs to one facing, so pairs of the axis facing "
        f"differ in tensor too). Marks: mean over up to {blocks} blocks (task × seed) with 95 % bootstrap "
        "intervals (BCa); ticks: single pairs. Full marks: p < 0.05 in Wilcoxon's signed-rank test over "
        f"blocks, two-sided, with Holm's correction over all {len(effects)} rows. The tests are about these "
        f"tasks, not about tasks in general. {_sample(found)}.",
    )


def _variance(found: Analysis) -> Shown:
    effects = []
    assert found.variance is not None
    assert found.ranked is not None
    for decomposition, series in ((found.variance, "scores"), (found.ranked, "ranks of scores")):
        for _, row in decomposition.table.iterrows():
            if not row["df"] or row["term"] == "residual":
                continue
            p = row["p_rules"] if np.isfinite(row["p_rules"]) else row["p"]
            effects.append(
                Effect(
                    _kind(row["term"]),
                    row["term"],
                    row["omega_sq"],
                    row["low"],
                    row["high"],
                    series=series,
                    note=text.columns(row["df"], text.p_value(p)) if series == "scores" else "",
                    sure=bool(p < 0.05),
                )
            )
    order = ["axes", "pairs of axes", "task and seed", "axes × task", "rules beside their axes"]
    effects.sort(key=lambda effect: order.index(effect.group))
    return Shown(
        "variance",
        "variance",
        "Shares of the variance",
        plots.forest(
            effects, "What explains performance", axis="ω², share of the variance", note="df, p of scores"
        ),
        "Type-II analysis of variance of the normalised losses, and of their ranks. ω²: the share beyond "
        "what rules of the same axes differ by (of the task, seeds within it; of rules and seeds, runs), "
        "with 95 % jackknife intervals over seeds (none for fewer than three seeds or an incomplete table). "
        "p: F test against the same; hollow: p ≥ 0.05. Seeds are blocks within tasks. Terms that the "
        f"filled cells cannot tell from others are not shown. {_sample(found)}.",
    )


def _kind(term: str) -> str:
    parts = term.split(":")
    if "rule" in parts:
        return "rules beside their axes"
    if term in ("task", "seed"):
        return "task and seed"
    if "task" in parts:
        return "axes × task"
    return "axes" if len(parts) == 1 else "pairs of axes"


def _alignment(found: Analysis) -> Shown:
    clusters = found.alignment
    assert clusters is not None
    rows = found.rules.set_index("rule")
    return Shown(
        "alignment",
        "alignment",
        "Alignment of gradients",
        plots.alignment_matrix(
            clusters.rules,
            clusters.matrix.to_numpy(float),
            [_place(rows.loc[rule]) for rule in clusters.rules],
            clusters.linkage,
            "Cosine between the gradients of two rules",
        ),
        "Mean cosine of recurrent gradients on the same trajectory, over tasks, seeds and the rules that "
        "trained; grey: not measured. Rules in the order of hierarchical clustering (distance "
        "√(2 − 2 cosine), Ward's linkage), whose tree is at the right; black squares: future-facing, "
        f"stochastic, numerical. {clusters.n} rules. {_sample(found)}.",
    )


def _metrics(found: Analysis) -> Shown:
    panels = []
    for _, row in found.predictors.iterrows():
        if row["metric"] == TOGETHER:
            continue
        own = found.metrics[
            (found.metrics["metric"] == row["metric"]) & (found.metrics["status"] != "baseline")
        ]
        panels.append(
            Panel(
                row["metric"].replace("_", " "),
                [_place(line) for _, line in own.iterrows()],
                own["rank"].tolist(),
                own["score"].tolist(),
                f"ρ = {text.short(row['rank_correlation'], row['low'], row['high'])}\n"
                f"R² = {text.short(row['r_squared'], row['r_low'], row['r_high'])}",
            )
        )
    best = found.predictors.iloc[0]
    return Shown(
        "metrics",
        "metrics",
        "Which metric predicts performance",
        plots.metric_panels(
            panels, "Metrics of gradients against final performance", x="place of the metric", y=_NORMALISED
        ),
        "Each mark is a rule in a task: its place by the metric among the rules of the task (0: lowest, 1: "
        "highest) and its mean normalised loss. ρ: Spearman's correlation of places within tasks; R²: of a "
        "linear model with an intercept for each task, cross-validated with one rule left out at a time, "
        "against the mean of the others (below 0: worse than that); both with 95 % bootstrap intervals "
        f"that resample rules. {text.count(int(best['rules']), 'rule')}, "
        f"{text.count(int(best['settings']), 'task')}, n = {int(best['n'])}. Losses above {CAP:g} and "
        f"diverged runs count as {CAP:g}.",
    )


def _chunks(values: Sequence[str], size: int) -> Iterator[list[str]]:
    for start in range(0, len(values), size):
        yield list(values[start : start + size])

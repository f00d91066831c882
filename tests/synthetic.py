"""Tables of studies that never ran: what is planted in them is known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd

import axonomy as ax

TASKS = ("add", "mimic", "digits")
FLOORS = {"add": 0.454}
BASELINE = 1.0
Effect = Callable[[pd.Series, str], float]


@cache
def cells() -> pd.DataFrame:
    """The rules of the table and the baseline, one row each, named as a study names them."""
    rows = []
    for cell in ax.table():
        if cell.status == "impossible":
            continue
        axes = ("-",) * 4 if cell.status == "baseline" else (
            cell.facing, cell.tensor, cell.randomness, cell.solution,
        )  # fmt: skip
        label = cell.name if cell.status != "new" else f"{cell.tensor} {cell.solver}"
        settings = "rank 1" if cell.solver in ("signs", "optimal", "svd") else ""
        rows.append((label, *axes, cell.solver, settings, cell.status, cell.bias))
    columns = ["rule", "facing", "tensor", "randomness", "solution", "solver", "settings", "status", "bias"]
    return pd.DataFrame(rows, columns=columns)


def runs(
    effect: Effect = lambda rule, task: 0.0,
    *,
    rules: pd.DataFrame | None = None,
    tasks: Sequence[str] = TASKS,
    seeds: int = 5,
    noise: float = 0.05,
    rng: int = 0,
    between: float = 0.0,
) -> pd.DataFrame:
    """The table of runs: losses of 0.7, the baseline 1, a rule's effect, that of a seed and task, and noise.

    `between` is the standard deviation of what rules differ by beside their axes.
    """
    draw = np.random.default_rng(rng)
    rules = cells() if rules is None else rules
    own = dict(zip(rules["rule"], draw.normal(0, between, len(rules)), strict=True))
    rows = []
    for task in tasks:
        shared = draw.normal(0, noise, seeds)
        for _, rule in rules.iterrows():
            for seed in range(seeds):
                loss = (
                    BASELINE if rule["status"] == "baseline" else 0.7 + effect(rule, task) + own[rule["rule"]]
                )
                loss += shared[seed] + draw.normal(0, noise)
                cost = {
                    "seconds_per_step": 2e-6 * (1 + len(rule["tensor"]) ** 2) * draw.uniform(0.9, 1.1),
                    "bytes": 1000 * (1 + len(rule["tensor"])) ** 3,
                    "tuning_runs": 12,
                    "update_steps": 1,
                    "edge": False,
                }
                end = {"final_loss": loss, "diverged": False, "diverged_at": np.nan}
                setting = {"task": task, "cell": "leaky_rnn", "n": 32, "floor": FLOORS.get(task, np.nan)}
                setting["floors"] = '{"no memory": 0.662, "both lags": 0.454}' if task == "add" else "{}"
                run = {"key": f"{len(rows):016x}", "phase": "final", "seed": seed, "steps": 10_000}
                rows.append({**run, **setting, **rule, "learning_rate": 0.001, **end, **cost})
    return pd.DataFrame(rows)


def diverge(table: pd.DataFrame, rule: str, seed: int) -> pd.DataFrame:
    """The same table, in which runs of a rule and seed have diverged."""
    table = table.copy()
    hit = (table["rule"] == rule) & (table["seed"] == seed)
    assert hit.any()
    table.loc[hit, "final_loss"] = np.inf
    table.loc[hit, "diverged"] = True
    table.loc[hit, "diverged_at"] = 500.0
    return table


def curves(table: pd.DataFrame, bins: int = 40) -> pd.DataFrame:
    """Losses that fall from the baseline to the final loss of each run; those of diverged runs end."""
    draw = np.random.default_rng(1)
    parts = []
    for _, run in table.iterrows():
        t = np.arange(1, bins + 1) / bins
        end = 1.0 if run["diverged"] else run["final_loss"]
        loss = end + (1.1 - end) * np.exp(-6 * t) + draw.normal(0, 0.01, bins)
        kept = t * run["steps"] <= (run["diverged_at"] if run["diverged"] else np.inf)
        part = pd.DataFrame({"step": (t * run["steps"])[kept].astype(int), "loss": loss[kept]})
        for column in ("key", "task", "cell", "rule", "seed"):
            part[column] = run[column]
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def metrics(
    table: pd.DataFrame, telling: Sequence[str] = ("loss_decrease",), rng: int = 2, seeds: int = 2
) -> pd.DataFrame:
    """Metrics of which the telling ones follow the final loss, falling, and the others nothing."""
    draw = np.random.default_rng(rng)
    names = [("cosine", w) for w in (1, 10, 100)] + [
        (m, 1) for m in ("bias", "variance", "snr", "loss_decrease")
    ]
    means = table[table["status"] != "baseline"].groupby(["task", "cell", "rule"])["final_loss"].mean()
    rows = []
    for (task, cell, rule), loss in means.items():
        for metric, window in names:
            value = 2 - 2 * loss if metric in telling else draw.normal()
            rows += [
                (task, cell, "RTRL", rule, seed, metric, window, step, value + draw.normal(0, 0.02))
                for seed in range(seeds)
                for step in (1000, 2000)
            ]
    columns = ["task", "cell", "trained_by", "rule", "seed", "metric", "window", "step", "value"]
    return pd.DataFrame(rows, columns=columns)


def alignment(table: pd.DataFrame, axis: str | None = "facing", rng: int = 3) -> pd.DataFrame:
    """Cosines of 0.7 within the levels of an axis and 0.1 between them; of chance for no axis."""
    draw = np.random.default_rng(rng)
    rules = table[~table["status"].isin(["baseline", "hybrid"])].drop_duplicates("rule").set_index("rule")
    rows = []
    for i, a in enumerate(rules.index):
        for b in rules.index[i + 1 :]:
            if axis is None:
                mean = draw.uniform(0, 0.8)
            else:
                mean = 0.7 if rules.loc[a, axis] == rules.loc[b, axis] else 0.1
            for seed in range(2):
                rows.append(("add", "leaky_rnn", "RTRL", seed, a, b, mean + draw.normal(0, 0.05)))
    return pd.DataFrame(rows, columns=["task", "cell", "trained_by", "seed", "rule_a", "rule_b", "cosine"])


@dataclass(frozen=True)
class Study:
    """The tables, handed out as `axonomy.studies.results.Results` does."""

    table: pd.DataFrame
    measured: pd.DataFrame | None = None
    aligned: pd.DataFrame | None = None
    left: int = 0

    def missing(self) -> int:
        return self.left

    def runs(self) -> pd.DataFrame:
        return self.table

    def curves(self) -> pd.DataFrame:
        return curves(self.table)

    def metrics(self) -> pd.DataFrame:
        return metrics(self.table).iloc[:0] if self.measured is None else self.measured

    def alignment(self) -> pd.DataFrame:
        return alignment(self.table).iloc[:0] if self.aligned is None else self.aligned

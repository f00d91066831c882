"""What a window of exact steps buys: rules alone, beyond a window, and kept for a part of the time.

    OMP_NUM_THREADS=1 python bench/windowed.py docs/performance

Add on a leaky RNN with alpha = 1, plain SGD. The learning rate of each rule is the best of some on seeds of
its own; shown is the loss of the last tenth of the steps, the mean over others. Writes windowed_runs.csv,
windowed.csv (means, and the time a step, side by side) and windowed.png into the folder; what is in
the files is not done again. Needs ``axonomy[study]``.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from matplotlib.figure import Figure

import axonomy as ax
from axonomy import speed
from axonomy.plots import style

ROOT = "1/sqrt(n)"
SVD = ax.compose("past", "ki|ij", "deterministic", "numerical")
FAMILIES: dict[str, list[ax.Rule]] = {
    "RTRL": [ax.rules.rtrl_lazy()],
    "KF-RTRL": [ax.rules.kf_rtrl()],
    "KF-RTRL beyond L steps": [ax.windowed("kf_rtrl", L) for L in (4, 8, 16)],
    "KF-RTRL beyond L steps, kept 1/sqrt(n)": [ax.windowed("kf_rtrl", L, ROOT) for L in (8, 16)],
    "ki|ij TruncatedSVD": [SVD],
    "ki|ij TruncatedSVD beyond L steps": [ax.windowed(SVD, L) for L in (4, 8)],
    "RFLO beyond L steps": [ax.windowed("rflo", L) for L in (4, 8)],
    "rolling TBPTT(L)": [ax.rules.tbptt(L) for L in (4, 8, 16)],
}
CASES = [(n, lags) for lags in ((6, 10), (9, 14)) for n in (32, 128)]
RATES = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2)
TUNING_SEEDS, SEEDS = (100, 101), (0, 1, 2, 3, 4)
STEPS = 100_000
KEYS = ["n", "lags", "rule", "learning_rate", "seed"]


def window(rule: ax.Rule) -> int | None:
    """Return L."""
    return rule.window if isinstance(rule, ax.Windowed) else rule.options.get("window")


def fits(rule: ax.Rule, n: int) -> bool:
    """Whether the rule is quick enough there."""
    return rule.name != "lazy RTRL" or n < 128


def network(n: int, seed: int) -> ax.LeakyRNN:
    """Return the network."""
    return ax.LeakyRNN.random(n_in=2, n_hidden=n, n_out=2, alpha=1.0, seed=seed)


def loss(rule: ax.Rule, n: int, lags: tuple[int, int], rate: float, seed: int) -> float:
    """Return the mean loss of the last tenth; infinite if the run diverges."""
    data = ax.tasks.Add(lags).generate(STEPS, seed=1000 + seed)
    try:
        found = ax.Trainer(network(n, seed), rule, ax.SGD(rate), seed=seed).run(data.X, data.Y).loss
    except ax.Diverged:
        return float("inf")
    return float(found[-STEPS // 10 :].mean())


def label(rule: ax.Rule) -> str:
    """Return a name that tells it from all others here."""
    return f"TBPTT({window(rule)})" if rule.name.startswith("rolling") else rule.name


def run(path: Path, jobs: int) -> pd.DataFrame:
    """Do the runs that are not in the file, tuning first."""
    columns = [*KEYS, "loss"]
    table = pd.read_csv(path) if path.exists() else pd.DataFrame(columns=columns)
    rules = [rule for family in FAMILIES.values() for rule in family]

    def complete(wanted: list[tuple]) -> None:
        nonlocal table
        known = set(table[KEYS].itertuples(index=False, name=None))
        todo = [w for w in wanted if (w[0], str(w[1]), label(w[2]), w[3], w[4]) not in known]
        for start in range(0, len(todo), 16):
            part = todo[start : start + 16]
            losses = Parallel(jobs)(delayed(loss)(rule, n, lags, lr, s) for n, lags, rule, lr, s in part)
            rows = [
                (n, str(lags), label(rule), lr, s, found)
                for (n, lags, rule, lr, s), found in zip(part, losses, strict=True)
            ]
            table = pd.DataFrame([*table.itertuples(index=False, name=None), *rows], columns=columns)
            table.to_csv(path, index=False, float_format="%.6g", lineterminator="\n")
            print(f"{min(start + 16, len(todo))} of {len(todo)} runs", flush=True)

    cases = [(n, lags, rule) for n, lags in CASES for rule in rules if fits(rule, n)]
    complete([(*case, lr, s) for case in cases for lr in RATES for s in TUNING_SEEDS])
    best = rates(table)
    complete([(n, lags, r, best[n, str(lags), label(r)], s) for n, lags, r in cases for s in SEEDS])
    return table


def rates(table: pd.DataFrame) -> dict[tuple[int, str, str], float]:
    """Return the learning rate with the least mean loss on the tuning seeds, by case and rule."""
    tuning = table[table.seed.isin(TUNING_SEEDS)]
    means = tuning.groupby(KEYS[:-1], as_index=False).loss.mean()
    best = means.loc[means.groupby(KEYS[:3]).loss.idxmin()]
    return {(row.n, row.lags, row.rule): row.learning_rate for row in best.itertuples()}


def times(seconds: float, turns: int) -> dict[tuple[int, str], float]:
    """Measure microseconds a step, side by side."""
    found = {}
    for n in sorted({n for n, _ in CASES}):
        rules = [rule for family in FAMILIES.values() for rule in family if fits(rule, n)]
        runners = {label(rule): speed.training(rule, n, "float64", "leaky_rnn") for rule in rules}
        for name, rate in speed.measure(runners, seconds, turns).items():
            found[n, name] = 1e6 / rate.median
    return found


def summary(table: pd.DataFrame, time: dict[tuple[int, str], float]) -> pd.DataFrame:
    """Return a line a case and rule: learning rate, mean loss and its standard error, microseconds a step."""
    best = rates(table)
    chosen = np.array([best[row.n, row.lags, row.rule] == row.learning_rate for row in table.itertuples()])
    final = table[table.seed.isin(SEEDS) & chosen]
    groups = final.groupby(KEYS[:4], as_index=False).loss.agg(["mean", "sem"])
    groups["microseconds"] = [time[n, rule] for n, rule in zip(groups.n, groups.rule, strict=True)]
    return groups


def draw(lines: pd.DataFrame) -> Figure:
    """Draw loss over time a step, a panel a case."""
    with style.applied():
        figure = Figure(figsize=(style.SIZE[0], 6.0), layout="constrained")
        panels = figure.subplots(2, 2, sharey="row")
        for axes, (n, lags) in zip(panels.ravel(), CASES, strict=True):
            here = lines[(lines.n == n) & (lines.lags == str(lags))].set_index("rule")
            for i, (family, rules) in enumerate(FAMILIES.items()):
                there = [rule for rule in rules if label(rule) in here.index]
                if not there:
                    continue
                found = here.loc[[label(rule) for rule in there]]
                colour, dashes = style.colour(i)
                axes.errorbar(
                    found.microseconds, found["mean"], found["sem"], color=colour, linestyle=dashes,
                    marker="o", markersize=5, label=family,
                )  # fmt: skip
                if len(there) > 1:
                    for rule, x, y in zip(there, found.microseconds, found["mean"], strict=True):
                        axes.annotate(
                            str(window(rule)), (x, y), xytext=(3, 3), textcoords="offset points",
                            color=colour, fontsize=style.FONT_SIZE - 2,
                        )  # fmt: skip
            axes.set(xscale="log", title=f"n = {n}, lags {lags[0]} and {lags[1]}")
            ticks = (0.5, 1, 2, 4) if n == 32 else (8, 16, 32, 64)
            axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
            axes.minorticks_off()
        for axes in panels[:, 0]:
            axes.set_ylabel("loss, nats a step")
        for axes in panels[1]:
            axes.set_xlabel("µs a step")
        handles, names = panels[0, 0].get_legend_handles_labels()
        figure.legend(handles, names, loc="outside lower center", ncols=2, frameon=False)
    return figure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=0.2)
    parser.add_argument("--turns", type=int, default=5)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    table = run(options.folder / "windowed_runs.csv", options.jobs)
    path = options.folder / "windowed.csv"
    if not path.exists():
        found = summary(table, times(options.seconds, options.turns))
        found.to_csv(path, index=False, float_format="%.4g", lineterminator="\n")
    lines = pd.read_csv(path)
    print(lines.to_string(index=False))
    draw(lines).savefig(options.folder / "windowed.png")


if __name__ == "__main__":
    main()

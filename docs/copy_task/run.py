"""How long a string GRU and LSTM learn to repeat within a fixed number of steps, under several rules.

    python docs/copy_task/run.py            # resumes; about half an hour on one core
    python docs/copy_task/run.py --quick    # a few seconds, into a folder of its own

The Copy task with a curriculum (Mujika et al. 2018; Menick et al. 2021): the string grows by one symbol
when a thousand steps of recall cost less than 0.15 bits a symbol. 32 units, float32, Adam, an update at
every step. The learning rate of each rule and cell is the best of four on a seed of its own; then three
other seeds. Each finished run is a line of results.jsonl, and is not run again. The figure is drawn from
these lines.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

import axonomy as ax
from axonomy.plots import style

HERE = Path(__file__).parent
CELLS = ("gru", "lstm")
RATES = (3e-4, 1e-3, 3e-3, 1e-2)
TUNING_SEED, SEEDS = 100, (0, 1, 2)
POINTS = 200  # of a curve
SPLIT = {"facing": "past", "tensor": "ki|ij"}
RULES = {
    "exact (lazy RTRL)": ax.rules.rtrl_lazy(),
    "ki|ij TruncatedSVD": ax.compose(**SPLIT, randomness="deterministic", solution="numerical"),
    "ki|ij RandomSigns": ax.compose(**SPLIT, randomness="stochastic", solution="closed-form"),
    "ki|ij OptimalUnbiased": ax.compose(
        **SPLIT, randomness="stochastic", solution="numerical", solver="optimal"
    ),
    "KF-RTRL": ax.rules.kf_rtrl(),
    "SnAp-1": ax.rules.snap(1),
    "rolling TBPTT(20)": ax.rules.tbptt(20),
    "read-out only": ax.rules.output_only(),
}


def climb(cell: str, rule: str, rate: float, seed: int, steps: int, hidden: int) -> dict[str, object]:
    """One run: the level over the steps, thinned, and the one it ended at."""
    rnn = ax.cells.CELLS[cell].random(n_in=4, n_hidden=hidden, n_out=2, dtype="float32", seed=seed)
    curriculum = ax.Curriculum(ax.Trainer(rnn, RULES[rule], ax.Adam(rate), seed=seed), seed=seed)
    diverged = False
    try:
        curriculum.climb(steps)
    except ax.Diverged:
        diverged = True
    history = curriculum.history
    every = max(1, len(history.level) // POINTS)
    return {
        "cell": cell, "rule": rule, "rate": rate, "seed": seed, "steps": steps, "hidden": hidden,
        "reached": history.reached, "diverged": diverged, "level": history.level[::every].tolist(),
        "at": history.steps[::every].tolist(),
    }  # fmt: skip


def cell_and_rule(run: dict) -> str:
    return f"{run['cell']:5} {run['rule']:22}"


def measure(path: Path, steps: int, hidden: int) -> list[dict]:
    """All runs; those that the file has already are not run again."""
    done = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def get(*key: object) -> dict:
        names = ("cell", "rule", "rate", "seed", "steps", "hidden")
        for run in done:
            if tuple(run[n] for n in names) == (*key, steps, hidden):
                return run
        run = climb(*key, steps, hidden)
        with path.open("a") as file:
            file.write(json.dumps(run) + "\n")
        done.append(run)
        print(f"{cell_and_rule(run)} rate {run['rate']:g} seed {run['seed']}: {run['reached']}", flush=True)
        return run

    kept = []
    for cell in CELLS:
        for rule in RULES:
            tuning = [get(cell, rule, rate, TUNING_SEED) for rate in RATES]
            # of equal ones the quickest: the mean level over the run
            best = max(tuning, key=lambda run: (run["reached"], np.mean(run["level"])))
            kept += [get(cell, rule, best["rate"], seed) for seed in SEEDS]
    return kept


def draw(runs: list[dict], path: Path) -> None:
    """Length over steps, a panel a cell: the median over the seeds, and their range."""
    with style.applied():
        figure, first = style.new_figure((7.2, 3.6))
        first.remove()
        axes = figure.subplots(1, len(CELLS), sharey=True)
        shown = [rule for rule in RULES if not rule.startswith("ki|ij") or rule == best_split(runs)]
        for ax_, cell in zip(axes, CELLS, strict=True):
            for i, rule in enumerate(shown):
                mine = [run for run in runs if run["cell"] == cell and run["rule"] == rule]
                length = min(len(run["level"]) for run in mine)
                levels = np.array([run["level"][:length] for run in mine])
                colour, dashes = style.colour(i)
                steps = np.array(mine[0]["at"][:length]) / 1e6
                ax_.plot(steps, np.median(levels, axis=0), color=colour, linestyle=dashes, label=rule)
                low, high = levels.min(axis=0), levels.max(axis=0)
                ax_.fill_between(steps, low, high, color=colour, alpha=0.15, linewidth=0)
            ax_.set_title(cell.upper())
            ax_.set_xlabel("steps (millions)")
            ax_.set_xlim(0, None)
        axes[0].set_ylim(0, 1.05 * max(run["reached"] for run in runs if run["rule"] in shown))
        axes[0].set_ylabel("length of the string")
        axes[0].yaxis.get_major_locator().set_params(integer=True)
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncol=3, frameon=False)
        figure.set_layout_engine("constrained")
        figure.savefig(path)


def best_split(runs: list[dict]) -> str:
    """Which of the ki|ij rules came farthest, over both cells and all seeds."""
    rules = [rule for rule in RULES if rule.startswith("ki|ij")]
    return max(rules, key=lambda rule: sum(run["reached"] for run in runs if run["rule"] == rule))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="few steps and units, into quick/")
    parser.add_argument("--steps", type=int, default=1_000_000)
    options = parser.parse_args()
    folder = HERE / "quick" if options.quick else HERE
    folder.mkdir(exist_ok=True)
    runs = measure(folder / "results.jsonl", *((20_000, 8) if options.quick else (options.steps, 32)))
    draw(runs, folder / "copy_task.png")
    for cell in CELLS:
        for rule in RULES:
            mine = [run for run in runs if run["cell"] == cell and run["rule"] == rule]
            rate = mine[0]["rate"]
            reached = [run["reached"] for run in mine]
            print(f"{cell_and_rule(mine[0])} rate {rate:g}  length {reached}")


if __name__ == "__main__":
    main()

"""Time a step by units, inputs, rank, window and sparsity, beside the orders that the rules declare.

    OMP_NUM_THREADS=1 python bench/scaling.py docs/performance

Writes scaling.csv and scaling.png into the folder. What is timed takes turns; a line that is in the file is
not measured again. Needs ``axonomy[cli]``.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import axonomy as ax
from axonomy import speed
from axonomy.plots import style

FIELDS = ("sweep", "rule", "x", "seconds")


@dataclass(frozen=True)
class Curve:
    """A rule as one size grows: ``rule(x)``, and the power of x that its time is declared to grow with."""

    rule: Callable[[int], ax.Rule]
    power: int


@dataclass(frozen=True)
class Sweep:
    """What grows, the rest being fixed."""

    title: str
    xs: tuple[int, ...]
    curves: dict[str, Curve]
    n: int = 64
    n_in: int = 2
    weights: int | None = None  # recurrent ones of each unit; all, if None
    n_of: Callable[[int], int] | None = None
    n_in_of: Callable[[int], int] | None = None
    weights_of: Callable[[int], int] | None = None

    def network(self, x: int) -> ax.Cell:
        """Return the network at x."""
        n = self.n if self.n_of is None else self.n_of(x)
        n_in = self.n_in if self.n_in_of is None else self.n_in_of(x)
        weights = self.weights if self.weights_of is None else self.weights_of(x)
        density = {} if weights is None else {"density": weights / n}
        return ax.LeakyRNN.random(n_in=n_in, n_hidden=n, n_out=2, seed=0, **density)


def fixed(rule: ax.Rule, power: int | None = None) -> Curve:
    """Return a rule without a setting that grows; its power of n, unless another is given."""
    return Curve(lambda _: rule, rule.component.time.n if power is None else power)


def signs(tensor: str) -> Callable[[int], ax.Rule]:
    """Return the rules of random signs of a split, by rank."""
    return lambda rank: ax.compose("past", tensor, "stochastic", "closed-form", rank=rank)


RTRL, LAZY, RFLO = ax.rules.rtrl(), ax.rules.rtrl_lazy(), ax.rules.rflo()
UORO, KF_RTRL = ax.rules.uoro(), ax.rules.kf_rtrl()
SWEEPS = {
    "n": Sweep(
        "units n",
        (16, 32, 64, 128, 256, 512),
        {
            "RTRL": fixed(RTRL),
            "lazy RTRL": fixed(LAZY),
            "KF-RTRL": fixed(KF_RTRL),
            "UORO": fixed(UORO),
            "RFLO": fixed(RFLO),
        },
        n_of=lambda x: x,
    ),
    "m": Sweep(
        "inputs, n = 32",
        (4, 16, 64, 256, 1024, 4096),
        {"RTRL": fixed(RTRL, 1), "lazy RTRL": fixed(LAZY, 1), "UORO": fixed(UORO, 1), "RFLO": fixed(RFLO, 1)},
        n=32,
        n_in_of=lambda x: x,
    ),
    "r": Sweep(
        "rank r, n = 64",
        (1, 2, 4, 8, 16, 32),
        {f"{tensor} RandomSigns": Curve(signs(tensor), 1) for tensor in ("kj|ij", "ki|ij", "ki|j", "k|ij")},
    ),
    "T": Sweep(
        "window T, n = 64",
        (4, 8, 16, 32, 64, 128),
        {
            "TBPTT": Curve(ax.rules.tbptt, 1),
            "F-BPTT": Curve(ax.rules.f_bptt, 1),
            "E-BPTT": Curve(ax.rules.e_bptt, 0),
        },
    ),
    "d": Sweep(
        "weights of a unit d, n = 256",
        (2, 4, 8, 16, 32),
        {"SnAp-2": Curve(lambda _: ax.rules.snap(2), 2), "SnAp-1": Curve(lambda _: ax.rules.snap(1), 0)},
        n=256,
        weights_of=lambda x: x,
    ),
}


def runner(sweep: Sweep, curve: Curve, x: int) -> speed.Runner:
    """Return what takes k steps on white noise, SGD at every step."""
    trainer = ax.Trainer(sweep.network(x), curve.rule(x), ax.SGD(speed.LEARNING_RATE))
    rng = np.random.default_rng(0)
    n_in = trainer.rnn.shape.n_in
    length = min(32768, 2**22 // n_in)
    X, Y = rng.standard_normal((length, n_in)), np.tile([0.0, 1.0], (length, 1))

    def run(steps: int) -> None:
        while steps > 0:
            trainer.run(X[:steps], Y[:steps])
            steps -= length

    return run


def measure(path: Path, seconds: float, turns: int, limit: float) -> list[dict[str, str]]:
    """Measure what is not in the file; what takes longer than `limit` a step is left out."""
    rows = list(csv.DictReader(path.open())) if path.exists() else []
    known = {(row["sweep"], row["rule"], int(row["x"])) for row in rows}
    for name, sweep in SWEEPS.items():
        for x in sweep.xs:
            runners = {}
            for rule, curve in sweep.curves.items():
                if (name, rule, x) not in known:
                    run = runner(sweep, curve, x)
                    if speed.seconds_a_step(run) <= limit:
                        runners[rule] = run
            for rule, found in speed.measure(runners, seconds, turns, period=128).items():
                rows.append({"sweep": name, "rule": rule, "x": str(x), "seconds": f"{1 / found.median:.4g}"})
                print(f"{name:2} {rule:18} {x:5} {1e6 / found.median:12,.2f} us", flush=True)
            with path.open("w", newline="") as file:
                writer = csv.DictWriter(file, FIELDS, lineterminator="\n")
                writer.writeheader()
                writer.writerows(rows)
    return rows


def slope(x: np.ndarray, y: np.ndarray) -> float:
    """Return the power of x that y grows with at its end."""
    return float(np.polyfit(np.log(x[-3:]), np.log(y[-3:]), 1)[0])


def draw(rows: list[dict[str, str]]) -> Figure:
    """Draw a panel a sweep: what was measured, and thin lines of the declared slope."""
    with style.applied():
        figure = Figure(figsize=(style.SIZE[0], 7.4), layout="constrained")
        panels = figure.subplots(3, 2).ravel()
        for axes, (name, sweep) in zip(panels, SWEEPS.items(), strict=False):
            for i, (rule, curve) in enumerate(sweep.curves.items()):
                found = [row for row in rows if row["sweep"] == name and row["rule"] == rule]
                x, y = (np.array([float(row[key]) for row in found]) for key in ("x", "seconds"))
                colour, dashes = style.colour(i)
                label = f"{rule}: {curve.power}, measured {slope(x, y):.1f}"
                axes.plot(x, 1e6 * y, "o", color=colour, markersize=3.5, label=label)
                axes.plot(
                    x, 1e6 * y[-1] * (x / x[-1]) ** curve.power, color=colour, linestyle=dashes, linewidth=0.8
                )
            axes.set(xscale="log", yscale="log", xlabel=sweep.title)
            axes.set_xticks(sweep.xs, [str(x) for x in sweep.xs])
            axes.minorticks_off()
            axes.legend(fontsize=style.FONT_SIZE - 2.5, frameon=False, loc="upper left", handletextpad=0.1)
            axes.set_ylim(top=axes.get_ylim()[1] * (30 if name == "n" else 6))
        for axes in panels[::2]:
            axes.set_ylabel("µs a step")
        panels[-1].set_axis_off()
        panels[-1].text(
            0,
            0.9,
            "Circles: measured, in float64.\nLines: the declared power, through the last circle.\n"
            "In words: the declared power, and that of\nthe last three circles.",
            va="top",
            color=style.SOFT,
            transform=panels[-1].transAxes,
        )
    return figure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seconds", type=float, default=0.1)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument(
        "--limit", type=float, default=0.2, help="seconds a step, above which a rule is left out"
    )
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    rows = measure(options.folder / "scaling.csv", options.seconds, options.turns, options.limit)
    draw(rows).savefig(options.folder / "scaling.png")


if __name__ == "__main__":
    main()

"""Several rules on one task, with the same data and the same first weights for each seed."""

from __future__ import annotations

import csv
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import numpy as np
import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

import axonomy as ax
from axonomy.cli import _common, _parse, _results
from axonomy.cli._progress import comparison_bar
from axonomy.tasks import Stream

AXES = ("facing", "tensor", "randomness", "solution")
POINTS = 5000  # kept of each learning curve
TABLE, FIGURE = "compare.csv", "learning_curves.png"
_SHORT = {
    "stochastic": "stoch.",
    "deterministic": "determ.",
    "closed-form": "closed",
    "numerical": "numer.",
}


@dataclass(frozen=True)
class Plan:
    """What to compare: every rule with several seeds for a number of steps.

    A run takes the streams of its seed and those that follow, so that the seeds are 0, B, 2B, ... of B
    streams: no two share one.
    """

    setting: _common.Setting
    rules: Mapping[str, ax.Rule]  # by label
    seeds: int
    steps: int | None

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for ``config.toml``."""
        return {
            "steps": len(self.setting.stream(self.steps, 0)),
            "seeds": self.seeds,
            **self.setting.to_dict(),
            "rules": {label: rule.to_dict() for label, rule in self.rules.items()},
        }


@dataclass(frozen=True)
class Run:
    """One rule with one seed.

    ``curve`` (points,) holds means of ``stride`` losses each; ``final`` is the mean loss over the
    last tenth of the steps, nan if the run diverged.
    """

    label: str
    curve: np.ndarray
    stride: int
    final: float
    steps_per_second: float
    nbytes: int
    diverged: bool


@dataclass(frozen=True)
class Row:
    """One rule over its seeds."""

    label: str
    rule: ax.Rule
    runs: Sequence[Run]

    @property
    def loss(self) -> float:
        """Mean over the seeds; nan if one of them diverged."""
        return fmean(run.final for run in self.runs)

    @property
    def spread(self) -> float:
        """Standard deviation over the seeds; nan for fewer than two."""
        finals = [run.final for run in self.runs]
        return stdev(finals) if len(finals) > 1 and np.isfinite(finals).all() else float("nan")

    def to_dict(self, place: int) -> dict[str, Any]:
        """The row as ``compare.csv`` has it."""
        return {
            "place": place,
            "rule": self.label,
            **{axis: getattr(self.rule, axis) for axis in AXES},
            "loss": self.loss,
            "spread": self.spread,
            "seeds": len(self.runs),
            "diverged": sum(run.diverged for run in self.runs),
            "steps_per_second": round(fmean(run.steps_per_second for run in self.runs)),
            "bytes": self.runs[0].nbytes,
        }


class _Stopped(Exception):
    """The user wants no more."""


def named_rules(texts: Sequence[str]) -> dict[str, ax.Rule]:
    """Rules by label: their name, or what was typed where names would clash."""
    rules = [_parse.parse_rule(text) for text in texts]
    names = [rule.name for rule in rules]
    labels = [name if names.count(name) == 1 else text for name, text in zip(names, texts, strict=True)]
    for label in labels:
        if labels.count(label) > 1:
            raise ValueError(f"--rule: expected different rules, got {label!r} twice")
    return dict(zip(labels, rules, strict=True))


def run(plan: Plan, out: Path, *, jobs: int | None, force: bool, figure: bool) -> None:
    """Run the plan, print the ranked table, and write everything into ``out``."""
    for rule in plan.rules.values():
        plan.setting.trainer(rule, seed=0)  # what cannot be built is said before anything runs
    config = plan.to_dict()
    _results.prepare_folder(out, force, TABLE, FIGURE)
    _results.write_config(out, config)
    runs, interrupted = _run_all(plan, config["steps"], jobs or os.cpu_count() or 1)
    rows = _ranked(plan, runs)
    if rows:
        _write_csv(out / TABLE, rows)
        if figure:
            _draw(plan, rows, out / FIGURE)
        Console().print(_rich_table(plan, rows))
        typer.echo(f"results in {out}")
    if interrupted:
        typer.echo(f"interrupted; {len(runs)} finished runs are kept", err=True)
        raise typer.Exit(130)


def _run_all(plan: Plan, steps: int, jobs: int) -> tuple[list[Run], bool]:
    """Every rule with every seed, in threads: the loop over a stream does not hold the GIL."""
    stop = threading.Event()
    done: list[Future[Run]] = []
    interrupted = False
    with (
        comparison_bar(steps * plan.seeds * len(plan.rules)) as advance,
        ThreadPoolExecutor(jobs) as pool,
    ):
        try:
            streams = plan.setting.streams
            running: set[Future[Run]] = set()
            for seed in range(0, plan.seeds * streams, streams):
                # A stream is made once a thread is free for it: a long one of many inputs is large.
                running = _until_fewer(running, jobs)
                stream = plan.setting.stream(plan.steps, seed)
                batch = [
                    pool.submit(_run_one, plan, label, seed, stream, stop, advance) for label in plan.rules
                ]
                done += batch
                running.update(batch)
            _until_fewer(running, 1)
        except KeyboardInterrupt:
            interrupted = True
            stop.set()
            pool.shutdown(wait=True, cancel_futures=True)
        except BaseException:
            stop.set()
            raise
    finished = [f for f in done if f.done() and not f.cancelled() and f.exception() is None]
    return [future.result() for future in finished], interrupted


def _until_fewer(running: set[Future[Run]], count: int) -> set[Future[Run]]:
    """Wait until fewer runs than `count` are left, which are returned; what one of them raised is raised."""
    while len(running) >= count:
        ended, running = wait(running, return_when=FIRST_COMPLETED)
        for future in ended:
            future.result()
    return running


def _run_one(
    plan: Plan,
    label: str,
    seed: int,
    stream: Stream,
    stop: threading.Event,
    advance: Callable[[int, str], None],
) -> Run:
    rule = plan.rules[label]
    trainer = plan.setting.trainer(rule, seed)
    reported = 0

    def callback(step: int, loss: float) -> None:
        nonlocal reported
        if stop.is_set():
            raise _Stopped
        advance(step - reported, f"{label}, seed {seed}: loss {_common.shown(loss)}")
        reported = step

    start = time.perf_counter()
    diverged = False
    try:
        history = trainer.run(stream.X, stream.Y, mask=stream.mask, reset=stream.reset, callback=callback)
    except ax.Diverged as error:
        history, diverged = error.history, True
    seconds = time.perf_counter() - start
    advance(len(stream) - reported, f"{label}, seed {seed}: done")
    stride = max(len(stream) // POINTS, 1)
    return Run(
        label=label,
        curve=_block_means(history.loss, len(stream), stride),
        stride=stride,
        final=float("nan") if diverged else _common.tail_mean(history.loss),
        steps_per_second=len(history.loss) / seconds,
        nbytes=ax.make_learner(rule, trainer.rnn).nbytes * trainer.streams,
        diverged=diverged,
    )


def _block_means(loss: np.ndarray, steps: int, stride: int) -> np.ndarray:
    """Means (steps // stride,) over blocks, and over the streams if any; nan where there is no loss."""
    points = steps // stride
    padded = np.full((points * stride, *loss.shape[1:]), np.nan)
    padded[: len(loss)] = loss[: len(padded)]
    blocks = padded.reshape(points, -1)
    there = np.isfinite(blocks)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(there, blocks, 0.0).sum(axis=1) / there.sum(axis=1))


def _ranked(plan: Plan, runs: Sequence[Run]) -> list[Row]:
    """Rows of the rules that have runs, best first, diverged ones last."""
    rows = [
        Row(label, rule, [run for run in runs if run.label == label]) for label, rule in plan.rules.items()
    ]
    return sorted((row for row in rows if row.runs), key=lambda row: np.nan_to_num(row.loss, nan=np.inf))


def _write_csv(path: Path, rows: Sequence[Row]) -> None:
    dicts = [row.to_dict(place) for place, row in enumerate(rows, start=1)]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(dicts[0]))
        writer.writeheader()
        writer.writerows(dicts)


def _rich_table(plan: Plan, rows: Sequence[Row]) -> Table:
    table = Table(
        title=plan.setting.title,
        title_justify="left",
        box=SIMPLE_HEAD,
        pad_edge=False,
        padding=(0, 1, 0, 0),
    )
    table.add_column("")
    table.add_column("rule", overflow="fold")
    for column in ("tensor", "random", "solution"):
        table.add_column(column, no_wrap=True)
    for column in ("loss, last tenth", "steps/s", "kB"):
        table.add_column(column, justify="right", no_wrap=True)
    one_facing = len({row.rule.facing for row in rows} - {"none"}) == 1
    for place, row in enumerate(rows, start=1):
        values = row.to_dict(place)
        if values["diverged"]:
            loss = f"{values['diverged']} of {values['seeds']} diverged"
        elif np.isfinite(row.spread):
            loss = f"{_common.shown(row.loss)} ± {_common.shown(row.spread)}"
        else:
            loss = _common.shown(row.loss)
        table.add_row(
            str(place),
            row.label.removeprefix(f"{row.rule.tensor} "),  # the next column has it
            row.rule.tensor if one_facing else f"{row.rule.facing} {row.rule.tensor}",
            _SHORT[row.rule.randomness],
            _SHORT[row.rule.solution],
            loss,
            _thousands(values["steps_per_second"]),
            f"{values['bytes'] / 1000:,.1f}",
        )
    floors = plan.setting.task.floors
    caption = [f"± standard deviation over {plan.seeds} seeds"] if plan.seeds > 1 else []
    if floors:
        caption.append("floors: " + ", ".join(f"{k} {v:.3f}" for k, v in floors.items()))
    table.caption = "; ".join(caption)
    table.caption_justify = "left"
    return table


def _thousands(number: float) -> str:
    """A number in thousands or millions, three digits."""
    value, unit = (number / 1e6, "M") if number >= 999_500 else (number / 1e3, "k")
    return f"{value:.3g}{unit}"


def _draw(plan: Plan, rows: Sequence[Row], path: Path) -> None:
    from axonomy.plots import learning_curves  # matplotlib is slow to load, and not always needed

    task = plan.setting.task
    figure = learning_curves(
        {row.label: np.array([run.curve for run in row.runs]) for row in rows},
        task.floors,
        title=plan.setting.title,
        stride=rows[0].runs[0].stride,
        loss=_common.loss_name(task),
    )
    figure.savefig(path)

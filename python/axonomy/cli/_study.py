"""What ``axonomy study`` does and says."""

from __future__ import annotations

import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn
from rich.table import Table
from rich.text import Text

from axonomy import _check
from axonomy._extras import require
from axonomy.cli import _common

if TYPE_CHECKING:
    from pandas import DataFrame

    from axonomy.studies import Results, Store, Study
    from axonomy.studies.plan import Planned

ENGINES = ("joblib", "dask")
INTERRUPTED = 130
_SECONDS = 10.0  # between two lines of progress where there is no terminal


def run(source: str, out: Path, *, quick: bool, engine: str, address: str | None, jobs: int | None) -> None:
    """Run a study, print its tables, and say what became of it."""
    for package in ("joblib", "pandas"):
        require(package, "study")
    from axonomy import studies

    _check.one_of("--engine", engine, ENGINES)
    if address is not None and engine != "dask":
        raise ValueError(f"--address: expected with --engine dask, got it with {engine}")
    study = studies.Study.load(source, quick=quick)
    chosen = studies.DaskEngine(address, jobs) if engine == "dask" else studies.JoblibEngine(jobs)
    watch = _Watch()
    try:
        results = studies.conduct(study, out, chosen, watch)
    except KeyboardInterrupt:
        typer.echo(
            f"interrupted; {watch.written} finished runs are kept in {out}: the same command goes on",
            err=True,
        )
        raise typer.Exit(INTERRUPTED) from None
    finally:
        for path in watch.set_aside:
            typer.echo(
                f"{path.name.removesuffix('.corrupt')} was corrupt: set aside to be run again", err=True
            )
    _say(study, results, out)


class _Watch:
    """Shows how a study goes: what is done, what runs, and how long it will take."""

    def __init__(self) -> None:
        self.written = 0
        self.set_aside: list[Path] = []
        self._remaining: _Remaining | None = None
        self._progress: Progress | None = None
        self._said = time.monotonic()

    def opened(self, store: Store) -> None:
        """Learn where the results are kept."""
        self.set_aside = store.set_aside

    @contextmanager
    def phase(
        self, phase: str, done: Sequence[Planned], missing: Sequence[Planned], workers: int
    ) -> Iterator[None]:
        """Show the runs of a phase while they are done."""
        self._remaining = remaining = _Remaining(missing, workers)
        if done:
            typer.echo(f"{phase}: {len(done)} runs are there, {len(missing)} to do", err=True)
        with Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[running]} running"),
            _Until(),
            console=Console(stderr=True),
            disable=not sys.stderr.isatty(),
        ) as self._progress:
            self._progress.add_task(
                phase,
                total=len(done) + len(missing),
                completed=len(done),
                running=remaining.running,
                end=None,
            )
            yield

    def finished(self, planned: Planned, facts: Mapping[str, Any]) -> None:
        """Count a run."""
        assert self._remaining is not None
        assert self._progress is not None
        self.written += 1
        self._remaining.finished(planned, facts)
        seconds = self._remaining.seconds()
        bar = self._progress.tasks[0]
        self._progress.update(
            bar.id, advance=1, running=self._remaining.running, end=time.monotonic() + seconds
        )
        if self._progress.disable and time.monotonic() - self._said > _SECONDS:
            self._said = time.monotonic()
            typer.echo(
                f"{planned.phase}: {int(bar.completed)} of {int(bar.total or 0)} done, "
                f"{self._remaining.running} running, {duration(seconds)} remaining",
                err=True,
            )


class _Remaining:
    """How long the rest of a phase will take, from what the same rules took."""

    def __init__(self, missing: Sequence[Planned], workers: int) -> None:
        self._steps: dict[Any, int] = defaultdict(int)
        for planned in missing:
            self._steps[planned.case] += planned.run.steps
        self._left = len(missing)
        self._workers = workers
        self._seen: dict[Any, list[float]] = defaultdict(list)
        self._start = time.monotonic()
        self._expected_spent = 0.0

    @property
    def running(self) -> int:
        """Runs that are being done."""
        return min(self._left, self._workers)

    def finished(self, planned: Planned, facts: Mapping[str, Any]) -> None:
        """Learn what a run took."""
        self._left -= 1
        self._steps[planned.case] -= planned.run.steps
        each = float(facts.get("seconds_per_step", 0.0))
        self._seen[planned.case].append(each)
        self._expected_spent += each * planned.run.steps

    def seconds(self) -> float:
        """An estimate, by the share of the work that is done."""
        known = {case: float(np.mean(values)) for case, values in self._seen.items()}
        usual = float(np.mean(list(known.values())))
        rest = sum(steps * known.get(case, usual) for case, steps in self._steps.items())
        if self._expected_spent <= 0:  # measuring says no time a step
            done = sum(map(len, self._seen.values()))
            return (time.monotonic() - self._start) * self._left / done
        return (time.monotonic() - self._start) * rest / self._expected_spent


class _Until(ProgressColumn):
    """The time remaining, which goes on while nothing is finished."""

    def render(self, task: Task) -> Text:
        end = task.fields["end"]
        return Text("" if end is None else f"{duration(max(end - time.monotonic(), 0.0))} remaining")


def duration(seconds: float) -> str:
    """A time in the unit that fits."""
    for unit, size in (("h", 3600.0), ("min", 60.0)):
        if seconds >= 1.5 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} s"


def _say(study: Study, results: Results, out: Path) -> None:
    table = results.runs()
    final = table[table["phase"] == "final"]
    console = Console()
    for (task, cell), rows in final.groupby(["task", "cell"], sort=False):
        console.print(_ranked(f"{task}; {cell}", rows, study))
    at_edge = final[final["edge"]].drop_duplicates(["task", "cell", "rule"])
    if len(at_edge):
        typer.echo(
            f"{len(at_edge)} of {len(study.cases)} rates are at an edge of learning_rates "
            "(marked *): a wider grid may serve those rules better"
        )
    for left in study.left_out:
        typer.echo(f"left out: {left.label} on {left.cell} ({left.task}): {left.reason}")
    typer.echo(f"results in {out}")


def _ranked(title: str, rows: DataFrame, study: Study) -> Table:
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("")
    table.add_column("rule", overflow="fold")
    for column in ("loss, last tenth", "rate", "diverged", "µs/step", "kB"):
        table.add_column(column, justify="right", no_wrap=True)
    by_rule = [(str(rule), of) for rule, of in rows.groupby("rule", sort=False)]
    by_rule.sort(key=lambda each: float(each[1]["final_loss"].mean()))
    for place, (rule, of) in enumerate(by_rule, start=1):
        there = of.loc[~of["diverged"], "final_loss"]
        loss = _common.shown(float(there.mean())) if len(there) else "-"
        spread = f" ± {_common.shown(float(there.std()))}" if len(there) > 1 else ""
        rate = float(of["learning_rate"].iloc[0])
        edge = "*" if study.at_edge(rate) else ""
        table.add_row(
            str(place),
            rule,
            loss + spread,
            f"{rate:g}{edge}",
            f"{int(of['diverged'].sum())} of {len(of)}",
            f"{1e6 * float(of['seconds_per_step'].mean()):.3g}",
            f"{int(of['bytes'].iloc[0]) / 1000:,.1f}",
        )
    table.caption = (
        f"± standard deviation over {len(study.seeds)} seeds, without runs that diverged; "
        f"{study.tuning_runs} tuning runs a rule"
    )
    table.caption_justify = "left"
    return table

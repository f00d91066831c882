"""Progress bars, on stderr, so that what is printed stays clean."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from axonomy.cli import _common


class _Speed(ProgressColumn):
    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text(f"{speed:,.0f} steps/s" if speed else "")


@contextmanager
def training_bar(total: int, done: int = 0) -> Iterator[Callable[[int, float], None]]:
    """A bar over the steps of one run; yields the callback for the trainer.

    The callback takes the number of steps done, and the mean loss since the last call.
    """
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _Speed(),
        TimeRemainingColumn(),
        TextColumn("loss {task.fields[loss]}"),
        console=Console(stderr=True),
    ) as progress:
        bar = progress.add_task("training", total=total, completed=done, loss="")

        def callback(step: int, loss: float) -> None:
            progress.update(bar, completed=step, loss=_common.shown(loss))

        yield callback


@contextmanager
def comparison_bar(total: int) -> Iterator[Callable[[int, str], None]]:
    """A bar over the steps of all runs; yields a function that takes steps done and a remark."""
    with Progress(
        BarColumn(),
        TextColumn("{task.percentage:3.0f} %"),
        _Speed(),
        TimeRemainingColumn(),
        TextColumn("{task.description}"),
        console=Console(stderr=True),
    ) as progress:
        bar = progress.add_task("", total=total)

        def advance(steps: int, remark: str) -> None:
            progress.update(bar, advance=steps, description=remark)

        yield advance

"""What commands share: the setting that a rule is run in, and how it is spoken of."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import axonomy as ax
from axonomy import _check, tasks
from axonomy.cells import CELLS, Cell
from axonomy.cli import _parse

DEFAULT_STEPS = 100_000
LEAKY = "leaky_rnn"


@dataclass(frozen=True)
class Setting:
    """A task, a network and an optimiser: with a rule and a seed they determine a run.

    The seed draws three things that share no numbers: the stream (`Task.generate`), the weights
    (`Cell.random`) and the noise of the rule (`Trainer`). `options` are the cell's own, those of
    `random` that no other field is about.
    """

    task: tasks.Task
    optimiser: Any
    hidden: int = 32
    cell: str = LEAKY
    options: Mapping[str, Any] = field(default_factory=dict)
    dtype: str = "float64"
    update_every: int = 1
    streams: int = 1
    threads: int = 1

    def __post_init__(self) -> None:
        known = options_of(self.kind)
        for name in self.options:
            if name not in known:
                raise ValueError(
                    f"{name}: expected one of the options of {self.cell} ({', '.join(known)}), got {name!r}"
                )
        object.__setattr__(self, "options", _given(known | dict(self.options)))

    @property
    def kind(self) -> Any:
        """The class of the network."""
        return CELLS[_check.one_of("cell", self.cell, CELLS)]

    @property
    def title(self) -> str:
        """The task, and the cell if it is not the usual one, in a line."""
        cell = "" if self.cell == LEAKY else f"; {self.kind.__name__}"
        return f"{title_of(self.task)}{cell}"

    def trainer(self, rule: ax.Rule, seed: int) -> ax.Trainer:
        """A new trainer of a new network."""
        rnn = self.kind.random(
            n_in=self.task.n_in,
            n_hidden=self.hidden,
            n_out=self.task.n_out,
            loss=self.task.loss,
            seed=seed,
            dtype=self.dtype,
            **self.options,
        )
        return ax.Trainer(
            rnn,
            rule,
            self.optimiser,
            seed=seed,
            update_every=self.update_every,
            streams=self.streams,
            threads=self.threads,
        )

    def stream(self, steps: int | None, seed: int) -> tasks.Stream:
        """The samples of a run; those of `seed`, `seed + 1`, ... side by side, where there are to be several.

        A file is read to its end unless a number of steps is given.
        """
        if isinstance(self.task, tasks.FileStream):
            if self.streams > 1:
                raise ValueError(f"streams: expected 1, as a file has one order, got {self.streams}")
        elif steps is None:
            steps = DEFAULT_STEPS
        if self.streams == 1:
            return _generate(self.task, steps, seed)
        return _side_by_side([_generate(self.task, steps, seed + b) for b in range(self.streams)])

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for a TOML file; `from_dict` reads them."""
        return {
            "axonomy": ax.__version__,
            "update_every": self.update_every,
            "streams": self.streams,
            "threads": self.threads,
            "task": self.task.to_dict(),
            "network": {"hidden": self.hidden, "cell": self.cell, "dtype": self.dtype, **self.options},
            "optimiser": self.optimiser.to_dict(),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Setting:
        """The setting that `to_dict` described; one that says no cell is of a leaky RNN."""
        network = dict(values["network"])
        return cls(
            task=tasks.from_dict(values["task"]),
            optimiser=ax.optimiser_from_dict(values["optimiser"]),
            hidden=network.pop("hidden"),
            cell=network.pop("cell", LEAKY),
            dtype=network.pop("dtype"),
            options=network,
            update_every=values["update_every"],
            streams=values.get("streams", 1),
            threads=values.get("threads", 1),
        )


def options_of(kind: type[Cell]) -> dict[str, Any]:
    """The keywords of a cell's `random` that are its own, with their defaults."""
    elsewhere = ("loss", "dtype", "mask", "seed")
    parameters = inspect.signature(kind.random).parameters.values()  # type: ignore[attr-defined]
    return {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY and p.name not in elsewhere}


def cell_options(cell_option: list[str] | None = None, **options: Any) -> dict[str, Any]:
    """The options of a cell that were given, by name or as ``key=value``."""
    return _parse.parse_options(cell_option or (), **options)


def _given(options: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in options.items() if value is not None}


def task_from_options(
    name: str,
    *,
    inputs: list[str] | None = None,
    targets: list[str] | None = None,
    task_option: list[str] | None = None,
    **options: Any,
) -> tasks.Task:
    """The task with those of the command's options that were given."""
    for key, names in (("inputs", inputs), ("targets", targets)):
        if names:
            options[key] = [part.strip() for n in names for part in n.split(",")]
    return _parse.parse_task(name, _parse.parse_options(task_option or (), **options))


def _generate(task: Any, steps: int | None, seed: int) -> tasks.Stream:
    stream: tasks.Stream = task.generate(steps, seed)  # of a file, None is all
    return stream


def _side_by_side(streams: list[tasks.Stream]) -> tasks.Stream:
    """Arrays (T, B, ...) of B streams (T, ...)."""

    def stacked(name: str) -> Any:
        arrays = [getattr(stream, name) for stream in streams]
        return None if arrays[0] is None else np.stack(arrays, axis=1)

    return tasks.Stream(*map(stacked, ("X", "Y", "mask", "reset")))


def shown(loss: float) -> str:
    """A loss in a few characters, also one that has run away."""
    return f"{loss:.4f}" if not abs(loss) >= 1e4 else f"{loss:.3g}"


def loss_name(task: tasks.Task) -> str:
    """The loss of a task, as the axis of a figure has it."""
    names = {"mse": "squared error", "cross_entropy": "cross-entropy (nats)"}
    return names.get(task.loss, task.loss.replace("_", " "))


def title_of(task: tasks.Task) -> str:
    """A task and its options in a line."""
    if isinstance(task, tasks.FileStream):
        return f"{', '.join(task.targets)} from {', '.join(task.inputs)}"
    options = {k: v for k, v in task.to_dict().items() if k != "task"}
    words = [f"{k.replace('_', ' ')} {_plain(v)}" for k, v in options.items()]
    return f"{task.name.capitalize()}: {', '.join(words)}"


def _plain(value: object) -> str:
    return " and ".join(map(str, value)) if isinstance(value, list) else str(value)


def tail_mean(loss: np.ndarray) -> float:
    """Mean of the last tenth of the steps; nan if none of them had a loss."""
    tail = loss[-max(len(loss) // 10, 1) :]
    tail = tail[np.isfinite(tail)]
    return float(tail.mean()) if len(tail) else float("nan")

"""What commands share: the setting that a rule is run in, and how it is spoken of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

import axonomy as ax
from axonomy import tasks
from axonomy.cli import _parse

DEFAULT_STEPS = 100_000


@dataclass(frozen=True)
class Setting:
    """A task, a network and an optimiser: with a rule and a seed they determine a run.

    The seed draws three things that share no numbers: the stream (`Task.generate`), the weights
    (`LeakyRNN.random`) and the noise of the rule (`Trainer`).
    """

    task: tasks.Task
    optimiser: Any
    hidden: int = 32
    alpha: float = 1.0
    activation: str = "tanh"
    dtype: str = "float64"
    update_every: int = 1
    density: float | None = None

    def trainer(self, rule: ax.Rule, seed: int) -> ax.Trainer:
        """A new trainer of a new network."""
        rnn = ax.LeakyRNN.random(
            n_in=self.task.n_in,
            n_hidden=self.hidden,
            n_out=self.task.n_out,
            alpha=self.alpha,
            activation=self.activation,
            loss=self.task.loss,
            seed=seed,
            density=self.density,
            dtype=self.dtype,
        )
        return ax.Trainer(rnn, rule, self.optimiser, seed=seed, update_every=self.update_every)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for a TOML file; `from_dict` reads them."""
        sparse = {} if self.density is None else {"density": self.density}
        return {
            "axonomy": ax.__version__,
            "update_every": self.update_every,
            "task": self.task.to_dict(),
            "network": {
                "hidden": self.hidden,
                "alpha": self.alpha,
                "activation": self.activation,
                "dtype": self.dtype,
                **sparse,
            },
            "optimiser": self.optimiser.to_dict(),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Setting:
        """The setting that `to_dict` described."""
        return cls(
            task=tasks.from_dict(values["task"]),
            optimiser=ax.optimiser_from_dict(values["optimiser"]),
            update_every=values["update_every"],
            **values["network"],
        )


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
    given = {key: value for key, value in options.items() if value is not None}
    return _parse.parse_task(name, given | _parse.parse_options(task_option or ()))


def stream_of(task: tasks.Task, steps: int | None, seed: int) -> tasks.Stream:
    """The stream of a run; a file is read to its end unless a number of steps is given."""
    if steps is None and isinstance(task, tasks.FileStream):
        return task.generate(None, seed)
    return task.generate(DEFAULT_STEPS if steps is None else steps, seed)


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

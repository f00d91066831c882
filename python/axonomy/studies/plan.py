"""What a study comes down to: runs, each of which has all that determines its result, and nothing else."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import axonomy as ax
from axonomy import _check, _toml, tasks
from axonomy._build import made_by
from axonomy.cells import CELLS
from axonomy.cli import _common, _parse

if TYPE_CHECKING:
    from axonomy.studies.study import Study

FORMAT = 1  # of what a run computes and keeps; another one, and nothing of before is taken for its result
TUNING, FINAL, METRICS = PHASES = ("tuning", "final", "metrics")


@dataclass(frozen=True)
class Network:
    """A kind of cell and its options, all of them given."""

    cell: str
    options: tuple[tuple[str, Any], ...]

    @classmethod
    def of(cls, cell: str, options: Mapping[str, Any]) -> Network:
        """The network with the defaults of what is not given."""
        _check.one_of("cell", cell, CELLS)
        known = _common.options_of(CELLS[cell])
        for name in options:
            _check.one_of(f"options of {cell}", name, known)
        return cls(cell, tuple(sorted((known | dict(options)).items())))

    @property
    def text(self) -> str:
        """As it is written in a study, without what is as usual."""
        usual = _common.options_of(CELLS[self.cell])
        return spoken(self.cell, {k: v for k, v in self.options if v != usual[k]})


@dataclass(frozen=True)
class Measured:
    """What is measured along the trajectory of a run, beside training."""

    names: tuple[str, ...]
    passengers: tuple[ax.Rule, ...]  # ride along
    replicates: int
    windows: tuple[int, ...]
    every: int

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "names": list(self.names),
            "passengers": [rule.to_dict() for rule in self.passengers],
            "replicates": self.replicates,
            "windows": list(self.windows),
            "every": self.every,
        }


@dataclass(frozen=True)
class Run:
    """One rule trained once: everything that determines what comes of it.

    Attributes
    ----------
    task : Task
    data : str
        Digest of the file that the task reads; empty if it reads none.
    network : Network
    n : int
        Units.
    rule : Rule
    optimiser : str
        As on the command line, without the learning rate.
    learning_rate : float
    update_every, seed, steps : int
    dtype : str
    metrics : Measured, optional
        If given the run measures these along the trajectory, and nothing else is kept of it.
    """

    task: tasks.Task
    data: str
    network: Network
    n: int
    rule: ax.Rule
    optimiser: str
    learning_rate: float
    update_every: int
    seed: int
    steps: int
    dtype: str
    metrics: Measured | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain values, of which `key` is the digest."""
        return {
            "format": FORMAT,
            "axonomy": made_by(),
            "task": self.task.to_dict(),
            "data": self.data,
            "cell": {"cell": self.network.cell, **dict(self.network.options)},
            "n": self.n,
            "rule": self.rule.to_dict(),
            "optimiser": self.optimiser,
            "learning_rate": self.learning_rate,
            "update_every": self.update_every,
            "seed": self.seed,
            "steps": self.steps,
            "dtype": self.dtype,
            "metrics": None if self.metrics is None else self.metrics.to_dict(),
        }

    @cached_property
    def key(self) -> str:
        """The name of the run's result: 16 hexadecimal digits of the SHA-256 of what determines it."""
        return hashlib.sha256(canonical(self.to_dict()).encode()).hexdigest()[:16]

    @property
    def setting(self) -> _common.Setting:
        """All but rule, seed and steps."""
        return _common.Setting(
            task=self.task,
            optimiser=_parse.parse_optimiser(self.optimiser, self.learning_rate),
            hidden=self.n,
            cell=self.network.cell,
            options=dict(self.network.options),
            dtype=self.dtype,
            update_every=self.update_every,
        )

    def trainer(self) -> ax.Trainer:
        """A new trainer of a new network, as the seed draws them."""
        return self.setting.trainer(self.rule, self.seed)

    def stream(self) -> tasks.Stream:
        """The samples."""
        return self.setting.stream(self.steps, self.seed)


@dataclass(frozen=True)
class Case:
    """One rule on one task with one kind of network: what is tuned as one.

    Attributes
    ----------
    task, cell, label : str
        As the tables have them.
    first : Run
        One of its runs; the others differ from it in learning rate, seed, steps and metrics.
    """

    task: str
    cell: str
    label: str
    first: Run


@dataclass(frozen=True)
class Planned:
    """A run and what it is for."""

    case: Case
    phase: str
    run: Run


def plan(study: Study, phase: str, rates: Mapping[Case, float] | None = None) -> list[Planned]:
    """The runs of a phase, one seed after the other, so that what was cut short has all rules alike.

    Parameters
    ----------
    study : Study
    phase : {"tuning", "final", "metrics"}
    rates : mapping of Case to float, optional
        The learning rates that tuning chose; cases without one are left out. Where a study has one rate
        alone there is nothing to tune.
    """
    _check.one_of("phase", phase, PHASES)
    if phase == TUNING:
        if len(study.learning_rates) == 1:
            return []
        grid = product(study.tuning_seeds, study.cases, study.learning_rates)
        return [
            Planned(case, phase, replace(case.first, seed=seed, learning_rate=rate, steps=study.tuning_steps))
            for seed, case, rate in grid
        ]
    if rates is None:
        rates = study.only_rates()
    seeds, steps = study.seeds, study.steps
    measured: Mapping[Case, Measured | None] = dict.fromkeys(study.cases)
    if phase == METRICS:
        if not study.metrics:
            return []
        seeds, steps = study.seeds[: study.metric_seeds], study.metric_steps
        measured = study.measured()
    return [
        Planned(
            case,
            phase,
            replace(case.first, seed=seed, learning_rate=rates[case], steps=steps, metrics=measured[case]),
        )
        for seed, case in product(seeds, study.cases)
        if case in rates
    ]


def best_rate(losses: Mapping[float, Sequence[float]]) -> float:
    """The rate of the lowest mean loss, in which a diverged run counts as infinite.

    Of equal ones it is the lower, and if all diverged somewhere that which did so least.
    """

    def badness(rate: float) -> tuple[float, int, float]:
        values = [math.inf if math.isnan(loss) else loss for loss in losses[rate]]
        return sum(values) / len(values), sum(map(math.isinf, values)), rate

    return min(losses, key=badness)


def digest_of(task: tasks.Task) -> str:
    """Digest of the file that a task reads: the name alone does not say what is in it."""
    path = getattr(task, "path", None)
    if not path:
        return ""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def canonical(values: Mapping[str, Any]) -> str:
    """The one JSON text of plain values."""
    return json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def spoken(name: str, options: Mapping[str, Any]) -> str:
    """``name:key=value:...``, as the command line takes it."""
    return ":".join([name, *(f"{key}={_said(value)}" for key, value in sorted(options.items()))])


def _said(value: Any) -> str:
    return value if isinstance(value, str) else _toml._value(value)

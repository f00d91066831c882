"""Steps per second, measured side by side.

What is to be compared takes turns within one call, so that a machine whose speed drifts is unfair
to none; the median over turns is reported.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from functools import cache
from statistics import median
from typing import Any, TypeVar

import numpy as np

from axonomy import _check
from axonomy.cells import CELLS, Cell
from axonomy.optimisers import SGD
from axonomy.rule import Rule
from axonomy.tasks import Add, Stream
from axonomy.trainer import Trainer

Runner = Callable[[int], object]
Key = TypeVar("Key", bound=Hashable)
_LENGTH = 32_768
_LONG = 10.0  # seconds, beside which compiling is no matter
_MOST = 10**12  # steps of any measurement
LEARNING_RATE = 1e-4  # small enough that no rule diverges while it is timed


@dataclass(frozen=True)
class Speed:
    """Steps per second over several turns.

    Attributes
    ----------
    rates : tuple of float
        Steps per second of each turn.
    """

    rates: tuple[float, ...]

    @property
    def median(self) -> float:
        """Steps per second."""
        return median(self.rates)

    @property
    def spread(self) -> float:
        """Half the range over the turns, as a part of the median."""
        return (max(self.rates) - min(self.rates)) / 2 / self.median


def measure(
    runners: Mapping[Key, Runner],
    seconds: float = 0.1,
    turns: int = 5,
    *,
    period: int = 1,
    budget: float = float("inf"),
) -> dict[Key, Speed]:
    """Time runners against each other.

    Parameters
    ----------
    runners : dict of callables
        ``runner(k)`` takes k steps.
    seconds : float
        Least length of a turn.
    turns : int
        Turns of each.
    period : int
        Every turn is of a multiple of so many steps.
    budget : float
        Seconds for the turns of all; where they would take longer there are fewer, at least one.

    Returns
    -------
    dict of Speed
    """
    steps, lengths = {}, {}
    for key, runner in runners.items():
        steps[key], lengths[key] = _calibrate(runner, seconds, period)
    turns = max(1, int(min(turns, budget / max(sum(lengths.values()), 1e-9))))
    rates: dict[Key, list[float]] = {key: [] for key in runners}
    for _ in range(turns):
        for key, runner in runners.items():
            rates[key].append(steps[key] / _seconds(runner, steps[key]))
    return {key: Speed(tuple(values)) for key, values in rates.items()}


def seconds_a_step(runner: Runner) -> float:
    """Return a first estimate, from as few steps as will do."""
    runner(2)  # the first steps, from zero influence, are quicker than the rest
    steps, taken = _calibrate(runner, 0.002)
    return taken / steps


def network(rule: Rule, n: int, dtype: str, cell: str = "leaky_rnn", seed: int = 0) -> Cell:
    """Return a network of n units; of eight recurrent weights a unit where the rule needs sparse ones."""
    kind: Any = CELLS[_check.one_of("cell", cell, CELLS)]
    sparse = rule.needs_mask and not kind.element_wise
    density = {"density": min(1.0, 8 / n)} if sparse else {}
    made: Cell = kind.random(n_in=2, n_hidden=n, n_out=2, seed=seed, dtype=dtype, **density)
    return made


def training(
    rule: Rule, n: int, dtype: str, cell: str = "leaky_rnn", seed: int = 0, threads: int = 1
) -> Runner:
    """Return a runner that trains :func:`network` on the Add task, SGD at every step.

    Raises
    ------
    IncompatibleCell
        If the rule cannot run on this kind of cell.
    """
    stream = add_stream()
    rnn = network(rule, n, dtype, cell, seed)
    trainer = Trainer(rnn, rule, SGD(LEARNING_RATE), seed=seed, threads=threads)
    X, Y = stream.X.astype(dtype), stream.Y.astype(dtype)

    def run(steps: int) -> None:
        while steps > 0:
            trainer.run(X[:steps], Y[:steps])
            steps -= len(X)

    return run


@cache
def add_stream() -> Stream:
    """Return the samples that are used: n_in = n_out = 2."""
    return Add().generate(_LENGTH, seed=0)


def _calibrate(runner: Runner, seconds: float, period: int = 1) -> tuple[int, float]:
    """Warm up, and find how many steps take this long; return these and how long they took.

    A number of steps is taken once before it counts, as some programs compile for it; not if that was long.
    """
    periods = 1
    while True:
        steps = periods * period
        if (taken := _seconds(runner, steps)) < _LONG:
            taken = _seconds(runner, steps)
        if taken >= seconds or steps > _MOST:  # there are calls that no number of steps makes longer
            return steps, taken
        factor = float(np.clip(1.2 * seconds / max(taken, 1e-9), 1.5, 64))
        periods = int(periods * factor) + 1


def _seconds(runner: Runner, steps: int) -> float:
    start = time.perf_counter()
    runner(steps)
    return time.perf_counter() - start

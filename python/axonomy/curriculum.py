"""Curricula: a task that becomes harder as it is mastered.

The task has a level, a whole number. Training goes in chunks of steps; after a chunk whose mean loss
is below the threshold the level rises by one, and it never falls. How high it gets in so many steps
measures a rule. Every chunk is a stream of its own, drawn from the seed and the chunk's number.

Mujika, Meier & Steger (2018) and Menick et al. (2021) do so with the Copy task.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from axonomy import _check
from axonomy._check import FloatArray
from axonomy.tasks import Copy, Stream, Task
from axonomy.trainer import Trainer

IntArray = np.ndarray[Any, np.dtype[np.int64]]

#: 0.15 bits a symbol, in nats.
THRESHOLD = float(0.15 * np.log(2))


@dataclass(frozen=True, eq=False)
class CurriculumHistory:
    """How a curriculum went, chunk by chunk; only those that are complete.

    Attributes
    ----------
    level : ndarray of int, shape (chunks,)
        The level at which each was trained.
    loss : ndarray, shape (chunks,)
        Mean loss over its steps with a target, in nats; NaN if it had none.
    steps : ndarray of int, shape (chunks,)
        Steps done by its end, since the curriculum began.
    reached : int
        The level after the last of them.
    """

    level: IntArray
    loss: FloatArray
    steps: IntArray
    reached: int


class Curriculum:
    """Trains on a family of tasks, from one level to the next.

    Parameters
    ----------
    trainer : Trainer
        Of one stream, trained in place. Its network must fit the task at every level.
    task : callable
        The task at a level, ``task(level) -> Task``.
    threshold : float
        Mean loss of a chunk, in nats, below which the level rises.
    chunk : int
        Steps between two decisions. One that is shorter than the task's sequences holds no loss.
    level : int
        To begin with.
    seed : int
        Draws the streams.

    Attributes
    ----------
    trainer, task, threshold, chunk, seed
    level : int
        The present one.

    Examples
    --------
    >>> import axonomy as ax
    >>> rnn = ax.LeakyRNN.random(n_in=4, n_hidden=16, n_out=2, seed=0)
    >>> curriculum = Curriculum(ax.Trainer(rnn, "rtrl_lazy", ax.Adam(3e-3)))
    >>> history = curriculum.climb(20_000)
    >>> history.reached > 2
    True

    Any other family will do:

    >>> further = Curriculum(trainer, lambda lag: ax.tasks.Add((lag, lag + 4)), threshold=0.48)
    ... # doctest: +SKIP
    """

    def __init__(
        self,
        trainer: Trainer,
        task: Callable[[int], Task] = Copy.at_level,
        *,
        threshold: float = THRESHOLD,
        chunk: int = 1000,
        level: int = 1,
        seed: int = 0,
    ) -> None:
        if not isinstance(trainer, Trainer):
            raise ValueError(f"trainer: expected a Trainer, got {_check.describe(trainer)}")
        if trainer.streams > 1:
            raise ValueError(f"trainer: expected one stream, got {trainer.streams}")
        if not callable(task):
            raise ValueError(f"task: expected a function of the level, got {_check.describe(task)}")
        self.trainer = trainer
        self.task = task
        self.threshold = _check.number("threshold", threshold)
        self.chunk = _check.integer("chunk", chunk, 1)
        self.level = _check.integer("level", level, 0)
        self.seed = _check.seed("seed", seed)
        self._levels: list[int] = []
        self._means: list[float] = []
        self._stream = self._draw()  # also to refuse what is no task before any training
        self._loss = np.empty(self.chunk)  # of the present chunk, as far as it has come
        self._done = 0  # steps of it

    def climb(self, steps: int) -> CurriculumHistory:
        """Train for so many steps more.

        Twice n steps are the same as 2n at once, bit by bit: a chunk that was not completed is gone on
        with at the next call.

        Returns
        -------
        CurriculumHistory
            From the first step on, over all calls.

        Raises
        ------
        ValueError
            If `steps` is not a whole number, or the task does not fit the network.
        Diverged, KeyboardInterrupt
            As of :meth:`axonomy.Trainer.run`, which stops between two steps. :attr:`history` has what
            was done, as after any call, and the next one goes on from there.
        """
        left = _check.integer("steps", steps, 0)
        while left:
            if self._done == 0:
                self._stream = self._draw()
            part = self._stream.part(self._done, min(self.chunk, self._done + left))
            before = self.trainer.step_count
            try:
                self.trainer.run(part.X, part.Y, part.mask, part.reset)
            finally:
                taken = (
                    self.trainer.step_count - before
                )  # fewer, of a run that was ended; none of one refused
                if taken:
                    self._take(self.trainer.history.loss[:taken])
            left -= len(part)
        return self.history

    @property
    def history(self) -> CurriculumHistory:
        """What was done, over all calls, also of one that was ended."""
        return CurriculumHistory(
            np.array(self._levels, np.int64),
            np.array(self._means),
            self.chunk * np.arange(1, len(self._levels) + 1),
            self.level,
        )

    def _draw(self) -> Stream:
        task = self.task(self.level)
        if not isinstance(task, Task):
            raise ValueError(f"task: expected a Task at level {self.level}, got {_check.describe(task)}")
        child = np.random.SeedSequence(self.seed, spawn_key=(len(self._levels),))
        return task.generate(self.chunk, int(child.generate_state(1, np.uint64)[0]))

    def _take(self, loss: FloatArray) -> None:
        """Note the losses of steps done, and decide at the end of a chunk."""
        stop = self._done + len(loss)
        self._loss[self._done : stop] = loss
        self._done = stop
        if stop < self.chunk:
            return
        there = self._loss[np.isfinite(self._loss)]
        mean = float(there.mean()) if there.size else float("nan")
        self._levels.append(self.level)
        self._means.append(mean)
        self.level += mean < self.threshold
        self._done = 0

    def __repr__(self) -> str:
        return f"Curriculum({self.trainer!r}, level={self.level}, chunks={len(self._levels)})"

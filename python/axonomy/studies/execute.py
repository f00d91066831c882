"""One run from beginning to end, wherever that may be: all it takes is in the run, all it finds returned."""

from __future__ import annotations

import functools
import time
from dataclasses import dataclass
from typing import Any

import numpy as np

import axonomy as ax
from axonomy._extras import require
from axonomy.studies.plan import Run, digest_of
from axonomy.tasks import Stream

POINTS = 500  # at most, of each learning curve


@dataclass(frozen=True, eq=False)
class Outcome:
    """What came of a run.

    Attributes
    ----------
    facts : dict
        Plain values; None for a number that does not exist, such as the loss of a run that diverged.
    arrays : dict of ndarray
        ``step`` and ``loss`` (points,): the last step and the mean loss of each stretch of the curve; or what
        was measured.
    """

    facts: dict[str, Any]
    arrays: dict[str, np.ndarray[Any, Any]]


def execute(run: Run) -> Outcome:
    """Train as the run says, or measure along it.

    Raises
    ------
    ValueError
        If the task's file is no longer what it was when the run was planned, or the task has fewer samples.
    """
    if digest_of(run.task) != run.data:
        raise ValueError(f"{getattr(run.task, 'path', '')} is not what it was when the study was planned")
    stream = _stream(run)
    return _train(run, stream) if run.metrics is None else _measure(run, stream)


def _train(run: Run, stream: Stream) -> Outcome:
    trainer = run.trainer()
    held = ax.make_learner(run.rule, trainer.rnn).nbytes
    diverged_at = None
    # The processor's time of this thread, in which the loop runs: others on the machine do not count.
    start = time.thread_time()
    try:
        history = trainer.run(stream.X, stream.Y, mask=stream.mask, reset=stream.reset)
    except ax.Diverged as error:
        history, diverged_at = error.history, error.step
    seconds = time.thread_time() - start
    loss = history.loss.astype(np.float64)
    final = None if diverged_at is not None else _mean(loss[-max(len(stream) // 10, 1) :])
    if final is None and diverged_at is None:
        raise ValueError(
            f"steps: expected so many that the last tenth of them has a target of {run.task.name}, "
            f"got {run.steps}"
        )
    facts = {
        "final_loss": final,
        "diverged_at": diverged_at,
        "seconds_per_step": seconds / max(len(loss), 1),
        "bytes": held,
    }
    step, means = curve(loss, len(stream))
    return Outcome(facts, {"step": step, "loss": means})


def _measure(run: Run, stream: Stream) -> Outcome:
    """Let rules ride along on the trajectory of the run, which is trained once more for it."""
    assert run.metrics is not None
    metrics = require("axonomy.studies.metrics", "study")
    trainer = run.trainer()
    trajectory = metrics.Trajectory(
        trainer.rnn, run.rule, trainer.optimiser, seed=run.seed, update_every=run.update_every
    )
    tried = {"loss_decrease", "loss_decrease_2"} & set(run.metrics.names)
    arrays = metrics.measure(
        trajectory,
        stream,
        list(run.metrics.passengers),
        replicates=run.metrics.replicates,
        windows=run.metrics.windows,
        every=run.metrics.every,
        seed=run.seed,
        **({} if tried else {"horizon": None}),  # what takes most of the time
    )
    return Outcome({}, dict(arrays))


def curve(loss: np.ndarray[Any, Any], steps: int) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Thin the losses of the steps that were done, of so many, to the means of equal stretches.

    Returns
    -------
    step, loss : (points,) ndarray
        The last step of each stretch, counted from 1, and the mean of the losses that there are in it.
    """
    stride = -(-steps // POINTS)
    ends = np.minimum(np.arange(stride, len(loss) + stride, stride), len(loss))
    means = [_mean(loss[end - 1 - (end - 1) % stride : end]) for end in ends]
    return ends.astype(np.int64), np.array([np.nan if m is None else m for m in means], dtype=np.float64)


def _mean(loss: np.ndarray[Any, Any]) -> float | None:
    there = loss[np.isfinite(loss)]
    return float(there.mean()) if len(there) else None


# Runs that are next to each other in a plan share a stream, and some take as long to make as to learn from.
@functools.lru_cache(maxsize=1)
def _cached(task: Any, data: str, steps: int, seed: int) -> Stream:
    stream: Stream = task.generate(steps, seed)
    return stream


def _stream(run: Run) -> Stream:
    return _cached(run.task, run.data, run.steps, run.seed)

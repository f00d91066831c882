"""What a small network reaches on a task."""

import numpy as np

import axonomy as ax
from axonomy.tasks import Task


def reached(
    task: Task, steps: int, lr: float, rule: str = "rtrl_lazy", n: int = 16, **options: object
) -> float:
    """Mean loss over the last tenth of a run."""
    stream = task.generate(steps, seed=5)
    rnn = ax.LeakyRNN.random(task.n_in, n, task.n_out, loss=task.loss, seed=3, **options)
    loss = ax.Trainer(rnn, rule, ax.Adam(lr), seed=1).run(stream.X, stream.Y, stream.mask, stream.reset).loss
    return float(np.nanmean(loss[-(steps // 10) :]))

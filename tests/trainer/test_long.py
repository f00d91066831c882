"""Long runs stay finite, and their memory flat. `make long` takes a million steps of every cell."""

from __future__ import annotations

import os
import resource
import sys

import numpy as np
import pytest

import axonomy as ax
from axonomy import tasks
from drawing import every_cell, ring

STEPS = int(os.environ.get("AXONOMY_LONG_STEPS", "20000"))
STRETCHES = 10
HYBRIDS = [
    ax.mix(["rtrl_lazy", "f_bptt", "uoro"], [0.5, 0.25, 0.25]),
    ax.by_block(W_rec="kf_rtrl", W_in="rtrl_lazy", b="rflo"),
    ax.windowed("kf_rtrl", keep=1 / 2),
]


def peak_memory() -> int:
    """Bytes that the process has held at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def assert_runs(rule: ax.Rule, rnn: ax.LeakyRNN) -> None:
    """Add, n_in = n_out = 2, in stretches of one stream."""
    trainer = ax.Trainer(rnn, rule, ax.SGD(1e-3), seed=1)
    data = tasks.Add().generate(STEPS // STRETCHES, seed=2)
    nbytes = sum(value.nbytes for value in trainer.state().values())
    losses, held = [], []
    for _ in range(STRETCHES):
        losses.append(trainer.run(data.X, data.Y).loss.mean())
        held.append(peak_memory())
    assert trainer.step_count == STRETCHES * (STEPS // STRETCHES)
    assert all(np.isfinite(value).all() for value in trainer.state().values())
    assert sum(value.nbytes for value in trainer.state().values()) == nbytes
    assert held[-1] - held[1] < 2**21
    assert max(losses) < 0.75  # what chance has, and a little


@every_cell
def test_every_cell(cell: ax.TableCell) -> None:
    mask = ring(4) if cell.rule().needs_mask else None
    assert_runs(cell.rule(), ax.LeakyRNN.random(n_in=2, n_hidden=4, n_out=2, mask=mask, seed=0))


@pytest.mark.parametrize("rule", HYBRIDS, ids=lambda rule: rule.name)
def test_hybrids(rule: ax.Rule) -> None:
    assert_runs(rule, ax.LeakyRNN.random(n_in=2, n_hidden=4, n_out=2, seed=0))

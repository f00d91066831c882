"""One run: what `axonomy.Trainer` gives, summed up."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

import axonomy as ax
from axonomy.studies.execute import POINTS, curve, execute
from small_study import small


def test_as_a_trainer() -> None:
    run = dataclasses.replace(small().cases[1].first, seed=3, steps=1234, learning_rate=0.05)
    rnn = ax.LeakyRNN.random(n_in=2, n_hidden=4, n_out=2, seed=3)
    stream = ax.tasks.Add(lags=(1, 2)).generate(1234, seed=3)
    loss = ax.Trainer(rnn, "uoro", ax.SGD(0.05), seed=3).run(stream.X, stream.Y).loss
    outcome = execute(run)
    assert outcome.facts["final_loss"] == pytest.approx(loss[-123:].mean(), rel=1e-12)
    assert outcome.facts["bytes"] == ax.make_learner("uoro", rnn).nbytes
    assert outcome.facts["diverged_at"] is None
    assert 0 < outcome.facts["seconds_per_step"] < 1e-2
    step, means = outcome.arrays["step"], outcome.arrays["loss"]
    assert step[0] == 3
    assert step[-1] == 1234
    np.testing.assert_allclose(means[:3], loss[:9].reshape(3, 3).mean(axis=1), rtol=1e-12)
    again = execute(run)
    assert again.facts["final_loss"] == outcome.facts["final_loss"]
    np.testing.assert_array_equal(again.arrays["loss"], means)


def test_diverged() -> None:
    run = dataclasses.replace(
        small(tasks='[{ task = "mimic", n_in = 2, n_out = 2 }]', cells='["leaky_rnn:activation=relu"]')
        .cases[2]
        .first,
        learning_rate=10.0,
        steps=400,
    )
    outcome = execute(run)
    assert outcome.facts["final_loss"] is None
    assert 0 < outcome.facts["diverged_at"] < 400
    assert outcome.arrays["step"][-1] == outcome.facts["diverged_at"]
    assert len(outcome.arrays["step"]) == len(outcome.arrays["loss"])


@pytest.mark.parametrize("steps", [1, 7, POINTS, POINTS + 1, 3 * POINTS - 1])
def test_curve(steps: int) -> None:
    loss = np.arange(steps, dtype=float)
    step, means = curve(loss, steps)
    assert len(step) == len(means) <= POINTS
    assert step[-1] == steps
    starts = np.concatenate([[0], step[:-1]])
    np.testing.assert_allclose(means, [loss[a:b].mean() for a, b in zip(starts, step, strict=True)])
    loss[:] = np.nan
    assert np.isnan(curve(loss, steps)[1]).all()
    assert len(curve(loss[:0], steps)[0]) == 0


def test_a_task_that_is_not_always_asked() -> None:
    """Where there is no target there is no loss, and the means are over what there is."""
    run = small(tasks='["copy:length=2"]', steps="100").cases[0].first
    assert np.isfinite(execute(run).facts["final_loss"])


def test_data_that_changed(tmp_path: Path) -> None:
    path = tmp_path / "data.npz"
    np.savez(path, x=np.zeros((90, 1)), y=np.zeros(90))
    run = (
        small(tasks=f'[{{ task = "file", path = "{path}", inputs = ["x"], targets = ["y"] }}]').cases[0].first
    )
    execute(run)
    np.savez(path, x=np.zeros((90, 1)), y=np.ones(90))
    with pytest.raises(ValueError, match="is not what it was when the study was planned"):
        execute(run)

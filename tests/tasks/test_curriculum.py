"""Curricula: what they do in every chunk, and that they can be gone on with."""

from __future__ import annotations

import dataclasses
import functools

import numpy as np
import pytest

import axonomy as ax
from axonomy.curriculum import THRESHOLD
from axonomy.tasks import Add, Copy, Stream, Task
from drawing import assert_same_state


def trainer(rule: object = "rtrl_lazy", lr: float = 3e-3, n: int = 16, seed: int = 0) -> ax.Trainer:
    rnn = ax.LeakyRNN.random(n_in=4, n_hidden=n, n_out=2, seed=seed)
    return ax.Trainer(rnn, rule, ax.Adam(lr), seed=seed)


def curriculum(*, rule: object = "rtrl_lazy", lr: float = 3e-3, **options: object) -> ax.Curriculum:
    return ax.Curriculum(trainer(rule, lr), **{"chunk": 200, **options})


def assert_same(one: ax.Curriculum, other: ax.Curriculum) -> None:
    assert one.level == other.level
    for name in ("level", "loss", "steps"):
        np.testing.assert_array_equal(getattr(one.history, name), getattr(other.history, name))
    assert_same_state(one.trainer, other.trainer)


# ------------------------------------------------------------------------------------ what it does


@pytest.mark.parametrize("rule", ["rtrl", "rtrl_lazy", ax.rules.snap(), "uoro"], ids=str)
def test_climbs(rule: object) -> None:
    history = curriculum(rule=rule).climb(20_000)
    assert history.level[0] == 1
    assert history.reached >= (2 if rule == "uoro" else 3)


def test_without_learning_there_is_no_climbing() -> None:
    history = curriculum(lr=0).climb(4000)
    assert (history.level == 1).all()
    assert history.reached == 1
    assert (history.loss > THRESHOLD).all()


def test_the_level_rises_by_one_where_the_loss_was_low() -> None:
    history = curriculum().climb(20_000)
    levels = np.append(history.level, history.reached)
    np.testing.assert_array_equal(np.diff(levels), history.loss < THRESHOLD)
    assert history.reached > 2
    np.testing.assert_array_equal(history.steps, 200 * np.arange(1, 101))


def test_as_in_a_few_lines() -> None:
    """Streams and losses of a loop over `Trainer.run`."""
    seen: list[tuple[int, int]] = []

    class Noted(Copy):
        def generate(self, n_steps: int, seed: int = 0) -> Stream:
            seen.append((self.length, seed))
            return super().generate(n_steps, seed)

    whole = curriculum(task=Noted.at_level, seed=5)
    history = whole.climb(8000)
    again, losses = trainer(), []
    for level, seed in seen[1:]:  # the first is drawn to be looked at
        stream = Copy.at_level(level).generate(200, seed)
        losses.append(np.nanmean(again.run(stream.X, stream.Y, stream.mask, stream.reset).loss))
    np.testing.assert_allclose(history.loss, losses, rtol=1e-12)
    np.testing.assert_array_equal(history.level, [level for level, _ in seen[1:]])
    assert_same_state(whole.trainer, again)
    assert len({seed for _, seed in seen}) == 40
    assert seen[0] == seen[1]


def test_another_family_from_another_level() -> None:
    """On Add with a lag that grows, the trainer need only know the coins' bias to climb."""
    asked: list[int] = []

    def family(lag: int) -> Task:
        asked.append(lag)
        return Add(lags=(lag, lag + 4))

    rnn = ax.LeakyRNN.random(n_in=2, n_hidden=8, n_out=2)
    one = ax.Curriculum(ax.Trainer(rnn, "rflo", ax.Adam(3e-3)), family, threshold=0.68, chunk=500, level=3)
    history = one.climb(10_000)
    assert history.level[0] == 3
    assert history.reached > 4
    assert asked[-1] == history.level[-1]


def test_more_symbols() -> None:
    rnn = ax.LeakyRNN.random(n_in=6, n_hidden=16, n_out=4)
    task = functools.partial(Copy.at_level, symbols=4)
    one = ax.Curriculum(ax.Trainer(rnn, "rtrl_lazy", ax.Adam(3e-3)), task, threshold=2 * THRESHOLD)
    assert one.climb(20_000).reached > 1


def test_a_chunk_without_targets_has_no_loss() -> None:
    history = curriculum(chunk=3, level=5, task=lambda level: Copy(level)).climb(30)
    assert np.isnan(history.loss).all()
    assert (history.level == 5).all()
    assert history.reached == 5


# ---------------------------------------------------------------------------------- going on with it


def test_the_seed_decides() -> None:
    one, same, other = (curriculum(seed=seed) for seed in (1, 1, 2))
    for each in (one, same, other):
        each.climb(3000)
    assert_same(one, same)
    assert (one.history.loss != other.history.loss).all()


@pytest.mark.parametrize("parts", [[4000, 6000], [1, 199, 300, 9500], [150, 0, 9850], [2500] * 4])
def test_parts_are_the_same_as_the_whole(parts: list[int]) -> None:
    whole, continued = curriculum(rule="uoro"), curriculum(rule="uoro")
    whole.climb(10_000)
    for steps in parts:
        history = continued.climb(steps)
        done = len(history.loss)
        np.testing.assert_array_equal(history.loss, whole.history.loss[:done])
        np.testing.assert_array_equal(history.level, whole.history.level[:done])
    assert_same(continued, whole)


def test_the_history_is_of_chunks_that_are_complete() -> None:
    one = curriculum()
    assert one.climb(199).loss.shape == (0,)
    assert one.climb(1).loss.shape == (1,)
    assert one.climb(399).steps.tolist() == [200, 400]
    assert one.trainer.step_count == 599


def test_divergence_leaves_the_history() -> None:
    class Louder(Copy):
        """From level 4 on the inputs are so great that their squares are not finite."""

        def generate(self, n_steps: int, seed: int = 0) -> Stream:
            stream = super().generate(n_steps, seed)
            return dataclasses.replace(stream, X=stream.X * (1.0 if self.length < 4 else 1e300))

    rnn = ax.LeakyRNN.random(n_in=4, n_hidden=4, n_out=2, activation="identity")
    one = ax.Curriculum(ax.Trainer(rnn, "rtrl", ax.SGD(0.01)), Louder, chunk=50, threshold=100)
    with pytest.raises(ax.Diverged) as caught:
        one.climb(1000)
    done = one.trainer.step_count
    assert caught.value.step == done
    assert 150 < done < 200
    assert one.history.level.tolist() == [1, 2, 3]  # so high a threshold is always met
    assert one.history.reached == one.level == 4
    assert np.isfinite(one.history.loss).all()


def test_interruption_loses_nothing() -> None:
    """A run ended in the midst of a chunk is gone on with as if it had not been."""

    class Ended(ax.Learner):
        facing, tensor, randomness, solution = "past", "kij", "deterministic", "closed-form"
        solver, title, bias = "ended", "read-out, ended once", "biased"
        memory, time = ax.Order(0), ax.Order(0)
        calls = 0

        def reset(self, state: object) -> None: ...

        def step(self, step: ax.Step) -> np.ndarray:
            type(self).calls += 1
            if type(self).calls == self.at:
                raise KeyboardInterrupt
            return np.zeros((self.shape.R, self.shape.m))

        at = 0

    with ax.registered(Ended):
        rule = ax.compose("past", "kij", "deterministic", "closed-form", solver="ended")
        whole = curriculum(rule=rule)
        whole.climb(1000)
        Ended.calls, Ended.at = 0, 457
        broken = curriculum(rule=rule)
        with pytest.raises(KeyboardInterrupt):
            broken.climb(1000)
        done = broken.trainer.step_count
        assert 0 < done < 1000
        assert broken.history.steps.tolist() == [200, 400][: done // 200]
        broken.climb(1000 - done)
        assert_same(broken, whole)


# ---------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"trainer": "rtrl"}, "trainer: expected a Trainer, got 'rtrl'"),
        ({"task": 3}, "task: expected a function of the level, got 3"),
        ({"task": lambda level: level}, "task: expected a Task at level 1, got 1"),
        ({"threshold": float("nan")}, "threshold: expected a finite real number, got nan"),
        ({"chunk": 0}, "chunk: expected a whole number at least 1, got 0"),
        ({"level": -1}, "level: expected a whole number at least 0, got -1"),
        ({"level": 0}, "level: expected a whole number at least 1, got 0"),
        ({"seed": -1}, "seed: expected a whole number from 0 to .*, got -1"),
    ],
)
def test_bad_arguments(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ax.Curriculum(**{"trainer": trainer(), **options})


@pytest.mark.parametrize("steps", [-1, 2.5, "10", None])
def test_bad_steps(steps: object) -> None:
    with pytest.raises(ValueError, match="steps: expected a whole number at least 0, got"):
        curriculum().climb(steps)  # type: ignore[arg-type]


def test_a_task_that_does_not_fit_changes_nothing() -> None:
    one = trainer()
    stream = Copy().generate(100)
    one.run(stream.X, stream.Y, stream.mask, stream.reset)
    other = ax.Curriculum(one, functools.partial(Copy.at_level, symbols=3), chunk=50)
    with pytest.raises(ValueError, match=r"X: expected a real array of shape \(any, 4\)"):
        other.climb(50)
    assert other.history.loss.shape == (0,)
    assert one.step_count == 100


def of_two_streams() -> ax.Trainer:
    rnn = ax.LeakyRNN.random(n_in=4, n_hidden=4, n_out=2)
    return ax.Trainer(rnn, "rtrl_lazy", ax.SGD(0.1), streams=2)


def test_several_streams_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\Atrainer: expected one stream, got 2"):
        ax.Curriculum(of_two_streams())


def test_what_a_run_refuses_is_what_is_raised() -> None:
    """Whatever the trainer's history then is of."""
    one = curriculum()
    one.climb(100)
    one.trainer = of_two_streams()
    with pytest.raises(ValueError, match=r"\AX: expected a real array of shape \(any, 2, 4\)"):
        one.climb(100)
    assert one.history.loss.shape == (0,)

"""Runs that blow up end before the first step that would leave anything non-finite."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import numpy as np
import pytest

import axonomy as ax
from drawing import Stream, assert_same_state, every_cell, is_finite, network, network_for, rule_of, stream

T = 150
Made = tuple[ax.Trainer, Stream]


def growing(rule: object, dtype: type) -> Made:
    """A linear network whose state grows; the weights stay."""
    rnn = network_for(rule, activation="identity", alpha=1.0, loss="mse", dtype=dtype)
    rnn.W_rec = (1e3 if dtype == np.float64 else 10.0) * rnn.W_rec
    return ax.Trainer(rnn, rule, ax.SGD(0.0), seed=3), stream(rnn, T)


def bold(rule: object, dtype: type) -> Made:
    """Steps so long that the weights run away."""
    rnn = network_for(rule, activation="softplus", loss="mse", dtype=dtype)
    return ax.Trainer(rnn, rule, ax.SGD(2.0), seed=3), stream(rnn, T)


def huge(rule: object, dtype: type) -> Made:
    """One step to infinity, from finite loss and state."""
    rnn = network_for(rule, activation="tanh", loss="mse", dtype=dtype)
    return ax.Trainer(rnn, rule, ax.SGD(float(np.finfo(dtype).max)), seed=3), stream(rnn, T)


def summed(rule: object, dtype: type) -> Made:
    """As `bold`, by an optimiser with memory and an update every few steps."""
    rnn = network_for(rule, activation="relu", loss="mse", dtype=dtype)
    optimiser = ax.Momentum(20.0, momentum=0.9, l2=0.1)
    return ax.Trainer(rnn, rule, optimiser, seed=3, update_every=4), stream(rnn, T)


CAUSES = [growing, bold, huge, summed]
every_cause = pytest.mark.parametrize("make", CAUSES, ids=lambda make: make.__name__)
every_dtype = pytest.mark.parametrize("dtype", [np.float64, np.float32])


def first_bad_step(trainer: ax.Trainer, data: Stream) -> int:
    for t in range(T):
        with contextlib.suppress(ax.Diverged):
            trainer.learn_one(data.X[t], data.Y[t])
            if is_finite(trainer):
                continue
        return t
    raise AssertionError("nothing diverges")


def diverged(trainer: ax.Trainer, data: Stream, **options: object) -> ax.Diverged:
    with pytest.raises(ax.Diverged) as caught:
        trainer.run(data.X, data.Y, **options)
    return caught.value


@every_cell
@every_dtype
@every_cause
def test_stops_before_the_first_bad_step(
    make: Callable[[object, type], Made], cell: ax.TableCell, dtype: type
) -> None:
    rule = rule_of(cell)
    trainer, data = make(rule, dtype)
    error = diverged(trainer, data)
    by_hand, _ = make(rule, dtype)
    assert error.step == first_bad_step(by_hand, data)

    shorter, _ = make(rule, dtype)
    history = shorter.run(data.X[: error.step], data.Y[: error.step])
    np.testing.assert_array_equal(error.history.loss, history.loss)
    assert error.history.loss.shape == (error.step,)
    assert np.isfinite(error.history.loss).all()
    assert error.history is trainer.history
    assert is_finite(trainer)
    assert_same_state(trainer, shorter)
    assert trainer.step_count == error.step
    assert f"step {error.step}:" in str(error)


@every_cause
def test_masks_and_resets_are_retraced(make: Callable[[object, type], Made]) -> None:
    (trainer, data), (shorter, _) = make("kf_rtrl", np.float64), make("kf_rtrl", np.float64)
    mask, reset = np.arange(T) % 3 > 0, np.arange(T) == 2
    error = diverged(trainer, data, mask=mask, reset=reset)
    part = slice(0, error.step)
    history = shorter.run(data.X[part], data.Y[part], mask[part], reset[part])
    np.testing.assert_array_equal(error.history.loss, history.loss)
    assert_same_state(trainer, shorter)


@every_cause
def test_the_step_counts_from_the_trainers_first(make: Callable[[object, type], Made]) -> None:
    (whole, data), (halves, _) = make("rtrl", np.float64), make("rtrl", np.float64)
    error = diverged(whole, data)
    first = error.step // 2
    halves.run(data.X[:first], data.Y[:first])
    again = diverged(halves, Stream(data.X[first:], data.Y[first:]))
    assert again.step == error.step
    np.testing.assert_array_equal(again.history.loss, error.history.loss[first:])
    assert_same_state(halves, whole)


@every_cause
def test_monitors_end_with_the_run(make: Callable[[object, type], Made]) -> None:
    trainer, data = make("rtrl", np.float64)
    names = ("loss", "state_norm")
    error = diverged(trainer, data, monitors=names, monitor_every=1)
    np.testing.assert_array_equal(error.history.monitor_steps, np.arange(1, error.step + 1))
    for name in names:
        assert error.history.monitors[name].shape == (error.step,)
        assert np.isfinite(error.history.monitors[name]).all()


@every_cause
def test_it_repeats(make: Callable[[object, type], Made]) -> None:
    """The step that was refused is refused again; what led to it is not lost."""
    trainer, data = make("uoro", np.float64)
    error = diverged(trainer, data)
    rest = Stream(data.X[error.step :], data.Y[error.step :])
    again = diverged(trainer, rest)
    assert again.step == error.step
    assert again.history.loss.shape == (0,)
    assert is_finite(trainer)


@every_dtype
def test_training_goes_on_with_shorter_steps(dtype: type) -> None:
    trainer, data = huge("rtrl", dtype)
    step = diverged(trainer, data).step
    calmer = ax.Trainer(trainer.rnn, trainer.rule, ax.SGD(1e-3))
    history = calmer.run(data.X[step:], data.Y[step:])
    assert np.isfinite(history.loss).all()
    assert is_finite(calmer)


def test_a_refused_sample_leaves_all_as_it_was() -> None:
    trainer, data = growing("uoro", np.float64)
    step = first_bad_step(trainer, data)
    kept = trainer.state()
    with pytest.raises(ax.Diverged, match=f"step {step}: the state or the loss would not") as caught:
        trainer.learn_one(data.X[step], data.Y[step])
    assert caught.value.step == step
    assert caught.value.history.loss.shape == (0,)
    for name, value in trainer.state().items():
        np.testing.assert_array_equal(value, kept[name])


def test_predictions_that_overflow() -> None:
    rnn = network(activation="identity", alpha=1.0)
    rnn.W_rec = 1e200 * np.eye(4)
    rnn.state = np.full(4, 1e200)
    trainer = ax.Trainer(rnn, "rtrl", ax.SGD(0.1))
    with pytest.raises(ax.Diverged, match=r"step 0: the state would not be finite"):
        trainer.predict_one(np.zeros(2))
    np.testing.assert_array_equal(rnn.state, 1e200)


def test_gradients_that_overflow() -> None:
    rnn = network(activation="identity", alpha=1.0, loss="mse")
    rnn.W_rec = 1e100 * np.eye(4)
    data = stream(rnn, 10)
    with pytest.raises(ax.Diverged, match=r"step \d: the state or the loss is not finite") as caught:
        ax.gradients(rnn, "rtrl", data.X, data.Y)
    step = caught.value.step
    assert 0 < step < 5
    assert caught.value.history.loss.shape == (step,)
    assert np.isfinite(caught.value.history.loss).all()
    ax.gradients(rnn, "rtrl", data.X[:step], data.Y[:step])


def test_a_state_that_is_not_finite_to_begin_with() -> None:
    trainer, data = bold("rtrl", np.float64)
    state = trainer.state()
    state["learner.influence"][0, 0] = np.nan
    trainer.load_state(state)
    with pytest.raises(ValueError, match=r"not finite"):
        trainer.run(data.X, data.Y)


def test_divergence_is_no_bad_value() -> None:
    """A sweep may catch the one without hiding the other."""
    assert issubclass(ax.Diverged, ArithmeticError)
    assert not issubclass(ax.Diverged, ValueError)

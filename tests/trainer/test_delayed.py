"""Rules that are one trace of W's size, where the two are changed block by block, as on large networks.

The same numbers up to rounding as step by step; to the last bit the same whether one looks, saves or
neither. So are those of E-BPTT, which relies on W to stay as it is within a window, wherever others look at
it or change it.
"""

from __future__ import annotations

import copy
import pickle
from pathlib import Path

import numpy as np
import pytest

import axonomy as ax
from axonomy.studies.metrics import Ride
from drawing import Stream, assert_close, assert_same_state, flags, is_finite, network, ring, stream
from numpy_cells import Array

T = 50  # three blocks and a part of one
BLOCK = 16
NEVER = 2**62

SIGNS = ax.compose("past", "k|ij", "stochastic", "closed-form")
DELAYED = ["rflo", "snap", "uoro", SIGNS]
E_BPTT = ax.rules.e_bptt(window=7)
delayed_rule = pytest.mark.parametrize("rule", DELAYED, ids=str)
every_rule = pytest.mark.parametrize("rule", [*DELAYED, E_BPTT], ids=str)


def made(monkeypatch: pytest.MonkeyPatch, rule: object, delay_from: int = 0, **options: object) -> ax.Trainer:
    monkeypatch.setattr("axonomy.trainer._DELAY_FROM", delay_from)
    rnn = options.pop("rnn", None) or ax.LeakyRNN.random(2, options.pop("n", 5), 3, **options)
    rnn.state_noise = 0.1
    # A bound that is never met, by which the gradient is not added to W at once.
    clip = 1e9 if rule == E_BPTT and delay_from == NEVER else None
    return ax.Trainer(rnn, rule, ax.SGD(ax.ExponentialDecay(0.02, 0.5, 200), clip=clip), seed=7)


def is_delayed(trainer: ax.Trainer) -> bool:
    return any(name.startswith("delayed.") for name in trainer.state())


def trace_of(trainer: ax.Trainer) -> Array:
    state = trainer.state()
    return state["learner.trace_0"] if "learner.trace_0" in state else state["learner.right"]


def run(
    trainer: ax.Trainer, start: int = 0, stop: int | None = None, steps: int = T, **options: object
) -> Array:
    data = stream(trainer.rnn, steps)
    mask, reset = flags(steps)
    part = slice(start, stop)
    return trainer.run(data.X[part], data.Y[part], mask[part], reset[part], **options).loss


@delayed_rule
@pytest.mark.parametrize("dtype, tolerance", [(np.float64, 1e-12), (np.float32, 2e-4)])
@pytest.mark.parametrize("n", [5, 32, 70])  # a part of a panel, a whole one, more than one
@pytest.mark.parametrize("alpha", [0.7, 1.0])
def test_equals_step_by_step(
    monkeypatch: pytest.MonkeyPatch, rule: object, dtype: type, tolerance: float, n: int, alpha: float
) -> None:
    plain = made(monkeypatch, rule, NEVER, n=n, alpha=alpha, dtype=dtype)
    delayed = made(monkeypatch, rule, n=n, alpha=alpha, dtype=dtype)
    assert is_delayed(delayed)
    assert not is_delayed(plain)
    before = plain.rnn.W
    expected, found = (run(trainer, steps=300) for trainer in (plain, delayed))
    assert np.abs(plain.rnn.W - before).max() > 0.01
    assert_close(np.nan_to_num(found), np.nan_to_num(expected), tolerance)
    state = delayed.state()
    for name, value in plain.state().items():
        assert_close(state[name], value, tolerance)


def test_which_are_not_delayed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("axonomy.trainer._DELAY_FROM", NEVER)
    assert not is_delayed(ax.Trainer(network(), "rflo", ax.SGD(0.1)))
    monkeypatch.setattr("axonomy.trainer._DELAY_FROM", 0)
    rnn = network()
    for trainer in (
        *(ax.Trainer(network(kind=kind), "snap", ax.SGD(0.1)) for kind in ("gru", "mgu", "lstm", "ind_rnn")),
        ax.Trainer(network(mask=ring(4)), "rflo", ax.SGD(0.1)),
        ax.Trainer(rnn, "kf_rtrl", ax.SGD(0.1)),
        ax.Trainer(rnn, ax.rules.uoro(rank=2), ax.SGD(0.1)),
        ax.Trainer(rnn, "rflo", ax.Adam(0.1)),
        ax.Trainer(rnn, "rflo", ax.SGD(0.1, clip=1)),
        ax.Trainer(rnn, "rflo", ax.SGD(0.1), update_every=2),
        ax.Trainer(rnn, "rflo", ax.SGD(0.1), streams=2),
        ax.Trainer(rnn, ax.mix(["rflo", "snap"]), ax.SGD(0.1)),
    ):
        assert not is_delayed(trainer)


def test_from_a_size_on() -> None:
    small, large = (ax.LeakyRNN.random(2, n, 2) for n in (32, 128))
    assert not is_delayed(ax.Trainer(small, "rflo", ax.SGD(0.1)))
    assert is_delayed(ax.Trainer(large, "rflo", ax.SGD(0.1)))


@every_rule
@pytest.mark.parametrize("step", range(BLOCK + 2))
def test_resume_is_uninterrupted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, rule: object, step: int
) -> None:
    whole, stopped = made(monkeypatch, rule), made(monkeypatch, rule)
    losses = run(whole)
    run(stopped, 0, step)
    stopped.save(tmp_path / "checkpoint.npz")
    loaded = ax.Trainer.load(tmp_path / "checkpoint.npz")
    taken_over = made(monkeypatch, rule)
    run(taken_over, 0, 3)
    taken_over.load_state(stopped.state())
    for resumed in (stopped, loaded, taken_over, copy.deepcopy(stopped), pickle.loads(pickle.dumps(stopped))):
        np.testing.assert_array_equal(run(resumed, step), losses[step:])
        assert_same_state(resumed, whole)


@every_rule
def test_piece_by_piece(monkeypatch: pytest.MonkeyPatch, rule: object) -> None:
    whole, parts, singly = (made(monkeypatch, rule) for _ in range(3))
    data = stream(whole.rnn, T)
    losses = whole.run(data.X, data.Y).loss
    for start in range(0, T, 7):
        part = slice(start, start + 7)
        np.testing.assert_array_equal(parts.run(data.X[part], data.Y[part]).loss, losses[part])
    np.testing.assert_array_equal(
        [singly.learn_one(x, y) for x, y in zip(data.X, data.Y, strict=True)], losses
    )
    assert_same_state(parts, whole)
    assert_same_state(singly, whole)


@every_rule
def test_to_look_changes_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, rule: object) -> None:
    whole, watched, singly = (made(monkeypatch, rule) for _ in range(3))
    losses = run(whole)
    seen = []

    def look(done: int, loss: float) -> None:
        seen.append(watched.rnn.W)
        watched.save(tmp_path / "checkpoint.npz")
        assert is_finite(watched)

    every = {"monitors": ["gradient_norm", "spectral_radius", "state_norm"], "monitor_every": 3}
    np.testing.assert_array_equal(run(watched, callback=look, callback_every=1, **every), losses)
    assert_same_state(watched, whole)
    data, (mask, reset) = stream(singly.rnn, T), flags(T)
    for t in range(T):
        singly.run(data.X[t : t + 1], data.Y[t : t + 1], mask[t : t + 1], reset[t : t + 1])
        np.testing.assert_array_equal(singly.rnn.W, seen[t])


@every_rule
def test_what_is_recorded(monkeypatch: pytest.MonkeyPatch, rule: object) -> None:
    every = {"monitors": ["gradient_norm", "spectral_radius", "state_norm"], "monitor_every": 1}
    plain, delayed = made(monkeypatch, rule, NEVER), made(monkeypatch, rule)
    for trainer in (plain, delayed):
        run(trainer, **every)
    for name, values in plain.history.monitors.items():
        assert_close(np.nan_to_num(delayed.history.monitors[name]), np.nan_to_num(values), 1e-12)


@every_rule
def test_the_network_as_others_see_it(monkeypatch: pytest.MonkeyPatch, rule: object) -> None:
    plain, delayed = made(monkeypatch, rule, NEVER), made(monkeypatch, rule)
    data = stream(plain.rnn, T)
    for t in range(BLOCK + 5):
        for trainer in (plain, delayed):
            trainer.learn_one(data.X[t], data.Y[t])
        assert_close(delayed.predict_one(data.X[t]), plain.predict_one(data.X[t]), 1e-12)
    pieces = []
    for trainer in (plain, delayed):
        step = trainer.learn_one(data.X[0], data.Y[0])
        pieces.append([np.array(step), ax.gradients(trainer.rnn, "rtrl", data.X, data.Y).recurrent])
        trainer.learn_one(data.X[0], data.Y[0])
        pieces[-1] += [trainer.rnn.forward(data.X).output]
        trainer.learn_one(data.X[1], data.Y[1])
        pieces[-1] += [copy.deepcopy(trainer.rnn).W]
    for found, expected in zip(pieces[1], pieces[0], strict=True):
        assert_close(found, expected, 1e-11)
    rnn = delayed.rnn
    delayed.learn_one(data.X[0], data.Y[0])
    plain.learn_one(data.X[0], data.Y[0])
    del delayed, trainer
    assert_close(rnn.W, plain.rnn.W, 1e-11)


@every_rule
def test_weights_that_are_changed_in_between(monkeypatch: pytest.MonkeyPatch, rule: object) -> None:
    plain, delayed = made(monkeypatch, rule, NEVER), made(monkeypatch, rule)
    for trainer in (plain, delayed):
        rnn = trainer.rnn

        def change(done: int, loss: float, rnn: ax.Cell = rnn) -> None:
            if done == 3:
                rnn.W_rec = rnn.W_rec + 0.1

        run(trainer, 0, 20, callback=change, callback_every=1)
        rnn.W_in = 0.5 * rnn.W_in
        run(trainer, 20, 30)
        trainer.reset()
        run(trainer, 30)
        data = stream(rnn, 12)
        for t in range(12):
            trainer.learn_one(data.X[t], data.Y[t])
            if t % 5 == 2:
                rnn.W_rec = 0.9 * rnn.W_rec
    assert_close(delayed.rnn.W, plain.rnn.W, 1e-12)


def test_a_window_outlives_its_trainer(monkeypatch: pytest.MonkeyPatch) -> None:
    trainer = made(monkeypatch, E_BPTT)
    rnn, learner, data = trainer.rnn, trainer._learner, stream(trainer.rnn, 3)
    before = rnn.W_rec
    for x, y in zip(data.X, data.Y, strict=True):
        trainer.learn_one(x, y)
    del trainer
    rnn.W_rec = 0.5 * before
    np.testing.assert_array_equal(learner.state()["W"], before)


@delayed_rule
@pytest.mark.parametrize("step", [BLOCK - 1, BLOCK, BLOCK + 1])
def test_a_reset_at_the_end_of_a_block(monkeypatch: pytest.MonkeyPatch, rule: object, step: int) -> None:
    plain, delayed = made(monkeypatch, rule, NEVER), made(monkeypatch, rule)
    data = stream(plain.rnn, T)
    for trainer in (plain, delayed):
        trainer.run(data.X[:step], data.Y[:step])
        assert trace_of(trainer).any()
        trainer.reset()
        assert not trace_of(trainer).any()
        trainer.run(data.X[step:], data.Y[step:])
    assert_close(delayed.rnn.W, plain.rnn.W, 1e-12)


@every_rule
def test_two_trainers_of_one_network(monkeypatch: pytest.MonkeyPatch, rule: object) -> None:
    networks = []
    for delay in (NEVER, 0):
        one = made(monkeypatch, rule, delay)
        other = made(monkeypatch, rule, delay, rnn=one.rnn)
        third = made(monkeypatch, "kf_rtrl", rnn=one.rnn)
        for start in range(0, T, 5):
            for trainer in (one, other, third):
                run(trainer, start, start + 5)
        networks.append(one.rnn)
    assert_close(networks[1].W, networks[0].W, 1e-12)


@pytest.mark.parametrize("rule", ["rflo", "snap"])
@pytest.mark.parametrize("singly", [False, True])
def test_a_step_too_far(monkeypatch: pytest.MonkeyPatch, rule: object, singly: bool) -> None:
    ends = []
    for delay in (NEVER, 0):
        rnn = ax.LeakyRNN.random(2, 5, 3, loss="mse", activation="relu", seed=2)
        monkeypatch.setattr("axonomy.trainer._DELAY_FROM", delay)
        trainer = ax.Trainer(rnn, rule, ax.SGD(0.5))
        data = stream(rnn, 400)

        def learn(trainer: ax.Trainer = trainer, data: Stream = data) -> None:
            if not singly:
                trainer.run(data.X, data.Y)
            for x, y in zip(data.X, data.Y, strict=True):
                trainer.learn_one(x, y)

        with pytest.raises(ax.Diverged) as error:
            learn()
        assert singly or is_finite(trainer)
        ends.append(error.value.step)
    assert ends[0] == ends[1]
    assert ends[0] > BLOCK


@every_rule
def test_rules_that_ride_along(monkeypatch: pytest.MonkeyPatch, rule: object) -> None:
    monkeypatch.setattr("axonomy.trainer._DELAY_FROM", 0)
    given = stream(network(n=5), T)
    data = ax.tasks.Stream(given.X, given.Y)
    alone = ax.Trainer(network(n=5), rule, ax.SGD(0.1), seed=3)
    alone.run(data.X, data.Y)
    ride = Ride(network(n=5), rule, ax.SGD(0.1), ["rtrl", "kf_rtrl"], seeds=[1, 2], seed=3)
    ride.ask(20, 30)
    ride.run(data)
    np.testing.assert_array_equal(ride.rnn.W, alone.rnn.W)
    monkeypatch.setattr("axonomy.trainer._DELAY_FROM", NEVER)
    step_by_step = Ride(network(n=5), rule, ax.SGD(0.1), ["rtrl", "kf_rtrl"], seeds=[1, 2], seed=3)
    step_by_step.ask(20, 30)
    step_by_step.run(data)
    assert_close(ride.take()[0].gradients, step_by_step.take()[0].gradients, 1e-11)

"""What happens during a run: callbacks, exceptions, Ctrl-C and other threads."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable

import numpy as np
import pytest

import axonomy as ax
from drawing import OPTIMISERS, assert_same_state, every_cell, flags, network, network_for, rule_of, stream
from numpy_cells import Array

T = 23


def made(rule: object = "rtrl", optimiser: object = OPTIMISERS[3]) -> tuple[ax.Trainer, Array, Array]:
    trainer = ax.Trainer(network_for(rule), rule, optimiser, seed=2, update_every=2)
    data = stream(trainer.rnn, T)
    return trainer, data.X, data.Y


class Seen(list):
    """A callback that keeps what it is called with."""

    def __call__(self, done: int, loss: float) -> None:
        self.append((done, loss))

    @property
    def steps(self) -> list[int]:
        return [done for done, _ in self]


# ------------------------------------------------------------------------------------------- pace


@pytest.mark.parametrize("every", [1, 2, 5, 22, 23, 24])
@pytest.mark.parametrize("masked", [False, True])
def test_called_every_so_many_steps(every: int, masked: bool) -> None:
    trainer, X, Y = made()
    seen = Seen()
    history = trainer.run(X, Y, flags(T)[0] if masked else None, callback=seen, callback_every=every)
    assert seen.steps == list(range(every, T + 1, every))
    for done, loss in seen:
        stretch = history.loss[done - every : done]
        stretch = stretch[np.isfinite(stretch)]
        assert loss == pytest.approx(stretch.mean(), rel=1e-12) if len(stretch) else np.isnan(loss)


def test_steps_count_from_the_call() -> None:
    trainer, X, Y = made()
    trainer.run(X, Y)
    seen = Seen()
    trainer.run(X, Y, callback=seen, callback_every=10)
    assert seen.steps == [10, 20]


def test_called_at_the_end_by_default() -> None:
    trainer, X, Y = made()
    seen = Seen()
    history = trainer.run(X, Y, callback=seen)
    assert seen == [(T, pytest.approx(history.loss.mean(), rel=1e-12))]


def test_called_now_and_then_by_default() -> None:
    rnn = network(n=16)
    data = stream(rnn, 50)
    X, Y = np.tile(data.X, (4000, 1)), np.tile(data.Y, (4000, 1))
    trainer, seen = ax.Trainer(rnn, "rflo", ax.SGD(1e-3)), Seen()
    start = time.monotonic()
    history = trainer.run(X, Y, callback=seen)
    seconds = time.monotonic() - start
    assert seen.steps == sorted(set(seen.steps))
    assert seen.steps[-1] == len(X)
    assert len(seen) <= seconds / 0.1 + 1
    bounds = [0, *seen.steps]
    for (_, loss), a, b in zip(seen, bounds, bounds[1:], strict=False):
        assert loss == pytest.approx(history.loss[a:b].mean(), rel=1e-9)


def test_single_precision_losses_are_averaged_in_double() -> None:
    rnn = network(dtype=np.float32, loss="mse")
    data = stream(rnn, 100)
    seen = Seen()
    trainer = ax.Trainer(rnn, "output_only", ax.SGD(0.0))
    history = trainer.run(data.X, data.Y, callback=seen, callback_every=100)
    assert seen[0][1] == history.loss.astype(float).mean()


@every_cell
def test_callbacks_leave_no_trace(cell: ax.TableCell) -> None:
    (one, X, Y), (other, _, _) = made(rule_of(cell)), made(rule_of(cell))
    first = one.run(X, Y, callback=lambda done, loss: one.state(), callback_every=1)
    second = other.run(X, Y)
    np.testing.assert_array_equal(first.loss, second.loss)
    assert_same_state(one, other)


def test_no_callback_for_an_empty_run() -> None:
    trainer, X, Y = made()
    seen = Seen()
    trainer.run(X[:0], Y[:0], callback=seen)
    assert seen == []


# ------------------------------------------------------------------------------------- exceptions


class Enough(Exception):
    pass


@pytest.mark.parametrize("error", [Enough("enough"), KeyboardInterrupt(), SystemExit(3)], ids=repr)
@pytest.mark.parametrize("stop", [1, 8, 23])
def test_what_a_callback_raises_ends_the_run(error: BaseException, stop: int) -> None:
    (trainer, X, Y), (shorter, _, _) = made("uoro"), made("uoro")

    def callback(done: int, loss: float) -> None:
        if done == stop:
            raise error

    with pytest.raises(type(error)) as caught:
        trainer.run(X, Y, callback=callback, callback_every=1, monitors=["loss"], monitor_every=2)
    assert caught.value is error
    assert "callback" in [entry.name for entry in caught.traceback]
    history = shorter.run(X[:stop], Y[:stop])
    np.testing.assert_array_equal(trainer.history.loss, history.loss)
    np.testing.assert_array_equal(trainer.history.monitor_steps, np.arange(2, stop + 1, 2))
    assert_same_state(trainer, shorter)
    assert trainer.step_count == stop

    whole, _, _ = made("uoro")
    losses = whole.run(X, Y).loss
    np.testing.assert_array_equal(trainer.run(X[stop:], Y[stop:]).loss, losses[stop:])
    assert_same_state(trainer, whole)


def test_the_last_callback_may_raise_too() -> None:
    """The one after the last step, when nothing is left to do."""
    (trainer, X, Y), (other, _, _) = made(), made()

    def callback(done: int, loss: float) -> None:
        raise Enough

    with pytest.raises(Enough):
        trainer.run(X, Y, callback=callback)
    np.testing.assert_array_equal(trainer.history.loss, other.run(X, Y).loss)
    assert_same_state(trainer, other)


INTERRUPTED = """
import os, signal, sys, threading
signal.signal(signal.SIGINT, signal.default_int_handler)  # which a parent may have ignored
import numpy as np
import axonomy as ax

def made():
    return ax.Trainer(ax.LeakyRNN.random(n_in=2, n_hidden=8, n_out=2), "uoro", ax.SGD(1e-3), seed=1)

stream = ax.tasks.Add().generate(3_000_000)
trainer = made()
{prelude}
timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
timer.start()
try:
    {call}
except KeyboardInterrupt:
    pass
else:
    sys.exit("the run ended by itself")
{check}
print("fine")
"""
RUN = """
done = len(trainer.history.loss)
assert 0 < done < len(stream), done
assert trainer.step_count == done
other = made()
np.testing.assert_array_equal(other.run(stream.X[:done], stream.Y[:done]).loss, trainer.history.loss)
for t in (trainer, other):
    t.run(stream.X[done:][:100], stream.Y[done:][:100])
for name, value in other.state().items():
    np.testing.assert_array_equal(trainer.state()[name], value)
"""


@pytest.mark.parametrize(
    ("prelude", "call", "check"),
    [
        ("", "trainer.run(stream.X, stream.Y)", RUN),
        ("seen = []", "trainer.run(stream.X, stream.Y, callback=lambda *of: seen.append(of))", RUN),
        ("", "ax.gradients(trainer.rnn, 'uoro', stream.X[:600_000], stream.Y[:600_000])", ""),
    ],
    ids=["run", "run with a callback", "gradients"],
)
def test_interrupt(prelude: str, call: str, check: str) -> None:
    """SIGINT during a long run, in a process of its own."""
    program = INTERRUPTED.format(prelude=prelude, call=call, check=check)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert (done.stdout, done.returncode) == ("fine\n", 0), done.stderr


# ----------------------------------------------------------------------------------------- threads


def ticks_during(work: Callable[[int], object]) -> int:
    """How often another thread woke up during work(T), T being such that it takes a while."""
    ticks: list[float] = []
    stop = threading.Event()

    def tick() -> None:
        while not stop.is_set():
            ticks.append(time.perf_counter())
            time.sleep(1e-3)

    other = threading.Thread(target=tick)
    other.start()
    try:
        steps = 100
        while True:
            start = time.perf_counter()
            work(steps)
            end = time.perf_counter()
            if end - start > 0.1:
                return sum(start < t < end for t in ticks)
            steps *= 4
    finally:
        stop.set()
        other.join()


@pytest.mark.parametrize("what", ["run", "gradients"])
def test_other_threads_go_on(what: str) -> None:
    """The loop over a sequence does not hold the GIL: a hundred milliseconds are a hundred ticks, not two."""
    rnn = network(n=24)
    data = stream(rnn, 10)

    def work(steps: int) -> None:
        X, Y = np.resize(data.X, (steps, 2)), np.resize(data.Y, (steps, 3))
        if what == "run":
            ax.Trainer(rnn, "rtrl", ax.SGD(0.0)).run(X, Y)
        else:
            ax.gradients(rnn, "rtrl", X, Y)

    assert ticks_during(work) > 10


def test_trainers_in_threads_do_not_meet() -> None:
    losses: dict[int, Array] = {}

    def work(seed: int) -> None:
        trainer = ax.Trainer(network(seed), "uoro", ax.SGD(0.01), seed=seed)
        data = stream(trainer.rnn, 2000)
        losses[seed] = trainer.run(data.X, data.Y).loss

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    together = dict(losses)
    for seed in range(4):
        work(seed)
        np.testing.assert_array_equal(together[seed], losses[seed])


def test_a_callback_that_stops_a_diverging_run_leaves_it_finite() -> None:
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(10, 2)), 1e3 * rng.normal(size=(10, 2))
    trainer = ax.Trainer(ax.LeakyRNN.random(2, 4, 2, loss="mse"), "rtrl", ax.SGD(1e308))

    def stop(done: int, loss: float) -> None:
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        trainer.run(X, Y, callback=stop, callback_every=1)
    assert np.isfinite(trainer.rnn.W).all()
    assert trainer.step_count == 0


# ------------------------------------------------------------------------------- one run at a time


RUNS = [
    lambda trainer, X, Y: trainer.run(X, Y),
    lambda trainer, X, Y: trainer.learn_one(X[0], Y[0]),
    lambda trainer, X, Y: trainer.predict_one(X[0]),
    lambda trainer, X, Y: trainer.reset(),
    lambda trainer, X, Y: trainer.load_state(trainer.state()),
]


@pytest.mark.parametrize("act", RUNS)
def test_a_callback_cannot_run_its_own_trainer(act: Callable) -> None:
    trainer, X, Y = made()
    with pytest.raises(RuntimeError, match="in the midst of a run"):
        trainer.run(X, Y, callback=lambda done, loss: act(trainer, X, Y), callback_every=3)
    assert trainer.step_count == 3
    trainer.run(X[3:], Y[3:])  # and is free again
    assert_same_state(trainer, _whole())


def _whole() -> ax.Trainer:
    trainer, X, Y = made()
    trainer.run(X, Y)
    return trainer


def test_what_a_callback_does_to_the_network_is_not_undone() -> None:
    """A run that diverges later ends in a state that the callback has had its part in."""
    rnn = network(activation="identity", alpha=1.0, loss="mse")
    trainer = ax.Trainer(rnn, "rtrl", ax.SGD(0.0))
    data = stream(rnn, 3000)

    def lets_it_grow(done: int, loss: float) -> None:
        if done == 100:
            rnn.W_rec = 100.0 * rnn.W_rec

    grown = 100.0 * rnn.W_rec
    with pytest.raises(ax.Diverged) as caught:
        trainer.run(data.X, data.Y, callback=lets_it_grow, callback_every=100)
    assert caught.value.step > 100
    np.testing.assert_array_equal(rnn.W_rec, grown)


def change_feedback(rnn: ax.Cell) -> None:
    rnn.feedback = None if rnn.feedback is not None else np.ones((3, 4))


def change_noise(rnn: ax.Cell) -> None:
    rnn.state_noise = 0.5


@pytest.mark.parametrize("change", [change_feedback, change_noise], ids=lambda change: change.__name__)
@pytest.mark.parametrize("feedback", [None, np.full((3, 4), 0.3)], ids=["none", "some"])
def test_a_run_is_retraced_with_what_a_callback_set(change: Callable, feedback: Array | None) -> None:
    """The steps before it are not taken again under what was set later."""
    ended, whole = (
        ax.Trainer(
            network(activation="identity", loss="mse", feedback=feedback), "rtrl", ax.SGD(1e-3), seed=1
        )
        for _ in range(2)
    )
    data = stream(ended.rnn, 60)
    data.X[59] = 1e308

    def run(trainer: ax.Trainer, steps: int) -> None:
        def callback(done: int, loss: float) -> None:
            if done == 20:
                change(trainer.rnn)

        trainer.run(data.X[:steps], data.Y[:steps], callback=callback, callback_every=20)

    with pytest.raises(ax.Diverged):
        run(ended, 60)
    run(whole, 59)
    assert_same_state(ended, whole)


# ------------------------------------------------------------------------- one network, many hands


def raised_in_a_thread(act: Callable[[], object]) -> BaseException | None:
    """What `act` raises in another thread, waited for."""
    raised: list[BaseException] = []

    def work() -> None:
        try:
            act()
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    return raised[0] if raised else None


@pytest.mark.parametrize("act", [*RUNS, lambda trainer, X, Y: setattr(trainer, "states", trainer.states)])
@pytest.mark.parametrize("where", ["in the callback", "in a thread"])
def test_a_network_is_run_by_one_trainer_at_a_time(act: Callable, where: str) -> None:
    trainer, X, Y = made()
    other = ax.Trainer(trainer.rnn, "uoro", ax.SGD(0.1))
    refused = []

    def callback(done: int, loss: float) -> None:
        if where == "in a thread":
            error = raised_in_a_thread(lambda: act(other, X, Y))
        else:
            with pytest.raises(RuntimeError) as caught:
                act(other, X, Y)
            error = caught.value
        assert isinstance(error, RuntimeError)
        refused.append(str(error))

    trainer.run(X, Y, callback=callback, callback_every=10)
    assert refused == ["the network is in the midst of a run"] * 2
    assert_same_state(trainer, _whole())
    act(other, X, Y)  # and is free again


def test_trainers_take_turns_on_a_network() -> None:
    trainer, X, Y = made()
    other = ax.Trainer(trainer.rnn, "uoro", ax.SGD(0.1))
    with pytest.raises(Enough):
        trainer.run(X, Y, callback=lambda done, loss: (_ for _ in ()).throw(Enough()), callback_every=3)
    for t in range(4):
        other.learn_one(X[t], Y[t])
        trainer.learn_one(X[t], Y[t])
    assert raised_in_a_thread(lambda: other.run(X, Y)) is None


def test_runs_of_one_network_from_two_threads() -> None:
    """Whichever comes second is refused, and the first goes on undisturbed."""
    rnn = network(n=16)
    data = stream(rnn, 10)
    X, Y = np.resize(data.X, (60_000, 2)), np.resize(data.Y, (60_000, 3))
    trainers = [ax.Trainer(rnn, "rflo", ax.SGD(1e-3)) for _ in range(2)]
    alone = ax.Trainer(rnn.copy(), "rflo", ax.SGD(1e-3))
    start, errors = threading.Barrier(2), []

    def work(trainer: ax.Trainer) -> None:
        start.wait()
        try:
            trainer.run(X, Y)
        except RuntimeError as error:
            errors.append(str(error))

    threads = [threading.Thread(target=work, args=(trainer,)) for trainer in trainers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    alone.run(X, Y)
    if errors:  # unless the one was over before the other began
        assert errors == ["the network is in the midst of a run"]
        np.testing.assert_array_equal(rnn.W, alone.rnn.W)


SETTABLE = ("W", "W_rec", "W_in", "b_rec", "W_out", "b_out", "feedback", "state", "state_noise")


@pytest.mark.parametrize("name", SETTABLE)
def test_what_other_threads_set_during_a_run_is_refused(name: str) -> None:
    rnn = network(feedback=np.ones((3, 4)))
    trainer = ax.Trainer(rnn, "rtrl", ax.SGD(0.0))
    data = stream(rnn, 4)
    value = 0.5 if name == "state_noise" else 0.5 * getattr(rnn, name)
    found = []

    def callback(done: int, loss: float) -> None:
        before = getattr(rnn, name)
        error = raised_in_a_thread(lambda: setattr(rnn, name, value))
        assert isinstance(error, RuntimeError)
        assert str(error) == "the network is in the midst of a run"
        np.testing.assert_array_equal(getattr(rnn, name), before)
        setattr(rnn, name, value)  # the run's own thread
        found.append(getattr(rnn, name))

    trainer.run(data.X, data.Y, callback=callback, callback_every=4)
    np.testing.assert_array_equal(found, [value])
    assert raised_in_a_thread(lambda: setattr(rnn, name, 2 * value)) is None
    np.testing.assert_array_equal(getattr(rnn, name), 2 * value)


def test_other_threads_read_during_a_run() -> None:
    trainer, X, Y = made()

    def read() -> None:
        for name in SETTABLE:
            getattr(trainer.rnn, name)
        assert np.isfinite(trainer.states).all()
        ax.gradients(trainer.rnn, "rtrl", X, Y)

    def callback(done: int, loss: float) -> None:
        assert raised_in_a_thread(read) is None

    trainer.run(X, Y, callback=callback, callback_every=5)
    assert_same_state(trainer, _whole())


@pytest.mark.parametrize("rule", ["f_bptt", "e_bptt", "tbptt", "rtrl_lazy", "node_perturbation"])
@pytest.mark.parametrize("name", ["held", "next", "open", "waiting", "begin"])
def test_counters_out_of_range_are_refused(rule: str, name: str) -> None:
    trainer, X, Y = made(rule)
    state = trainer.state()
    key = f"learner.{name}"
    if key not in state:
        return
    with pytest.raises(ValueError, match=rf"'{key}' expected at most \d+, got 10000000"):
        trainer.load_state({**state, key: np.array([10_000_000], np.uint64)})
    trainer.run(X, Y)

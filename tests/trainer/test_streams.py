"""Several streams that share the weights: the mean of as many single runs, whatever the number of threads."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import axonomy as ax
import numpy_rules
from drawing import (
    CELLS,
    assert_close,
    assert_same_state,
    every_cell,
    every_kind,
    every_optimiser,
    flags,
    is_exact,
    network,
    network_for,
    over,
    over_networks,
    ring,
    rule_of,
    stream,
)
from numpy_cells import Array, Net

T, B = 7, 4


def given(rnn: ax.Cell, T: int = T, B: int = B) -> tuple[Array, Array, Array, Array]:
    """X (T, B, n_in), Y (T, B, n_out), mask and reset (T, B)."""
    parts = [stream(rnn, T, seed=b) for b in range(B)]
    of_steps = [flags(T, seed=b) for b in range(B)]
    return (
        np.stack([part.X for part in parts], axis=1),
        np.stack([part.Y for part in parts], axis=1),
        np.stack([mask for mask, _ in of_steps], axis=1),
        np.stack([reset for _, reset in of_steps], axis=1),
    )


def trainer(
    rnn: ax.Cell, rule: object = "rtrl", optimiser: object = ax.SGD(0.1), **settings: object
) -> ax.Trainer:
    return ax.Trainer(rnn.copy(), rule, optimiser, **{"seed": 5, "streams": B, **settings})


def of(rnn: ax.Cell) -> ax.Cell:
    """In a state of its own."""
    rnn.state = np.random.default_rng(8).normal(size=rnn.shape.S)
    return rnn


# ------------------------------------------------------------------------------------ what it gives


@over_networks()
def test_one_update_is_the_mean_of_single_runs(kind: str, cell: ax.TableCell) -> None:
    """Each with a state, a learner, masks, resets and random numbers of its own."""
    # Singular vectors have no sign of their own: to rounding the same network, another draw. Streams of a
    # sparse network are multiplied one by one, and so the same to the last bit.
    sparse = cell.solver == "optimal" and not ax.cells.CELLS[kind].element_wise
    drawn = network(kind=kind, mask=ring(4), state_noise=0.1) if sparse else None
    rnn = of(drawn or network_for(cell, kind=kind, state_noise=0.1))
    X, Y, mask, reset = given(rnn)
    rule, once = rule_of(cell), {"optimiser": ax.SGD(1.0), "update_every": T}
    together = trainer(rnn, rule, **once)
    losses = together.run(X, Y, mask, reset).loss
    W, V, states = 0.0, 0.0, []
    for b in range(B):
        alone = trainer(rnn, rule, **once, streams=1, seed=5 + b)
        there, loss = mask[:, b], alone.run(X[:, b], Y[:, b], mask[:, b], reset[:, b]).loss
        assert_close(losses[there, b], loss[there], 1e-12)
        W, V = W + alone.rnn.W / B, V + alone.rnn.W_out / B
        states.append(alone.rnn.state)
    np.testing.assert_array_equal(np.isnan(losses), ~mask)
    assert_close(together.rnn.W, W, 1e-10)
    assert_close(together.rnn.W_out, V, 1e-12)
    assert_close(together.states, states, 1e-12)
    assert (together.rnn.W != rnn.W).any()


def side_by_side(
    net: Net, X: Array, Y: Array, mask: Array, reset: Array, s0: Array, update: Callable[..., Array]
) -> tuple[Array, Array]:
    """Online RTRL in place of `net`: losses (T, B), states (B, S)."""
    B = X.shape[1]
    states, M = np.tile(s0, (B, 1)), np.zeros((B, net.S, *net.W.shape))
    losses = np.full(mask.shape, np.nan)
    updates = 0
    for t in range(len(X)):
        totals = [np.zeros_like(net.W), np.zeros_like(net.V)]
        for b in range(B):
            if reset[t, b]:
                states[b], M[b] = 0.0, 0.0
            s, states[b], loss, outer = net.linearised(states[b], X[t, b], Y[t, b])
            ((gradient, M[b]),) = numpy_rules.rtrl([s], M[b])
            if mask[t, b]:
                losses[t, b] = loss
                totals[0] += net.weights * gradient / B
                totals[1] += outer / B
        if mask[t].any():
            for slot, weights in enumerate((net.W, net.V)):
                weights -= update(slot, updates, totals[slot])
            updates += 1
    return losses, states


@over_networks(lambda cell: is_exact(cell) and cell.facing == "past")
@pytest.mark.parametrize("threads", [1, 2])
def test_trajectory(kind: str, cell: ax.TableCell, threads: int) -> None:
    rnn = of(network(kind=kind))
    X, Y, mask, reset = given(rnn, 15)
    mask[4] = False  # no update there
    net = Net.of(rnn)
    update = numpy_rules.adam(lambda t: 0.05, 0.9, 0.999, 1e-8)
    losses, states = side_by_side(net, X, Y, mask, reset, rnn.state, update)
    one = trainer(rnn, cell.rule(), ax.Adam(0.05), threads=threads)
    found = one.run(X, Y, mask, reset).loss
    assert found.shape == (15, B)
    np.testing.assert_array_equal(np.isnan(found), ~mask)
    assert_close(found[mask], losses[mask], 1e-10)
    assert_close(one.rnn.W, net.W, 1e-9)
    assert_close(one.states, states, 1e-10)
    np.testing.assert_array_equal(one.rnn.state, one.states[0])


@every_optimiser
@pytest.mark.parametrize("update_every", [1, 3])
def test_equal_streams_are_one(optimiser: object, update_every: int) -> None:
    """With any optimiser, clipping and decay: the mean is of the gradient, before these."""
    optimiser = type(optimiser)(**{**vars(optimiser), "l2": 0.1, "clip": 0.2})
    rnn = of(network(mask=ring(4)))
    data, (mask, reset) = stream(rnn, 12), flags(12)
    alone = trainer(rnn, "rtrl", optimiser, streams=1, update_every=update_every)
    losses = alone.run(data.X, data.Y, mask, reset).loss
    copies = (np.stack([array] * B, axis=1) for array in (data.X, data.Y, mask, reset))
    together = trainer(rnn, "rtrl", optimiser, update_every=update_every)
    found = together.run(*copies).loss
    for b in range(B):
        assert_close(found[mask, b], losses[mask], 1e-11)
    assert_close(together.rnn.W, alone.rnn.W, 1e-10)
    assert_close(together.rnn.W_out, alone.rnn.W_out, 1e-10)


def test_single_precision() -> None:
    rnn, single = network(n=6), network(n=6, dtype=np.float32)
    data = given(rnn, 20)
    losses = trainer(rnn).run(*data).loss
    found = trainer(single).run(*(a.astype(np.float32) if a.dtype == float else a for a in data)).loss
    assert found.dtype == np.float32
    assert_close(found[data[2]], losses[data[2]], 1e-4)


# ------------------------------------------------------------------------------------------ threads


@over_networks()
def test_threads_do_not_change_a_bit(kind: str, cell: ax.TableCell) -> None:
    rnn = of(network_for(cell, n=5, kind=kind, state_noise=0.1))
    data = given(rnn, 12, 7)
    runs = [trainer(rnn, rule_of(cell), ax.Adam(0.02), streams=7, threads=k) for k in (1, 1, 2, 3, 7, 9)]
    losses = [one.run(*data).loss for one in runs]
    for one, loss in zip(runs[1:], losses[1:], strict=True):
        np.testing.assert_array_equal(loss, losses[0])
        assert_same_state(one, runs[0])


def test_at_most_one_thread_a_stream() -> None:
    rnn = network()
    assert [trainer(rnn, threads=k).threads for k in (1, 3, 4, 5, 1024)] == [1, 3, 4, 4, 4]
    assert trainer(rnn, streams=1, threads=8).threads == 8  # of the work within a step


FORKED = """
import os, sys, time
import numpy as np
import axonomy as ax

rng = np.random.default_rng(0)
X, Y = rng.normal(size=(50, 5, 2)), rng.integers(0, 2, (50, 5))

def made():
    rnn = ax.LeakyRNN.random(n_in=2, n_hidden=6, n_out=2, seed=0)
    trainer = ax.Trainer(rnn, "uoro", ax.SGD(1e-2), streams=5, threads=3)
    trainer.run(X, Y)
    return trainer

def forked(work, sleep=0.0):
    time.sleep(sleep)  # until the members sleep, or while they still spin
    child = os.fork()
    if child == 0:
        work()
        os._exit(7)
    for _ in range(300):
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.1)
    os.kill(child, 9)
    os.waitpid(child, 0)
    return "hangs"

trainer = made()
expected = made()
expected.run(X, Y)

def goes_on():
    trainer.run(X, Y)
    same = all(np.array_equal(trainer.state()[name], value) for name, value in expected.state().items())
    os._exit(0 if same else 1)

def makes_its_own():
    own = made()
    own.run(X, Y)
    os._exit(0 if np.array_equal(own.rnn.W, expected.rnn.W) else 1)

def drops_it():
    global trainer
    del trainer
    own = made()
    del own
    os._exit(0)

for sleep in (0.0, 0.05):
    for work in (goes_on, makes_its_own, drops_it, sys.exit):
        print(work.__name__, forked(work, sleep))
trainer.run(X, Y)  # its threads are here as before
print(np.array_equal(trainer.rnn.W, expected.rnn.W))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing forks here")
def test_a_forked_process_goes_on_without_the_threads() -> None:
    """With the same numbers; and it ends."""
    program = [sys.executable, "-u", "-W", "ignore::DeprecationWarning", "-c", FORKED]
    done = subprocess.run(program, capture_output=True, text=True, timeout=300)
    outcomes = ["goes_on 0", "makes_its_own 0", "drops_it 0", "exit 0"]
    assert done.stdout.splitlines() == [*outcomes, *outcomes, "True"], done.stderr


CROWDED = """
import resource
import numpy as np
import axonomy as ax

rnn = ax.LeakyRNN.random(n_in=2, n_hidden=4, n_out=2)
made = ax.Trainer(rnn, "rtrl", ax.SGD(1e-3), streams=1024)
with open("/proc/self/statm") as file:
    held = int(file.read().split()[0]) * resource.getpagesize()
# Of stacks of 8 MB or so that is a few, and never a thousand.
resource.setrlimit(resource.RLIMIT_AS, (held + 200 * 2**20,) * 2)
try:
    ax.Trainer(rnn, "rtrl", ax.SGD(1e-3), streams=1024, threads=1024)
except RuntimeError as error:
    print(error)
X, Y = np.zeros((3, 4, 2)), np.zeros((3, 4), int)
ax.Trainer(rnn, "rtrl", ax.SGD(1e-3), streams=4, threads=2).run(X, Y)
print("fine")
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
@pytest.mark.skipif("libasan" in os.environ.get("LD_PRELOAD", ""), reason="the sanitizer needs memory too")
def test_more_threads_than_can_be_had() -> None:
    done = subprocess.run([sys.executable, "-c", CROWDED], capture_output=True, text=True, timeout=120)
    message, *rest = done.stdout.splitlines() or [""]
    expected = r"threads: asked for 1024, and only \d+ could be had: .+"
    assert re.fullmatch(expected, message), (done.stdout, done.stderr, done.returncode)
    assert (rest, done.returncode) == (["fine"], 0), done.stderr


class Trace(ax.Learner):
    """RFLO of a leaky RNN, or of an element-wise one, in Python."""

    facing, tensor, randomness, solution = "past", "k=i", "deterministic", "closed-form"
    solver, title, bias = "python-trace", "RFLO in Python", "biased"
    memory = time = ax.Order(2)
    carries = ("B",)
    fails_at = None

    def reset(self, state: Array) -> None:
        self.B = np.zeros((self.shape.R, self.shape.m))
        self.steps = 0

    def step(self, step: ax.Step) -> Array:
        self.steps += 1
        if self.steps == self.fails_at:
            raise KeyError("enough")
        self.B = np.diag(step.leak)[:, None] * self.B + np.diag(step.D)[:, None] * step.a_hat
        return step.q[:, None] * self.B


TRACE = {"facing": "past", "tensor": "k=i", "randomness": "deterministic", "solution": "closed-form"}


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_a_rule_in_python(threads: int) -> None:
    """Whose steps take turns at the interpreter."""
    rnn = of(network(n=5))
    data = given(rnn, 30)
    expected = trainer(rnn, "rflo")
    losses = expected.run(*data).loss
    with ax.registered(Trace):
        one = trainer(rnn, ax.compose(**TRACE, solver="python-trace"), threads=threads)
        assert_close(one.run(*data).loss[data[2]], losses[data[2]], 1e-12)
        assert_close(one.rnn.W, expected.rnn.W, 1e-12)
        for t in range(3):
            one.learn_one(data[0][t], data[1][t])
        one.predict_one(data[0][0])
        one.reset()
        assert not one.states.any()


@pytest.mark.parametrize("threads", [1, 2])
def test_a_rule_in_python_that_raises(threads: int) -> None:
    """In some of the streams, as others have been reset: the step is taken in none."""
    rnn = of(network(n=5))
    X, Y, mask, reset = given(rnn, 12)
    reset[:] = False
    reset[2, 1:] = True
    with ax.registered(Trace):
        rule = ax.compose(**TRACE, solver="python-trace")
        Trace.fails_at = 6
        try:
            one = trainer(rnn, rule, threads=threads)
            with pytest.raises(KeyError, match="enough") as caught:
                one.run(X, Y, mask, reset)
        finally:
            Trace.fails_at = None
        assert caught.value.__notes__ == ["at step 5, which was not taken"]
        assert one.history.loss.shape == (5, B)
        expected = trainer(rnn, rule)
        np.testing.assert_array_equal(expected.run(X[:5], Y[:5], mask[:5], reset[:5]).loss, one.history.loss)
        assert_same_state(one, expected)
        np.testing.assert_array_equal(one.states, expected.states)


# ------------------------------------------------------------------------------- saving, one by one


@over_networks()
@pytest.mark.parametrize("update_every", [1, 3])
def test_resume_is_uninterrupted(tmp_path: Path, kind: str, cell: ax.TableCell, update_every: int) -> None:
    rnn = of(network_for(cell, kind=kind, state_noise=0.1))
    X, Y, mask, reset = given(rnn, 10)
    whole, stopped = (trainer(rnn, rule_of(cell), ax.Adam(0.02), update_every=update_every) for _ in range(2))
    losses = whole.run(X, Y, mask, reset).loss
    at = 5
    stopped.run(X[:at], Y[:at], mask[:at], reset[:at])
    stopped.save(tmp_path / "trainer.npz")
    resumed = ax.Trainer.load(tmp_path / "trainer.npz")
    assert (resumed.streams, resumed.threads) == (B, 1)
    assert_same_state(resumed, stopped)
    np.testing.assert_array_equal(resumed.states, stopped.states)
    found = resumed.run(X[at:], Y[at:], mask[at:], reset[at:]).loss
    np.testing.assert_array_equal(found, losses[at:])
    assert_same_state(resumed, whole)
    np.testing.assert_array_equal(resumed.states, whole.states)


def test_threads_are_saved(tmp_path: Path) -> None:
    trainer(network(), threads=3).save(tmp_path / "trainer.npz")
    assert ax.Trainer.load(tmp_path / "trainer.npz").threads == 3


@every_cell
def test_one_by_one(cell: ax.TableCell) -> None:
    rnn = of(network_for(cell, state_noise=0.1))
    X, Y, _, _ = given(rnn)
    one, other = trainer(rnn, rule_of(cell)), trainer(rnn, rule_of(cell), threads=2)
    mask = np.arange(T) != 3
    losses = one.run(X, Y, np.tile(mask[:, None], B)).loss
    for t in range(T):
        loss = other.learn_one(X[t], Y[t] if mask[t] else None)
        assert np.isnan(loss) if not mask[t] else loss == losses[t].mean()
    assert_same_state(other, one)
    np.testing.assert_array_equal(other.states, one.states)


@every_kind
def test_predict_one(kind: str) -> None:
    rnn = of(network(kind=kind))
    X, Y, _, _ = given(rnn)
    one = trainer(rnn)
    one.run(X[:3], Y[:3])
    before, W = one.states, one.rnn.W
    z = one.predict_one(X[3])
    for b in range(B):
        forward = one.rnn.forward(X[3, b : b + 1], initial_state=before[b])
        assert_close(z[b], forward.output[0], 1e-13)
        assert_close(one.states[b], forward.state[0], 1e-13)
    assert z.shape == (B, 3)
    np.testing.assert_array_equal(one.rnn.W, W)


def test_class_indices() -> None:
    rnn = network()
    X, _, mask, _ = given(rnn)
    classes = np.random.default_rng(0).integers(0, 3, (T, B))
    one, other = trainer(rnn), trainer(rnn)
    np.testing.assert_array_equal(
        one.run(X, np.where(mask, classes, -7), mask).loss, other.run(X, np.eye(3)[classes], mask).loss
    )
    assert one.learn_one(X[0], classes[0]) == other.learn_one(X[0], np.eye(3)[classes[0]])
    assert_same_state(one, other)


# ------------------------------------------------------------------------------------------- states


def test_states() -> None:
    rnn = of(network())
    one = trainer(rnn)
    np.testing.assert_array_equal(one.states, [rnn.state] * B)
    states = np.random.default_rng(1).normal(size=(B, 4))
    one.states = states
    one.states[:] = 0.0  # a copy
    np.testing.assert_array_equal(one.states, states)
    np.testing.assert_array_equal(one.rnn.state, states[0])
    one.rnn.state = np.ones(4)
    np.testing.assert_array_equal(one.states, [np.ones(4), *states[1:]])
    one.reset()
    assert not one.states.any()
    assert not one.rnn.state.any()
    alone = ax.Trainer(network(), "rtrl", ax.SGD(0.1))
    assert alone.states.shape == (1, 4)


def test_all_learners_start_from_what_is_given() -> None:
    rnn = network()
    X, Y, _, _ = given(rnn, 1)
    M = np.random.default_rng(2).normal(size=(4, 4, 7))
    one = trainer(rnn, "rtrl", ax.SGD(1.0), initial={"influence": M})
    one.run(X, Y)
    expected = [
        ax.gradients(rnn, "rtrl", X[:, b], Y[:, b], initial={"influence": M}).recurrent[0] for b in range(B)
    ]
    assert_close(rnn.W - one.rnn.W, np.mean(expected, axis=0), 1e-13)


def test_weights_are_shared() -> None:
    """What is set on the network from outside holds for all streams."""
    rnn = network()
    X, Y, _, _ = given(rnn)
    one = trainer(rnn, optimiser=ax.SGD(0.0))
    one.rnn.W_in = 2.0 * rnn.W_in
    one.rnn.W_out = 3.0 * rnn.W_out
    one.rnn.feedback = np.ones((3, 4))
    other = trainer(one.rnn, optimiser=ax.SGD(0.0))
    np.testing.assert_array_equal(one.run(X, Y).loss, other.run(X, Y).loss)
    monitors = [t.run(X, Y, monitors=["gradient_norm"], monitor_every=1).monitors for t in (one, other)]
    np.testing.assert_array_equal(*(m["gradient_norm"] for m in monitors))


@pytest.mark.parametrize("sigma", [0.5, 0.0])
def test_the_noise_is_that_of_the_network(tmp_path: Path, sigma: float) -> None:
    """Of all streams, whenever it was set; and as saved."""
    rnn = network(state_noise=0.1)
    X, Y, _, _ = given(rnn)
    one = trainer(rnn)
    one.rnn.state_noise = rnn.state_noise = sigma
    other = trainer(rnn)
    one.save(tmp_path / "trainer.npz")
    loaded = ax.Trainer.load(tmp_path / "trainer.npz")
    losses = other.run(X, Y).loss
    for found in (one, loaded):
        np.testing.assert_array_equal(found.run(X, Y).loss, losses)
        np.testing.assert_array_equal(found.states, other.states)


# ------------------------------------------------------------------------------------ during the run


@over(cell for cell in CELLS if cell.solver in ("rtrl", "signs", "dni", "snap"))
@pytest.mark.parametrize("threads", [1, 2])
def test_one_stream_diverges(cell: ax.TableCell, threads: int) -> None:
    """None of them takes the step."""
    rnn = network_for(cell, activation="identity", loss="mse")
    X, Y, mask, reset = given(rnn, 9)
    X[6, 2] = 1e308
    rnn.W_in = np.full((4, 2), 10.0)
    reset[6] = True
    one = trainer(rnn, rule_of(cell), ax.SGD(1e-3), threads=threads)
    with pytest.raises(ax.Diverged, match=r"\Astep 6: ") as caught:
        one.run(X, Y, mask, reset)
    expected = trainer(rnn, rule_of(cell), ax.SGD(1e-3))
    losses = expected.run(X[:6], Y[:6], mask[:6], reset[:6]).loss
    np.testing.assert_array_equal(caught.value.history.loss, losses)
    assert_same_state(one, expected)
    np.testing.assert_array_equal(one.states, expected.states)
    with pytest.raises(ax.Diverged, match=r"\Astep 6: "):
        one.learn_one(X[6], Y[6])
    with pytest.raises(ax.Diverged, match=r"\Astep 6: "):
        one.predict_one(X[6])
    assert_same_state(one, expected)
    np.testing.assert_array_equal(one.states, expected.states)
    assert caught.value.history.loss.shape == (6, B)


@pytest.mark.parametrize("threads", [1, 2])
def test_weights_that_run_away(threads: int) -> None:
    rnn = network(activation="softplus", loss="mse")
    X, Y, mask, reset = given(rnn, 60)
    one = trainer(rnn, "rtrl", ax.SGD(5.0), threads=threads)
    with pytest.raises(ax.Diverged) as caught:
        one.run(X, Y, mask, reset)
    at = caught.value.step
    expected = trainer(rnn, "rtrl", ax.SGD(5.0))
    np.testing.assert_array_equal(
        expected.run(X[:at], Y[:at], mask[:at], reset[:at]).loss, caught.value.history.loss
    )
    assert_same_state(one, expected)


class Enough(Exception):
    """What a callback raises."""


@pytest.mark.parametrize("error", [Enough, KeyboardInterrupt])
@pytest.mark.parametrize("threads", [1, 2])
def test_a_callback_ends_the_run(error: type, threads: int) -> None:
    rnn = of(network())
    X, Y, mask, reset = given(rnn, 20)
    seen = []

    def callback(done: int, loss: float) -> None:
        seen.append((done, loss))
        if done == 8:
            raise error

    one = trainer(rnn, threads=threads)
    with pytest.raises(error):
        one.run(X, Y, mask, reset, callback=callback, callback_every=4)
    expected = trainer(rnn)
    losses = expected.run(X[:8], Y[:8], mask[:8], reset[:8]).loss
    np.testing.assert_array_equal(one.history.loss, losses)
    assert_same_state(one, expected)
    assert [done for done, _ in seen] == [4, 8]
    assert seen[1][1] == pytest.approx(np.nanmean(losses[4:]), rel=1e-12)


def test_a_callback_that_changes_the_network_and_then_a_step_too_far() -> None:
    """What it set is not undone by going back to before the step."""
    rnn = network(activation="identity", loss="mse")
    X, Y, _, _ = given(rnn, 12)
    X[9, 1] = 1e308
    one = trainer(rnn, optimiser=ax.SGD(1e-3))

    def callback(done: int, loss: float) -> None:
        if done == 5:
            one.rnn.state = np.full(4, 0.5)
            with pytest.raises(RuntimeError, match="the trainer is in the midst of a run"):
                one.states = np.zeros((B, 4))

    rnn.W_in = one.rnn.W_in = np.full((4, 2), 10.0)
    with pytest.raises(ax.Diverged):
        one.run(X, Y, callback=callback, callback_every=5)
    expected = trainer(rnn, optimiser=ax.SGD(1e-3))
    expected.run(X[:5], Y[:5])
    expected.rnn.state = np.full(4, 0.5)
    expected.run(X[5:9], Y[5:9])
    assert_same_state(one, expected)
    np.testing.assert_array_equal(one.states, expected.states)


@pytest.mark.parametrize("update_every", [1, 3])
@pytest.mark.parametrize("rule", ["rtrl", "uoro", "f_bptt"])
def test_monitors_are_means(rule: str, update_every: int) -> None:
    rnn = of(network())
    X, Y, mask, reset = given(rnn, 15)
    mask[7] = False
    names = ["loss", "gradient_norm", "state_norm", "spectral_radius"]
    one = trainer(rnn, rule, ax.SGD(0.0), update_every=update_every)
    history = one.run(X, Y, mask, reset, monitors=names, monitor_every=1)
    total, norms, radii = 0.0, 0.0, 0.0
    for b in range(B):
        found = ax.gradients(rnn, rule, X[:, b], Y[:, b], mask=mask[:, b], reset=reset[:, b], seed=5 + b)
        total = total + np.hstack([found.recurrent.reshape(15, -1), found.output.reshape(15, -1)]) / B
        state = rnn.state
        of_b = []
        for t in range(15):
            linear = rnn.linearise(X[t, b], np.zeros(4) if reset[t, b] else state)
            state = linear.state
            of_b.append((np.linalg.norm(state), np.abs(np.linalg.eigvals(linear.J)).max()))
        norms, radii = norms + np.array(of_b)[:, 0] / B, radii + np.array(of_b)[:, 1] / B
    expected = np.linalg.norm(total, axis=1)
    if rule != "f_bptt":
        expected[7] = np.nan
    assert_close(history.monitors["gradient_norm"][~np.isnan(expected)], expected[~np.isnan(expected)], 1e-12)
    np.testing.assert_array_equal(np.isnan(history.monitors["gradient_norm"]), np.isnan(expected))
    assert_close(history.monitors["state_norm"], norms, 1e-12)
    assert_close(history.monitors["spectral_radius"], radii, 1e-12)
    there = mask.any(axis=1)
    assert_close(history.monitors["loss"][there], np.nanmean(history.loss[there], axis=1), 1e-13)
    assert np.isnan(history.monitors["loss"][~there]).all()


@over(cell for cell in CELLS if ax.make_learner(rule_of(cell), network_for(cell)).diagnostics())
@pytest.mark.parametrize("threads", [1, 2])
def test_diagnostics_are_means(cell: ax.TableCell, threads: int) -> None:
    """As the monitors are."""
    rnn = of(network(mask=ring(4)))  # whose streams are multiplied one by one, and so draw as each alone
    X, Y, _, _ = given(rnn, 12)
    one = trainer(rnn, rule_of(cell), ax.SGD(0.0), threads=threads)
    history = one.run(X, Y, monitors=one.monitor_names, monitor_every=1)
    found = one.diagnostics()
    of_each = []
    for b in range(B):
        alone = trainer(rnn, rule_of(cell), ax.SGD(0.0), streams=1, seed=5 + b)
        alone.run(X[:, b], Y[:, b])
        of_each.append(alone.diagnostics())
    assert list(found) == list(of_each[0])
    for name, value in found.items():
        assert value == history.monitors[name][-1]
        assert value == pytest.approx(np.mean([each[name] for each in of_each]), rel=1e-6)


def test_diagnostics_of_one_stream_only() -> None:
    """A learner that breaks its word on their names is told so."""

    class Odd(Trace):
        solver = "odd-trace"

        def diagnostics(self) -> dict[str, float]:
            return {"size": 1.0} if not self.B.any() else {}

    rnn = network()
    X, Y, _, reset = given(rnn, 1)
    with ax.registered(Odd):
        one = trainer(rnn, ax.compose(**TRACE, solver="odd-trace"))
        one.run(X, Y, reset=reset)
        assert one.diagnostics() == {}
        one._learner.load_state({**one._learner.state(), "B": np.zeros((4, 7))})
        with pytest.raises(ValueError, match=r"diagnostics: expected the same names of every stream"):
            one.diagnostics()


@every_cell
def test_monitors_leave_no_trace(cell: ax.TableCell) -> None:
    rnn = of(network_for(cell, state_noise=0.1))
    data = given(rnn, 12)
    one, other = (trainer(rnn, rule_of(cell), ax.Adam(0.02), update_every=2) for _ in range(2))
    losses = one.run(*data).loss
    found = other.run(*data, monitors=other.monitor_names, monitor_every=1)
    np.testing.assert_array_equal(found.loss, losses)
    assert_same_state(other, one)
    own = set(other.monitor_names) - {"loss", "gradient_norm", "state_norm", "spectral_radius"}
    for name in own:
        assert np.isfinite(found.monitors[name]).all()


# ------------------------------------------------------------------------------------------ refused

RNN = network()
X, Y, MASK, RESET = given(RNN)
WHOLE = "expected a whole number at least"


def ran(**options: object) -> Callable[[], object]:
    return lambda: trainer(RNN).run(**{"X": X, "Y": Y, **options})


def made(**settings: object) -> Callable[[], object]:
    return lambda: trainer(RNN, **settings)


REFUSED = [
    (made(streams=0), f"streams: {WHOLE} 1, got 0"),
    (made(streams=2.0), f"streams: {WHOLE} 1, got 2.0"),
    (made(streams=True), f"streams: {WHOLE} 1, got True"),
    (made(threads=0), "threads: expected a whole number from 1 to 1024, got 0"),
    (made(threads=1025), "threads: expected a whole number from 1 to 1024, got 1025"),
    (made(threads=None), "threads: expected a whole number from 1 to 1024, got None"),
    (ran(X=X[:, 0]), "X: expected a real array of shape (any, 4, 2) (T, B, n_in), got shape (7, 2)"),
    (ran(X=X[:, :3]), "X: expected a real array of shape (any, 4, 2) (T, B, n_in), got shape (7, 3, 2)"),
    (ran(X=X.swapaxes(0, 1)), "X: expected a real array of shape (any, 4, 2) (T, B, n_in), got shape (4, 7,"),
    (
        ran(Y=Y[:, 0]),
        "Y: expected class indices from 0 to 2 of shape (7, 4), or targets of shape (7, 4, 3), got an array",
    ),
    (
        ran(Y=Y[:5]),
        "Y: expected a real array of shape (7, 4, 3) (T, B, n_out; class indices may be (T, B)), got shape",
    ),
    (ran(Y=Y[..., :2]), "Y: expected a real array of shape (7, 4, 3) (T, B, n_out; class indices may be"),
    (ran(Y=np.full((T, B), 3)), "Y: expected class indices from 0 to 2 of shape (7, 4), got 3 at step 0, "),
    (ran(Y=np.zeros((T, 3), int)), "Y: expected class indices from 0 to 2 of shape (7, 4), got shape (7, 3)"),
    (ran(Y=np.where(np.arange(B)[:, None] == 2, -Y, Y)),
     "Y: expected targets of at least 0 for the loss 'cross_entropy', got [-"),
    (ran(mask=MASK[:, 0]), "mask: expected shape (7, 4), one a step and stream, got (7,)"),
    (ran(reset=RESET.T), "reset: expected shape (7, 4), one a step and stream, got (4, 7)"),
    (ran(reset=RESET * 2.0), "reset: expected truth values, got an array of shape (7, 4) and dtype float64"),
    (
        lambda: trainer(RNN).learn_one(X[0, 0], Y[0]),
        "x: expected a real array of shape (4, 2) (B, n_in), got shape (2,)",
    ),
    (
        lambda: trainer(RNN).learn_one(X[0], Y[0, 0]),
        "y: expected class indices from 0 to 2 of shape (4,), or targets of shape (4, 3), got an array of",
    ),
    (
        lambda: trainer(RNN).learn_one(X[0], Y[0, :3]),
        "y: expected a real array of shape (4, 3) (B, n_out; class indices may be (B,)), got shape (3, 3)",
    ),
    (
        lambda: trainer(RNN).learn_one(X[0], [0, 1, 2, 3]),
        "y: expected class indices from 0 to 2 of shape (4,), got 3 at stream 3",
    ),
    (
        lambda: trainer(RNN).predict_one(X[0, :3]),
        "x: expected a real array of shape (4, 2) (B, n_in), got shape (3, 2)",
    ),
    (
        lambda: setattr(trainer(RNN), "states", np.zeros((3, 4))),
        "states: expected a real array of shape (4, 4) (B, S), got shape (3, 4)",
    ),
    (
        lambda: setattr(trainer(RNN), "states", np.full((4, 4), np.nan)),
        "states: expected finite numbers in float64, got nan at (0, 0)",
    ),
    (
        lambda: trainer(RNN).load_state(trainer(RNN, streams=3).state()),
        "load_state: expected an entry 'stream_3.gradient', got none",
    ),
    (
        lambda: trainer(RNN).load_state(trainer(RNN, streams=5).state()),
        "state: expected that of 4 streams, got that of more",
    ),
    (
        lambda: trainer(RNN, streams=1).load_state(trainer(RNN).state()),
        "state: expected that of 1 streams, got that of more",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("call", "message"), REFUSED, ids=[f"{i}" for i in range(len(REFUSED))])
def test_refused(call: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        call()
    assert str(caught.value).startswith(message), str(caught.value)


def test_what_is_refused_changes_nothing() -> None:
    one = trainer(RNN)
    kept, states = one.state(), one.states
    for options in ({"Y": -Y}, {"mask": [True]}, {"X": X[:, :2]}):
        with pytest.raises(ValueError, match=r".+: expected"):
            one.run(**{"X": X, "Y": Y, **options})
    for name, value in one.state().items():
        np.testing.assert_array_equal(value, kept[name])
    np.testing.assert_array_equal(one.states, states)


def test_a_single_stream_has_no_axis_of_streams() -> None:
    one = trainer(RNN, streams=1)
    assert one.run(X[:, 0], Y[:, 0]).loss.shape == (T,)
    assert one.history.loss.shape == (T,)
    with pytest.raises(ValueError, match=r"X: expected a real array of shape \(any, 2\)"):
        one.run(X[:, :1], Y[:, :1])


def test_nothing_was_run_yet() -> None:
    assert trainer(RNN).history.loss.shape == (0, B)
    assert trainer(RNN).run(X[:0], Y[:0]).loss.shape == (0, B)

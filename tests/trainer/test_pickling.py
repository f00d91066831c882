"""Networks, trainers and what goes with them as bytes and back, as processes that share work hand them on."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import axonomy as ax
from drawing import (
    CELLS,
    KINDS,
    OPTIMISERS,
    any_cell_by_hand,
    assert_same_state,
    every_cell,
    every_kind,
    every_optimiser,
    flags,
    network,
    network_for,
    networks,
    ring,
    rule_of,
    shape_of,
    some_state,
    stream,
    take,
)
from numpy_cells import Net, run

T = 12


def pickled(value: object) -> object:
    return pickle.loads(pickle.dumps(value))


WAYS: dict[str, Callable] = {
    "copy.copy": copy.copy,
    "copy.deepcopy": copy.deepcopy,
    "pickle": pickled,
}
every_way = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
apart = pytest.mark.parametrize("way", [copy.deepcopy, pickled], ids=["copy.deepcopy", "pickle"])


def assert_equal(found: ax.Cell, expected: ax.Cell) -> None:
    assert type(found) is type(expected)
    assert found.shape == expected.shape
    assert found.dtype == expected.dtype
    assert found.settings() == expected.settings()
    assert list(found.arrays()) == list(expected.arrays())
    for name, array in expected.arrays().items():
        np.testing.assert_array_equal(found.arrays()[name], array, err_msg=name)
        assert found.arrays()[name].dtype == array.dtype


# ---------------------------------------------------------------------------------------- networks


@every_way
@every_kind
@settings(max_examples=10)
@given(data=st.data())
def test_networks(way: Callable, kind: str, data: st.DataObject) -> None:
    rnn = data.draw(networks(kinds=[kind], dtype=data.draw(st.sampled_from([np.float64, np.float32]))))
    rnn.state = some_state(rnn, 3)
    rnn.state_noise = data.draw(st.sampled_from([0.0, 0.25]))
    if data.draw(st.booleans()):
        rnn.feedback = 2 * rnn.W_out
    twin = way(rnn)
    assert_equal(twin, rnn)
    X = stream(rnn, 5).X
    np.testing.assert_array_equal(twin.forward(X).output, rnn.forward(X).output)


@every_way
@every_kind
def test_nothing_is_shared(way: Callable, kind: str) -> None:
    masks = {} if KINDS[kind].element_wise else {"mask": ring(4)}
    rnn = network(kind=kind, feedback=np.ones((3, 4)), **masks)
    twin, kept = way(rnn), rnn.arrays()
    of = stream(rnn, 5)
    ax.Trainer(twin, "rtrl", ax.SGD(0.1)).run(of.X, of.Y)
    twin.feedback = np.zeros((3, 4))
    for name, array in rnn.arrays().items():
        np.testing.assert_array_equal(array, kept[name])


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_every_protocol(protocol: int) -> None:
    one = made("uoro", ax.Adam(0.05))
    go(one, slice(5))
    assert_same_state(pickle.loads(pickle.dumps(one, protocol)), one)


# ---------------------------------------------------------------------------------------- trainers


def made(rule: object, optimiser: object, **options: object) -> ax.Trainer:
    rnn = network_for(rule, state_noise=0.1, feedback=np.random.default_rng(9).normal(size=(3, 4)))
    return ax.Trainer(rnn, rule, optimiser, seed=7, **options)


def go(trainer: ax.Trainer, part: slice) -> np.ndarray:
    of, (mask, reset) = stream(trainer.rnn, T), flags(T)
    arrays = [of.X, of.Y, mask, reset]
    if trainer.streams > 1:
        arrays = [np.stack([np.roll(a, b, axis=0) for b in range(trainer.streams)], axis=1) for a in arrays]
    return trainer.run(*(array[part] for array in arrays)).loss


@every_way
@every_cell
def test_trainers_go_on_bit_by_bit(way: Callable, cell: ax.TableCell) -> None:
    one = made(rule_of(cell), ax.Adam(ax.InverseDecay(0.05, 2), clip=0.5), update_every=3)
    go(one, slice(7))
    other = way(one)
    assert_same_state(other, one)
    assert_equal(other.rnn, one.rnn)
    for name in ("rule", "optimiser", "seed", "update_every", "streams", "threads", "step_count"):
        assert getattr(other, name) == getattr(one, name)
    np.testing.assert_array_equal(other.history.loss, one.history.loss)
    kept = one.state()
    losses = go(other, slice(7, None))
    for name, value in one.state().items():  # which has a network of its own
        np.testing.assert_array_equal(value, kept[name])
    np.testing.assert_array_equal(go(one, slice(7, None)), losses)
    assert_same_state(other, one)


@every_kind
@every_optimiser
def test_of_several_streams(kind: str, optimiser: object) -> None:
    one = ax.Trainer(network(kind=kind, state_noise=0.1), "uoro", optimiser, seed=3, streams=3, threads=2)
    go(one, slice(5))
    other = pickled(one)
    np.testing.assert_array_equal(other.states, one.states)
    np.testing.assert_array_equal(go(other, slice(5, None)), go(one, slice(5, None)))
    assert_same_state(other, one)


@apart
def test_what_belongs_together_stays_together(way: Callable) -> None:
    """A network beside its trainer, and in both orders."""
    one = made("rtrl", ax.SGD(0.1))
    trainer, rnn = way((one, one.rnn))
    assert trainer.rnn is rnn
    rnn, trainer = way((one.rnn, one))
    assert trainer.rnn is rnn
    go(trainer, slice(3))
    np.testing.assert_array_equal(rnn.W, trainer.state()["cell.W"])


def test_with_a_rule_in_python() -> None:
    class Trace(ax.Learner):
        facing, tensor, randomness, solution = "past", "kij", "stochastic", "numerical"
        solver, title, bias = "noisy-trace", "a noisy trace", "biased"
        memory = time = ax.Order(3)
        n_noise = 1
        carries = ("M",)

        def reset(self, state: np.ndarray) -> None:
            self.M = np.zeros((self.shape.S, self.shape.R, self.shape.m))

        def step(self, step: ax.Step) -> np.ndarray:
            self.M = 0.8 * self.M + step.M_bar * step.noise[0]
            return np.einsum("k,kij->ij", step.q, self.M)

    with ax.registered(Trace):
        one = made(ax.compose("past", "kij", "stochastic", "numerical", solver="noisy-trace"), ax.SGD(0.1))
        go(one, slice(5))
        other = pickled(one)
        np.testing.assert_array_equal(go(other, slice(5, None)), go(one, slice(5, None)))
        assert_same_state(other, one)


@any_cell_by_hand
def test_learners_by_hand(cell: ax.TableCell) -> None:
    rule, rnn = rule_of(cell), network_for(cell)
    of = stream(rnn, 6)
    steps, *_ = run(Net.of(rnn), of.X, of.Y, np.zeros(4))
    one = ax.make_learner(rule, shape_of(steps, 4, rule), seed=5)
    for s in steps[:4]:
        take(one, s)
    for way in (copy.copy, copy.deepcopy, pickled):
        other = way(one)
        np.testing.assert_array_equal(other.gradient(), one.gradient())
        again = pickled(one)
        for s in steps[4:]:
            take(other, s)
            take(again, s)
        np.testing.assert_array_equal(other.gradient(), again.gradient())
    for s in steps[4:]:
        take(one, s)
    np.testing.assert_array_equal(other.gradient(), one.gradient())


@apart
def test_curricula(way: Callable) -> None:
    rnn = ax.LeakyRNN.random(n_in=4, n_hidden=16, n_out=2, seed=0)
    one = ax.Curriculum(ax.Trainer(rnn, "rtrl_lazy", ax.Adam(3e-3)), chunk=200)
    one.climb(5050)
    other = way(one)
    for found, expected in ((other.climb(3000), one.climb(3000)), (other.history, one.history)):
        assert found.reached == expected.reached
        for name in ("level", "loss", "steps"):
            np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))


# ------------------------------------------------------------------------------------------- values


@every_way
def test_values(way: Callable, tmp_path: Path) -> None:
    """What is equal by value comes back equal; rules have laws of their own."""
    path = tmp_path / "data.csv"
    path.write_text("a,b\n1,2\n3,4\n")
    values = [
        *OPTIMISERS,
        ax.Adam(ax.ExponentialDecay(0.1, 0.5, 10), clip=1.0, l2=0.1),
        ax.SGD(ax.InverseDecay(0.1, 10)),
        *(ax.tasks.registry[name]() for name in ax.tasks.registry if name != "file"),
        ax.tasks.FileStream(str(path), ["a"], ["b"], repeat=True),
        *(kind() for kind in (ax.OptimalUnbiased, ax.RandomSigns, ax.TruncatedSVD)),
        ax.Order(3),
        *(network(kind=kind).shape for kind in KINDS),
        network(mask=ring(4)).shape,
        *(cell.rule() for cell in CELLS),
        *(getattr(ax.rules, name)() for name in ax.rules.names()),
        ax.mix(["uoro", ax.by_block(W_rec="snap", W_in="rtrl", b="dni")], [0.25, 0.75]),
        ax.windowed("kf_rtrl", 4, "1/sqrt(n)", 16),
    ]
    for value in values:
        again = way(value)
        assert again == value
        assert type(again) is type(value)
        assert repr(again) == repr(value)


@every_way
def test_records(way: Callable) -> None:
    rnn = network()
    of = stream(rnn, 4)
    records = [
        ax.tasks.Copy(3).generate(20),
        rnn.forward(of.X),
        rnn.linearise(of.X[0]),
        ax.gradients(rnn, "uoro", of.X, of.Y),
        ax.Trainer(rnn, "rtrl", ax.SGD(0.1)).run(of.X, of.Y, monitors=["state_norm"], monitor_every=1),
    ]
    for record in records:
        again = way(record)
        assert type(again) is type(record)
        for name, value in vars(record).items():
            np.testing.assert_equal(getattr(again, name), value)


@every_way
def test_errors(way: Callable) -> None:
    """A process that works for another raises what it would have raised itself."""
    rnn = network(activation="identity", loss="mse")
    with pytest.raises(ax.Diverged) as caught:
        ax.Trainer(rnn, "rtrl", ax.SGD(1.0)).run(np.full((500, 2), 1e100), np.ones((500, 3)))
    again = way(caught.value)
    assert str(again) == str(caught.value)
    assert again.step == caught.value.step
    np.testing.assert_array_equal(again.history.loss, caught.value.history.loss)
    with pytest.raises(ax.IncompatibleAxes) as refused:
        ax.compose("past", "kij", "stochastic", "closed-form")
    again = way(refused.value)
    assert (str(again), again.nearest) == (str(refused.value), refused.value.nearest)
    assert again.reason == refused.value.reason


GO_ON = """
import pickle, sys
trainer, X, Y = pickle.load(sys.stdin.buffer)
sys.stdout.buffer.write(pickle.dumps(trainer.run(X, Y).loss))
"""


def test_in_another_process() -> None:
    one = made("uoro", ax.Adam(0.05))
    go(one, slice(5))
    of = stream(one.rnn, T)
    done = subprocess.run(
        [sys.executable, "-c", GO_ON], input=pickle.dumps((one, of.X, of.Y)), capture_output=True, check=True
    )
    np.testing.assert_array_equal(pickle.loads(done.stdout), one.run(of.X, of.Y).loss)

"""Sparse recurrent weights: what a mask leaves out is not there, under every rule; and SnAp-n on them."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import axonomy as ax
import numpy_rules
from drawing import (
    CELLS,
    any_cell_by_hand,
    assert_close,
    drive,
    every_cell,
    every_optimiser,
    network,
    over,
    ring,
    rule_of,
    stream,
)
from numpy_cells import Array, Net, run
from numpy_rules import bptt, diagonal, random_steps, snap

N_UNITS = 4
masks = st.integers(0, 2**32 - 1).flatmap(
    lambda seed: st.floats(0.0, 1.0).map(
        lambda density: np.random.default_rng(seed).random((N_UNITS, N_UNITS)) < density
    )
)


def weights(rnn: ax.LeakyRNN) -> Array:
    """Which of W exist (R, m)."""
    return np.hstack([rnn.mask, np.ones((rnn.shape.R, rnn.shape.n_in + 1), bool)])


def dense_twin(rnn: ax.LeakyRNN) -> ax.LeakyRNN:
    """The same weights, zeros and all, without a mask."""
    names = ("W_rec", "W_in", "b_rec", "W_out", "b_out")
    arrays = {name: getattr(rnn, name) for name in names}
    return ax.LeakyRNN(**arrays, **rnn.settings(), feedback=rnn.feedback, dtype=rnn.dtype)


# ------------------------------------------------------------------------------------- the network


@given(mask=masks, seed=st.integers(0, 99), alpha=st.sampled_from([1.0, 0.6]))
def test_a_masked_network_is_one_with_zeros(mask: Array, seed: int, alpha: float) -> None:
    rnn = network(seed, N_UNITS, alpha=alpha, mask=mask)
    data, twin = stream(rnn, 5, seed), dense_twin(rnn)
    a0 = np.random.default_rng(seed).normal(size=N_UNITS)
    np.testing.assert_array_equal(rnn.mask, mask)
    found, expected = (net.forward(data.X, initial_state=a0) for net in (rnn, twin))
    assert_close(found.state, expected.state, 1e-14)
    assert_close(found.output, expected.output, 1e-14)
    one, other = (net.linearise(data.X[0], state=a0) for net in (rnn, twin))
    for name in ("J", "D", "a_hat", "leak", "state"):
        assert_close(getattr(one, name), getattr(other, name), 1e-14)


def test_the_mask_is_kept() -> None:
    rnn = network(mask=ring(4))
    shape = rnn.shape
    assert shape.pattern == ((0, 1), (1, 2), (2, 3), (0, 3))
    assert shape == ax.Shape(4, 2, 3, pattern=ring(4)) == ax.Shape(4, 2, 3, pattern=shape.pattern)
    assert shape != network().shape
    assert hash(shape) == hash(pickle.loads(pickle.dumps(shape)))
    assert copy.deepcopy(shape) == shape
    assert rnn.copy().shape == shape
    assert "density=0.5" in repr(rnn)
    assert "density" not in repr(network())
    assert network().mask is None
    rnn.mask[:] = False  # a copy
    np.testing.assert_array_equal(rnn.mask, ring(4))
    rnn.W_rec = 3.0 * ring(4)
    np.testing.assert_array_equal(rnn.W_rec, 3.0 * ring(4))
    rnn.W = weights(rnn)
    np.testing.assert_array_equal(rnn.W, weights(rnn))
    rnn.W_in = rnn.W_in + 1.0


def test_random() -> None:
    rnn = ax.LeakyRNN.random(n_in=2, n_hidden=200, n_out=2, density=0.1, seed=1)
    assert (rnn.mask.sum(axis=1) == 20).all()
    np.testing.assert_array_equal(rnn.W_rec != 0, rnn.mask)
    assert (rnn.W_rec**2).sum(axis=1).mean() == pytest.approx(1.0, rel=0.1)
    dense = ax.LeakyRNN.random(n_in=2, n_hidden=200, n_out=2, seed=1)
    np.testing.assert_array_equal(rnn.W_in, dense.W_in)
    again = ax.LeakyRNN.random(n_in=2, n_hidden=200, n_out=2, mask=rnn.mask, seed=1)
    np.testing.assert_array_equal(again.W, rnn.W)
    sparsest = ax.LeakyRNN.random(n_in=2, n_hidden=5, n_out=2, density=1e-6)
    assert (sparsest.mask.sum(axis=1) == 1).all()
    without = ax.LeakyRNN.random(n_in=2, n_hidden=5, n_out=2, mask=np.zeros((5, 5), bool))
    assert not without.W_rec.any()


# ------------------------------------------------------------------------------------- every rule


# Singular vectors have no sign of their own: to rounding the same network, another draw.
@over(cell for cell in CELLS if cell.solver != "optimal" and cell.tensor != "sparse")
def test_gradients_are_those_of_the_existing_weights(cell: ax.TableCell) -> None:
    rnn = network(mask=ring(4))
    data = stream(rnn, 6)
    found, all_weights = (
        ax.gradients(net, rule_of(cell), data.X, data.Y, seed=1) for net in (rnn, dense_twin(rnn))
    )
    assert not found.recurrent[:, ~weights(rnn)].any()
    assert_close(found.recurrent, weights(rnn) * all_weights.recurrent, 1e-12)
    assert_close(found.output, all_weights.output, 1e-13)


@any_cell_by_hand
def test_no_gradient_by_hand_either(cell: ax.TableCell) -> None:
    steps = random_steps(np.random.default_rng(0), 4, 6, T=4, p=2, g=3)
    shape = ax.Shape(4, m=6, states_per_unit=2, rows_per_unit=3, pattern=ring(4))
    gradients, _ = drive(ax.make_learner(rule_of(cell), shape), steps)
    assert gradients.any()
    assert not gradients[:, :, :4][:, ~np.tile(ring(4), (3, 1))].any()


@every_cell
@every_optimiser
@pytest.mark.parametrize("update_every", [1, 3])
def test_weights_that_do_not_exist_stay_zero(
    cell: ax.TableCell, optimiser: object, update_every: int
) -> None:
    optimiser = type(optimiser)(**{**vars(optimiser), "l2": 0.1, "clip": 1.0 if update_every > 1 else None})
    rnn = network(mask=ring(4), state_noise=0.1)
    data, before = stream(rnn, 12), rnn.W
    trainer = ax.Trainer(rnn, rule_of(cell), optimiser, update_every=update_every)
    trainer.run(data.X, data.Y)
    assert not rnn.W[~weights(rnn)].any()
    assert (before != rnn.W)[weights(rnn)].all()
    for name, array in trainer.state().items():
        if name.startswith("optimiser.") and array.shape == rnn.W.shape:
            assert not array[~weights(rnn)].any()


@pytest.mark.parametrize(
    "rule", ["rtrl", "rtrl_lazy", "rflo", "uoro", "output_only", ax.rules.snap(2)], ids=str
)
def test_plain_descent_adds_the_masked_gradient(rule: object) -> None:
    """In place, where no gradient is formed."""
    rnn = network(mask=ring(4))
    data = stream(rnn, 1)
    gradients = ax.gradients(rnn, rule, data.X, data.Y, seed=3)
    before = rnn.W
    ax.Trainer(rnn, rule, ax.SGD(0.1), seed=3).run(data.X, data.Y)
    assert_close(rnn.W, before - 0.1 * gradients.recurrent[0], 1e-14)


@pytest.mark.parametrize("rule", ["rtrl", "rtrl_lazy", ax.rules.snap(4)], ids=str)
@pytest.mark.parametrize("update_every", [1, 5])
@every_optimiser
def test_trajectory(rule: object, optimiser: object, update_every: int) -> None:
    """Against RTRL in NumPy whose gradient is masked before it is clipped."""
    optimiser = ax.SGD(0.05, clip=0.1, l2=0.2) if type(optimiser) is ax.SGD else optimiser
    update = {
        ax.SGD: lambda o: numpy_rules.sgd(lambda t: o.lr),
        ax.Momentum: lambda o: numpy_rules.momentum(lambda t: o.lr, o.momentum),
        ax.RMSProp: lambda o: numpy_rules.rmsprop(lambda t: o.lr, o.decay, o.eps),
        ax.Adam: lambda o: numpy_rules.adam(lambda t: o.lr, o.beta1, o.beta2, o.eps),
    }[type(optimiser)](optimiser)
    rnn = network(mask=ring(4))
    data, net = stream(rnn, 12), Net.of(rnn)
    history = ax.Trainer(rnn, rule, optimiser, update_every=update_every).run(data.X, data.Y)
    losses, _ = numpy_rules.train(
        net, data.X, data.Y, update, update_every=update_every, clip=optimiser.clip, l2=optimiser.l2,
    )  # fmt: skip
    assert_close(history.loss, losses, 1e-10)
    assert_close(rnn.W, net.W, 1e-10)


def test_the_monitored_norm_is_of_the_existing_weights() -> None:
    rnn = network(mask=ring(4))
    data = stream(rnn, 8)
    given_ = ax.gradients(rnn, "rtrl", data.X, data.Y)
    norms = np.sqrt((given_.recurrent**2).sum((1, 2)) + (given_.output**2).sum((1, 2)))
    for update_every in (1, 3):
        trainer = ax.Trainer(rnn.copy(), "rtrl", ax.SGD(0.0), update_every=update_every)
        history = trainer.run(data.X, data.Y, monitors=["gradient_norm"], monitor_every=1)
        assert_close(history.monitors["gradient_norm"], norms, 1e-12)


@pytest.mark.parametrize("rule", ["kf_rtrl", "kernl", ax.rules.snap(3)], ids=str)
@pytest.mark.parametrize("optimiser", [ax.SGD(0.1), ax.Adam(0.1)], ids=str)
def test_saved_and_loaded(tmp_path: Path, rule: object, optimiser: object) -> None:
    whole, part = (ax.Trainer(network(mask=ring(4)), rule, optimiser, seed=2) for _ in range(2))
    data = stream(whole.rnn, 10)
    losses = whole.run(data.X, data.Y).loss
    part.run(data.X[:4], data.Y[:4])
    part.save(tmp_path / "a.npz")
    loaded = ax.Trainer.load(tmp_path / "a.npz")
    assert loaded.rnn.shape == part.rnn.shape
    np.testing.assert_array_equal(loaded.run(data.X[4:], data.Y[4:]).loss, losses[4:])
    np.testing.assert_array_equal(loaded.rnn.W, whole.rnn.W)


def test_a_state_with_weights_that_do_not_exist_is_refused() -> None:
    trainer = ax.Trainer(network(mask=ring(4)), "rflo", ax.SGD(0.1))
    other = ax.Trainer(network(), "rflo", ax.SGD(0.1)).state()
    before = trainer.rnn.W
    with pytest.raises(
        ValueError, match=r"cell\.W: expected zeros where the mask is False, got .* at \(0, 1\)"
    ):
        trainer.load_state(other)
    np.testing.assert_array_equal(trainer.rnn.W, before)


# ------------------------------------------------------------------------------------------ hybrids


def test_blocks_of_a_masked_network() -> None:
    """Each block is what its rule gives on the whole network, also where it begins amid the units."""
    rnn = network(mask=ring(4))
    data = stream(rnn, 8)
    sparse, exact = (ax.gradients(rnn, rule, data.X, data.Y).recurrent for rule in (ax.rules.snap(2), "rtrl"))
    for blocks in ({"0:4": True, "4:": False}, {"0:3": False, "3:": True}, {"0:6": True, "6:": True}):
        rules = {name: ax.rules.snap(2) if is_sparse else "rtrl" for name, is_sparse in blocks.items()}
        found = ax.gradients(rnn, ax.by_block(rules), data.X, data.Y).recurrent
        at = int(next(iter(blocks))[2:])
        first, second = (sparse if is_sparse else exact for is_sparse in blocks.values())
        assert_close(found, np.concatenate([first[:, :, :at], second[:, :, at:]], axis=2), 1e-13)
    with pytest.raises(ax.IncompatibleCell):
        ax.make_learner(ax.by_block({"0:4": ax.rules.snap(2), "4:": "rtrl"}), network())


def test_mix_on_a_masked_network() -> None:
    rnn, rule = network(mask=ring(4)), ax.mix([ax.rules.snap(2), "uoro"])
    assert rule.needs_mask
    data = stream(rnn, 12)
    ax.Trainer(rnn, rule, ax.SGD(0.1)).run(data.X, data.Y)
    assert not rnn.W[~weights(rnn)].any()
    with pytest.raises(ax.IncompatibleCell):
        ax.make_learner(rule, network())


def test_a_learner_in_python_sees_the_pattern() -> None:
    seen = []

    class Looks(ax.Learner):
        """Notes its shape; its gradient is dense."""

        facing, tensor, randomness, solution = "past", "k=i", "deterministic", "closed-form"
        solver, title, bias = "looks", "looks", "biased"
        memory = time = ax.Order(2)
        carries = ()

        def reset(self, state: Array) -> None:
            seen.append(self.shape)

        def step(self, step: ax.Step) -> Array:
            return np.ones((self.shape.R, self.shape.m))

    rnn = network(mask=ring(4))
    data, before = stream(rnn, 3), rnn.W
    with ax.registered(Looks):
        rule = ax.compose("past", "k=i", "deterministic", "closed-form", solver="looks")
        ax.Trainer(rnn, rule, ax.SGD(0.1)).run(data.X, data.Y)
    assert seen[0] == rnn.shape
    assert_close(rnn.W, before - 0.3 * weights(rnn), 1e-13)


# ------------------------------------------------------------------------------------------ SnAp-n


@given(mask=masks, seed=st.integers(0, 999), p=st.integers(1, 2), g=st.integers(1, 3), hops=st.integers(1, 5))
def test_snap_is_its_reference(mask: Array, seed: int, p: int, g: int, hops: int) -> None:
    steps = random_steps(np.random.default_rng(seed), N_UNITS, 6, T=6, p=p, g=g)
    shape = ax.Shape(N_UNITS, m=6, states_per_unit=p, rows_per_unit=g, pattern=mask)
    rule = ax.compose("past", "sparse", "deterministic", "closed-form", hops=hops)
    learner = ax.make_learner(rule, shape)
    gradients, influences = drive(learner, steps)
    for t, (gradient, M) in enumerate(snap(steps, mask, hops)):
        assert_close(gradients[t], gradient, 1e-12)
        assert_close(influences[t], M, 1e-12)


@given(mask=masks, seed=st.integers(0, 999), p=st.integers(1, 2), g=st.integers(1, 3))
def test_one_hop_is_the_unit_diagonal(mask: Array, seed: int, p: int, g: int) -> None:
    steps = random_steps(np.random.default_rng(seed), N_UNITS, 6, T=5, p=p, g=g)
    shape = ax.Shape(N_UNITS, m=6, states_per_unit=p, rows_per_unit=g, pattern=mask)
    rule = ax.compose("past", "sparse", "deterministic", "closed-form", hops=1)
    found, _ = drive(ax.make_learner(rule, shape), steps)
    assert_close(found, drive(ax.make_learner(ax.rules.snap(1), shape), steps)[0], 1e-13)
    there = np.hstack([np.tile(mask, (g, 1)), np.ones((g * N_UNITS, 2), bool)])
    assert_close(found, [there * gradient for gradient, _ in diagonal(steps, N_UNITS, "J")], 1e-13)


@given(mask=masks, seed=st.integers(0, 99), alpha=st.sampled_from([1.0, 0.6]), hops=st.integers(4, 9))
def test_exact_once_all_is_reached(mask: Array, seed: int, alpha: float, hops: int) -> None:
    """Four units, three steps: RTRL and backpropagation through time, of the existing weights."""
    rnn = network(seed, N_UNITS, alpha=alpha, mask=mask)
    data, a0 = stream(rnn, 7, seed), np.random.default_rng(seed).normal(size=N_UNITS)
    found, exact = (
        ax.gradients(rnn, rule, data.X, data.Y, initial_state=a0, record_influence=True)
        for rule in (ax.rules.snap(hops), ax.rules.rtrl())
    )
    assert_close(found.recurrent, exact.recurrent, 1e-12)
    assert_close(found.influence, weights(rnn) * exact.influence, 1e-12)
    steps, *_ = run(Net.of(rnn), data.X, data.Y, a0)
    assert_close(found.recurrent[-1], weights(rnn) * bptt(steps), 1e-12)


@pytest.mark.parametrize("n", [3, 6])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_ring_takes_as_many_hops_as_units(n: int, dtype: type) -> None:
    rnn = network(n=n, mask=ring(n), dtype=dtype)
    data = stream(rnn, 2 * n + 2)
    exact = ax.gradients(rnn, "rtrl", data.X, data.Y).recurrent
    error = [
        np.abs(ax.gradients(rnn, ax.rules.snap(hops), data.X, data.Y).recurrent - exact).max()
        for hops in range(1, n + 1)
    ]
    tolerance = 1e-13 if dtype == np.float64 else 1e-6
    assert error[-1] < tolerance
    assert min(error[:-1]) > 2 * tolerance


def test_memory_follows_what_is_kept() -> None:
    """Eight weights a unit: twice the units, twice the bytes; and no more numbers than are kept."""

    def learner(n: int, hops: int) -> ax.Learner:
        mask = sum(np.roll(np.eye(n, dtype=int), shift, axis=0) for shift in range(8))
        return ax.make_learner(ax.rules.snap(hops), ax.Shape(n, n_in=1, pattern=mask == 1))

    for hops in (2, 3):
        kept = 8 if hops == 2 else 15
        for n in (64, 128):
            # ten weights a row, in vectors of four
            assert learner(n, hops).state()["learner.kept"].shape == (n * kept * 12,)
        assert learner(128, hops).nbytes / learner(64, hops).nbytes == pytest.approx(2, rel=0.02)
    assert learner(128, 2).nbytes < ax.make_learner("rtrl", ax.Shape(128, n_in=1)).nbytes / 50


@pytest.mark.parametrize(
    "call",
    [
        lambda rnn, rule: ax.make_learner(rule, rnn.shape),
        lambda rnn, rule: ax.Trainer(rnn, rule, ax.SGD(0.1)),
        lambda rnn, rule: ax.gradients(rnn, rule, np.zeros((1, 2)), np.zeros((1, 3))),
        lambda rnn, rule: rule.n_noise(rnn),
    ],
    ids=["learner", "trainer", "gradients", "n_noise"],
)
@pytest.mark.parametrize("hops", [1, 2])
def test_dense_networks_are_refused(call: Callable[[object, ax.Rule], object], hops: int) -> None:
    rule = ax.compose("past", "sparse", "deterministic", "closed-form", hops=hops)
    with pytest.raises(ax.IncompatibleCell, match=r"rtrl\(\) or rtrl_lazy\(\).*snap\(1\)"):
        call(network(), rule)


def test_snap_as_a_rule() -> None:
    assert ax.rules.snap() == ax.rules.snap(1)
    assert ax.rules.snap(1).tensor == "k=i"
    rule = ax.rules.snap(3)
    assert rule.options == {"hops": 3}
    assert (rule.tensor, rule.name, rule.component.bias) == ("sparse", "SnAp-n", "biased")
    assert ax.Rule.from_json(rule.to_json()) == rule

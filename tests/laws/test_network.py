"""The leaky network: forward, linearisation and its arrays."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import axonomy as ax
from drawing import (
    COUPLED,
    KINDS,
    assert_close,
    every_kind,
    network,
    networks,
    ring,
    some_state,
    stream,
)
from numpy_cells import KINDS as twins
from numpy_cells import Array, Net, run
from numpy_rules import finite_differences

ARRAYS = ("W_rec", "W_in", "b_rec", "W_out", "b_out")


def test_every_kind_has_a_twin() -> None:
    assert {*twins} == {*KINDS}
    for kind, network_ in KINDS.items():
        about, shape = twins[kind], network(kind=kind).shape
        assert (len(network_.gates), len(network_.components)) == (len(about.sees), about.components)
        assert (shape.rows_per_unit, shape.states_per_unit) == (len(about.sees), about.components)
        assert (shape.fed_back, shape.element_wise) == (about.fed_back, about.element_wise)


@every_kind
@given(data=st.data(), T=st.integers(1, 6), seed=st.integers(0, 99))
def test_forward(kind: str, data: st.DataObject, T: int, seed: int) -> None:
    rnn = data.draw(networks(kinds=[kind]))
    of, s0, before = stream(rnn, T, seed), some_state(rnn, seed), rnn.state
    forward = rnn.forward(of.X, initial_state=s0)
    net = Net.of(rnn)
    *_, states = run(net, of.X, of.Y, s0)
    assert_close(forward.state, states, 1e-13)
    assert_close(forward.activity, states[:, -rnn.shape.n :], 1e-13)
    assert_close(forward.output, [net.output(s) for s in states], 1e-13)
    np.testing.assert_array_equal(rnn.state, before)


@every_kind
@given(data=st.data(), seed=st.integers(0, 99))
def test_linearise(kind: str, data: st.DataObject, seed: int) -> None:
    rnn = data.draw(networks(kinds=[kind]))
    of, s0, before = stream(rnn, 1, seed), some_state(rnn, seed), rnn.state
    linear = rnn.linearise(of.X[0], state=s0)
    (step,), *_ = run(Net.of(rnn), of.X, of.Y, s0)
    for name in ("J", "D", "a_hat", "leak", "state"):
        assert_close(getattr(linear, name), getattr(step, name), 1e-13)
    np.testing.assert_array_equal(rnn.state, before)


@pytest.mark.parametrize(
    ("kind", "masked"), [*[(kind, False) for kind in KINDS], *[(kind, True) for kind in COUPLED]]
)
def test_linearise_is_the_derivative(kind: str, masked: bool) -> None:
    """J of the state, D of the biases, M_bar of all weights, leak of the state as W_rec is zero."""
    rnn = network(n=4, kind=kind, alpha=np.array([0.2, 0.5, 1.0, 0.9]), mask=ring(4) if masked else None)
    rng, s0 = np.random.default_rng(5), some_state(network(kind=kind), 5)
    x, pull = rng.normal(size=2), rng.normal(size=rnn.shape.S)

    def pulled() -> float:
        return pull @ rnn.forward(x[None], initial_state=s0).state[0]

    def along(name: str) -> Array:
        """Of pulled, by an array of the network."""
        value = getattr(rnn, name)

        def moved() -> float:
            setattr(rnn, name, np.where(there, value, 0.0))
            return pulled()

        there = np.ones(value.shape, bool) if name == "b_rec" else rnn.shape.weights
        gradient = finite_differences(moved, value)
        setattr(rnn, name, value)
        return gradient

    linear = rnn.linearise(x, state=s0)
    assert_close(pull @ linear.J, finite_differences(pulled, s0), 1e-10)
    assert_close(pull @ linear.D, along("b_rec"), 1e-10)
    M_bar = linear.D[:, :, None] * linear.a_hat
    assert_close(np.einsum("k,kij->ij", pull, M_bar) * rnn.shape.weights, along("W"), 1e-10)
    _, h, _ = Net.of(rnn).step(s0, x)
    rnn.W_rec = np.zeros_like(rnn.W_rec)
    rnn.b_rec = rnn.b_rec + h - Net.of(rnn).step(s0, x)[1]
    assert_close(pull @ linear.leak, finite_differences(pulled, s0), 1e-10)
    assert_close(rnn.linearise(x, state=s0).J, linear.leak, 1e-13)


def test_default_state_is_the_networks_own() -> None:
    rnn, a0 = network(), np.array([0.3, -0.2, 0.1, 0.9])
    data = stream(rnn, 3)
    given_state = rnn.forward(data.X, initial_state=a0).state
    rnn.state = a0
    np.testing.assert_array_equal(rnn.forward(data.X).state, given_state)
    np.testing.assert_array_equal(rnn.linearise(data.X[0]).state, given_state[0])


@pytest.mark.parametrize("name", [*ARRAYS, "state"])
def test_arrays_are_copies_and_can_be_set(name: str) -> None:
    rnn = network()
    kept = getattr(rnn, name).copy()
    read = getattr(rnn, name)
    read += 1.0
    np.testing.assert_array_equal(getattr(rnn, name), kept)
    setattr(rnn, name, read)
    np.testing.assert_array_equal(getattr(rnn, name), kept + 1.0)
    given = getattr(rnn, name)
    setattr(rnn, name, given)
    given[:] = 0.0
    np.testing.assert_array_equal(getattr(rnn, name), kept + 1.0)


def test_W_is_the_blocks_side_by_side() -> None:
    rnn = network()
    np.testing.assert_array_equal(rnn.W, np.hstack([rnn.W_rec, rnn.W_in, rnn.b_rec[:, None]]))


def test_constructor_copies() -> None:
    arrays = [getattr(network(), name) for name in ARRAYS]
    rnn = ax.LeakyRNN(*arrays)
    kept = [array.copy() for array in arrays]
    for array in arrays:
        array[...] = 0.0
    for name, array in zip(ARRAYS, kept, strict=True):
        np.testing.assert_array_equal(getattr(rnn, name), array)


def test_copy_is_apart() -> None:
    rnn = network(alpha=0.4, activation="softplus", loss="mse")
    rnn.state = np.arange(4.0)
    twin = rnn.copy()
    data = stream(rnn, 5)
    np.testing.assert_array_equal(twin.forward(data.X).output, rnn.forward(data.X).output)
    ax.Trainer(twin, ax.rules.rtrl(), ax.SGD(0.1)).run(data.X, data.Y)
    np.testing.assert_array_equal(rnn.state, np.arange(4.0))
    np.testing.assert_array_equal(rnn.W, network().W)


def test_shape() -> None:
    shape = network(n=4, n_in=2, n_out=3).shape
    assert (shape.n, shape.n_in, shape.n_out) == (4, 2, 3)
    assert (shape.states_per_unit, shape.rows_per_unit) == (1, 1)
    assert (shape.S, shape.R, shape.m) == (4, 4, 7)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtype(dtype: type) -> None:
    rnn = network(dtype=dtype)
    assert rnn.dtype == dtype
    assert all(getattr(rnn, name).dtype == dtype for name in (*ARRAYS, "state", "W"))
    assert rnn.forward(np.zeros((2, 2), dtype)).output.dtype == dtype


def test_random() -> None:
    rnn = ax.LeakyRNN.random(n_in=3, n_hidden=16, n_out=2, seed=1)
    np.testing.assert_allclose(rnn.W_rec @ rnn.W_rec.T, np.eye(16), atol=1e-12)
    assert not any(array.any() for array in (rnn.b_rec, rnn.b_out, rnn.state))
    assert rnn.feedback is None
    again = ax.LeakyRNN.random(n_in=3, n_hidden=16, n_out=2, seed=1)
    other = ax.LeakyRNN.random(n_in=3, n_hidden=16, n_out=2, seed=2)
    for name in ("W_rec", "W_in", "W_out"):
        np.testing.assert_array_equal(getattr(rnn, name), getattr(again, name))
        assert (getattr(rnn, name) != getattr(other, name)).all()
    wide = ax.LeakyRNN.random(n_in=400, n_hidden=100, n_out=100, seed=3)
    assert wide.W_in.std() == pytest.approx(400**-0.5, rel=0.05)
    assert wide.W_out.std() == pytest.approx(100**-0.5, rel=0.05)


def test_random_feedback() -> None:
    rnn = ax.LeakyRNN.random(n_in=3, n_hidden=16, n_out=2, seed=1, feedback="random")
    assert rnn.feedback.shape == (2, 16)
    assert (rnn.feedback != rnn.W_out).all()

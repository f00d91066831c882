"""The leaky network: forward, linearisation and its arrays."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import axonomy as ax
from drawing import assert_close, network, networks, stream
from numpy_cells import Net, run
from numpy_rules import finite_differences

ARRAYS = ("W_rec", "W_in", "b_rec", "W_out", "b_out")


@given(rnn=networks(), T=st.integers(1, 6), seed=st.integers(0, 99))
def test_forward(rnn: ax.LeakyRNN, T: int, seed: int) -> None:
    data, a0 = stream(rnn, T, seed), np.random.default_rng(seed).normal(size=rnn.shape.n)
    before = rnn.state
    forward = rnn.forward(data.X, initial_state=a0)
    net = Net.of(rnn)
    _, _, _, activity = run(net, data.X, data.Y, a0)
    assert_close(forward.activity, activity, 1e-13)
    assert_close(forward.state, activity, 1e-13)
    assert_close(forward.output, [net.output(a) for a in activity], 1e-13)
    np.testing.assert_array_equal(rnn.state, before)


@given(rnn=networks(), seed=st.integers(0, 99))
def test_linearise(rnn: ax.LeakyRNN, seed: int) -> None:
    data, a0 = stream(rnn, 1, seed), np.random.default_rng(seed).normal(size=rnn.shape.n)
    before = rnn.state
    linear = rnn.linearise(data.X[0], state=a0)
    (step,), _, _, (a,) = run(Net.of(rnn), data.X, data.Y, a0)
    for name in ("J", "D", "a_hat"):
        assert_close(getattr(linear, name), getattr(step, name), 1e-13)
    assert_close(linear.state, a, 1e-13)
    np.testing.assert_array_equal(rnn.state, before)


@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "softplus", "identity"])
def test_J_is_the_derivative(activation: str) -> None:
    rnn = network(n=4, alpha=0.6, activation=activation)
    rng = np.random.default_rng(5)
    x, a0, pull = rng.normal(size=2), rng.normal(size=4), rng.normal(size=4)
    numeric = finite_differences(lambda: pull @ rnn.forward(x[None], initial_state=a0).state[0], a0)
    assert_close(pull @ rnn.linearise(x, state=a0).J, numeric, 1e-10)


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

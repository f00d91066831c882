"""The loss as a function of the weights, against finite differences."""

import numpy as np
import pytest

import axonomy as ax
from axonomy.studies.metrics import Replay
from axonomy.tasks import Stream

KINDS = [ax.LeakyRNN, ax.GRU, ax.LSTM, ax.MGU, ax.IndRNN, ax.ELSTM]


def replay(kind: type = ax.LeakyRNN, last: int = 1, dtype: type = np.float64, **flags: np.ndarray) -> Replay:
    rng = np.random.default_rng(4)
    stream = Stream(rng.normal(size=(9, 2)), rng.integers(0, 3, 9), **flags)
    rnn = kind.random(n_in=2, n_hidden=3, n_out=3, seed=2, dtype=dtype)
    return Replay(rnn, stream, rng.normal(0, 0.5, rnn.shape.S), last)


def weights(one: Replay) -> np.ndarray:
    return one._rnn.shape.weights


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("last", [1, 4])
def test_gradient_and_curvature_are_the_derivatives(kind: type, last: int) -> None:
    one = replay(kind, last)
    rng = np.random.default_rng(1)
    d, e = (rng.normal(size=one.W.shape) * weights(one) for _ in range(2))
    h = 1e-5
    slope = (one.loss(one.W + h * d) - one.loss(one.W - h * d)) / (2 * h)
    assert (one.gradient(one.W) * d).sum() == pytest.approx(slope, rel=1e-6, abs=1e-9)
    h = 1e-3  # of d and e together, by losses alone
    F = [one.loss(one.W + h * (s * d + t * e)) for s, t in ((1, 1), (1, -1), (-1, 1), (-1, -1))]
    mixed = (F[0] - F[1] - F[2] + F[3]) / (4 * h * h)
    assert (e * one.curvature(d)).sum() == pytest.approx(mixed, rel=1e-3, abs=1e-4)
    assert (d * one.curvature(e)).sum() == pytest.approx((e * one.curvature(d)).sum(), rel=1e-5, abs=1e-7)


@pytest.mark.parametrize("kind", KINDS)
def test_second_order_is_the_decrease_up_to_the_third(kind: type) -> None:
    one = replay(kind)
    direction = one.gradient(one.W) + np.random.default_rng(3).normal(0, 0.3, one.W.shape) * weights(one)
    rates = np.array([0.02, 0.01, 0.005])
    measured = np.array([one.decrease(direction, rate) for rate in rates])
    second = np.array([one.decrease_to_second_order(direction, rate) for rate in rates])
    error = np.abs(measured - second)
    assert (error < 0.01 * np.abs(measured)).all()
    # Halving the step leaves an eighth of what is missing.
    np.testing.assert_allclose(error[:-1] / error[1:], 8, rtol=0.35)


def test_the_loss_is_that_of_the_network() -> None:
    rng = np.random.default_rng(0)
    rnn = ax.LeakyRNN.random(2, 4, 1, loss="mse", seed=1)
    rnn.state = rng.normal(size=4)
    stream = Stream(rng.normal(size=(6, 2)), rng.normal(size=(6, 1)))
    a, losses = rnn.state, []
    for x, y in zip(stream.X, stream.Y, strict=True):
        a = np.tanh(rnn.W @ np.r_[a, x, 1.0])
        losses.append(0.5 * ((rnn.W_out @ a + rnn.b_out - y) ** 2).sum())
    for last in (1, 3, 6):
        assert Replay(rnn, stream, rnn.state, last).loss(rnn.W) == pytest.approx(sum(losses[-last:]))


def test_masks_and_resets() -> None:
    """A step without a target does not count, and before a reset nothing matters."""
    mask = np.arange(9) != 7
    assert replay(last=2, mask=mask).loss(replay().W) == pytest.approx(replay(last=1).loss(replay().W))
    reset = np.arange(9) == 8
    one = replay(reset=reset)
    recurrent = one.gradient(one.W)[:, :3]
    np.testing.assert_array_equal(recurrent, 0)
    assert np.abs(one.gradient(one.W)[:, 3:]).min() > 0


def test_a_network_of_single_precision_is_replayed_in_double() -> None:
    one = replay(dtype=np.float32)
    assert one.W.dtype == np.float64
    direction = one.gradient(one.W)
    # Far below what single precision resolves in the loss.
    assert one.decrease(direction, 1e-9) == pytest.approx(1e-9 * (direction**2).sum(), rel=1e-4)


def test_a_direction_of_zero() -> None:
    one = replay()
    assert one.decrease_to_second_order(np.zeros_like(one.W), 0.1) == 0.0
    assert one.decrease(np.zeros_like(one.W), 0.1) == 0.0


def test_a_step_that_makes_the_network_diverge() -> None:
    rng = np.random.default_rng(0)
    stream = Stream(rng.normal(size=(40, 2)), rng.normal(size=(40, 1)))
    rnn = ax.LeakyRNN.random(2, 4, 1, activation="relu", loss="mse", seed=1)
    one = Replay(rnn, stream, np.ones(4))
    for far in (1e20, 1e300):
        assert one.decrease(np.full_like(one.W, -far), 1e9) == -np.inf
    assert np.isfinite(one.decrease(one.gradient(one.W), 1e-3))

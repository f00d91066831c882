"""Fixed feedback weights, and noise on the state."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import axonomy as ax
import numpy_cells
import numpy_rules
from drawing import (
    CELLS,
    assert_close,
    every_cell,
    network,
    network_for,
    networks,
    over,
    parameters,
    rule_of,
    stream,
)
from numpy_cells import Array, Net

T = 10

# ---------------------------------------------------------------------------------------- feedback


@given(rnn=networks(), seed=st.integers(0, 2**32 - 1))
def test_gradients_through_feedback_weights(rnn: ax.LeakyRNN, seed: int) -> None:
    """q = e W_FB for the recurrent weights; the output weights get e x [a, 1] all the same."""
    rnn.feedback = np.random.default_rng(seed).normal(size=(rnn.shape.n_out, rnn.shape.n))
    data, net = stream(rnn, 5, seed % 97), Net.of(rnn)
    assert net.feedback is not None
    found = ax.gradients(rnn, "rtrl", data.X, data.Y)
    steps, loss, outer, _ = numpy_cells.run(net, data.X, data.Y)
    assert_close(found.recurrent, [net.weights * gradient for gradient, _ in numpy_rules.rtrl(steps)], 1e-11)
    assert_close(found.output, outer, 1e-12)
    assert_close(found.loss, loss, 1e-12)


def test_training_with_feedback_weights() -> None:
    rnn = network(feedback=np.random.default_rng(1).normal(size=(3, 4)))
    data, net, before = stream(rnn, T), Net.of(rnn), rnn.feedback
    ax.Trainer(rnn, "rtrl", ax.SGD(0.05)).run(data.X, data.Y)
    numpy_rules.train(net, data.X, data.Y, numpy_rules.sgd(lambda t: 0.05))
    for found, expected in zip(parameters(rnn), (net.W, net.V), strict=True):
        assert_close(found, expected, 1e-11)
    np.testing.assert_array_equal(rnn.feedback, before)


def test_feedback_of_the_output_weights_is_none() -> None:
    """As long as the output weights stay what they are."""
    rnn = network()
    data = stream(rnn, T)
    expected = ax.gradients(rnn, "rtrl", data.X, data.Y).recurrent
    rnn.feedback = rnn.W_out
    assert_close(ax.gradients(rnn, "rtrl", data.X, data.Y).recurrent, expected, 1e-15)
    rnn.feedback = 2 * rnn.W_out
    assert_close(ax.gradients(rnn, "rtrl", data.X, data.Y).recurrent, 2 * expected, 1e-14)
    rnn.feedback = None
    np.testing.assert_array_equal(ax.gradients(rnn, "rtrl", data.X, data.Y).recurrent, expected)


# ----------------------------------------------------------------------------------------- noise


def silent(alpha: float = 1.0, sigma: float = 0.5, n: int = 50, dtype: type = np.float64) -> ax.LeakyRNN:
    """No weights at all: the state is the noise, and the leak of the noise before it."""
    return ax.LeakyRNN(
        np.zeros((n, n)), np.zeros((n, 1)), np.zeros(n), np.zeros((1, n)), np.zeros(1),
        alpha, "identity", "mse", state_noise=sigma, dtype=dtype,
    )  # fmt: skip


def states(rnn: ax.LeakyRNN, steps: int, seed: int = 0) -> Array:
    """(steps, n), nothing being learned."""
    trainer = ax.Trainer(rnn, "output_only", ax.SGD(0.0), seed=seed)
    found = []
    for _ in range(steps):
        trainer.learn_one([0.0], [0.0])
        found.append(rnn.state)
    return np.array(found)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("sigma", [0.01, 0.5, 3.0])
def test_the_noise_is_normal(sigma: float, dtype: type) -> None:
    noise = states(silent(sigma=sigma, dtype=dtype), 400).astype(float) / sigma
    count = noise.size  # 20,000; the bounds are 3.5 standard errors
    assert noise.mean() == pytest.approx(0, abs=3.5 / count**0.5)
    assert noise.var() == pytest.approx(1, abs=3.5 * (2 / count) ** 0.5)
    assert (noise**4).mean() == pytest.approx(3, abs=3.5 * (96 / count) ** 0.5)
    between_steps = (noise[1:] * noise[:-1]).mean()
    between_units = (noise[:, 1:] * noise[:, :-1]).mean()
    assert between_steps == pytest.approx(0, abs=3.5 / count**0.5)
    assert between_units == pytest.approx(0, abs=3.5 / count**0.5)


def test_the_noise_is_added_to_the_state_itself() -> None:
    """Not scaled by alpha: a = (1 - alpha) a_prev + noise."""
    whole, leaking = states(silent(alpha=1.0), 30), states(silent(alpha=0.25), 30)
    a = np.zeros(50)
    for noise, found in zip(whole, leaking, strict=True):
        a = 0.75 * a + noise
        assert_close(found, a, 1e-14)


@every_cell
def test_the_seed_decides(cell: ax.TableCell) -> None:
    def run(sigma: float, seed: int) -> tuple[Array, Array]:
        rnn = network_for(cell, state_noise=sigma)
        data = stream(rnn, T)
        history = ax.Trainer(rnn, rule_of(cell), ax.SGD(0.05), seed=seed).run(data.X, data.Y)
        return history.loss, rnn.W

    loss, W = run(0.1, 1)
    np.testing.assert_array_equal(run(0.1, 1)[0], loss)
    np.testing.assert_array_equal(run(0.1, 1)[1], W)
    for other_loss, other_W in (run(0.1, 2), run(0.0, 1), run(0.2, 1)):
        assert (other_loss != loss).all()
        assert (other_W != W).any()


@over(cell for cell in CELLS if cell.solver in ("rtrl", "lazy", "window", "diagonal"))
def test_the_learner_sees_the_noisy_state(cell: ax.TableCell) -> None:
    """The noise of one step is in the regressors of the next, and the gradient is of the noisy path."""
    rnn = network(state_noise=0.3)
    data = stream(rnn, T)
    grads = ax.gradients(rnn, cell.rule(), data.X, data.Y, seed=4)
    # The same noise again, by the trainer, at a learning rate of zero.
    trainer = ax.Trainer(rnn.copy(), cell.rule(), ax.SGD(0.0), seed=4)
    learner = ax.make_learner(cell.rule(), rnn)
    net, before = Net.of(rnn), rnn.state
    for t in range(T):
        trainer.learn_one(data.X[t], data.Y[t])
        a = trainer.rnn.state
        linear = rnn.linearise(data.X[t], state=before)
        loss, e = net.loss_and_error(a, data.Y[t])
        learner.step(linear.J, linear.D, linear.a_hat, e @ rnn.W_out, leak=linear.leak)
        assert_close(grads.loss[t], loss, 1e-13)
        assert_close(grads.recurrent[t], learner.gradient(), 1e-12)
        assert_close(grads.output[t], np.outer(e, [*a, 1.0]), 1e-13)
        before = a


def test_no_noise_without_training() -> None:
    rnn, quiet = network(state_noise=0.5), network()
    data = stream(rnn, T)
    np.testing.assert_array_equal(rnn.forward(data.X).state, quiet.forward(data.X).state)
    found, expected = rnn.linearise(data.X[0]), quiet.linearise(data.X[0])
    np.testing.assert_array_equal(found.state, expected.state)


def test_noise_can_be_turned_off() -> None:
    rnn, quiet = network(state_noise=0.5), network()
    rnn.state_noise = 0.0
    data = stream(rnn, T)
    for net in (rnn, quiet):
        ax.Trainer(net, "rtrl", ax.SGD(0.05)).run(data.X, data.Y)
    np.testing.assert_array_equal(rnn.W, quiet.W)

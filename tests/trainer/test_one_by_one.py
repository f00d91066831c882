"""Samples one at a time: in whatever form they come, and with weights that change between them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import axonomy as ax

RNG = np.random.default_rng(0)
X, LABELS = RNG.standard_normal((12, 2)), RNG.integers(0, 3, 12)
ONE_HOT = np.eye(3)[LABELS]
Form = Callable[[Any], Any]


def network(dtype: str = "float64", **settings: Any) -> ax.LeakyRNN:
    return ax.LeakyRNN.random(2, 5, 3, seed=1, dtype=dtype, **settings)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(
    ("of_x", "of_y"),
    [
        (list, list),
        (lambda x: x.astype("float32"), lambda y: y.astype(int)),
        (lambda x: np.stack([x, x], 1)[:, 0], lambda y: y[::-1].copy()[::-1]),
        (tuple, lambda y: int(y.argmax())),
        (np.asarray, lambda y: y.argmax()),
        (np.asarray, lambda y: np.array(y.argmax())),
        (np.asarray, lambda y: np.uint8(y.argmax())),
    ],
)
def test_the_form_does_not_matter(of_x: Form, of_y: Form, dtype: str) -> None:
    """Arrays as the core has them go straight to it, all others through Python: the same bits."""
    inputs = X.astype(np.float32)  # which either precision has
    plain, other = (ax.Trainer(network(dtype), "uoro", ax.SGD(0.1)) for _ in range(2))
    for x, y in zip(inputs, ONE_HOT, strict=True):
        loss = plain.learn_one(x.astype(dtype), y.astype(dtype))
        assert type(loss) is float
        assert other.learn_one(of_x(x), of_y(y)) == loss
    np.testing.assert_array_equal(plain.rnn.W, other.rnn.W)


def test_without_a_target() -> None:
    trainer = ax.Trainer(network(), "rflo", ax.SGD(0.1))
    W = trainer.rnn.W
    assert np.isnan(trainer.learn_one(X[0]))
    np.testing.assert_array_equal(trainer.rnn.W, W)


@pytest.mark.parametrize("index", [3, -1, 10**30, True])
def test_no_class(index: int) -> None:
    trainer = ax.Trainer(network(), "rflo", ax.SGD(0.1))
    with pytest.raises(ValueError, match=r"^y: expected class indices"):
        trainer.learn_one(X[0], index)
    assert trainer.step_count == 0


@pytest.mark.parametrize(
    ("loss", "y"),
    [
        ("cross_entropy", [0.5, -0.5, 1.0]),
        ("binary_cross_entropy", [0.5, 1.5, 1.0]),
        ("mse", [0.0, np.inf, 0.0]),
    ],
)
def test_no_target_of_the_loss(loss: str, y: list[float]) -> None:
    trainer = ax.Trainer(network(loss=loss), "rflo", ax.SGD(0.1))
    with pytest.raises(ValueError, match=r"^y: "):
        trainer.learn_one(X[0], np.array(y))
    assert trainer.step_count == 0


def test_it_diverges_by_itself() -> None:
    rnn = network(loss="mse", activation="identity")
    rnn.W_rec = 1e200 * rnn.W_rec
    trainer = ax.Trainer(rnn, "rflo", ax.SGD(0.1))
    for x, y in zip(X[:1], ONE_HOT, strict=False):
        trainer.learn_one(x, y)
    with pytest.raises(ax.Diverged):
        trainer.learn_one(X[1], ONE_HOT[1])
    assert np.isfinite(rnn.state).all()


@pytest.mark.parametrize("kind", [ax.LeakyRNN, ax.GRU, ax.LSTM])
@pytest.mark.parametrize("changes", [[], [1], [4], [2, 3], [0, 5, 6, 11], list(range(12))])
def test_a_window_through_weights_that_change(kind: Any, changes: list[int]) -> None:
    """E-BPTT keeps one W while it stays the same, and each step's own J from where it does not."""
    window = 4
    rnn = kind.random(2, 5, 3, seed=1, loss="mse")
    trainer = ax.Trainer(rnn, ax.rules.e_bptt(window=window), ax.SGD(0.01))
    learner = ax.make_learner(ax.rules.e_bptt(window=window), rnn.shape)
    for t, (x, y) in enumerate(zip(X, ONE_HOT, strict=True)):
        if t in changes:
            rnn.W_rec = rnn.W_rec * RNG.uniform(0.5, 1.5, rnn.W_rec.shape)
        W, W_out, step = rnn.W, rnn.W_out, rnn.linearise(x, rnn.state)
        e = W_out @ step.state[-5:] + rnn.b_out - y
        q = np.zeros(rnn.shape.S)
        q[-5:] = e @ W_out
        learner.step(step.J, step.D, step.a_hat, q, leak=step.leak, state=step.state)
        trainer.learn_one(x, y)
        expected = 0.01 * learner.gradient() if (t + 1) % window == 0 else np.zeros_like(W)
        np.testing.assert_allclose(W - rnn.W, expected, rtol=0, atol=1e-12)
        if t == 5:  # in the midst of a window
            state = trainer.state()
            trainer = ax.Trainer(rnn, trainer.rule, ax.SGD(0.01))
            trainer.load_state(state)

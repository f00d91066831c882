"""The rivals learn as the library's learners do: all weights after many steps of learning, signs replayed."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import axonomy as ax

FOLDER = Path(__file__).parents[2] / "bench" / "peers"
LR, STEPS = 0.05, 50


class Replay:
    """Stands in for a generator of numpy and hands out the signs it was given, (T, k), in their order."""

    def __init__(self, signs: np.ndarray) -> None:
        self.left = signs.ravel()

    def choice(self, _: object, size: int | tuple[int, int]) -> np.ndarray:
        count = int(np.prod(size))
        signs, self.left = self.left[:count], self.left[count:]
        return signs.reshape(size)

    def integers(self, low: int, high: int, size: int | tuple[int, int]) -> np.ndarray:
        assert (low, high) == (0, 2)
        return ((self.choice(None, size) + 1) / 2).astype(int)


def peer(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    sys.modules[name] = found
    spec.loader.exec_module(found)
    return found


def by_hand(rnn: ax.LeakyRNN, rule: str, X: np.ndarray, Y: np.ndarray, noise: np.ndarray | None) -> None:
    """Train in place by the library's learner, with given random numbers, which a trainer does not take."""
    learner = ax.make_learner(rule, rnn)
    for t, (x, y) in enumerate(zip(X, Y, strict=True)):
        step, z = rnn.linearise(x), rnn.forward(x[None]).output[0]
        e = np.exp(z - np.logaddexp.reduce(z)) - y
        q = e @ rnn.W_out
        learner.step(step.J, step.D, step.a_hat, q, step.leak, None if noise is None else noise[t])
        rnn.W = rnn.W - LR * learner.gradient()
        rnn.W_out = rnn.W_out - LR * np.outer(e, step.state)
        rnn.b_out = rnn.b_out - LR * e
        rnn.state = step.state


@pytest.mark.parametrize("name", ["numpy_plain", "numpy_tuned"])
@pytest.mark.parametrize("rule", ["rtrl", "rflo", "snap", "uoro", "kf_rtrl"])
def test_weights_after_learning(name: str, rule: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rnn = ax.LeakyRNN.random(n_in=2, n_hidden=6, n_out=2, seed=3)
    stream = ax.tasks.Add().generate(STEPS, seed=4)
    k = ax.as_rule(rule).n_noise(rnn)
    signs = np.random.default_rng(5).choice([-1.0, 1.0], (STEPS, k))
    W, W_out = rnn.W, np.column_stack([rnn.W_out, rnn.b_out])
    monkeypatch.setattr(np.random, "default_rng", lambda _: Replay(signs))
    done = peer(name).runner(rule, W, W_out, stream.X, stream.Y, LR)(STEPS)
    found = done if isinstance(done, tuple) else (done.W, done.W_out)
    by_hand(rnn, rule, stream.X, stream.Y, signs if k else None)
    assert abs(rnn.W - W).max() > 1e-3
    np.testing.assert_allclose(found[0], rnn.W, rtol=0, atol=1e-9)
    np.testing.assert_allclose(found[1], np.column_stack([rnn.W_out, rnn.b_out]), rtol=0, atol=1e-9)

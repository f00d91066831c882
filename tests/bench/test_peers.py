"""The rivals of bench/peers compute what the library computes."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import axonomy as ax

FOLDER = Path(__file__).parents[2] / "bench" / "peers"
LR, STEPS, LONGER = 0.05, 30, 50


def module(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    sys.modules[name] = found
    spec.loader.exec_module(found)
    return found


PEERS = [module("numpy_plain"), module("numpy_tuned")]
every_peer = pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.__name__)


def network() -> ax.LeakyRNN:
    return ax.LeakyRNN.random(n_in=2, n_hidden=5, n_out=2, seed=1)


def run_peer(peer: ModuleType, rule: str, lr: float) -> tuple[np.ndarray, np.ndarray]:
    rnn, stream = network(), ax.tasks.Add().generate(STEPS, seed=2)
    W_out = np.column_stack([rnn.W_out, rnn.b_out])
    done = peer.runner(rule, rnn.W, W_out, stream.X, stream.Y, lr)(STEPS)
    return weights(done)


def weights(done: object) -> tuple[np.ndarray, np.ndarray]:
    """What a peer returns: its weights, or the network that holds them."""
    return done if isinstance(done, tuple) else (done.W, done.W_out)


@every_peer
@pytest.mark.parametrize("rule", ["rtrl", "rflo", "snap"])
def test_weights(peer: ModuleType, rule: str) -> None:
    W, W_out = run_peer(peer, rule, LR)
    rnn, stream = network(), ax.tasks.Add().generate(STEPS, seed=2)
    ax.Trainer(rnn, rule, ax.SGD(LR)).run(stream.X, stream.Y)
    np.testing.assert_allclose(W, rnn.W, rtol=0, atol=1e-11)
    np.testing.assert_allclose(W_out[:, :-1], rnn.W_out, rtol=0, atol=1e-11)


@every_peer
@pytest.mark.parametrize("rule", ["uoro", "kf_rtrl"])
def test_weights_of_stochastic_rules(peer: ModuleType, rule: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Under signs that are all one, which the library replays; weights held still."""

    class Ones:
        def choice(self, _: object, size: int) -> np.ndarray:
            return np.ones(size)

        def integers(self, low: int, high: int, size: int) -> np.ndarray:
            return np.ones(size, int)

    rnn, stream = network(), ax.tasks.Add().generate(STEPS, seed=2)
    gradients: list[np.ndarray] = []
    original = peer.RULES[rule]
    if isinstance(original, type):

        class Recorded(original):
            def step(self, net: object, rng: object) -> None:
                super().step(net, rng)
                gradients.append(net.gradient.copy())

        monkeypatch.setitem(peer.RULES, rule, Recorded)
    else:

        def recorded(n: int, m: int, rng: object) -> object:
            inner = original(n, m, rng)
            gradient = next(inner)
            while True:
                step = yield gradient
                gradient = inner.send(step)
                gradients.append(gradient)

        monkeypatch.setitem(peer.RULES, rule, recorded)
    monkeypatch.setattr(np.random, "default_rng", lambda seed: Ones())
    run = peer.runner(rule, rnn.W, np.column_stack([rnn.W_out, rnn.b_out]), stream.X, stream.Y, 0.0)
    run(STEPS)
    k = ax.as_rule(rule).n_noise(rnn)
    exact = ax.gradients(rnn, rule, stream.X, stream.Y, noise=np.ones((STEPS, k)))
    np.testing.assert_allclose(gradients, exact.recurrent, rtol=0, atol=1e-11)


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


@every_peer
@pytest.mark.parametrize("rule", ["rtrl", "rflo", "snap", "uoro", "kf_rtrl"])
def test_weights_after_learning(peer: ModuleType, rule: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rnn = ax.LeakyRNN.random(n_in=2, n_hidden=6, n_out=2, seed=3)
    stream = ax.tasks.Add().generate(LONGER, seed=4)
    k = ax.as_rule(rule).n_noise(rnn)
    signs = np.random.default_rng(5).choice([-1.0, 1.0], (LONGER, k))
    W, W_out = rnn.W, np.column_stack([rnn.W_out, rnn.b_out])
    monkeypatch.setattr(np.random, "default_rng", lambda _: Replay(signs))
    done = peer.runner(rule, W, W_out, stream.X, stream.Y, LR)(LONGER)
    found = weights(done)
    by_hand(rnn, rule, stream.X, stream.Y, signs if k else None)
    assert abs(rnn.W - W).max() > 1e-3
    np.testing.assert_allclose(found[0], rnn.W, rtol=0, atol=1e-9)
    np.testing.assert_allclose(found[1], np.column_stack([rnn.W_out, rnn.b_out]), rtol=0, atol=1e-9)


def test_the_runner_compares(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.syspath_prepend(str(FOLDER))
    run = module("run")
    arguments = ["--rules", "rflo", "--hidden", "4", "--seconds", "0.002", "--turns", "1"]
    monkeypatch.setattr(sys, "argv", ["run.py", *arguments])
    assert run.main() == 0
    header, line = capsys.readouterr().out.splitlines()
    assert header.split()[0] == "rule"
    assert line.split()[:3] == ["rflo", "4", "float64"]
    assert line.count("x") == 2

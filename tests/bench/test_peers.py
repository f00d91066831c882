"""The programs of axonomy.peers compute what the library does from the same weights, data, random numbers."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pytest

import axonomy as ax
from axonomy import peers

LR, SEED = 0.05, 7


class WritesDown(ax.Learner):
    """Takes what another rule would draw, and learns nothing."""

    facing, tensor, randomness, solution = "past", "kij", "stochastic", "closed-form"
    solver, title, bias = "writes_down", "writes down", "biased"
    memory, time = ax.Order(0), ax.Order(0)
    written: ClassVar[list[np.ndarray]]

    def reset(self, state: np.ndarray) -> None:
        pass

    def step(self, step: ax.Step) -> None:
        self.written.append(step.noise.copy())


def noise_of(rule: ax.Rule, rnn: ax.LeakyRNN, stream: ax.tasks.Stream) -> np.ndarray | None:
    """The random numbers that a trainer draws for a rule, (T, n_noise)."""
    learner = ax.make_learner(rule, rnn)
    if learner.n_noise == 0:
        return None

    class Writes(WritesDown):
        n_noise, noise_kind = learner.n_noise, learner.noise_kind
        written: ClassVar[list[np.ndarray]] = []

    with ax.registered(Writes):
        writes = ax.compose(
            Writes.facing, Writes.tensor, Writes.randomness, Writes.solution, solver=Writes.solver
        )
        ax.Trainer(rnn.copy(), writes, ax.SGD(LR), seed=SEED).run(stream.X, stream.Y)
    return np.array(Writes.written)


def cases() -> list[object]:
    """Every rule of every program; of one that is not installed, that it is not."""
    found = []
    for name, peer in peers.PEERS.items():
        if not peer.installed:
            found.append(pytest.param(name, "", marks=pytest.mark.skip(f"{peer.package} is not installed")))
        else:
            found += [(name, rule) for rule in peers.load(name).RULES]
    return found


# What is not the same to rounding, and how nearly: PyTorch's window goes through today's weights.
NEARLY = {("torch", "tbptt"): 2e-7}


@pytest.mark.parametrize("dtype, tolerance", [("float64", 1e-10), ("float32", 1e-3)])
@pytest.mark.parametrize("peer, name", cases())
def test_same_weights(peer: str, name: str, dtype: str, tolerance: float) -> None:
    lr = LR
    if (peer, name) in NEARLY:
        lr, tolerance = 1e-4, max(tolerance, NEARLY[peer, name])
    rule = peers.RULES[name]
    rnn = ax.LeakyRNN.random(n_in=2, n_hidden=6, n_out=2, seed=3, dtype=dtype)
    begun = rnn.copy()
    steps = 99 if name == "rtrl_lazy" else 100  # whole periods: its block is 11 steps at six units
    stream = ax.tasks.Add().generate(steps, seed=4)
    X, Y = stream.X.astype(dtype), stream.Y.astype(dtype)
    W_out = np.column_stack([rnn.W_out, rnn.b_out])
    problem = peers.Problem(rnn.W.copy(), W_out, X, Y, lr, noise_of(rule, rnn, stream))
    program = peers.load(peer).start(name, problem)
    ax.Trainer(rnn, rule, ax.SGD(lr), seed=SEED).run(X, Y)
    first = steps // 2 // program.period * program.period
    program.run(first)
    program.run(steps - first)
    W, W_out = program.weights()
    assert W.dtype == W_out.dtype == dtype
    assert abs(rnn.W - begun.W).max() > lr / 100
    np.testing.assert_allclose(W, rnn.W, rtol=0, atol=tolerance)
    np.testing.assert_allclose(W_out, np.column_stack([rnn.W_out, rnn.b_out]), rtol=0, atol=tolerance)

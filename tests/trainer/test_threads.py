"""A single stream over several threads, which share the work within a step: the same bits as by one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import axonomy as ax
from drawing import assert_same_state, flags, network, stream

WAYS = ("block", "even")
LAZY = [ax.rules.rtrl_lazy(block=3, latency=way) for way in WAYS]
SPLITS = [
    ax.compose("past", tensor, "stochastic", "closed-form", rank=2) for tensor in ("ki|j", "ki|ij", "kj|ij")
]
# Of as many units as make a step large enough to be shared out, and no multiple of any vector.
SHARED = [
    *(("leaky_rnn", n, rule) for n, rules in ((51, ["rtrl"]), (163, LAZY), (131, SPLITS)) for rule in rules),
    *(("gru", n, rule) for n, rules in ((35, ["rtrl"]), (101, LAZY), (83, SPLITS)) for rule in rules),
    *(("lstm", n, rule) for n, rules in ((25, ["rtrl"]), (83, LAZY), (53, SPLITS)) for rule in rules),
]
shared = pytest.mark.parametrize("kind, n, rule", SHARED, ids=str)


def assert_same_bits(
    rnn: ax.Cell, rule: object, optimiser: object, steps: int = 8, **settings: object
) -> None:
    data, (mask, reset) = stream(rnn, steps), flags(steps, seed=1)
    runs = [
        ax.Trainer(rnn.copy(), rule, optimiser, seed=3, threads=threads, **settings) for threads in (1, 2, 3)
    ]
    losses = [one.run(data.X, data.Y, mask, reset).loss for one in runs]
    for one, loss in zip(runs[1:], losses[1:], strict=True):
        np.testing.assert_array_equal(loss, losses[0])
        assert_same_state(one, runs[0])
    assert (runs[0].rnn.W != rnn.W).any()


@shared
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_the_same_bits(kind: str, n: int, rule: object, dtype: type) -> None:
    """In place, as plain SGD is, and over sums of gradients."""
    rnn = network(n=n, kind=kind, dtype=dtype)
    assert_same_bits(rnn, rule, ax.SGD(0.1))
    assert_same_bits(rnn, rule, ax.Adam(0.01), update_every=3)


@pytest.mark.parametrize(
    "n, tensor, rank, solver",
    [
        (131, "ki|ij", 2, "svd"),
        (131, "ki|ij", 3, "optimal"),
        (83, "kj|ij", 8, "svd"),
        (83, "kj|ij", 8, "optimal"),
    ],
)
def test_one_problem_after_the_other(n: int, tensor: str, rank: int, solver: str) -> None:
    """What is reduced by whole Grams, problem by problem, each of them by some member."""
    randomness = "deterministic" if solver == "svd" else "stochastic"
    rule = ax.compose("past", tensor, randomness, "numerical", solver=solver, rank=rank)
    assert_same_bits(network(n=n), rule, ax.SGD(0.1), steps=3)


@pytest.mark.parametrize("rule", SPLITS, ids=str)
def test_the_same_diagnostics(rule: object) -> None:
    data = stream(network(n=131), 6)
    one, *others = (ax.Trainer(network(n=131), rule, ax.SGD(0.1), seed=3, threads=n) for n in (1, 2, 3))
    one.run(data.X, data.Y)
    assert all(value > 0 for value in one.diagnostics().values())
    for other in others:
        other.run(data.X, data.Y)
        assert other.diagnostics() == one.diagnostics()


@pytest.mark.parametrize("rule", ["rtrl", *LAZY], ids=str)
def test_sparse(rule: object) -> None:
    n = 163
    mask = np.random.default_rng(0).random((n, n)) < 0.1
    assert_same_bits(network(n=n, mask=mask), rule, ax.SGD(0.1), steps=4)


def test_hybrids() -> None:
    rnn = network(n=163)
    rules = [LAZY[0], SPLITS[0], "rflo"]
    assert_same_bits(rnn, ax.mix(rules, [0.5, 0.25, 0.25]), ax.SGD(0.1))
    assert_same_bits(rnn, ax.by_block(W_rec=LAZY[1], W_in="uoro", b=SPLITS[0]), ax.SGD(0.1))
    assert_same_bits(rnn, ax.windowed(SPLITS[0], 2), ax.SGD(0.1))


def test_what_is_not_shared_out() -> None:
    """Small networks, other rules, element-wise cells."""
    for kind in ("leaky_rnn", "ind_rnn", "elstm"):
        for rule in ("rtrl", "rtrl_lazy", "uoro", "tbptt", ax.rules.f_bptt(window=3)):
            assert_same_bits(network(n=6, kind=kind), rule, ax.SGD(0.1))


def test_sample_by_sample_and_saved(tmp_path: Path) -> None:
    rnn = network(n=51)
    data = stream(rnn, 6)
    one, other = (ax.Trainer(rnn.copy(), "rtrl", ax.SGD(0.1), threads=threads) for threads in (1, 2))
    assert other.threads == 2
    for t in range(3):
        assert one.learn_one(data.X[t], data.Y[t]) == other.learn_one(data.X[t], data.Y[t])
    other.save(tmp_path / "trainer.npz")
    resumed = ax.Trainer.load(tmp_path / "trainer.npz")
    assert resumed.threads == 2
    for trainer in (one, other, resumed):
        trainer.run(data.X[3:], data.Y[3:])
    assert_same_state(other, one)
    assert_same_state(resumed, one)


@pytest.mark.parametrize("threads", [1, 2])
def test_a_callback_ends_the_run(threads: int) -> None:
    rnn = network(n=51)
    data = stream(rnn, 6)
    one, whole = (ax.Trainer(rnn.copy(), "rtrl", ax.SGD(0.1), threads=threads) for _ in range(2))

    def stop(done: int, _: float) -> None:
        if done == 3:
            raise KeyError("enough")

    with pytest.raises(KeyError):
        one.run(data.X, data.Y, callback=stop, callback_every=1)
    one.run(data.X[3:], data.Y[3:])
    whole.run(data.X, data.Y)
    assert_same_state(one, whole)


def test_a_learner_outlives_its_threads() -> None:
    rnn = network(n=51)
    data = stream(rnn, 4)
    one = ax.Trainer(rnn, "rtrl", ax.SGD(0.1), threads=2)
    one.run(data.X, data.Y)
    learner = one._learner
    del one
    assert np.isfinite(learner.state()["influence"]).all()


def test_a_rule_in_python_that_raises() -> None:
    class Fails(ax.Learner):
        facing, tensor, randomness, solution = "past", "kij", "deterministic", "closed-form"
        solver, title, bias = "fails", "raises at its third step", "biased"
        memory = time = ax.Order(2)
        carries = ("steps",)

        def reset(self, state: np.ndarray) -> None:
            self.steps = np.zeros(1)

        def step(self, step: ax.Step) -> np.ndarray:
            self.steps = self.steps + 1
            if self.steps[0] == 3:
                raise KeyError("enough")
            return step.q[:, None] * step.a_hat

    rnn = network(n=51)
    data = stream(rnn, 6)
    with ax.registered(Fails):
        fails = ax.compose("past", "kij", "deterministic", "closed-form", solver="fails")
        one = ax.Trainer(rnn, ax.mix(["rtrl", fails], [0.5, 0.5]), ax.SGD(0.1), threads=2)
        with pytest.raises(KeyError):
            one.run(data.X, data.Y)
        assert one.step_count == 2
        with pytest.raises(KeyError):
            one.learn_one(data.X[2], data.Y[2])
        assert one.step_count == 2


FORKED = """
import os
import numpy as np
import axonomy as ax

stream = ax.tasks.Add().generate(20, seed=0)

def made(threads):
    rnn = ax.LeakyRNN.random(n_in=2, n_hidden=51, n_out=2, seed=0)
    trainer = ax.Trainer(rnn, "rtrl", ax.SGD(1e-2), threads=threads)
    trainer.run(stream.X, stream.Y)
    return trainer

trainer, expected = made(2), made(1)
expected.run(stream.X, stream.Y)
child = os.fork()
trainer.run(stream.X, stream.Y)
same = np.array_equal(trainer.rnn.W, expected.rnn.W)
if child == 0:
    os._exit(0 if same else 1)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), same)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing forks here")
def test_a_forked_process_goes_on_without_the_threads() -> None:
    program = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", FORKED]
    done = subprocess.run(program, capture_output=True, text=True, timeout=120)
    assert done.stdout.split() == ["0", "True"], done.stderr

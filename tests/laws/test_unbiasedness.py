"""Unbiased, exactly: the mean over every sequence of signs is the influence itself."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import axonomy as ax
from drawing import CELLS, assert_close, drive, network, over, shape_of, stream, take
from numpy_rules import SPLITS, all_signs, random_steps, rtrl

PAST = [cell for cell in CELLS if cell.facing == "past" and cell.tensor in SPLITS]
UNBIASED = [cell for cell in PAST if cell.bias == "none" and cell.randomness == "stochastic"]
BIASED = [cell for cell in PAST if cell.bias == "biased" and cell.randomness == "deterministic"]
TOLERANCE = {"closed-form": 1e-12, "numerical": 1e-9}

MOST_SIGNS = 12  # 2^12 sequences
# p states and g rows a unit, rank, where the gradient is taken
VARIANTS = [
    (1, 1, 1, "exact"),
    (1, 1, 2, "estimated"),
    (2, 1, 1, "estimated"),
    (1, 2, 2, "exact"),
    (2, 3, 1, "exact"),
]


def enumerable(rule: ax.Rule, p: int, g: int) -> tuple[int, int, int]:
    """The largest n, m, T, at most three steps, of which all sign sequences can be taken."""
    for T, (n, m) in itertools.product((3, 2), ((2, 3), (2, 2), (1, 2), (1, 1))):
        learner = ax.make_learner(rule, ax.Shape(n, m=m, states_per_unit=p, rows_per_unit=g))
        if learner.n_noise * T <= MOST_SIGNS:
            return n, m, T
    raise AssertionError(f"no network is small enough for {rule}")


def means(rule: ax.Rule, p: int, g: int) -> tuple[list, list, list]:
    """Mean gradient and mean influence at each step, and the steps."""
    n, m, T = enumerable(rule, p, g)
    steps = random_steps(np.random.default_rng(7), n, m, T, p, g)
    learner = ax.make_learner(rule, shape_of(steps, n))
    assert learner.noise_kind == "signs"
    gradient, influence = [0.0] * T, [0.0] * T
    k = learner.n_noise
    for t in range(T):  # the noise after t does not matter at t
        for signs in all_signs(k * (t + 1)):
            learner.reset()
            for s, noise in zip(steps, signs.reshape(t + 1, k), strict=False):
                take(learner, s, noise)
            gradient[t] += learner.gradient() / 2.0 ** (k * (t + 1))
            influence[t] += learner.influence() / 2.0 ** (k * (t + 1))
    return gradient, influence, steps


@over(UNBIASED)
@pytest.mark.parametrize("p, g, rank, current", VARIANTS)
def test_unbiased(cell: ax.TableCell, p: int, g: int, rank: int, current: str) -> None:
    gradient, influence, steps = means(cell.rule(rank=rank, current=current), p, g)
    for t, (exact_gradient, M) in enumerate(rtrl(steps)):
        assert_close(influence[t], M, TOLERANCE[cell.solution])
        assert_close(gradient[t], exact_gradient, TOLERANCE[cell.solution])


@over(cell for cell in UNBIASED if cell.solution == "closed-form")
@pytest.mark.parametrize("p, g", [(1, 1), (1, 2)])
def test_shared_normaliser_is_unbiased(cell: ax.TableCell, p: int, g: int) -> None:
    gradient, influence, steps = means(cell.rule(normaliser="shared"), p, g)
    for t, (exact_gradient, M) in enumerate(rtrl(steps)):
        assert_close(influence[t], M, 1e-12)
        assert_close(gradient[t], exact_gradient, 1e-12)


@pytest.mark.parametrize("name", ["uoro", "kf_rtrl", "r_kf_rtrl", "ok"])
@pytest.mark.parametrize("p, g", [(1, 1), (2, 2)])
def test_named_rules_are_unbiased(name: str, p: int, g: int) -> None:
    """As they were published, with normalisers and order of steps of their own."""
    gradient, influence, steps = means(getattr(ax.rules, name)(), p, g)
    for t, (exact_gradient, M) in enumerate(rtrl(steps)):
        assert_close(influence[t], M, 1e-9 if name == "ok" else 1e-12)
        assert_close(gradient[t], exact_gradient, 1e-9 if name == "ok" else 1e-12)


@over(BIASED)
@pytest.mark.parametrize("rank", [1, 2])
def test_biased_as_declared(cell: ax.TableCell, rank: int) -> None:
    """The deterministic cells: what is off once is off always."""
    steps = random_steps(np.random.default_rng(8), n=4, m=6, T=4)
    learner = ax.make_learner(cell.rule(rank=rank), shape_of(steps, 4))
    _, influences = drive(learner, steps)
    *_, (_, M) = rtrl(steps)
    assert np.abs(influences[-1] - M).max() > 1e-6


@over(
    cell
    for cell in CELLS
    if cell.facing == "past"
    and cell.bias == "biased"
    and cell.tensor not in SPLITS
    and cell.randomness == "deterministic"
)
def test_biased_as_declared_without_factors(cell: ax.TableCell) -> None:
    steps = random_steps(np.random.default_rng(9), n=4, m=6, T=14)
    _, influences = drive(ax.make_learner(cell.rule(), shape_of(steps, 4, cell)), steps)
    *_, (_, M) = rtrl(steps)
    assert np.abs(influences[-1] - M).max() > 1e-6


@over(
    cell
    for cell in CELLS
    if cell.facing == "past" and cell.bias == "biased" and cell.randomness == "stochastic"
)
def test_biased_in_the_mean(cell: ax.TableCell) -> None:
    """The stochastic cells: the mean of many draws is off by more than its error."""
    rnn = network(n=3)
    data = stream(rnn, 4)
    given = {"record_influence": True}
    (_, _, _, M) = ax.gradients(rnn, ax.rules.rtrl(), data.X, data.Y, **given).influence
    draws = [
        ax.gradients(rnn, cell.rule(), data.X, data.Y, seed=seed, **given).influence[-1]
        for seed in range(200)
    ]
    error = np.std(draws, axis=0) / np.sqrt(len(draws))
    assert (np.abs(np.mean(draws, axis=0) - M) > 10 * error + 1e-3).any()


def test_normal_noise_is_unbiased() -> None:
    """Not enumerable: a mean of many draws, to five standard errors."""
    steps = random_steps(np.random.default_rng(10), n=2, m=3, T=2)
    rule = ax.rules.uoro(noise="normal")
    learner = ax.make_learner(rule, shape_of(steps, 2), seed=11)
    assert learner.noise_kind == "normal"
    draws = []
    for _ in range(20_000):
        learner.reset()
        for s in steps:
            take(learner, s)
        draws.append(learner.influence())
    *_, (_, M) = rtrl(steps)
    error = np.std(draws, axis=0) / np.sqrt(len(draws))
    assert (np.abs(np.mean(draws, axis=0) - M) < 5 * error + 1e-15).all()
    assert (error < 0.1 * np.abs(M).max()).all()

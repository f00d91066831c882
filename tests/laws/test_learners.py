"""Laws that every learner keeps, whatever its cell of the table."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import axonomy as ax
from drawing import (
    CELLS,
    any_cell_by_hand,
    assert_close,
    drive,
    every_cell,
    held,
    network,
    network_for,
    over,
    shape_of,
    short_rule,
    stream,
    take,
)
from numpy_cells import Step
from numpy_rules import random_steps

N_UNITS = 3


def drawn_steps(seed: int, p: int, g: int, T: int = 4) -> list[Step]:
    return random_steps(np.random.default_rng(seed), N_UNITS, 4, T, p, g, n_out=2)


def ranks(cell: ax.TableCell) -> tuple[int, ...]:
    return (1, 2) if cell.ranked else (1,)


def assert_same(first: tuple, second: tuple) -> None:
    """Bit by bit."""
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)


any_shape = given(seed=st.integers(0, 2**16), p=st.integers(1, 2), g=st.integers(1, 3), data=st.data())


def rule_of(cell: ax.TableCell, rank: int, **settings: object) -> ax.Rule:
    return short_rule(cell, rank=rank, **settings)


def linear(cell: ax.TableCell) -> dict:
    """The settings that leave the rule linear in q."""
    return {"label": "linear"} if "label" in cell.rule().options else {}


def drawn_rule(cell: ax.TableCell, data: st.DataObject, **settings: object) -> ax.Rule:
    return rule_of(cell, data.draw(st.sampled_from(ranks(cell)), label="rank"), **settings)


def made(rule: ax.Rule, steps: list[Step], seed: int = 0) -> object:
    return ax.make_learner(rule, shape_of(steps, N_UNITS, rule), seed=seed)


@any_cell_by_hand
@any_shape
def test_gradient_is_linear_in_q(cell: ax.TableCell, seed: int, p: int, g: int, data: st.DataObject) -> None:
    steps, others = drawn_steps(seed, p, g), drawn_steps(seed + 1, p, g)
    learner = made(drawn_rule(cell, data, **linear(cell)), steps, seed)
    fresh = learner.state()
    results = []
    for qs in (
        [s.q for s in steps],
        [o.q for o in others],
        [2.0 * s.q - 3.0 * o.q for s, o in zip(steps, others, strict=True)],
    ):
        learner.load_state(fresh)
        results.append(drive(learner, [s._replace(q=q) for s, q in zip(steps, qs, strict=True)]))
    (first, M), (second, same), (both, again) = results
    assert_close(both, 2.0 * first - 3.0 * second, 1e-12)
    if cell.facing == "past":
        assert_same((M, M), (same, again))  # the influence knows nothing of q
    else:
        assert_close(again, 2.0 * M - 3.0 * same, 1e-12)


@over(cell for cell in CELLS if cell.solver != "node_perturbation")  # which takes nothing from q
def test_gradient_is_linear_in_the_feedback(cell: ax.TableCell) -> None:
    """q = e W_FB: the same law for a network and its rule."""
    rng = np.random.default_rng(0)
    one, other = rng.normal(size=(3, 4)), rng.normal(size=(3, 4))
    data = stream(network(), 6)
    first, second, both = (
        ax.gradients(
            network_for(cell, feedback=feedback), short_rule(cell, **linear(cell)), data.X, data.Y, seed=1
        )
        for feedback in (one, other, 2.0 * one - 3.0 * other)
    )
    assert_close(both.recurrent, 2.0 * first.recurrent - 3.0 * second.recurrent, 1e-12)
    np.testing.assert_array_equal(both.output, first.output)
    assert first.recurrent.any()


@any_cell_by_hand
@any_shape
def test_reset_is_fresh(cell: ax.TableCell, seed: int, p: int, g: int, data: st.DataObject) -> None:
    steps = drawn_steps(seed, p, g)
    used = made(drawn_rule(cell, data), steps)
    signs = np.random.default_rng(seed).choice([-1.0, 1.0], size=(len(steps), used.n_noise))
    noise = signs if used.n_noise else None
    fresh = drive(used, steps, noise)
    drive(used, drawn_steps(seed + 1, p, g))
    used.reset()
    assert not held(used).any()
    assert not used.gradient().any()
    assert_same(drive(used, steps, noise), fresh)


@any_cell_by_hand
@any_shape
def test_resume_is_uninterrupted(cell: ax.TableCell, seed: int, p: int, g: int, data: st.DataObject) -> None:
    steps, at = drawn_steps(seed, p, g, T=6), data.draw(st.integers(0, 6), label="at")
    rule = drawn_rule(cell, data)
    learner = made(rule, steps, seed=3)
    drive(learner, steps[:at])
    saved = learner.state()
    kept = {name: np.array(value) for name, value in saved.items()}
    uninterrupted = drive(learner, steps[at:])
    for name, value in kept.items():  # a copy, not a view
        np.testing.assert_array_equal(saved[name], value)
    other = made(rule, steps, seed=4)
    drive(other, drawn_steps(seed + 1, p, g))
    other.load_state(saved)
    assert_same(drive(other, steps[at:]), uninterrupted)


@any_cell_by_hand
def test_a_run_is_a_function_of_its_seed(cell: ax.TableCell) -> None:
    steps = drawn_steps(0, 1, 2, T=5)

    def run(seed: int) -> tuple:
        return drive(made(short_rule(cell), steps, seed), steps)

    assert_same(run(1), run(1))
    if cell.randomness == "stochastic":
        assert (run(1)[1] != run(2)[1]).any()
    else:
        assert_same(run(1), run(2))


@every_cell
def test_gradients_are_a_function_of_the_seed(cell: ax.TableCell) -> None:
    rnn = network_for(cell)
    data = stream(rnn, 8)

    def run(seed: int) -> np.ndarray:
        return ax.gradients(rnn, short_rule(cell), data.X, data.Y, seed=seed).recurrent

    np.testing.assert_array_equal(run(1), run(1))
    assert (run(1) != run(2)).any() == (cell.randomness == "stochastic")


# Singular vectors have no sign of their own, so that the same noise means another draw in each precision:
# the kernels' tests compare moments instead.
@over(cell for cell in CELLS if cell.solver != "optimal")
@pytest.mark.parametrize("rank", [1, 2])
def test_single_precision_is_close(cell: ax.TableCell, rank: int) -> None:
    rule = rule_of(cell, min(rank, max(ranks(cell))))
    data = stream(network(), 8)
    double = ax.gradients(network_for(cell), rule, data.X, data.Y, seed=1)
    single = ax.gradients(
        network_for(cell, dtype=np.float32), rule, data.X.astype(np.float32), data.Y.astype(np.float32),
        seed=1,
    )  # fmt: skip
    for name in ("recurrent", "output", "loss"):
        assert getattr(single, name).dtype == np.float32
        assert_close(getattr(single, name), getattr(double, name), 1e-4)


@every_cell
def test_noise_is_as_declared(cell: ax.TableCell) -> None:
    rnn = network_for(cell)
    learner = ax.make_learner(cell.rule(), rnn)
    assert learner.n_noise == cell.rule().n_noise(rnn)
    assert (learner.n_noise > 0) == (cell.randomness == "stochastic")
    assert learner.noise_kind in (["signs", "normal"] if learner.n_noise else [None])


@any_cell_by_hand
def test_given_noise_is_what_is_used(cell: ax.TableCell) -> None:
    steps = drawn_steps(1, 1, 1)
    learner = made(cell.rule(), steps)
    if not learner.n_noise:
        with pytest.raises(ValueError, match=r"noise"):
            take(learner, steps[0], np.ones(1))
        return
    before = learner.state()
    ones = np.ones((len(steps), learner.n_noise))
    first = drive(learner, steps, ones)
    learner.load_state(before)
    assert_same(drive(learner, steps, ones), first)
    learner.load_state(before)
    signs = np.random.default_rng(5).choice([-1.0, 1.0], size=ones.shape)
    assert (drive(learner, steps, signs)[1] != first[1]).any()


@any_cell_by_hand
def test_diagnostics_are_finite_numbers(cell: ax.TableCell) -> None:
    steps = drawn_steps(2, 1, 1)
    learner = made(cell.rule(), steps)
    assert all(np.isfinite(value) for value in learner.diagnostics().values())
    drive(learner, steps)
    assert all(np.isfinite(value) for value in learner.diagnostics().values())


@every_cell
def test_memory_is_as_declared(cell: ax.TableCell) -> None:
    """The power of n at which the bytes held grow, from n to 2n."""
    small, large = (ax.make_learner(cell.rule(), network_for(cell, n, n_in=1)).nbytes for n in (64, 128))
    assert np.log2(large / small) == pytest.approx(cell.memory.n, abs=0.15)


@any_cell_by_hand
@pytest.mark.parametrize("silent", ["D", "a_hat", "J"])
def test_zeros_do_no_harm(cell: ax.TableCell, silent: str) -> None:
    """Dead units, empty inputs, no recurrence: nothing is divided by their norm."""
    steps = drawn_steps(3, 1, 2, T=5)
    steps = [s._replace(**{silent: np.zeros_like(getattr(s, silent))}) for s in steps[:3]] + steps
    for rank in ranks(cell):
        gradients, what_is_held = drive(made(rule_of(cell, rank), steps), steps)
        assert np.isfinite(gradients).all()
        assert np.isfinite(what_is_held).all()
        if silent != "J":
            assert not (what_is_held if cell.facing == "past" else gradients)[2].any()


@any_cell_by_hand
@pytest.mark.parametrize("scale", [1e-40, 1e40])
def test_extreme_sizes(cell: ax.TableCell, scale: float) -> None:
    """M is linear in D, and so is every estimate, for all the squares of norms that are taken."""
    steps = drawn_steps(4, 1, 1)
    scaled = [s._replace(D=s.D * scale) for s in steps]
    plain, _ = drive(made(short_rule(cell), steps), steps)
    found, _ = drive(made(short_rule(cell), scaled), scaled)
    assert_close(found / scale, plain, 1e-6)

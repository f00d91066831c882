"""Every kernel does step by step what its NumPy reference does."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import axonomy as ax
from drawing import (
    CELLS,
    assert_close,
    cells_of,
    drive,
    every_factored,
    every_kind,
    network,
    network_for,
    over,
    over_networks,
    ring,
    rule_of,
    shape_of,
    some_state,
    stream,
    take,
)
from numpy_cells import Net, Step, run
from numpy_rules import (
    REDUCTIONS,
    all_signs,
    dense,
    diagonal,
    factor_shapes,
    factored,
    immediate,
    kernl,
    optimal_variance,
    random_signs,
    random_steps,
    rtrl,
    singular_terms,
    snap,
    tbptt,
    to_batches,
    truncated_svd,
)

N_UNITS, M_REGRESSORS = 3, 5
every_shape = pytest.mark.parametrize("p, g", [(1, 1), (2, 1), (1, 3), (2, 4)])
every_rank = pytest.mark.parametrize("rank", [1, 2, 3])
every_current = pytest.mark.parametrize("current", ["exact", "estimated"])

# The cells without factors, by their solvers.
UNFACTORED = {
    "rtrl": lambda steps, rule: rtrl(steps),
    "lazy": lambda steps, rule: rtrl(steps),
    "window": lambda steps, rule: tbptt(steps, rule.options["window"]),
    "leak": lambda steps, rule: diagonal(steps, N_UNITS, "leak"),
    "diagonal": lambda steps, rule: diagonal(steps, N_UNITS, "J"),
    "snap": lambda steps, rule: snap(steps, ring(N_UNITS), rule.options["hops"]),
}


def test_every_past_facing_cell_is_covered() -> None:
    by_network = {"perturbation"}
    others = [cell for cell in CELLS if not cell.ranked and cell.facing == "past"]
    assert {cell.solver for cell in others} == {*UNFACTORED} | by_network


every_coupling = pytest.mark.parametrize("element_wise", [False, True], ids=["coupled", "element-wise"])


@over(cell for cell in CELLS if cell.solver in UNFACTORED)
@every_shape
def test_unfactored(cell: ax.TableCell, p: int, g: int) -> None:
    assert_unfactored(cell, p, g, element_wise=False)


@over(cell for cell in CELLS if cell.solver in UNFACTORED and cell.tensor != "sparse")
@every_shape
def test_unfactored_with_regressors_of_each_row(cell: ax.TableCell, p: int, g: int) -> None:
    assert_unfactored(cell, p, g, element_wise=True)


def rules_of(cell: ax.TableCell) -> list[ax.ComposedRule]:
    """The cell's rule; of lazy propagation, with blocks that end within a few steps too."""
    if cell.solver != "lazy":
        return [cell.rule()]
    return [cell.rule(block=block, latency=way) for block in (0, 1, 4) for way in ("block", "even")]


def assert_unfactored(cell: ax.TableCell, p: int, g: int, element_wise: bool) -> None:
    rng = np.random.default_rng(0)
    steps = random_steps(rng, N_UNITS, M_REGRESSORS, T=13, p=p, g=g, element_wise=element_wise)
    for rule in rules_of(cell):
        gradients, influences = drive(ax.make_learner(rule, shape_of(steps, N_UNITS, rule)), steps)
        for t, (gradient, M) in enumerate(UNFACTORED[cell.solver](steps, rule)):
            assert_close(gradients[t], gradient, 1e-12)
            assert_close(influences[t], M, 1e-12)


# What the gates see, of [state, inputs, bias]; three units, and so one input.
SEES = [
    (("state", "input", "bias"), ("input", "bias"), ("state", "bias")),
    (("bias",), ("state",), ("state", "input")),
    (("input",), ("state", "bias"), ("state", "bias")),
]


@over(cell for cell in CELLS if cell.solver in UNFACTORED)
@pytest.mark.parametrize("sees", SEES, ids=str)
@pytest.mark.parametrize("p", [1, 2])
def test_what_gates_do_not_see(cell: ax.TableCell, sees: tuple, p: int) -> None:
    """No gradient there; and no influence of the rules that hold none."""
    steps = random_steps(np.random.default_rng(3), N_UNITS, M_REGRESSORS, T=13, p=p, g=3)
    for rule in rules_of(cell):
        shape = ax.Shape(N_UNITS, 1, 0, None, p, 3, shape_of(steps, N_UNITS, rule).pattern, sees)
        there = shape.weights
        assert not there.all()
        gradients, influences = drive(ax.make_learner(rule, shape), steps)
        for t, (gradient, M) in enumerate(UNFACTORED[cell.solver](steps, rule)):
            assert_close(gradients[t], there * gradient, 1e-12)
            assert_close(there * influences[t], there * M, 1e-12)
            if cell.solver in ("rtrl", "lazy"):
                assert not influences[t][:, ~there].any()


@pytest.mark.parametrize("window", [1, 2, 3, 7])
def test_windows(window: int) -> None:
    steps = random_steps(np.random.default_rng(1), N_UNITS, M_REGRESSORS, T=9, p=2, g=2)
    learner = ax.make_learner(ax.rules.tbptt(window=window), shape_of(steps, N_UNITS))
    gradients, influences = drive(learner, steps)
    for t, (gradient, M) in enumerate(tbptt(steps, window)):
        assert_close(gradients[t], gradient, 1e-12)
        assert_close(influences[t], M, 1e-12)


# ------------------------------------------------------------------------------- factored cells


def initial_factors(rng: np.random.Generator, split: str, steps: list[Step], rank: int) -> tuple:
    """Random (r, ...) factors to start from."""
    shapes = factor_shapes(split, *steps[0].M_bar.shape)
    return tuple(rng.normal(size=(rank, *shape)) for shape in shapes)


def as_initial(factors: tuple) -> dict:
    """The leading axis is there for ranks above 1 only."""
    left, right = (factor[0] if len(factor) == 1 else factor for factor in factors)
    return {"left": left, "right": right}


def batches(split: str, R: int, m: int) -> int:
    return {"ki|ij": R, "kj|ij": m}.get(split, 1)


def assert_follows(
    rule: ax.Rule, reduction: object, p: int, g: int, form: str, tolerance: float, **of_steps: object
) -> None:
    """The cell's gradients and influences over some steps, from random factors and noise."""
    rng = np.random.default_rng(2)
    steps = random_steps(rng, N_UNITS, M_REGRESSORS, T=5, p=p, g=g, **of_steps)
    factors = initial_factors(rng, rule.tensor, steps, rule.rank)
    learner = ax.make_learner(rule, shape_of(steps, N_UNITS), initial=as_initial(factors))
    signs = rng.choice([-1.0, 1.0], size=(len(steps), learner.n_noise))
    noise = blocks = None
    if learner.n_noise:
        # (T, batches, r, terms)
        noise = signs
        blocks = signs.reshape(len(steps), batches(rule.tensor, g * N_UNITS, M_REGRESSORS),
                               rule.rank, -1)  # fmt: skip
    gradients, influences = drive(learner, steps, noise)
    reference = factored(
        steps, rule.tensor, reduction, rank=rule.rank, current=rule.current, form=form,
        noise=blocks, initial=factors,
    )  # fmt: skip
    for t, (gradient, M) in enumerate(reference):
        assert_close(gradients[t], gradient, tolerance)
        assert_close(influences[t], M, tolerance)


@every_factored
@every_rank
@every_current
@every_shape
def test_factored(cell: ax.TableCell, rank: int, current: str, p: int, g: int) -> None:
    assert_factored(cell, rank, current, p, g, element_wise=False)


@over(cell for cell in cells_of("ind_rnn") if cell.ranked)
@every_rank
@every_current
@every_shape
def test_factored_with_regressors_of_each_row(
    cell: ax.TableCell, rank: int, current: str, p: int, g: int
) -> None:
    assert_factored(cell, rank, current, p, g, element_wise=True)


def assert_factored(
    cell: ax.TableCell, rank: int, current: str, p: int, g: int, *, element_wise: bool
) -> None:
    rule = cell.rule(rank=rank, current=current)
    reduction = REDUCTIONS[cell.randomness, cell.solution]
    if reduction is random_signs:
        for normaliser in ("per_term", "shared"):
            assert_follows(
                cell.rule(rank=rank, current=current, normaliser=normaliser),
                partial(random_signs, normaliser=normaliser), p, g, "row", 1e-12, element_wise=element_wise,
            )  # fmt: skip
    elif reduction is truncated_svd:
        assert_follows(rule, truncated_svd, p, g, "row", 1e-9, element_wise=element_wise)
    else:
        assert_optimal(rule, p, g, np.float64, 1e-9, element_wise)


@over(cell for cell in CELLS if cell.solver == "optimal")
@every_rank
def test_optimal_in_single_precision(cell: ax.TableCell, rank: int) -> None:
    assert_optimal(cell.rule(rank=rank), 1, 1, np.float32, 2e-5)


@every_coupling
@every_rank
@every_current
@every_shape
def test_uoro(rank: int, current: str, p: int, g: int, element_wise: bool) -> None:
    """Terms by state, as published."""
    for normaliser in ("per_term", "shared"):
        rule = ax.rules.uoro(rank=rank, current=current, normaliser=normaliser)
        reduction = partial(random_signs, normaliser=normaliser)
        assert_follows(rule, reduction, p, g, "state", 1e-12, element_wise=element_wise)


def assert_optimal(
    rule: ax.Rule, p: int, g: int, dtype: type, tolerance: float, element_wise: bool = False
) -> None:
    """Z is not unique, its mean and variance are: all signs of one step, from random factors.

    All batches share their signs here: a mean, and a variance batch by batch, does not mind.
    """
    rng = np.random.default_rng(3)
    (s,) = steps = random_steps(rng, N_UNITS, M_REGRESSORS, T=1, p=p, g=g, element_wise=element_wise)
    factors = initial_factors(rng, rule.tensor, steps, rule.rank)
    learner = ax.make_learner(rule, shape_of(steps, N_UNITS), initial=as_initial(factors), dtype=dtype)
    n_batches = batches(rule.tensor, g * N_UNITS, M_REGRESSORS)
    fresh, per_batch = learner.state(), learner.n_noise // n_batches
    more = immediate(rule.tensor, s)
    left = np.concatenate([np.einsum("kl,nl...->nk...", s.J, factors[0]), more[0]])
    right = np.concatenate([factors[1], more[1]])
    M = dense(rule.tensor, left, right)
    assert per_batch == len(left) - 1
    signs = list(all_signs(per_batch)) if per_batch <= 8 else some_signs(rng, per_batch)
    draws, gradients = [], []
    for nu in signs:
        learner.load_state(fresh)
        take(learner, s, np.tile(nu, n_batches))
        draws.append(learner.influence())
        gradients.append(learner.gradient())
    after = M if rule.current == "exact" else np.array(draws)
    assert_close(gradients, np.broadcast_to(np.einsum("k,...kij->...ij", s.q, after),
                                            np.shape(gradients)),
                 1e-12 if dtype == np.float64 else tolerance)  # fmt: skip
    assert_close(np.mean(draws, axis=0), M, tolerance)
    axis = {"ki|ij": (0, 2), "kj|ij": (0, 1)}.get(rule.tensor, (0, 1, 2))  # all but the batch
    variance = ((np.array(draws) - M) ** 2).mean(0).sum(axis).ravel()
    least = [
        optimal_variance(singular_terms(*batch)[1], rule.rank)
        for batch in zip(*to_batches(rule.tensor, left, right), strict=True)
    ]
    assert_close(variance, least, tolerance)


def some_signs(rng: np.random.Generator, k: int) -> list[np.ndarray]:
    """An orthogonal array of strength 3: first and second moments as over all 2^k signs."""
    size = 1 << int(np.ceil(np.log2(k + 1)))
    hadamard = np.array([[1.0]])
    while len(hadamard) < size:
        hadamard = np.block([[hadamard, hadamard], [hadamard, -hadamard]])
    columns = hadamard[:, 1 : k + 1]
    return [*columns, *-columns]


# --------------------------------------------------------------------------- by perturbation


@every_kind
@every_current
def test_kernl(kind: str, current: str) -> None:
    rnn = network(n=3, alpha=0.6, kind=kind)
    data, s0 = stream(rnn, 8), some_state(rnn, 1)
    rule = ax.rules.kernl(current=current)
    noise = np.random.default_rng(4).normal(size=(8, rule.n_noise(rnn)))
    found = ax.gradients(rnn, rule, data.X, data.Y, initial_state=s0, noise=noise, record_influence=True)
    net = Net.of(rnn)
    steps, *_, states = run(net, data.X, data.Y, s0)
    reference = kernl(net, steps, states, data.X, s0, noise, current, **rule.options)
    for t, (gradient, M) in enumerate(reference):
        assert_close(found.recurrent[t], net.weights * gradient, 1e-12)
        assert_close(found.influence[t], M, 1e-12)


# ------------------------------------------------------------------------------- on every network


@over_networks(lambda cell: cell.facing == "past" and cell.solver not in ("optimal", "perturbation"))
def test_on_every_network(kind: str, cell: ax.TableCell) -> None:
    """What the rule is given by the network, against the twins of both."""
    rnn = network_for(cell, n=N_UNITS, kind=kind, state_noise=0.0)
    data, s0, rule = stream(rnn, 13), some_state(rnn, 3), rule_of(cell)
    rng, net = np.random.default_rng(6), Net.of(rnn)
    noise = rng.choice([-1.0, 1.0], size=(13, rule.n_noise(rnn)))
    steps, *_ = run(net, data.X, data.Y, s0)
    if cell.ranked:
        R, m = rnn.W.shape
        blocks = noise.reshape(13, batches(cell.tensor, R, m), rule.rank, -1) if noise.size else None
        reduction = REDUCTIONS[cell.randomness, cell.solution]
        reference = factored(steps, cell.tensor, reduction, rank=rule.rank, noise=blocks)
    else:
        reference = UNFACTORED[cell.solver](steps, rule)
    found = ax.gradients(
        rnn,
        rule,
        data.X,
        data.Y,
        initial_state=s0,
        noise=noise if noise.size else None,
        record_influence=True,
    )
    for t, (gradient, M) in enumerate(reference):
        assert_close(found.recurrent[t], net.weights * gradient, 1e-9)
        assert_close(net.weights * found.influence[t], net.weights * M, 1e-9)


# ------------------------------------------------------------------------ laws between the two


@every_factored
@given(seed=st.integers(0, 999), p=st.integers(1, 2), g=st.integers(1, 4), rank=st.integers(1, 3))
def test_gradient_is_q_times_influence(cell: ax.TableCell, seed: int, p: int, g: int, rank: int) -> None:
    """estimated: q . M after the step;  exact: q . (J M before it + M_bar)."""
    steps = random_steps(np.random.default_rng(seed), n=2, m=3, T=4, p=p, g=g)
    learners = [
        ax.make_learner(cell.rule(rank=rank, current=current), shape_of(steps, 2), seed=seed)
        for current in ("exact", "estimated")
    ]
    M = np.zeros_like(steps[0].M_bar)
    for s in steps:
        (exact, after), (estimated, same) = (
            tuple(part[0] for part in drive(learner, [s])) for learner in learners
        )
        np.testing.assert_array_equal(after, same)
        assert_close(exact, np.einsum("k,kl,lij->ij", s.q, s.J, M)
                     + np.einsum("k,kij->ij", s.q, s.M_bar), 1e-12)  # fmt: skip
        assert_close(estimated, np.einsum("k,kij->ij", s.q, after), 1e-12)
        M = after

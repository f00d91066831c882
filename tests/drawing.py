"""What the tests draw: networks, streams and steps; and the registry that they iterate over."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import strategies as st

import axonomy as ax
from numpy_cells import ACTIVATIONS, LOSSES, Array, Net, Step

# ------------------------------------------------------------------------------------- the registry

CELLS = [cell for cell in ax.table() if cell.status in ("known", "new")]


def cell_id(cell: ax.TableCell) -> str:
    parts = (cell.name, cell.facing, cell.tensor, cell.randomness, cell.solution, cell.solver)
    return " ".join(str(part) for part in parts if part)


def over(cells: Iterable[ax.TableCell]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("cell", list(cells), ids=cell_id)


every_cell = over(CELLS)

# Rules that run the network themselves are met through `ax.gradients` and `ax.Trainer` only.
BY_HAND = [cell for cell in CELLS if cell.solver not in ("perturbation", "node_perturbation")]
any_cell_by_hand = over(BY_HAND)
every_factored = over(cell for cell in CELLS if cell.ranked)

OPTIMISERS = [
    ax.SGD(0.05),
    ax.Momentum(0.05, momentum=0.8),
    ax.RMSProp(0.01, decay=0.9),
    ax.Adam(0.02),
]
every_optimiser = pytest.mark.parametrize(
    "optimiser", OPTIMISERS, ids=lambda optimiser: type(optimiser).__name__
)


# --------------------------------------------------------------------------- networks and streams


@dataclass(frozen=True)
class Stream:
    X: Array  # (T, n_in)
    Y: Array  # (T, n_out)


def network(
    seed: int = 0,
    n: int = 4,
    n_in: int = 2,
    n_out: int = 3,
    alpha: float = 0.7,
    activation: str = "tanh",
    loss: str = "cross_entropy",
    dtype: type = np.float64,
    mask: Array | None = None,
    **options: object,
) -> ax.LeakyRNN:
    rng = np.random.default_rng(seed)
    W_rec = rng.normal(size=(n, n)) / np.sqrt(n)
    return ax.LeakyRNN(
        W_rec if mask is None else W_rec * mask,
        rng.normal(size=(n, n_in)) / np.sqrt(n_in),
        rng.normal(size=n) * 0.3,
        rng.normal(size=(n_out, n)) / np.sqrt(n),
        rng.normal(size=n_out) * 0.3,
        alpha=alpha,
        activation=activation,
        loss=loss,
        dtype=dtype,
        mask=mask,
        **options,
    )


def ring(n: int) -> Array:
    """A mask (n, n): every unit gets from itself and from the one before."""
    return (np.eye(n) + np.roll(np.eye(n), 1, axis=0)).astype(bool)


def network_for(rule: object, n: int = 4, **options: object) -> ax.LeakyRNN:
    """A network on which the rule, or the cell's rule, runs."""
    sparse = getattr(rule, "needs_mask", getattr(rule, "tensor", "") == "sparse")
    return network(n=n, mask=ring(n) if sparse else None, **options)


def stream(rnn: ax.LeakyRNN, T: int, seed: int = 0) -> Stream:
    """Inputs, and targets of the kind the loss wants."""
    rng = np.random.default_rng(seed + 1000)
    n_in, n_out = rnn.shape.n_in, rnn.shape.n_out
    X = rng.normal(size=(T, n_in))
    if rnn.loss == "cross_entropy":
        Y = rng.dirichlet(np.ones(n_out), size=T)
    elif rnn.loss == "binary_cross_entropy":
        Y = rng.uniform(size=(T, n_out))
    else:
        Y = rng.normal(size=(T, n_out))
    return Stream(X.astype(rnn.dtype), Y.astype(rnn.dtype))


@st.composite
def networks(
    draw: st.DrawFn, dtype: type = np.float64, activations: Sequence[str] = tuple(ACTIVATIONS)
) -> ax.LeakyRNN:
    return network(
        seed=draw(st.integers(0, 2**32 - 1)),
        n=draw(st.integers(1, 5)),
        n_in=draw(st.integers(1, 3)),
        n_out=draw(st.integers(1, 3)),
        alpha=draw(st.sampled_from([1.0, 0.6]) | st.floats(0.05, 1.0)),
        activation=draw(st.sampled_from(activations)),
        loss=draw(st.sampled_from(list(LOSSES))),
        dtype=dtype,
    )


def parameters(rnn: ax.LeakyRNN) -> tuple[Array, Array]:
    """W (R, m) and the output weights [W_out, b_out] (n_out, n + 1)."""
    net = Net.of(rnn)
    return net.W, net.V


# ------------------------------------------------------------------------------------------- rules


@st.composite
def composed(draw: st.DrawFn) -> ax.Rule:
    """One cell of the table."""
    cell = draw(st.sampled_from(CELLS))
    settings = {"window": draw(st.integers(1, 4))} if "window" in cell.rule().options else {}
    if not cell.ranked:
        return cell.rule(**settings)
    current = draw(st.sampled_from(["exact", "estimated"]))
    return cell.rule(rank=draw(st.integers(1, 4)), current=current, **settings)


def _hybrids(parts: st.SearchStrategy[ax.Rule]) -> st.SearchStrategy[ax.Rule]:
    mixes = st.lists(st.tuples(parts, st.integers(1, 9)), min_size=1, max_size=3).map(
        lambda pairs: ax.mix(
            [rule for rule, _ in pairs], np.array([w for _, w in pairs]) / sum(w for _, w in pairs)
        )
    )
    blocks = st.tuples(parts, parts).map(lambda two: ax.by_block({"0:1": two[0], "1:": two[1]}))
    return mixes | blocks


def rules() -> st.SearchStrategy[ax.Rule]:
    """Cells, hybrids of cells, hybrids of those."""
    return composed() | _hybrids(composed())


# ---------------------------------------------------------------------------- learners by hand


def shape_of(steps: Sequence[Step], n: int, rule: object = None) -> ax.Shape:
    """Sizes of the steps, with a pattern where the rule needs one."""
    S, R = steps[0].D.shape
    pattern = network_for(rule, n).shape.pattern
    return ax.Shape(n, 0, len(steps[0].y), len(steps[0].a_hat), S // n, R // n, pattern)


def take(learner: object, s: Step, noise: Array | None = None) -> None:
    learner.step(s.J, s.D, s.a_hat, s.q, leak=s.leak, noise=noise, state=s.state, y=s.y)


def held(learner: object) -> Array | None:
    """The influence M (S, R, m) or the credit c (S,), whichever the learner has."""
    M = learner.influence()
    return learner.credit() if M is None else M


def drive(
    learner: object, steps: Sequence[Step], noise: Sequence[Array] | None = None
) -> tuple[Array, Array]:
    """Gradients (T, R, m), and influences (T, S, R, m) or credits (T, S)."""
    gradients, what_is_held = [], []
    for t, s in enumerate(steps):
        take(learner, s, None if noise is None else noise[t])
        gradients.append(learner.gradient())
        what_is_held.append(held(learner))
    return np.array(gradients), np.array(what_is_held)


def assert_close(actual: Array, expected: Array, tolerance: float) -> None:
    """To `tolerance` of the size of what is expected."""
    actual, expected = np.asarray(actual, float), np.asarray(expected, float)
    assert actual.shape == expected.shape
    scale = max(1.0, float(np.abs(expected).max(initial=0.0)))
    np.testing.assert_allclose(actual, expected, rtol=0, atol=tolerance * scale)


# --------------------------------------------------------------------------------------- trainers


def short_rule(cell: ax.TableCell, **settings: object) -> ax.ComposedRule:
    """The cell's rule, with a window that a few steps fill."""
    if "window" in cell.rule().options:
        settings.setdefault("window", 3)
    return cell.rule(**settings)


def rule_of(cell: ax.TableCell, **settings: object) -> ax.ComposedRule:
    """The same, of rank 2 where there is a rank, so that the ranks' axis counts."""
    return short_rule(cell, rank=2, **settings) if cell.ranked else short_rule(cell, **settings)


def flags(T: int, seed: int = 0) -> tuple[Array, Array]:
    """A mask that leaves some targets out, and some resets, (T,) each."""
    rng = np.random.default_rng(seed + 2000)
    return rng.random(T) < 0.7, rng.random(T) < 0.2


def assert_same_state(one: ax.Trainer, other: ax.Trainer) -> None:
    """Weights, learner, optimiser and generator, bit for bit."""
    found, expected = one.state(), other.state()
    assert list(found) == list(expected)
    for name, value in expected.items():
        np.testing.assert_array_equal(found[name], value, err_msg=name)
    np.testing.assert_array_equal(one.rnn.W, other.rnn.W)
    np.testing.assert_array_equal(one.rnn.state, other.rnn.state)


def is_finite(trainer: ax.Trainer) -> bool:
    return all(np.isfinite(value).all() for value in trainer.state().values())

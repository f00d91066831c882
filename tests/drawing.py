"""What the tests draw: networks, streams and steps; and the registry that they iterate over."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import strategies as st

import axonomy as ax
from axonomy.cells import CELLS as KINDS
from numpy_cells import ACTIVATIONS, LOSSES, Array, Net, Step

# ------------------------------------------------------------------------------------- the registry

CELLS = [cell for cell in ax.table() if cell.status in ("known", "new")]


def cell_id(cell: ax.TableCell) -> str:
    parts = (cell.name, cell.facing, cell.tensor, cell.randomness, cell.solution, cell.solver)
    return " ".join(str(part) for part in parts if part)


def over(cells: Iterable[ax.TableCell]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("cell", list(cells), ids=cell_id)


every_cell = over(CELLS)

COUPLED = tuple(kind for kind, network in KINDS.items() if not network.element_wise)
ELEMENT_WISE = tuple(kind for kind, network in KINDS.items() if network.element_wise)
every_kind = pytest.mark.parametrize("kind", KINDS)
every_coupled = pytest.mark.parametrize("kind", COUPLED)
every_element_wise = pytest.mark.parametrize("kind", ELEMENT_WISE)


def cells_of(kind: str) -> list[ax.TableCell]:
    """What can be filled of the table for this kind of network."""
    return [cell for cell in ax.table(kind) if cell.status in ("known", "new")]


def over_networks(
    choose: Callable[[ax.TableCell], bool] = lambda cell: True, kinds: Iterable[str] = KINDS
) -> pytest.MarkDecorator:
    """Every kind of network with every cell of its table."""
    pairs = [(kind, cell) for kind in kinds for cell in cells_of(kind) if choose(cell)]
    ids = [f"{kind} {cell_id(cell)}" for kind, cell in pairs]
    return pytest.mark.parametrize("kind, cell", pairs, ids=ids)


def is_exact(cell: ax.TableCell) -> bool:
    return cell.bias == "none" and cell.randomness == "deterministic"


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
    alpha: float | Array = 0.7,
    activation: str = "tanh",
    loss: str = "cross_entropy",
    dtype: type = np.float64,
    mask: Array | None = None,
    kind: str = "leaky_rnn",
    **options: object,
) -> ax.Cell:
    rng = np.random.default_rng(seed)
    gates, columns = len(KINDS[kind].gates), 1 if KINDS[kind].element_wise else n
    W = np.hstack(
        [
            rng.normal(size=(gates * n, columns)) / np.sqrt(n),
            rng.normal(size=(gates * n, n_in)) / np.sqrt(max(n_in, 1)),
            rng.normal(size=(gates * n, 1)) * 0.3,
        ]
    )
    V = np.hstack([rng.normal(size=(n_out, n)) / np.sqrt(n), rng.normal(size=(n_out, 1)) * 0.3])
    W = W * Net(W, V, loss, kind, mask=mask).weights
    settings = {
        "leaky_rnn": {"alpha": alpha, "activation": activation},
        "ind_rnn": {"activation": activation},
    }
    arrays = W[:, :columns], W[:, columns:-1], W[:, -1], V[:, :-1], V[:, -1]
    masks = {} if mask is None else {"mask": mask}
    return KINDS[kind](*arrays, **settings.get(kind, {}), loss=loss, dtype=dtype, **masks, **options)


def ring(n: int) -> Array:
    """A mask (n, n): every unit gets from itself and from the one before."""
    return (np.eye(n) + np.roll(np.eye(n), 1, axis=0)).astype(bool)


def network_for(rule: object, n: int = 4, **options: object) -> ax.Cell:
    """A network on which the rule, or the cell's rule, runs."""
    sparse = getattr(rule, "needs_mask", getattr(rule, "tensor", "") == "sparse")
    return network(n=n, mask=ring(n) if sparse else None, **options)


def stream(rnn: ax.Cell, T: int, seed: int = 0) -> Stream:
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
    draw: st.DrawFn,
    kinds: Iterable[str] = tuple(KINDS),
    dtype: type = np.float64,
    activations: Sequence[str] = tuple(ACTIVATIONS),
    most: int = 5,
    masks: bool = True,
) -> ax.Cell:
    """Of any of these kinds, with up to `most` units; those that are coupled with a mask now and then."""
    kind, n = draw(st.sampled_from(tuple(kinds))), draw(st.integers(1, most))
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    options = {"n": n, "n_in": draw(st.integers(0, 3)), "n_out": draw(st.integers(1, 3))}
    if masks and kind in COUPLED and draw(st.integers(0, 3)) == 0:
        options["mask"] = rng.random((n, n)) < draw(st.floats(0.0, 1.0))
    if kind == "leaky_rnn":
        one = st.sampled_from([1.0, 0.6]) | st.floats(0.05, 1.0)
        options["alpha"] = draw(one | st.just(rng.uniform(0.05, 1.0, n)))
    if kind in ("leaky_rnn", "ind_rnn"):
        options["activation"] = draw(st.sampled_from(activations))
    return network(seed, kind=kind, loss=draw(st.sampled_from(list(LOSSES))), dtype=dtype, **options)


def some_state(rnn: ax.Cell, seed: int) -> Array:
    """A state (S,)."""
    return np.random.default_rng(seed).normal(size=rnn.shape.S).astype(rnn.dtype)


def parameters(rnn: ax.Cell) -> tuple[Array, Array]:
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
    past = parts.filter(_may_be_late)
    beyond = st.tuples(past, st.integers(1, 3), st.sampled_from([1.0, 0.5]), st.integers(1, 2))
    return mixes | blocks | beyond.map(lambda settings: ax.windowed(*settings))


def _may_be_late(rule: ax.Rule) -> bool:
    return rule.facing == "past" and not rule.component.needs_network


def rules() -> st.SearchStrategy[ax.Rule]:
    """Cells, hybrids of cells, hybrids of those."""
    return composed() | _hybrids(composed())


# ---------------------------------------------------------------------------- learners by hand


def shape_of(steps: Sequence[Step], n: int, rule: object = None, **more: object) -> ax.Shape:
    """Sizes of the steps, with a pattern where the rule needs one."""
    (S, R), a_hat = steps[0].D.shape, steps[0].a_hat
    pattern = network_for(rule, n).shape.pattern
    about = {"pattern": pattern, "element_wise": a_hat.ndim == 2, **more}
    return ax.Shape(n, 0, len(steps[0].y), a_hat.shape[-1], S // n, R // n, **about)


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

"""Every rule on every kind of network: it runs as on a leaky RNN, or says why it cannot."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import axonomy as ax
from drawing import (
    CELLS,
    COUPLED,
    ELEMENT_WISE,
    KINDS,
    assert_close,
    assert_same_state,
    cell_id,
    cells_of,
    every_element_wise,
    every_kind,
    every_optimiser,
    flags,
    is_finite,
    network,
    network_for,
    networks,
    over_networks,
    ring,
    rule_of,
    some_state,
    stream,
    take,
)
from numpy_cells import Array, Net, run
from numpy_rules import SPLITS, all_signs, rtrl

COUPLED_GATED = [kind for kind in COUPLED if kind != "leaky_rnn"]


# ------------------------------------------------------------------------------------------- runs


@over_networks()
@settings(max_examples=3)
@given(data=st.data())
def test_saved_and_loaded_at_any_step(
    tmp_path_factory: pytest.TempPathFactory, kind: str, cell: ax.TableCell, data: st.DataObject
) -> None:
    at, every = data.draw(st.integers(0, 10)), data.draw(st.integers(1, 3))
    dtype = data.draw(st.sampled_from([np.float64, np.float32]))
    options = {"feedback": np.random.default_rng(9).normal(size=(3, 4))} if at % 2 else {}
    rnn = network_for(cell, kind=kind, state_noise=0.1, dtype=dtype, **options)
    rnn.state = some_state(rnn, at)
    of, (mask, reset) = stream(rnn, 10), flags(10)
    whole, stopped = (
        ax.Trainer(rnn.copy(), rule_of(cell), ax.Adam(0.02), seed=3, update_every=every) for _ in range(2)
    )
    losses = whole.run(of.X, of.Y, mask, reset).loss
    assert is_finite(whole)
    stopped.run(of.X[:at], of.Y[:at], mask[:at], reset[:at])
    path = tmp_path_factory.mktemp("cells") / "trainer.npz"
    stopped.save(path)
    resumed = ax.Trainer.load(path)
    assert type(resumed.rnn) is KINDS[kind]
    assert resumed.rnn.shape == rnn.shape
    assert resumed.rnn.settings() == rnn.settings()
    assert_same_state(resumed, stopped)
    found = resumed.run(of.X[at:], of.Y[at:], mask[at:], reset[at:]).loss
    np.testing.assert_array_equal(found, losses[at:])
    assert_same_state(resumed, whole)


NOT_SHARED = (
    "{} needs one set of regressors for all rows of W, and in an element-wise cell each row has its own; "
    "RTRL is exact and costs O(m n) there (axonomy.rules.rtrl())"
)
NO_COUPLINGS = (
    "SnAp-n follows the couplings between units, and an element-wise cell has none; RTRL is exact and costs "
    "O(m n) there (axonomy.rules.rtrl())"
)
REFUSED = [cell for cell in CELLS if cell.tensor in ("ki|j", "kj|i", "kj|ij", "sparse")]


@every_element_wise
@pytest.mark.parametrize("cell", REFUSED, ids=cell_id)
def test_refused_in_words(kind: str, cell: ax.TableCell) -> None:
    rnn, rule = network(kind=kind), cell.rule()
    of = stream(rnn, 2)
    message = NO_COUPLINGS if cell.tensor == "sparse" else NOT_SHARED.format(rule.name)
    for call in (
        lambda: ax.make_learner(rule, rnn),
        lambda: ax.Trainer(rnn, rule, ax.SGD(0.1)),
        lambda: ax.gradients(rnn, rule, of.X, of.Y),
        lambda: rule.n_noise(rnn),
        lambda: ax.make_learner(ax.mix([rule, "rtrl"]), rnn),
        lambda: ax.make_learner(ax.by_block(W_rec="rtrl", W_in=rule, b="rtrl"), rnn),
    ):
        with pytest.raises(ax.IncompatibleCell) as refused:
            call()
        assert str(refused.value) == message


@every_kind
def test_the_table_of_a_kind(kind: str) -> None:
    """What it lists runs, what it does not is refused with the same reason; by name, class or network."""
    table = ax.table(kind)
    assert table.rows() == ax.table(KINDS[kind]).rows() == ax.table(network(kind=kind)).rows()
    runs = {(cell.tensor, cell.randomness, cell.solution, cell.solver) for cell in cells_of(kind)}
    every = {(cell.tensor, cell.randomness, cell.solution, cell.solver) for cell in CELLS}
    refused = {(cell.tensor, cell.randomness, cell.solution, cell.solver) for cell in REFUSED}
    assert runs == (every - refused if kind in ELEMENT_WISE else every)
    if kind in ELEMENT_WISE:
        reasons = {cell.reason for cell in table if cell.tensor in ("ki|j", "kj|i", "kj|ij", "sparse")}
        assert {NOT_SHARED.format("the rule"), NO_COUPLINGS.replace("SnAp-n", "the rule")} <= reasons
    else:
        assert table.rows() == ax.table().rows()


def test_there_is_no_table_of_nothing() -> None:
    with pytest.raises(ValueError, match=r"\Anetwork: expected one of 'leaky_rnn', 'gru', .*, got 'rnn'\Z"):
        ax.table("rnn")
    with pytest.raises(ValueError, match=r"\Anetwork: expected a network, its class or its name, got 3\Z"):
        ax.table(3)


# -------------------------------------------------------------------------------- which weights exist


@over_networks(kinds=COUPLED_GATED)
@every_optimiser
def test_weights_that_do_not_exist_stay_zero(kind: str, cell: ax.TableCell, optimiser: object) -> None:
    """Because a gate does not see or a mask leaves out; and every other is learned."""
    optimiser = type(optimiser)(**{**vars(optimiser), "l2": 0.1})
    rnn = network(kind=kind, mask=ring(4), state_noise=0.1)
    data, before, there = stream(rnn, 12), rnn.W, Net.of(rnn).weights
    np.testing.assert_array_equal(rnn.shape.weights, there)
    trainer = ax.Trainer(rnn, rule_of(cell), optimiser)
    trainer.run(data.X, data.Y)
    assert not rnn.W[~there].any()
    assert (before != rnn.W)[there].all()
    for name, array in trainer.state().items():
        if name.startswith("optimiser.") and array.shape == rnn.W.shape:
            assert not array[~there].any()


@over_networks(kinds=("gru", "mgu"))
@pytest.mark.parametrize("settings_", [{}, {"update_every": 3}, {"streams": 2}], ids=str)
def test_nor_by_plain_descent(kind: str, cell: ax.TableCell, settings_: dict) -> None:
    rnn = network_for(cell, kind=kind)
    data, there = stream(rnn, 12), Net.of(rnn).weights
    arrays = (np.stack([a, a], axis=1) if "streams" in settings_ else a for a in (data.X, data.Y))
    ax.Trainer(rnn, rule_of(cell), ax.SGD(0.05), **settings_).run(*arrays)
    assert not rnn.W[~there].any()


# --------------------------------------------------------------------------------- as declared


def declared(kind: str, cell: ax.TableCell, n: int, n_in: int) -> int:
    return ax.make_learner(rule_of(cell), network_for(cell, n, n_in=n_in, kind=kind)).nbytes


@over_networks(kinds=[kind for kind in KINDS if kind != "leaky_rnn"])
def test_memory_is_as_declared(kind: str, cell: ax.TableCell) -> None:
    """The power of n at which the bytes held grow."""
    small, large = (128, 256) if kind in ELEMENT_WISE else (48, 96)
    ratio = declared(kind, cell, large, 1) / declared(kind, cell, small, 1)
    assert np.log2(ratio) == pytest.approx(cell.memory.n, abs=0.2)


@over_networks(lambda cell: "m" in cell.memory.factor, ELEMENT_WISE)
def test_memory_grows_with_the_regressors(kind: str, cell: ax.TableCell) -> None:
    """m n of all that is exact there: from m = 64 to m = 128."""
    ratio = declared(kind, cell, 32, 126) / declared(kind, cell, 32, 62)
    assert np.log2(ratio) == pytest.approx(1.0, abs=0.1)


@every_element_wise
def test_rtrl_holds_the_blocks_within_units_alone(kind: str) -> None:
    rnn = network(n=200, n_in=3, kind=kind)
    shape = rnn.shape
    held = shape.states_per_unit * shape.R * shape.m * 8
    for rule in ("rtrl", "rtrl_lazy", ax.rules.snap(1)):
        assert held <= ax.make_learner(rule, rnn).nbytes <= 1.5 * held


# ------------------------------------------------------------------------------------- unbiased


def is_unbiased(cell: ax.TableCell) -> bool:
    past = cell.facing == "past" and cell.tensor in SPLITS
    return past and cell.bias == "none" and cell.randomness == "stochastic"


def test_unbiased_rules_are_tried_on_all_kinds() -> None:
    for kind in KINDS:
        assert any(is_unbiased(cell) for cell in cells_of(kind))


@over_networks(is_unbiased)
@pytest.mark.parametrize("rank, current", [(1, "estimated"), (2, "exact")])
def test_unbiased(kind: str, cell: ax.TableCell, rank: int, current: str) -> None:
    """At every step the mean over all its signs is J M + M_bar, whatever M has become: so by induction."""
    rule, rnn = smallest(kind, cell.rule(rank=rank, current=current))
    data, net = stream(rnn, 3), Net.of(rnn)
    steps, *_ = run(net, data.X, data.Y, some_state(rnn, 1))
    learner = ax.make_learner(rule, rnn, seed=2)
    M = np.zeros_like(steps[0].M_bar)
    for s in steps:
        before, gradient, influence = learner.state(), 0.0, 0.0
        count = 2.0**learner.n_noise
        for signs in all_signs(learner.n_noise):
            learner.load_state(before)
            take(learner, s, signs)
            gradient, influence = (
                gradient + learner.gradient() / count,
                influence + learner.influence() / count,
            )
        ((expected, exact),) = rtrl([s], M)
        assert_close(influence, exact, 1e-12 if cell.solution == "closed-form" else 1e-9)
        assert_close(gradient, net.weights * expected, 1e-12 if cell.solution == "closed-form" else 1e-9)
        learner.load_state(before)
        take(learner, s)
        M = learner.influence()


def smallest(kind: str, rule: ax.Rule) -> tuple[ax.Rule, ax.Cell]:
    """The largest network with few enough signs a step."""
    for n, n_in in itertools.product((2, 1), (1, 0)):
        rnn = network(n=n, n_in=n_in, kind=kind, alpha=0.6)
        if rule.n_noise(rnn) <= 10:
            return rule, rnn
    return ax.compose(**{**rule.to_dict(), "rank": 1}), rnn


# -------------------------------------------------------------------------- hybrids, rules in Python


@every_kind
@given(data=st.data())
@settings(max_examples=10)
def test_hybrids_of_exact_rules_are_exact(kind: str, data: st.DataObject) -> None:
    rnn = data.draw(networks(kinds=[kind]))
    of, (mask, reset) = stream(rnn, 7), flags(7)
    whole = ax.rules.tbptt(window=8)
    W_rec, W_in, b = data.draw(st.permutations(["rtrl", "rtrl_lazy", whole]))
    given_ = {"mask": mask, "reset": reset, "initial_state": some_state(rnn, 2)}
    exact, *found = (
        ax.gradients(rnn, rule, of.X, of.Y, **given_).recurrent
        for rule in (
            "rtrl",
            ax.by_block(W_rec=W_rec, W_in=W_in, b=b),
            ax.by_block({"0:1": W_in, "1:": b}),
            ax.mix([W_rec, ax.by_block({"0:1": b, "1:": W_in})], [0.3, 0.7]),
        )
    )
    for gradient in found:
        assert_close(gradient, exact, 1e-12)


@over_networks()
def test_by_block_is_each_rule_on_its_columns(kind: str, cell: ax.TableCell) -> None:
    """Of rules that draw nothing; and all others run, with the weights that exist alone."""
    rnn, rule = network_for(cell, kind=kind), rule_of(cell)
    of, (mask, reset) = stream(rnn, 8), flags(8)
    state = 1 if kind in ELEMENT_WISE else 4

    def gradient(rule: object) -> Array:
        return ax.gradients(rnn, rule, of.X, of.Y, mask=mask, reset=reset).recurrent

    found, exact = gradient(ax.by_block(W_rec=rule, W_in="rtrl", b=rule)), gradient("rtrl")
    assert not found[:, ~Net.of(rnn).weights].any()
    assert np.isfinite(found).all()
    assert_close(found[:, :, state : state + 2], exact[:, :, state : state + 2], 1e-12)
    if cell.randomness == "deterministic" and not cell.ranked:
        alone = gradient(rule)
        assert_close(found[:, :, :state], alone[:, :, :state], 1e-12)
        assert_close(found[:, :, -1], alone[:, :, -1], 1e-12)
        mixed = gradient(ax.mix([rule, "rtrl"], [0.25, 0.75]))
        assert_close(mixed, 0.25 * alone + 0.75 * exact, 1e-12)


@every_kind
def test_a_rule_in_python_sees_the_cell(kind: str) -> None:
    """RTRL from what it is shown; its shapes; and what it adds where no weight is, does not count."""
    seen = []

    class Exact(ax.Learner):
        """RTRL, and ones where no weight is."""

        facing, tensor, randomness, solution = "past", "kij", "deterministic", "closed-form"
        solver, title, bias = "python-rtrl", "RTRL in Python", "none"
        memory, time = ax.Order(3), ax.Order(4)
        carries = ("M",)

        def reset(self, state: Array) -> None:
            self.M = np.zeros((self.shape.S, self.shape.R, self.shape.m))

        def step(self, step: ax.Step) -> Array:
            seen.append(step)
            self.M = np.einsum("kl,lij->kij", step.J, self.M) + step.M_bar
            return np.einsum("k,kij->ij", step.q, self.M) + ~self.shape.weights

    rnn = network(kind=kind)
    of, (mask, reset), s0 = stream(rnn, 9), flags(9), some_state(rnn, 3)
    given_ = {"initial_state": s0, "mask": mask, "reset": reset}
    with ax.registered(Exact):
        rule = ax.compose("past", "kij", "deterministic", "closed-form", solver="python-rtrl")
        found = ax.gradients(rnn, rule, of.X, of.Y, **given_).recurrent
        assert_close(found, ax.gradients(rnn, "rtrl", of.X, of.Y, **given_).recurrent, 1e-12)
        steps, *_ = run(Net.of(rnn), of.X, of.Y, s0, reset, mask)
        for step, expected in zip(seen, steps, strict=True):
            for name in ("J", "D", "a_hat", "q", "leak", "state"):
                assert_close(getattr(step, name), getattr(expected, name), 1e-13)
            np.testing.assert_array_equal(step.M_bar, step.D[:, :, None] * step.a_hat)
        one, other = (ax.Trainer(rnn.copy(), r, ax.Adam(0.02)) for r in (rule, "rtrl"))
        assert_close(one.run(of.X, of.Y).loss, other.run(of.X, of.Y).loss, 1e-11)
        assert not one.rnn.W[~rnn.shape.weights].any()

"""Hybrids: convex combinations of rules, and rules for blocks of columns."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import axonomy as ax
from drawing import (
    BY_HAND,
    CELLS,
    COUPLED,
    assert_close,
    assert_same_state,
    drive,
    every_cell,
    flags,
    network,
    network_for,
    networks,
    over,
    rule_of,
    rules,
    shape_of,
    stream,
    take,
)
from numpy_rules import all_signs, random_steps, rtrl

EXACT = [cell for cell in CELLS if cell.bias == "none" and cell.randomness == "deterministic"]
WHOLE = ax.rules.tbptt(window=9)  # longer than the streams here
BLOCKS = ("W_rec", "W_in", "b")


def gradient(rnn: ax.LeakyRNN, rule: object, T: int = 8, **given: object) -> np.ndarray:
    data = stream(rnn, T)
    mask, reset = flags(T)
    return ax.gradients(rnn, rule, data.X, data.Y, mask=mask, reset=reset, **given).recurrent


# ------------------------------------------------------------------------------------------- mix


@every_cell
def test_mix_of_one_is_the_one(cell: ax.TableCell) -> None:
    rnn, rule = network_for(cell), rule_of(cell)
    np.testing.assert_array_equal(gradient(rnn, ax.mix([rule], [1.0]), seed=3), gradient(rnn, rule, seed=3))


@over(BY_HAND)
def test_mix_holds_what_the_one_holds(cell: ax.TableCell) -> None:
    steps = random_steps(np.random.default_rng(0), n=3, m=5, T=6, p=2, g=2, n_out=2)
    alone, mixed = (
        drive(ax.make_learner(rule, shape_of(steps, 3, rule), seed=1), steps)
        for rule in (rule_of(cell), ax.mix([rule_of(cell)], [1.0]))
    )
    for one, other in zip(alone, mixed, strict=True):
        np.testing.assert_array_equal(one, other)


@every_cell
@pytest.mark.parametrize("partner", ["uoro", "kernl", ax.rules.f_bptt(window=3)], ids=str)
def test_mix_is_the_weighted_sum(cell: ax.TableCell, partner: object) -> None:
    """Past and future alike, each on its own part of the noise."""
    rnn, one, other = network_for(cell), rule_of(cell), ax.as_rule(partner)
    rng = np.random.default_rng(0)
    noise = [rng.choice([-1.0, 1.0], size=(8, rule.n_noise(rnn))) for rule in (one, other)]
    parts = [
        gradient(rnn, rule, noise=signs if signs.size else None)
        for rule, signs in zip((one, other), noise, strict=True)
    ]
    both = np.hstack(noise)
    mixed = ax.mix([one, other], [0.3, 0.7])
    assert mixed.n_noise(rnn) == both.shape[1]
    found = gradient(rnn, mixed, noise=both if both.size else None)
    assert_close(found, 0.3 * parts[0] + 0.7 * parts[1], 1e-13)


@pytest.mark.parametrize("names", [("uoro", "kf_rtrl"), ("rtrl", "r_kf_rtrl")])
def test_mix_of_unbiased_is_unbiased(names: tuple) -> None:
    steps = random_steps(np.random.default_rng(5), n=2, m=2, T=2)
    learner = ax.make_learner(ax.mix(names, [0.25, 0.75]), shape_of(steps, 2))
    k = learner.n_noise
    mean_gradient, mean_influence = 0.0, 0.0
    for signs in all_signs(2 * k):
        learner.reset()
        for s, noise in zip(steps, signs.reshape(2, k), strict=True):
            take(learner, s, noise)
        mean_gradient += learner.gradient() / 2.0 ** (2 * k)
        mean_influence += learner.influence() / 2.0 ** (2 * k)
    *_, (exact, M) = rtrl(steps)
    assert_close(mean_gradient, exact, 1e-12)
    assert_close(mean_influence, M, 1e-12)


@given(rnn=networks(), weight=st.floats(0, 1))
def test_each_pair_of_loss_and_weights_counts_once(rnn: ax.LeakyRNN, weight: float) -> None:
    """Of a past- and a future-facing exact rule, over the whole of a sequence."""
    T = 5
    data = stream(rnn, 2 * T)
    mask = np.arange(2 * T) < T  # the late gradients come when there is nothing more to lose
    rule = ax.mix(["rtrl", ax.rules.f_bptt(window=T + 1)], [weight, 1 - weight])
    total, exact = (ax.gradients(rnn, r, data.X, data.Y, mask=mask).recurrent.sum(0) for r in (rule, "rtrl"))
    assert_close(total, exact, 1e-12)


def test_influence_and_credit_of_a_mix() -> None:
    steps = random_steps(np.random.default_rng(6), n=3, m=4, T=3)
    M = [drive(ax.make_learner(name, shape_of(steps, 3)), steps)[1] for name in ("rtrl", "rflo")]
    mixed = ax.make_learner(ax.mix(["rtrl", "rflo"], [0.4, 0.6]), shape_of(steps, 3))
    assert_close(drive(mixed, steps)[1], 0.4 * M[0] + 0.6 * M[1], 1e-13)
    assert mixed.credit() is None
    of_both = ax.make_learner(ax.mix(["rtrl", "dni"]), shape_of(steps, 3))
    assert of_both.influence() is None
    assert of_both.credit() is None
    assert ax.make_learner(ax.mix(["dni", "dni_b"]), shape_of(steps, 3)).credit().shape == (3,)


def test_noise_of_both_kinds() -> None:
    rnn, mixed = network(), ax.mix(["uoro", "kernl"])
    learner = ax.make_learner(mixed, rnn)
    assert learner.noise_kind == "mixed"
    assert ax.make_learner(ax.mix(["uoro", "rtrl"]), rnn).noise_kind == "signs"
    assert ax.make_learner(ax.mix(["rflo", "rtrl"]), rnn).noise_kind is None
    assert (gradient(rnn, mixed, seed=1) == gradient(rnn, mixed, seed=1)).all()
    assert (gradient(rnn, mixed, seed=1) != gradient(rnn, mixed, seed=2)).any()


# -------------------------------------------------------------------------------------- by block


@over(EXACT)
@given(rnn=networks(), seed=st.integers(0, 99))
def test_by_block_of_exact_rules_is_rtrl(cell: ax.TableCell, rnn: ax.LeakyRNN, seed: int) -> None:
    exact = gradient(rnn, "rtrl")
    order = np.random.default_rng(seed).permutation([cell.rule(), ax.rules.rtrl(), WHOLE])
    assert_close(gradient(rnn, ax.by_block(dict(zip(BLOCKS, order, strict=True)))), exact, 1e-12)


@pytest.mark.parametrize(
    "rule", ["rtrl", "rtrl_lazy", "rflo", "snap", WHOLE, ax.rules.e_bptt(window=3)], ids=str
)
def test_blocks_of_one_rule_are_the_rule(rule: object) -> None:
    """Where columns do not meet."""
    rnn = network(n=4)
    whole, cut = (gradient(rnn, r) for r in (rule, ax.by_block({"0:1": rule, "1:4": rule, "4:": rule})))
    assert_close(cut, whole, 1e-13)


def test_each_block_has_its_own_rule() -> None:
    rnn = network(n=4, n_in=2)
    rule = ax.by_block(W_rec="rflo", W_in="rtrl", b=ax.rules.snap())
    found = gradient(rnn, rule)
    assert_close(found[:, :, :4], gradient(rnn, "rflo")[:, :, :4], 1e-13)
    assert_close(found[:, :, 4:6], gradient(rnn, "rtrl")[:, :, 4:6], 1e-13)
    assert_close(found[:, :, 6:], gradient(rnn, "snap")[:, :, 6:], 1e-13)


def test_influence_of_blocks() -> None:
    steps = random_steps(np.random.default_rng(7), n=3, m=5, T=4, p=2, g=2)
    learner = ax.make_learner(ax.by_block({"0:2": "rtrl", "2:": "rflo"}), shape_of(steps, 3))
    _, M = drive(learner, steps)
    _, exact = drive(ax.make_learner("rtrl", shape_of(steps, 3)), steps)
    _, local = drive(ax.make_learner("rflo", shape_of(steps, 3)), steps)
    assert_close(M[..., :2], exact[..., :2], 1e-13)
    assert_close(M[..., 2:], local[..., 2:], 1e-13)


@every_cell
def test_every_cell_in_a_block(cell: ax.TableCell) -> None:
    rule = ax.by_block(W_rec=rule_of(cell), W_in="rtrl", b="rtrl")
    found = gradient(network_for(rule), rule, seed=2)
    assert np.isfinite(found).all()
    assert_close(found[:, :, 4:], gradient(network_for(rule), "rtrl")[:, :, 4:], 1e-13)


def test_a_network_without_inputs() -> None:
    rnn = ax.LeakyRNN.random(n_in=0, n_hidden=3, n_out=2)
    rule = ax.by_block(W_rec="rtrl", W_in="uoro", b="rtrl")
    X, Y = np.zeros((4, 0)), np.eye(2)[[0, 1, 0, 1]]
    assert_close(ax.gradients(rnn, rule, X, Y).recurrent, ax.gradients(rnn, "rtrl", X, Y).recurrent, 1e-13)


# ---------------------------------------------------------------------------- training and resuming

HYBRIDS = [
    ax.mix(["rtrl_lazy", ax.rules.f_bptt(window=3), "uoro"], [0.5, 0.25, 0.25]),
    ax.mix(["kernl", ax.rules.node_perturbation(window=3), "dni_b"]),
    ax.by_block(W_rec=ax.rules.kf_rtrl(rank=2), W_in="rtrl_lazy", b="rflo"),
    ax.by_block({"0:3": ax.mix(["dni", "rtrl"]), "3:": ax.by_block({"0:2": "ok", "2:": "e_bptt"})}),
    ax.windowed("kf_rtrl", 2, 0.5, 2),
    ax.windowed(ax.mix([ax.rules.uoro(noise="normal"), ax.windowed("rflo", 1)]), 2, 0.5, 1),
]
every_hybrid = pytest.mark.parametrize("rule", HYBRIDS, ids=lambda rule: rule.name)


@every_hybrid
@pytest.mark.parametrize("update_every", [1, 3])
def test_resumes_at_every_step(rule: ax.Rule, update_every: int) -> None:
    T = 9
    mask, reset = flags(T)

    def made() -> tuple:
        rnn = network(state_noise=0.1)
        return ax.Trainer(rnn, rule, ax.SGD(0.05), seed=5, update_every=update_every), stream(rnn, T)

    whole, data = made()
    losses = whole.run(data.X, data.Y, mask, reset).loss
    for at in range(T + 1):
        first, _ = made()
        first.run(data.X[:at], data.Y[:at], mask[:at], reset[:at])
        second, _ = made()
        second.load_state(first.state())
        rest = second.run(data.X[at:], data.Y[at:], mask[at:], reset[at:]).loss
        np.testing.assert_array_equal(rest, losses[at:])
        assert_same_state(second, whole)


@every_hybrid
def test_saved_and_loaded(tmp_path: object, rule: ax.Rule) -> None:
    rnn = network()
    trainer, data = ax.Trainer(rnn, rule, ax.Adam(0.01), seed=5), stream(rnn, 6)
    trainer.run(data.X, data.Y)
    trainer.save(tmp_path / "a.npz")
    again = ax.Trainer.load(tmp_path / "a.npz")
    assert again.rule == rule
    assert_same_state(again, trainer)


@over(cell for cell in CELLS if cell.randomness == "deterministic")
@pytest.mark.parametrize("optimiser", [ax.SGD(0.05), ax.Momentum(0.05)], ids=lambda o: type(o).__name__)
@pytest.mark.parametrize("update_every", [1, 3])
def test_training_with_a_mix_of_the_same(cell: ax.TableCell, optimiser: object, update_every: int) -> None:
    mask, reset = flags(12)
    trained = []
    for rule in (rule_of(cell), ax.mix([rule_of(cell), rule_of(cell)], [0.25, 0.75])):
        rnn = network_for(cell)
        data = stream(rnn, 12)
        ax.Trainer(rnn, rule, optimiser, update_every=update_every).run(data.X, data.Y, mask, reset)
        trained.append(rnn.W)
    assert_close(trained[1], trained[0], 1e-11)


@every_hybrid
def test_nothing_of_the_old_weights_is_missed(rule: ax.Rule) -> None:
    """A step in place is the step from a buffer: every part has read W before it changes."""
    rnn = network()
    data = stream(rnn, 5)
    trainer = ax.Trainer(rnn, rule, ax.SGD(0.0), seed=8)
    trainer.run(data.X, data.Y)
    state = trainer.state()
    results = []
    for optimiser in (ax.SGD(0.1), ax.Momentum(0.1, momentum=0.0)):  # in place, and from a buffer
        other = ax.Trainer(network(), rule, optimiser, seed=8)
        other.load_state({name: state.get(name, value) for name, value in other.state().items()})
        other.learn_one(data.X[0], data.Y[0])
        results.append(other.rnn.W)
    assert_close(results[0], results[1], 1e-14)
    assert (results[0] != rnn.W).any()


@given(rule=rules(), rnn=networks(kinds=COUPLED), at=st.integers(0, 6), every=st.integers(1, 3))
def test_any_rule_resumes(rule: ax.Rule, rnn: ax.LeakyRNN, at: int, every: int) -> None:
    if rule.needs_mask:
        rnn = network_for(rule, rnn.shape.n, kind=rnn.kind)
    data, (mask, reset) = stream(rnn, 6), flags(6)

    def made() -> ax.Trainer:
        return ax.Trainer(rnn.copy(), rule, ax.SGD(1e-3), seed=1, update_every=every)

    whole, first, second = made(), made(), made()
    whole.run(data.X, data.Y, mask, reset)
    first.run(data.X[:at], data.Y[:at], mask[:at], reset[:at])
    second.load_state(first.state())
    second.run(data.X[at:], data.Y[at:], mask[at:], reset[at:])
    assert_same_state(second, whole)


# ---------------------------------------------------------------------------------------- values


@given(rule=rules())
def test_values(rule: ax.Rule) -> None:
    for again in (ax.Rule.from_toml(rule.to_toml()), pickle.loads(pickle.dumps(rule))):
        assert again == rule
        assert hash(again) == hash(rule)
    mixed = ax.mix([rule, "rtrl"], [0.5, 0.5])
    assert mixed != rule
    assert rule.name in mixed.name
    assert set(rule.references) <= set(mixed.references)
    assert all(key in mixed.citation() for key in rule.references)


def test_axes_of_the_whole() -> None:
    assert ax.mix(["rtrl", "f_bptt"]).facing == "both"
    assert ax.mix(["rtrl", "output_only"]).facing == "past"
    assert ax.mix(["rtrl", "uoro"]).randomness == "stochastic"
    assert ax.mix(["rtrl", "rflo"]).randomness == "deterministic"
    assert ax.mix(["rtrl", "dni"]).solution == "numerical"
    assert ax.by_block(W_rec="rtrl", W_in="rtrl", b="rtrl").tensor == "kij"
    assert ax.mix(["uoro", "kf_rtrl"]).tensor == "mix"
    assert ax.by_block({"0:1": "uoro", "1:": "rtrl"}).tensor == "by block"


def test_lags() -> None:
    late, early = ax.rules.f_bptt(window=4), ax.rules.rtrl()
    assert ax.mix([late, ax.rules.node_perturbation(window=4)]).lag == 3
    assert ax.mix([late, early]).lag is None
    assert ax.mix([ax.rules.e_bptt(window=4), early]).period is None
    assert ax.by_block({"0:2": early, "2:": "rflo"}).period == 1


def test_printing() -> None:
    rule = ax.mix([ax.by_block(W_rec="uoro", W_in="rtrl", b="rtrl"), "dni"], [0.25, 0.75])
    assert rule.name == "0.25 (W_rec UORO, W_in RTRL, b RTRL) + 0.75 DNI"
    assert str(rule).startswith("mix of 0.25: by block: W_rec: past, k|ij, stochastic, closed-form (")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([],), r"rules: expected at least one rule, in a sequence, got \[\]"),
        (("rtrl",), r"rules: expected at least one rule, in a sequence, got 'rtrl'"),
        ((["rtrl"], [0.5]), r"weights: expected numbers with sum 1, got sum 0.5"),
        ((["rtrl", "uoro"], [1.5, -0.5]), r"weights: expected a finite real number at least 0, got -0.5"),
        ((["rtrl", "uoro"], [1.0]), r"weights: expected a real array of shape \(2,\) \(one a rule\)"),
        ((["rtrl", "nothing"],), r"rule: expected one of .*, got 'nothing'"),
    ],
)
def test_bad_mixes(arguments: tuple, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ax.mix(*arguments)


@pytest.mark.parametrize(
    ("blocks", "message"),
    [
        ({}, r"by_block: expected at least one block, got none"),
        ({"W": "rtrl"}, r"by_block: expected blocks named W_rec, W_in, b or 'start:stop', got 'W'"),
        ({"3:1": "rtrl"}, r"by_block: expected blocks named .* got '3:1'"),
        (
            {"W_rec": "rtrl", "b": "rtrl"},
            r"by_block: expected one rule for each column of W, but 4 has no rule",
        ),
        ({"0:3": "rtrl", "2:": "rtrl"}, r"by_block: expected one rule for each column of W, but 2 has two"),
        ({"0:5": "rtrl"}, r"by_block: expected blocks that cover the 7 columns of W, got 5 columns"),
        ({"0:8": "rtrl"}, r"by_block: expected columns up to 7, got '0:8'"),
    ],
)
def test_bad_blocks(blocks: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ax.make_learner(ax.by_block(blocks), network())


def test_a_block_twice() -> None:
    with pytest.raises(ValueError, match=r"by_block: expected one rule for 'b', got two"):
        ax.by_block({"b": "rtrl"}, b="uoro")


@pytest.mark.parametrize(
    "data",
    [
        {"mix": 3},
        {"mix": [{"weight": 1.0}]},
        {"mix": [3]},
        {"mix": [], "more": 1},
        {"by_block": 3},
        {"by_block": {"b": 3}},
        {"by_block": {}, "mix": []},
    ],
)
def test_bad_dicts(data: dict) -> None:
    with pytest.raises(ValueError, match=r"rule|mix|by_block"):
        ax.Rule.from_dict(data)

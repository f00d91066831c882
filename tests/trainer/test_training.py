"""Whole runs: against the NumPy reference, in pieces, sample by sample, and of every rule and optimiser."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import axonomy as ax
import numpy_rules
from drawing import (
    OPTIMISERS,
    assert_close,
    assert_same_state,
    every_cell,
    every_optimiser,
    flags,
    network,
    network_for,
    networks,
    parameters,
    rule_of,
    some_state,
    stream,
)
from numpy_cells import Array, Net

T = 12
every_dtype = pytest.mark.parametrize("dtype", [np.float64, np.float32])

# ----------------------------------------------------------------------------- against the reference


def rate_of(lr: float | ax.ExponentialDecay | ax.InverseDecay) -> Callable[[int], float]:
    match lr:
        case ax.ExponentialDecay():
            return lambda t: lr.initial * lr.factor ** (t / lr.steps)
        case ax.InverseDecay():
            return lambda t: lr.initial / (1 + t / lr.steps) ** lr.power
    return lambda t: lr


def reference_of(optimiser: object) -> Callable[[int, int, Array], Array]:
    rate = rate_of(optimiser.lr)
    match optimiser:
        case ax.SGD():
            return numpy_rules.sgd(rate)
        case ax.Momentum():
            return numpy_rules.momentum(rate, optimiser.momentum)
        case ax.RMSProp():
            return numpy_rules.rmsprop(rate, optimiser.decay, optimiser.eps)
        case ax.Adam():
            return numpy_rules.adam(rate, optimiser.beta1, optimiser.beta2, optimiser.eps)
    raise AssertionError(f"no reference for {optimiser}")


@st.composite
def optimisers(draw: st.DrawFn) -> object:
    initial = draw(st.floats(1e-4, 0.02))
    lr = draw(
        st.just(initial)
        | st.builds(ax.ExponentialDecay, st.just(initial), st.floats(0.1, 1), st.floats(0.5, 10))
        | st.builds(ax.InverseDecay, st.just(initial), st.floats(0.5, 10), st.floats(0, 2))
    )
    shared = {
        "clip": draw(st.none() | st.floats(0.01, 3)),
        "l2": draw(st.just(0.0) | st.floats(1e-4, 0.5)),
    }
    # A small eps would blow up the rounding of gradients that are nearly zero.
    eps = draw(st.sampled_from([1e-4, 1e-2]))
    part = st.floats(0, 0.99)
    kind = draw(st.sampled_from([ax.SGD, ax.Momentum, ax.RMSProp, ax.Adam]))
    match kind:
        case ax.Momentum:
            own = {"momentum": draw(part)}
        case ax.RMSProp:
            own = {"decay": draw(part), "eps": eps}
        case ax.Adam:
            own = {"beta1": draw(part), "beta2": draw(part), "eps": eps}
        case _:
            own = {}
    return kind(lr, **shared, **own)


def compare_with_reference(rnn: ax.LeakyRNN, optimiser: object, **options: object) -> None:
    data, net, a0 = stream(rnn, T), Net.of(rnn), rnn.state
    update_every = options.pop("update_every", 1)
    trainer = ax.Trainer(rnn, "rtrl", optimiser, update_every=update_every)
    history = trainer.run(data.X, data.Y, **options)
    losses, a = numpy_rules.train(
        net, data.X, data.Y, reference_of(optimiser), a0=a0, update_every=update_every,
        clip=optimiser.clip, l2=optimiser.l2, **options,
    )  # fmt: skip
    W, V = parameters(rnn)
    assert_close(W, net.W, 1e-10)
    assert_close(V, net.V, 1e-10)
    assert_close(rnn.state, a, 1e-10)
    assert_close(history.loss, losses, 1e-10)


@given(
    rnn=networks(),
    optimiser=optimisers(),
    update_every=st.integers(1, 5),
    masked=st.booleans(),
    resets=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_trajectory(
    rnn: ax.LeakyRNN, optimiser: object, update_every: int, masked: bool, resets: bool, seed: int
) -> None:
    mask, reset = flags(T, seed)
    rnn.state = some_state(rnn, seed)
    compare_with_reference(
        rnn, optimiser, update_every=update_every, mask=mask if masked else None,
        reset=reset if resets else None,
    )  # fmt: skip


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"clip": 0.1},
        {"l2": 0.3},
        {"clip": 0.1, "l2": 0.3},
        {"lr": ax.ExponentialDecay(0.05, 0.5, 4)},
        {"lr": ax.InverseDecay(0.05, 3, 0.7)},
    ],
    ids=str,
)
@pytest.mark.parametrize("update_every", [1, 5])
@every_optimiser
def test_trajectory_of_each_setting(
    optimiser: object, settings: dict[str, object], update_every: int
) -> None:
    """Each setting by itself, at the optimiser's own defaults otherwise; 5 does not divide T."""
    optimiser = type(optimiser)(**{"lr": 0.02, **settings})
    compare_with_reference(network(seed=3), optimiser, update_every=update_every)


def test_clip_bounds_the_step() -> None:
    rnn = network(loss="mse")
    data, before = stream(rnn, 1), parameters(rnn)
    ax.Trainer(rnn, "rtrl", ax.SGD(1.0, clip=0.01)).run(data.X, data.Y)
    moved = [after - b for after, b in zip(parameters(rnn), before, strict=True)]
    assert np.sqrt(sum((d**2).sum() for d in moved)) == pytest.approx(0.01)


# ------------------------------------------------------------------------------- forms of targets


def made(
    rule: object = "rtrl", optimiser: object = OPTIMISERS[0], **options: object
) -> tuple[ax.Trainer, object]:
    rnn = network_for(rule, **options)
    return ax.Trainer(rnn, rule, optimiser, seed=5), stream(rnn, T)


def test_class_indices_are_one_hot_targets() -> None:
    indices = np.random.default_rng(0).integers(0, 3, size=T)
    (one, data), (other, _) = made(), made()
    first = one.run(data.X, indices)
    second = other.run(data.X, np.eye(3)[indices])
    np.testing.assert_array_equal(first.loss, second.loss)
    assert_same_state(one, other)
    single, _ = made()
    losses = [single.learn_one(x, i) for x, i in zip(data.X, indices, strict=True)]
    np.testing.assert_array_equal(losses, first.loss)
    assert_same_state(single, one)


@pytest.mark.parametrize("loss", ["cross_entropy", "binary_cross_entropy", "mse"])
def test_masked_targets_may_be_anything(loss: str) -> None:
    mask, reset = flags(T)
    (one, data), (other, _) = made(loss=loss), made(loss=loss)
    unknown = np.where(mask[:, None], data.Y, np.nan)
    one.run(data.X, data.Y, mask, reset)
    history = other.run(data.X, unknown, mask, reset)
    np.testing.assert_array_equal(np.isnan(history.loss), ~mask)
    assert_same_state(one, other)


def test_masked_class_indices_may_be_out_of_range() -> None:
    mask, _ = flags(T)
    indices = np.random.default_rng(0).integers(0, 3, size=T)
    (one, data), (other, _) = made(), made()
    one.run(data.X, indices, mask)
    other.run(data.X, np.where(mask, indices, -1), mask)
    assert_same_state(one, other)


def test_nothing_is_learned_without_targets() -> None:
    trainer, data = made()
    before, activity = parameters(trainer.rnn), trainer.rnn.forward(data.X).activity
    history = trainer.run(data.X, data.Y, mask=np.zeros(T, bool))
    assert np.isnan(history.loss).all()
    for after, b in zip(parameters(trainer.rnn), before, strict=True):
        np.testing.assert_array_equal(after, b)
    np.testing.assert_array_equal(trainer.rnn.state, activity[-1])


def test_an_empty_run_is_nothing() -> None:
    (trainer, data), (untouched, _) = made(), made()
    history = trainer.run(data.X[:0], data.Y[:0])
    assert history.loss.shape == (0,)
    assert_same_state(trainer, untouched)


@pytest.mark.parametrize("n", [5, 16])
@pytest.mark.parametrize("update_every", [1, 5])
@pytest.mark.parametrize("dtype, tolerance", [(np.float64, 1e-12), (np.float32, 1e-4)])
def test_lazy_rtrl_is_rtrl_over_thousands_of_updates(
    n: int, update_every: int, dtype: type, tolerance: float
) -> None:
    """Online, the weights changing under both, with masks and resets."""
    steps = 4000
    mask, reset = flags(steps)
    trained = []
    for rule in (ax.rules.rtrl(), ax.rules.rtrl_lazy(), ax.rules.rtrl_lazy(latency="even")):
        rnn = network(n=n, dtype=dtype)
        data = stream(rnn, steps)
        loss = (
            ax.Trainer(rnn, rule, ax.SGD(0.01), update_every=update_every)
            .run(data.X, data.Y, mask, reset)
            .loss
        )
        trained.append((loss[mask], rnn.W))
    exact, *others = trained
    for lazy in others:
        for found, expected in zip(lazy, exact, strict=True):
            assert_close(found, expected, tolerance)


# -------------------------------------------------------------------------------- sample by sample


def rules_with_memory() -> list[ax.Rule]:
    """Whose blocks and windows end within a run."""
    return [
        ax.rules.rtrl_lazy(block=3),
        ax.rules.rtrl_lazy(block=3, latency="even"),
        ax.rules.tbptt(window=3),
    ]


def compare_in_pieces(rule: object, optimiser: object, dtype: type, update_every: int) -> None:
    def trainer() -> ax.Trainer:
        rnn = network_for(rule, dtype=dtype, state_noise=0.01)
        return ax.Trainer(rnn, rule, optimiser, seed=5, update_every=update_every)

    whole, halves, unreset, single = (trainer() for _ in range(4))
    data = stream(whole.rnn, T)
    mask, reset = flags(T)
    history = whole.run(data.X, data.Y, mask, reset)
    assert history.loss.dtype == dtype
    parts = [
        halves.run(data.X[part], data.Y[part], mask[part], reset[part]).loss
        for part in (slice(0, 5), slice(5, T))
    ]
    np.testing.assert_array_equal(np.concatenate(parts), history.loss)
    assert_same_state(halves, whole)

    losses = [single.learn_one(data.X[t], data.Y[t] if mask[t] else None) for t in range(T)]
    np.testing.assert_array_equal(losses, unreset.run(data.X, data.Y, mask).loss)
    assert_same_state(single, unreset)
    assert whole.step_count == halves.step_count == single.step_count == T


@every_cell
@every_optimiser
def test_in_pieces_as_at_once(cell: ax.TableCell, optimiser: object) -> None:
    compare_in_pieces(rule_of(cell), optimiser, np.float64, update_every=1)


@every_cell
@pytest.mark.parametrize("update_every", [1, 3])
@every_dtype
def test_in_pieces_of_several_steps(cell: ax.TableCell, update_every: int, dtype: type) -> None:
    compare_in_pieces(rule_of(cell), ax.Momentum(0.01, clip=1.0, l2=0.1), dtype, update_every)


@pytest.mark.parametrize("rule", rules_with_memory(), ids=str)
@pytest.mark.parametrize("update_every", [1, 3])
def test_in_pieces_across_blocks(rule: ax.Rule, update_every: int) -> None:
    compare_in_pieces(rule, OPTIMISERS[0], np.float64, update_every)


@every_cell
@every_optimiser
def test_reset_by_hand_as_in_a_run(cell: ax.TableCell, optimiser: object) -> None:
    (one, data), (other, _) = made(rule_of(cell), optimiser), made(rule_of(cell), optimiser)
    _, reset = flags(T)
    assert reset.sum() >= 2
    history = one.run(data.X, data.Y, reset=reset)
    for t in range(T):
        if reset[t]:
            other.reset()
        assert other.learn_one(data.X[t], data.Y[t]) == history.loss[t]
    assert_same_state(other, one)


def test_without_a_target_the_loss_is_nan() -> None:
    trainer, data = made()
    before = parameters(trainer.rnn)
    assert np.isnan(trainer.learn_one(data.X[0]))
    np.testing.assert_array_equal(parameters(trainer.rnn)[0], before[0])
    assert trainer.rnn.state.any()
    assert trainer.step_count == 1


def test_predict_one_is_forward() -> None:
    trainer, data = made()
    trainer.run(data.X, data.Y)
    W, W_out = parameters(trainer.rnn)
    forward = trainer.rnn.forward(data.X)
    for t, x in enumerate(data.X):
        np.testing.assert_array_equal(trainer.predict_one(x), forward.output[t])
        np.testing.assert_array_equal(trainer.rnn.state, forward.state[t])
    np.testing.assert_array_equal(trainer.rnn.W, W)
    np.testing.assert_array_equal(parameters(trainer.rnn)[1], W_out)
    assert trainer.step_count == T


# ------------------------------------------------------------------------ every rule and optimiser


@every_cell
@every_optimiser
@every_dtype
def test_every_rule_trains(cell: ax.TableCell, optimiser: object, dtype: type) -> None:
    rnn = network_for(cell, dtype=dtype)
    data, before = stream(rnn, T), parameters(rnn)
    trainer = ax.Trainer(rnn, rule_of(cell), optimiser)
    history = trainer.run(data.X, data.Y)
    assert history.loss.shape == (T,)
    assert history.loss.dtype == rnn.W.dtype == dtype
    assert rnn.state.shape == (rnn.shape.S,)
    assert rnn.W.shape == (rnn.shape.R, rnn.shape.m)
    assert trainer.history is history
    for after, b in zip(parameters(rnn), before, strict=True):
        assert np.isfinite(after).all()
        assert ((after != b) == (b != 0)).all()  # all weights that exist


@every_optimiser
def test_output_only_leaves_the_recurrent_weights(optimiser: object) -> None:
    rnn = network()
    data, (W, V) = stream(rnn, T), parameters(rnn)
    ax.Trainer(rnn, "output_only", optimiser).run(data.X, data.Y)
    np.testing.assert_array_equal(parameters(rnn)[0], W)
    assert (parameters(rnn)[1] != V).all()


@every_dtype
def test_training_lowers_the_loss(dtype: type) -> None:
    rnn = network(dtype=dtype, n=8)
    data = stream(rnn, 20)
    trainer = ax.Trainer(rnn, "rtrl", ax.Adam(0.01))
    first, *_, last = (trainer.run(data.X, data.Y).loss.mean() for _ in range(60))
    assert last < first - 0.05


def test_initial_influence_is_taken() -> None:
    M = np.random.default_rng(0).normal(size=(4, 4, 7))
    rnn = network()
    data = stream(rnn, 1)
    grads = ax.gradients(rnn, "rtrl", data.X, data.Y, initial={"influence": M})
    W = rnn.W
    ax.Trainer(rnn, "rtrl", ax.SGD(0.1), initial={"influence": M}).run(data.X, data.Y)
    assert_close(rnn.W, W - 0.1 * grads.recurrent[0], 1e-14)


def test_the_seed_decides() -> None:
    def weights(seed: int) -> Array:
        rnn = network()
        data = stream(rnn, T)
        ax.Trainer(rnn, "uoro", ax.SGD(0.1), seed=seed).run(data.X, data.Y)
        return rnn.W

    np.testing.assert_array_equal(weights(1), weights(1))
    assert (weights(1) != weights(2)).any()


@pytest.mark.parametrize("latency", ["block", "even"])
def test_reset_by_hand_is_reset_in_a_run(latency: str) -> None:
    """Also where gradients are kept back until the update."""
    rule, reset = ax.rules.rtrl_lazy(block=3, latency=latency), np.arange(12) == 4
    data = stream(network(), 12)
    one, other = (ax.Trainer(network(), rule, ax.SGD(0.1), update_every=3) for _ in range(2))
    one.run(data.X, data.Y, reset=reset)
    for t in range(12):
        if reset[t]:
            other.reset()
        other.learn_one(data.X[t], data.Y[t])
    assert_same_state(other, one)


@pytest.mark.parametrize("dtype, tolerance", [("float32", 2e-6), ("float64", 1e-13)])
@pytest.mark.parametrize("n", [*range(4, 33), 57, 58, 59])
def test_rtrl_takes_all_of_its_blocks_by_the_weights_of_the_step(
    n: int, dtype: str, tolerance: float
) -> None:
    """Also the last, of one or two columns, when the weights are changed by the blocks before it."""
    rng = np.random.default_rng(0)
    X, Y = rng.standard_normal((12, 2)).astype(dtype), rng.integers(0, 3, 12)
    found = []
    for optimiser in (ax.SGD(0.01), ax.SGD(0.01, clip=1e9)):  # in W at once, and by way of a gradient
        rnn = ax.LeakyRNN.random(2, n, 3, seed=1, dtype=dtype)
        trainer = ax.Trainer(rnn, "rtrl", optimiser)
        trainer.run(X, Y)
        found.append((rnn.W, trainer.state()["learner.influence"]))
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=tolerance)


def test_predictions_are_free_of_noise() -> None:
    rnn = network(state_noise=0.5)
    trainer = ax.Trainer(rnn, "rflo", ax.SGD(0.1))
    quiet = rnn.forward(np.ones((1, 2))).output[0]
    np.testing.assert_array_equal(trainer.predict_one(np.ones(2)), quiet)

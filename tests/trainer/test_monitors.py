"""What a run records on the way, and that recording changes nothing."""

from __future__ import annotations

import numpy as np
import pytest

import axonomy as ax
from drawing import (
    CELLS,
    OPTIMISERS,
    assert_close,
    assert_same_state,
    every_cell,
    every_optimiser,
    flags,
    network,
    network_for,
    rule_of,
    stream,
)
from numpy_cells import Array

T = 20
OF_EVERY_RUN = ("loss", "gradient_norm", "state_norm", "spectral_radius")


def made(
    rule: object = "rtrl", optimiser: object = OPTIMISERS[0], update_every: int = 1, **options: object
) -> ax.Trainer:
    return ax.Trainer(network_for(rule, **options), rule, optimiser, seed=4, update_every=update_every)


def run(trainer: ax.Trainer, *, masked: bool = False, **options: object) -> ax.History:
    data = stream(trainer.rnn, T)
    mask, reset = flags(T) if masked else (None, None)
    return trainer.run(data.X, data.Y, mask, reset, **options)


@pytest.mark.parametrize("every", [1, 3, 20, 21])
def test_steps(every: int) -> None:
    history = run(made(), monitors=OF_EVERY_RUN, monitor_every=every)
    expected = np.arange(every, T + 1, every)
    np.testing.assert_array_equal(history.monitor_steps, expected)
    assert list(history.monitors) == list(OF_EVERY_RUN)
    for values in history.monitors.values():
        assert values.shape == expected.shape
        assert values.dtype == np.float64


def test_steps_count_from_the_trainers_first() -> None:
    trainer = made()
    run(trainer)
    history = run(trainer, monitors=["loss"], monitor_every=8)
    np.testing.assert_array_equal(history.monitor_steps, [24, 32, 40])
    np.testing.assert_array_equal(history.monitors["loss"], history.loss[[3, 11, 19]])


def test_nothing_is_recorded_unless_asked() -> None:
    history = run(made())
    assert history.monitors == {}
    assert history.monitor_steps.shape == (0,)


def test_every_hundred_steps_by_default() -> None:
    trainer = made("output_only")
    data = stream(trainer.rnn, 250)
    history = trainer.run(data.X, data.Y, monitors=["loss"])
    np.testing.assert_array_equal(history.monitor_steps, [100, 200])


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_loss_is_the_loss(dtype: type) -> None:
    history = run(made(dtype=dtype), masked=True, monitors=["loss"], monitor_every=1)
    np.testing.assert_array_equal(history.monitors["loss"], history.loss)
    assert np.isnan(history.loss).any()


def test_state_norm_is_of_the_state_after_the_step() -> None:
    trainer, by_hand = made(), made()
    history = run(trainer, monitors=["state_norm"], monitor_every=1)
    data = stream(by_hand.rnn, T)
    norms = []
    for x, y in zip(data.X, data.Y, strict=True):
        by_hand.learn_one(x, y)
        norms.append(np.linalg.norm(by_hand.rnn.state))
    np.testing.assert_allclose(history.monitors["state_norm"], norms, rtol=1e-14)


@pytest.mark.parametrize("seed", range(5))
def test_spectral_radius_is_of_the_steps_jacobian(seed: int) -> None:
    """Of J as the learner saw it: before the weights change."""
    trainer, by_hand = (ax.Trainer(network(seed), "rflo", ax.SGD(0.1)) for _ in range(2))
    history = run(trainer, monitors=["spectral_radius"], monitor_every=1)
    data = stream(by_hand.rnn, T)
    radii = []
    for x, y in zip(data.X, data.Y, strict=True):
        radii.append(np.abs(np.linalg.eigvals(by_hand.rnn.linearise(x).J)).max())
        by_hand.learn_one(x, y)
    np.testing.assert_allclose(history.monitors["spectral_radius"], radii, rtol=1e-9)
    assert len(set(radii)) == T


def norms_by_hand(rule: object, **options: object) -> Array:
    """The gradient that a trainer at rest would see: the learning rate is zero."""
    trainer = made(rule, ax.SGD(0.0), **options)
    data = stream(trainer.rnn, T)
    grads = ax.gradients(trainer.rnn, rule, data.X, data.Y, seed=4)
    return np.sqrt((grads.recurrent**2).sum((1, 2)) + (grads.output**2).sum((1, 2)))


@every_cell
@pytest.mark.parametrize("optimiser", [ax.SGD(0.0), ax.Adam(0.0, clip=0.1, l2=0.3)], ids=str)
@pytest.mark.parametrize("update_every", [1, 4])
def test_gradient_norm(cell: ax.TableCell, optimiser: object, update_every: int) -> None:
    """Of this step's gradient over all parameters, before clipping, decay and summing."""
    rule = rule_of(cell)
    history = run(made(rule, optimiser, update_every), monitors=["gradient_norm"], monitor_every=1)
    assert_close(history.monitors["gradient_norm"], norms_by_hand(rule), 1e-12)


def test_gradient_norm_of_the_present_weights() -> None:
    """RTRL has no memory after a reset: the gradient of one step with the weights as they are."""
    trainer, by_hand = made(), made()
    data = stream(trainer.rnn, T)
    every = np.ones(T, bool)
    history = trainer.run(data.X, data.Y, reset=every, monitors=["gradient_norm"], monitor_every=1)
    norms = []
    for t in range(T):
        x, y = data.X[t : t + 1], data.Y[t : t + 1]
        grads = ax.gradients(by_hand.rnn, "rtrl", x, y, initial_state=np.zeros(4))
        norms.append(np.hypot(np.linalg.norm(grads.recurrent), np.linalg.norm(grads.output)))
        by_hand.run(x, y, reset=[True])
    np.testing.assert_allclose(history.monitors["gradient_norm"], norms, rtol=1e-12)


def test_no_gradient_without_a_target() -> None:
    history = run(made(), masked=True, monitors=["gradient_norm"], monitor_every=1)
    np.testing.assert_array_equal(np.isnan(history.monitors["gradient_norm"]), np.isnan(history.loss))


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell.name)
def test_the_rules_own(cell: ax.TableCell) -> None:
    trainer, by_hand = made(rule_of(cell)), made(rule_of(cell))
    own = tuple(trainer.diagnostics())
    assert trainer.monitor_names == (*OF_EVERY_RUN, *own)
    history = run(trainer, monitors=own, monitor_every=1)
    assert tuple(history.monitors) == own
    data = stream(by_hand.rnn, T)
    for t in range(T):
        by_hand.learn_one(data.X[t], data.Y[t])
        for name, value in by_hand.diagnostics().items():
            assert history.monitors[name][t] == value


def test_some_rule_has_its_own() -> None:
    assert any(made(rule_of(cell)).diagnostics() for cell in CELLS)


@every_cell
@every_optimiser
@pytest.mark.parametrize("update_every", [1, 3])
def test_recording_changes_nothing(cell: ax.TableCell, optimiser: object, update_every: int) -> None:
    options = {"state_noise": 0.1, "update_every": update_every}
    watched, plain = (made(rule_of(cell), optimiser, **options) for _ in range(2))
    names = watched.monitor_names
    first = run(watched, masked=True, monitors=names, monitor_every=1)
    second = run(plain, masked=True)
    np.testing.assert_array_equal(first.loss, second.loss)
    assert_same_state(watched, plain)


@pytest.mark.parametrize(
    ("monitors", "message"),
    [
        (["losses"], r"monitors: expected one of 'loss', 'gradient_norm', .*, got 'losses'"),
        (["loss", 3], r"monitors: expected one of .*, got 3"),
        ("loss", r"monitors: expected a sequence of names, got 'loss'"),
    ],
)
def test_names_that_are_none(monitors: object, message: str) -> None:
    trainer = made()
    with pytest.raises(ValueError, match=message):
        run(trainer, monitors=monitors)
    assert trainer.step_count == 0


@pytest.mark.parametrize("every", [0, -1, 2.5, None, True])
def test_paces_that_are_none(every: object) -> None:
    with pytest.raises(ValueError, match=r"monitor_every: expected a whole number at least 1, got"):
        run(made(), monitors=["loss"], monitor_every=every)

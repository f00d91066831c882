"""A run that is saved, loaded and continued is the run that never stopped, bit for bit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import axonomy as ax
from drawing import (
    BY_HAND,
    CELLS,
    OPTIMISERS,
    assert_close,
    assert_same_state,
    every_cell,
    every_kind,
    every_optimiser,
    flags,
    is_finite,
    network,
    network_for,
    over,
    over_networks,
    rule_of,
    stream,
    take,
)
from numpy_cells import Array, Net

T = 10


def made(
    rule: object, optimiser: object, dtype: type = np.float64, update_every: int = 1, **options: object
) -> ax.Trainer:
    feedback = np.random.default_rng(9).normal(size=(3, 4))
    rnn = network_for(rule, dtype=dtype, feedback=feedback, state_noise=0.1, **options)
    return ax.Trainer(rnn, rule, optimiser, seed=7, update_every=update_every)


def run(trainer: ax.Trainer, start: int, stop: int | None) -> Array:
    data = stream(trainer.rnn, T)
    mask, reset = flags(T)
    part = slice(start, stop)
    return trainer.run(data.X[part], data.Y[part], mask[part], reset[part]).loss


def assert_resumes(
    folder: Path, rule: object, optimiser: object, dtype: type, update_every: int, step: int
) -> None:
    whole = made(rule, optimiser, dtype, update_every)
    losses = run(whole, 0, None)

    stopped = made(rule, optimiser, dtype, update_every)
    run(stopped, 0, step)
    stopped.save(folder / "checkpoint.npz")
    resumed = ax.Trainer.load(folder / "checkpoint.npz")
    assert_same_state(resumed, stopped)
    for name in ("rule", "optimiser", "seed", "update_every", "step_count"):
        assert getattr(resumed, name) == getattr(stopped, name)
    for name in ("dtype", "shape", "alpha", "activation", "loss", "state_noise"):
        assert getattr(resumed.rnn, name) == getattr(stopped.rnn, name)
    np.testing.assert_array_equal(resumed.rnn.feedback, stopped.rnn.feedback)

    np.testing.assert_array_equal(run(resumed, step, None), losses[step:])
    assert_same_state(resumed, whole)


@every_cell
@every_optimiser
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_every_rule_and_optimiser(tmp_path: Path, cell: ax.TableCell, optimiser: object, dtype: type) -> None:
    assert_resumes(tmp_path, rule_of(cell), optimiser, dtype, update_every=1, step=5)


@every_cell
@pytest.mark.parametrize("step", range(T + 1))
def test_at_every_step(tmp_path: Path, cell: ax.TableCell, step: int) -> None:
    """Between two updates too: the sum of gradients so far is saved."""
    adam = ax.Adam(ax.InverseDecay(0.05, 2), clip=0.5, l2=0.1)
    assert_resumes(tmp_path, rule_of(cell), adam, np.float64, update_every=3, step=step)


@pytest.mark.parametrize("name", ax.rules.names())
def test_every_named_rule(tmp_path: Path, name: str) -> None:
    assert_resumes(tmp_path, name, OPTIMISERS[0], np.float64, update_every=1, step=4)


IN_PARTS = [
    *(ax.rules.rtrl_lazy(block=block, latency=way) for block in (2, 4) for way in ("block", "even")),
    ax.rules.tbptt(window=4),
    *(
        make(window=4, through=way)
        for make in (ax.rules.f_bptt, ax.rules.e_bptt)
        for way in ("time", "today")
    ),
    ax.rules.node_perturbation(window=4),
]


@pytest.mark.parametrize("rule", IN_PARTS, ids=str)
@pytest.mark.parametrize("step", range(T + 1))
def test_within_blocks_and_windows(tmp_path: Path, rule: ax.Rule, step: int) -> None:
    for update_every in (1, 3):
        assert_resumes(tmp_path, rule, OPTIMISERS[3], np.float32, update_every, step)


@pytest.mark.parametrize("loss", ["binary_cross_entropy", "mse"])
def test_settings_of_the_network(tmp_path: Path, loss: str) -> None:
    trainer = made("uoro", OPTIMISERS[2], activation="softplus", alpha=0.3, loss=loss)
    trainer.save(tmp_path / "a.npz")
    assert ax.Trainer.load(tmp_path / "a.npz").rnn.settings() == trainer.rnn.settings()


def test_without_feedback(tmp_path: Path) -> None:
    ax.Trainer(network(), "rflo", ax.SGD(0.1)).save(tmp_path / "a.npz")
    assert ax.Trainer.load(tmp_path / "a.npz").rnn.feedback is None


def test_the_name_of_the_file_is_what_was_said(tmp_path: Path) -> None:
    trainer = made("rtrl", OPTIMISERS[0])
    for path in (tmp_path / "plain", str(tmp_path / "text.ckpt")):
        trainer.save(path)
        assert_same_state(ax.Trainer.load(path), trainer)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["plain", "text.ckpt"]


def test_the_loaded_trainer_is_apart(tmp_path: Path) -> None:
    trainer = made("uoro", OPTIMISERS[0])
    before = trainer.state()
    trainer.save(tmp_path / "a.npz")
    run(ax.Trainer.load(tmp_path / "a.npz"), 0, None)
    for name, value in trainer.state().items():
        np.testing.assert_array_equal(value, before[name])


def test_saved_from_a_callback(tmp_path: Path) -> None:
    """A checkpoint every few steps, without stopping the run."""
    trainer = made("kf_rtrl", OPTIMISERS[3])
    data = stream(trainer.rnn, T)
    history = trainer.run(
        data.X, data.Y, callback_every=4, callback=lambda done, _: trainer.save(tmp_path / f"{done}.npz")
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["4.npz", "8.npz"]
    resumed = ax.Trainer.load(tmp_path / "4.npz")
    np.testing.assert_array_equal(resumed.run(data.X[4:], data.Y[4:]).loss, history.loss[4:])
    assert_same_state(resumed, trainer)


# ---------------------------------------------------------------------------------------- failures


def test_a_failing_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "checkpoint.npz"
    trainer = made("rtrl", OPTIMISERS[0])
    trainer.save(path)
    kept = path.read_bytes()
    run(trainer, 0, None)

    def full_disk(file: object, **arrays: object) -> None:
        file.write(b"half of ")
        raise OSError("no space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(np, "savez", full_disk)
        with pytest.raises(OSError, match=r"no space left"):
            trainer.save(path)
    assert path.read_bytes() == kept
    assert list(tmp_path.iterdir()) == [path]
    trainer.save(path)
    assert_same_state(ax.Trainer.load(path), trainer)


def test_who_reads_the_old_file_reads_it_whole(tmp_path: Path) -> None:
    """The new one is another file that takes the name."""
    path = tmp_path / "checkpoint.npz"
    trainer = made("rtrl", OPTIMISERS[0])
    trainer.save(path)
    kept = path.read_bytes()
    run(trainer, 0, None)
    with path.open("rb") as reader:
        trainer.save(path)
        assert reader.read() == kept
    assert path.read_bytes() != kept


def test_no_folder_to_save_in(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        made("rtrl", OPTIMISERS[0]).save(tmp_path / "nowhere" / "a.npz")


def test_no_file_to_load(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"missing\.npz"):
        ax.Trainer.load(tmp_path / "missing.npz")
    with pytest.raises(OSError, match=r".+"):
        ax.Trainer.load(tmp_path)


def spoiled(path: Path, how: str) -> None:
    """Write something that is not, or no longer, a checkpoint."""
    made("uoro", OPTIMISERS[3]).save(path)
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files}
    config = str(arrays["config"])
    match how:
        case "empty":
            path.write_bytes(b"")
        case "text":
            path.write_text("loss,step\n1,2\n")
        case "cut":
            path.write_bytes(path.read_bytes()[:-200])
        case "one array":
            with path.open("wb") as file:
                np.save(file, np.zeros(3))
        case "pickle":
            with path.open("wb") as file:
                np.savez(file, config=np.array([{}], dtype=object))
        case "foreign":
            np.savez(path, X=np.zeros(3))
        case "config":
            np.savez(path, **{**arrays, "config": np.array("{")})
        case "list":
            np.savez(path, **{**arrays, "config": np.array("[]")})
        case "cell":
            np.savez(path, **{**arrays, "config": np.array(config.replace("leaky_rnn", "transformer"))})
        case "rule":
            np.savez(path, **{**arrays, "config": np.array(config.replace("k|ij", "k/ij"))})
        case "optimiser":
            np.savez(path, **{**arrays, "config": np.array(config.replace('"adam"', '"adamw"'))})
        case "key":
            np.savez(path, **{**arrays, "config": np.array(config.replace('"seed"', '"sed"'))})
        case "missing":
            del arrays["cell.W"]
            np.savez(path, **arrays)
        case "shape":
            np.savez(path, **{**arrays, "cell.W": np.zeros((2, 2))})
        case "feedback":
            np.savez(path, **{**arrays, "feedback": np.zeros((2, 2))})


@pytest.mark.parametrize(
    "how",
    [
        "empty", "text", "cut", "one array", "pickle", "foreign", "config", "list", "cell", "rule",
        "optimiser", "key", "missing", "shape", "feedback",
    ],
)  # fmt: skip
def test_files_that_are_no_checkpoint(tmp_path: Path, how: str) -> None:
    path = tmp_path / "spoiled.npz"
    spoiled(path, how)
    with pytest.raises(ValueError, match=r"path: expected a file written by Trainer\.save, got .*spoiled"):
        ax.Trainer.load(path)


# ------------------------------------------------------------------------------------------- state


@every_cell
def test_state_round_trip(cell: ax.TableCell) -> None:
    one, other = (made(rule_of(cell), OPTIMISERS[3], update_every=3) for _ in range(2))
    run(one, 0, 5)
    kept = one.state()
    for value in kept.values():
        assert value.flags.owndata
    other.load_state(kept)
    assert_same_state(other, one)
    np.testing.assert_array_equal(run(other, 5, None), run(one, 5, None))
    assert_same_state(other, one)
    one.load_state(kept)
    for name, value in one.state().items():
        np.testing.assert_array_equal(value, kept[name])


# Singular vectors have no sign of their own: to rounding the same J, another draw.
@over_networks(lambda cell: cell.solver in {by_hand.solver for by_hand in BY_HAND} - {"optimal"})
def test_gone_on_with_by_hand(kind: str, cell: ax.TableCell) -> None:
    """A learner driven by hand takes over a trainer's, with steps of both in one window or block."""
    rule = rule_of(cell, through="time") if "through" in cell.rule().options else rule_of(cell)
    rnn = network_for(cell, kind=kind)
    data, net, at, steps = stream(rnn, 24), Net.of(rnn), 5, 24
    expected = ax.gradients(rnn, rule, data.X, data.Y, seed=3).recurrent
    trainer = ax.Trainer(rnn, rule, ax.SGD(0.0), seed=3)
    trainer.run(data.X[:at], data.Y[:at])
    given = trainer.state()
    one, other = (ax.make_learner(rule, rnn) for _ in range(2))
    learned = {name: value for name, value in given.items() if name.startswith("learner.")}
    one.load_state({**one.state(), **learned, "driver.random": given["trainer.random"]})
    s = rnn.state
    for t in range(at, steps):
        step, s, _, _ = net.linearised(s, data.X[t], data.Y[t])
        if t == at + 2:  # in the midst of the mixture
            other.load_state(one.state())
            one = other
        take(one, step)
        assert_close(one.gradient(), expected[t], 1e-9)


def test_state_is_a_copy() -> None:
    trainer = made("rtrl", OPTIMISERS[1])
    run(trainer, 0, None)
    for value in trainer.state().values():
        value[...] = 0
    assert trainer.rnn.W.any()
    assert trainer.state()["cell.W"].any()


@every_kind
@pytest.mark.parametrize("name", ["cell.W", "cell.W_out", "cell.state"])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_states_that_are_not_finite(kind: str, name: str, bad: float) -> None:
    trainer = ax.Trainer(network(kind=kind), "rtrl", OPTIMISERS[0])
    kept = trainer.state()
    spoilt = trainer.state()
    spoilt[name][...] = bad
    with pytest.raises(ValueError, match=rf"\A{name}: expected finite numbers in float64, got {bad} at \(0"):
        trainer.load_state(spoilt)
    np.testing.assert_array_equal(trainer.state()[name], kept[name])


@over(CELLS[::6])
def test_spoiled_states_change_nothing(cell: ax.TableCell) -> None:
    trainer, other = (made(rule_of(cell), OPTIMISERS[3], update_every=2) for _ in range(2))
    run(trainer, 0, 5)
    run(other, 0, 3)
    kept = other.state()
    for name, value in trainer.state().items():
        spoilt = trainer.state()
        del spoilt[name]
        with pytest.raises(ValueError, match=f"expected an entry '{name}', got none"):
            other.load_state(spoilt)
        with pytest.raises(ValueError, match=f"'{name}' expected shape .*, got"):
            other.load_state(trainer.state() | {name: np.zeros((*value.shape, 2), value.dtype)})
        with pytest.raises(ValueError, match=f"'{name}' is not a numeric array"):
            other.load_state(trainer.state() | {name: "words"})
    for name, value in other.state().items():
        np.testing.assert_array_equal(value, kept[name])
    with pytest.raises(ValueError, match=r"state: expected a dict of arrays, got 3"):
        other.load_state(3)
    other.load_state(trainer.state())
    assert_same_state(other, trainer)
    assert is_finite(other)

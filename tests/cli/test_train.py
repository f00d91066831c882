"""axonomy train: into a folder, on from a folder, and what ends it early."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import axonomy as ax
from axonomy.cli import _common
from axonomy.cli.train import Run
from command_line import axonomy, config_of, is_png, losses_of, names_in, refused
from drawing import assert_same_state, over

RESULTS = {"config.toml", "metrics.npz", "checkpoint.npz"}
SMALL = ("--hidden", 4, "--no-figure", "--lr", 0.05)


def trained(folder: Path, *arguments: object, rule: str = "uoro", steps: int = 40, code: int = 0) -> str:
    call = ("train", "--rule", rule, *SMALL, "--steps", steps, "--out", folder, *arguments)
    return axonomy(*call, code=code).stdout


def trainer_of(folder: Path) -> ax.Trainer:
    return ax.Trainer.load(folder / "checkpoint.npz")


def assert_same_runs(one: Path, other: Path) -> None:
    np.testing.assert_array_equal(losses_of(one), losses_of(other))
    assert_same_state(trainer_of(one), trainer_of(other))
    assert config_of(one) == config_of(other)


# ------------------------------------------------------------------------------------ what it does


def test_as_in_python(tmp_path: Path) -> None:
    """The same stream, weights and noise as a few lines of Python with the same seed."""
    text = trained(
        tmp_path / "run", "--seed", 3, "--lags", 2, 5, "--hold", 2, "--alpha", 0.5, "--activation", "relu",
        "--dtype", "float32", "--optimiser", "adam:beta1=0.5:clip=1", "--update-every", 3,
    )  # fmt: skip
    stream = ax.tasks.Add(lags=(2, 5), hold=2).generate(40, seed=3)
    rnn = ax.LeakyRNN.random(2, 4, 2, alpha=0.5, activation="relu", dtype="float32", seed=3)
    optimiser = ax.Adam(0.05, beta1=0.5, clip=1)
    trainer = ax.Trainer(rnn, ax.rules.uoro(), optimiser, seed=3, update_every=3)
    history = trainer.run(stream.X, stream.Y)
    np.testing.assert_array_equal(losses_of(tmp_path / "run"), history.loss)
    assert_same_state(trainer_of(tmp_path / "run"), trainer)
    assert f"UORO on add: 40 steps, loss {history.loss[-4:].mean():.4f} over the last tenth" in text
    assert str(tmp_path / "run") in text


def test_files(tmp_path: Path) -> None:
    axonomy("train", "--rule", "rflo", "--hidden", 4, "--steps", 60, "--out", tmp_path / "a" / "b")
    assert names_in(tmp_path / "a" / "b") == {*RESULTS, "curve.png"}
    assert is_png(tmp_path / "a" / "b" / "curve.png")
    trained(tmp_path / "c")
    assert names_in(tmp_path / "c") == RESULTS


@pytest.mark.parametrize(
    ("by_name", "by_axes"),
    [
        (
            ("--rule", "rtrl"),
            ("--tensor", "kij", "--randomness", "deterministic", "--solution", "closed-form"),
        ),
        (
            ("--rule", "kf_rtrl", "--rank", 2, "--current", "exact"),
            ("--facing", "past", "--tensor", "ki|j", "--randomness", "stochastic", "--solution",
             "closed-form", "--rank", 2, "--current", "exact"),
        ),
        (
            ("--rule", "uoro:rank=3:normaliser=per_term"),
            ("--tensor", "A_k B_ij", "--randomness", "stochastic", "--solution", "closed-form",
             "--rank", 3, "--current", "estimated", "--option", "immediate=state", "--option",
             "normaliser=per_term"),
        ),
        (
            ("--rule", "past:kij:deterministic:closed-form:solver=window:window=5"),
            ("--tensor", "kij", "--randomness", "deterministic", "--solution", "closed-form",
             "--solver", "window", "--option", "window=5"),
        ),
        (
            ("--rule", "ki|ij:deterministic:numerical"),
            ("--tensor", "ki|ij", "--randomness", "deterministic", "--solution", "numerical"),
        ),
    ],
)  # fmt: skip
def test_by_name_and_by_axes(tmp_path: Path, by_name: tuple[object], by_axes: tuple[object]) -> None:
    for folder, arguments in (("name", by_name), ("axes", by_axes)):
        axonomy("train", *arguments, *SMALL, "--steps", 20, "--out", tmp_path / folder)
    assert_same_runs(tmp_path / "name", tmp_path / "axes")


@pytest.mark.parametrize("name", ax.rules.names())
def test_every_named_rule(tmp_path: Path, name: str) -> None:
    trained(tmp_path, rule=name, steps=12)
    assert ax.Rule.from_dict(config_of(tmp_path)["rule"]) == ax.as_rule(name)


@over(cell for cell in ax.table() if cell.solver)
def test_every_cell(tmp_path: Path, cell: ax.TableCell) -> None:
    axes = ":".join((cell.facing, cell.tensor, cell.randomness, cell.solution))
    sparse = ("--density", 0.5) if cell.tensor == "sparse" else ()
    trained(tmp_path, *sparse, rule=f"{axes}:solver={cell.solver}", steps=12)
    assert trainer_of(tmp_path).rule == cell.rule()


def test_density(tmp_path: Path) -> None:
    trained(tmp_path, "--density", 0.5, rule="snap:n=2", steps=12)
    rnn = ax.LeakyRNN.random(2, 4, 2, density=0.5)
    assert trainer_of(tmp_path).rnn.shape == rnn.shape
    assert _common.Setting.from_dict(config_of(tmp_path)).options["density"] == 0.5


def test_config_says_everything(tmp_path: Path) -> None:
    trained(
        tmp_path, "--seed", 5, "--optimiser", "momentum:momentum=0.5:l2=0.01", "--update-every", 2,
        "--lags", 3, 4, "--rank", 2,
    )  # fmt: skip
    config = config_of(tmp_path)
    setting = _common.Setting.from_dict(config)
    assert setting.task == ax.tasks.Add(lags=(3, 4))
    assert setting.optimiser == ax.Momentum(0.05, momentum=0.5, l2=0.01)
    assert (setting.hidden, setting.cell, setting.dtype) == (4, "leaky_rnn", "float64")
    assert (setting.options["alpha"], setting.options["activation"]) == (1.0, "tanh")
    assert (setting.update_every, setting.streams, setting.threads) == (2, 1, 1)
    assert (config["steps"], config["seed"], config["axonomy"]) == (40, 5, ax.__version__)
    assert ax.Rule.from_dict(config["rule"]) == ax.rules.uoro(rank=2)
    assert {**setting.to_dict(), "steps": 40, "seed": 5, "rule": config["rule"]} == config


def test_the_seed_decides(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        trained(tmp_path / name, "--seed", seed)
    assert_same_runs(tmp_path / "a", tmp_path / "b")
    assert (losses_of(tmp_path / "a") != losses_of(tmp_path / "c")).all()


def test_a_task_with_steps_that_have_no_target(tmp_path: Path) -> None:
    options = ("--task", "copy", "--task-option", "length=3", "--task-option", "shortest=1")
    text = trained(tmp_path / "whole", *options, rule="rtrl", steps=300)
    task = ax.tasks.Copy(length=3, shortest=1)
    losses = losses_of(tmp_path / "whole")
    np.testing.assert_array_equal(np.isfinite(losses), task.generate(300, seed=0).mask)
    assert _common.Setting.from_dict(config_of(tmp_path / "whole")).task == task
    assert f"RTRL on copy: 300 steps, loss {np.nanmean(losses[-30:]):.4f} over the last tenth" in text
    trained(tmp_path / "part", *options, rule="rtrl", steps=130)
    axonomy("train", "--resume", tmp_path / "part", "--steps", 170, "--no-figure")
    assert_same_runs(tmp_path / "part", tmp_path / "whole")


# ------------------------------------------------------------------------------------------- cells

OF_CELLS = {
    "leaky_rnn": {"alpha": [0.2, 0.4, 0.6, 1], "activation": "relu", "recurrent": "identity"},
    "gru": {"chrono": 20, "inputs": "glorot", "density": 0.5},
    "lstm": {"keep_bias": 2.0, "recurrent": "glorot"},
    "mgu": {"feedback": "random", "state_noise": 0.01},
    "ind_rnn": {"activation": "tanh", "recurrent": "identity"},
    "elstm": {"chrono": 8, "recurrent": "glorot"},
}


@pytest.mark.parametrize("cell", ax.cells.CELLS)
def test_every_kind_of_cell(tmp_path: Path, cell: str) -> None:
    """As in Python, and resumed as if it had never stopped."""
    options = OF_CELLS[cell]
    given = [part for key, value in options.items() for part in ("--cell-option", f"{key}={value}")]
    trained(tmp_path / "run", "--cell", cell, *given, "--seed", 2, rule="rtrl", steps=40)
    stream = ax.tasks.Add().generate(40, seed=2)
    network = ax.cells.CELLS[cell].random(2, 4, 2, seed=2, **options)
    trainer = ax.Trainer(network, "rtrl", ax.SGD(0.05), seed=2)
    np.testing.assert_array_equal(losses_of(tmp_path / "run"), trainer.run(stream.X, stream.Y).loss)
    assert_same_state(trainer_of(tmp_path / "run"), trainer)
    setting = _common.Setting.from_dict(config_of(tmp_path / "run"))
    assert setting.cell == cell
    assert options.items() <= setting.options.items()
    trained(tmp_path / "part", "--cell", cell, *given, "--seed", 2, rule="rtrl", steps=25)
    axonomy("train", "--resume", tmp_path / "part", "--steps", 15, "--no-figure")
    assert_same_runs(tmp_path / "part", tmp_path / "run")


def test_the_cell_has_its_own_defaults(tmp_path: Path) -> None:
    trained(tmp_path / "a", "--cell", "ind_rnn", rule="rtrl", steps=12)
    trained(tmp_path / "b", "--cell", "ind_rnn", "--activation", "relu", rule="rtrl", steps=12)
    assert_same_runs(tmp_path / "a", tmp_path / "b")
    assert config_of(tmp_path / "a")["network"]["activation"] == "relu"


def test_a_config_from_before_there_were_cells(tmp_path: Path) -> None:
    trained(tmp_path / "whole", "--alpha", 0.5, steps=50)
    trained(tmp_path / "part", "--alpha", 0.5, steps=30)
    (tmp_path / "part" / "config.toml").write_text(
        'steps = 30\nseed = 0\naxonomy = "0.1.0"\nupdate_every = 1\n\n[task]\ntask = "add"\nlags = [6, 10]\n'
        'hold = 1\n\n[network]\nhidden = 4\nalpha = 0.5\nactivation = "tanh"\ndtype = "float64"\n\n'
        '[optimiser]\noptimiser = "sgd"\nlr = 0.05\n\n[rule]\nfacing = "past"\ntensor = "k|ij"\n'
        'randomness = "stochastic"\nsolution = "closed-form"\nsolver = "signs"\ncurrent = "estimated"\n',
        encoding="utf-8",
    )
    axonomy("train", "--resume", tmp_path / "part", "--steps", 20, "--no-figure")
    np.testing.assert_array_equal(losses_of(tmp_path / "part"), losses_of(tmp_path / "whole"))
    network = config_of(tmp_path / "part")["network"]
    assert (network["cell"], network["alpha"]) == ("leaky_rnn", 0.5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--cell", "rnn"), "cell: expected one of 'leaky_rnn', 'gru', "),
        (("--cell", "gru", "--alpha", 1), "alpha: expected one of the options of gru (feedback, "),
        (("--cell", "lstm", "--activation", "tanh"), "activation: expected one of the options of lstm ("),
        (("--cell", "ind_rnn", "--density", 0.5), "density: expected one of the options of ind_rnn ("),
        (("--cell", "elstm", "--density", 0.5), "density: expected none, as the units of ELSTM are not"),
        (("--cell-option", "keep_bias=1"), "keep_bias: expected one of the options of leaky_rnn (alpha, "),
        (("--cell-option", "seed=1"), "seed: expected one of the options of leaky_rnn ("),
        (("--cell", "gru", "--cell-option", "recurrent=3"), "recurrent: expected one of 'orthogonal', "),
        (
            ("--alpha", 0.5, "--cell-option", "alpha=0.3"),
            "alpha: expected to be given once, got 0.5 and then 'alpha=0.3'",
        ),
        (
            ("--cell", "gru", "--cell-option", "chrono=5", "--cell-option", "chrono=9"),
            "chrono: expected to be given once, got 5 and then 'chrono=9'",
        ),
        (("--cell", "gru", "--cell-option", "chrono"), "an option must have the form key=value, got"),
        (("--cell", "elstm", "--rule", "kf_rtrl"), "KF-RTRL needs one set of regressors for all rows of W"),
        (("--cell", "elstm", "--rule", "snap:n=2"), "SnAp-n follows the couplings between units"),
        (("--streams", 0), "streams: expected a whole number at least 1, got 0"),
        (("--threads", 0), "threads: expected a whole number from 1 to 1024, got 0"),
    ],
)  # fmt: skip
def test_cells_that_will_not_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[object], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    said = refused("train", *(() if "--rule" in arguments else ("--rule", "rtrl")), *arguments)
    assert said.startswith(message)
    assert "\n" not in said
    assert list(tmp_path.iterdir()) == []


# ----------------------------------------------------------------------------------- several streams


@pytest.mark.parametrize("task", [("add",), ("copy", "--task-option", "length=3")], ids=lambda t: t[0])
def test_streams(tmp_path: Path, task: tuple[str, ...]) -> None:
    """Those of the seeds from --seed on, side by side; resumed as if it had never stopped."""
    options = ("--task", *task, "--streams", 3, "--threads", 2, "--seed", 5, "--cell", "gru")
    trained(tmp_path / "whole", *options, steps=60)
    trained(tmp_path / "part", *options, steps=25)
    axonomy("train", "--resume", tmp_path / "part", "--steps", 35)
    assert_same_runs(tmp_path / "part", tmp_path / "whole")
    assert is_png(tmp_path / "part" / "curve.png")
    kind = ax.tasks.Copy(length=3) if task[0] == "copy" else ax.tasks.Add()
    drawn = [kind.generate(60, seed=seed) for seed in (5, 6, 7)]
    X, Y, mask, reset = (
        None if getattr(drawn[0], name) is None else np.stack([getattr(d, name) for d in drawn], axis=1)
        for name in ("X", "Y", "mask", "reset")
    )
    gru = ax.GRU.random(kind.n_in, 4, kind.n_out, seed=5)
    trainer = ax.Trainer(gru, "uoro", ax.SGD(0.05), seed=5, streams=3)
    np.testing.assert_array_equal(losses_of(tmp_path / "whole"), trainer.run(X, Y, mask, reset).loss)
    assert losses_of(tmp_path / "whole").shape == (60, 3)


# --------------------------------------------------------------------------------- streams of files


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Sixty samples, as CSV and as npz."""
    rng = np.random.default_rng(0)
    X, y, kind = rng.normal(size=(60, 2)), rng.uniform(size=60), rng.integers(0, 3, 60)
    np.savez(tmp_path / "data.npz", wind=X[:, 0], sun=X[:, 1], power=y, kind=kind)
    lines = [f"{a!r},{b!r},{c!r},{d}" for (a, b), c, d in zip(X.tolist(), y.tolist(), kind, strict=True)]
    (tmp_path / "data.csv").write_text("\n".join(["wind,sun,power,kind", *lines]) + "\n")
    return tmp_path


@pytest.mark.parametrize(
    ("target", "options", "n_out"),
    [
        ("power", (), 1),
        ("power", ("--loss", "binary_cross_entropy"), 1),
        ("kind", ("--loss", "cross_entropy"), 3),
        ("kind,power", (), 2),
    ],
)
def test_files_of_data(data: Path, target: str, options: tuple[str], n_out: int) -> None:
    folders = []
    for kind in ("csv", "npz"):
        folders.append(data / kind)
        axonomy(
            "train", "--task", data / f"data.{kind}", "--inputs", "wind", "--inputs", "sun", "--targets",
            target, *options, "--rule", "rtrl", *SMALL, "--out", folders[-1],
        )  # fmt: skip
    csv, npz = folders
    assert losses_of(csv).shape == (60,)
    np.testing.assert_array_equal(losses_of(csv), losses_of(npz))
    assert_same_state(trainer_of(csv), trainer_of(npz))
    assert trainer_of(csv).rnn.shape.n_out == n_out
    assert config_of(csv)["task"]["inputs"] == ["wind", "sun"]
    assert config_of(csv)["task"]["path"] == str((data / "data.csv").resolve())


def test_a_file_over_again(data: Path) -> None:
    arguments = (
        "train", "--task", data / "data.csv", "--inputs", "wind,sun", "--targets", "power", "--rule", "rflo",
        *SMALL,
    )  # fmt: skip
    axonomy(*arguments, "--task-option", "repeat=true", "--steps", 150, "--out", data / "whole")
    axonomy(*arguments, "--task-option", "repeat=true", "--steps", 70, "--out", data / "part")
    axonomy("train", "--resume", data / "part", "--steps", 80, "--no-figure")
    assert_same_runs(data / "part", data / "whole")
    said = refused(*arguments, "--steps", 150, "--out", data / "never")
    assert said.startswith("n_steps: expected at most the 60 samples of ")
    assert not (data / "never").exists()


# ------------------------------------------------------------------------------------------ resume


@pytest.mark.parametrize(
    "rule", ["uoro", "ok", "kernl", "rtrl_lazy:block=3:latency=even", "tbptt:window=3", "rflo"]
)
@pytest.mark.parametrize("optimiser", ["sgd", "adam:clip=0.5"])
def test_resume_is_the_run_that_never_stopped(tmp_path: Path, rule: str, optimiser: str) -> None:
    options = ("--optimiser", optimiser, "--update-every", 3, "--seed", 2)
    trained(tmp_path / "whole", *options, rule=rule, steps=47)
    trained(tmp_path / "part", *options, rule=rule, steps=16)
    axonomy("train", "--resume", tmp_path / "part", "--steps", 10, "--no-figure")
    text = axonomy("train", "--resume", tmp_path / "part", "--steps", 21, "--no-figure").stdout
    assert_same_runs(tmp_path / "part", tmp_path / "whole")
    assert "47 steps" in text


def test_resume_draws_the_whole_curve(tmp_path: Path) -> None:
    trained(tmp_path)
    axonomy("train", "--resume", tmp_path, "--steps", 60)
    assert names_in(tmp_path) == {*RESULTS, "curve.png"}


def test_a_file_is_one_stream(data: Path) -> None:
    said = refused(
        "train", "--task", data / "data.csv", "--inputs", "wind", "--targets", "sun", "--rule", "rflo",
        "--streams", 2, "--out", data / "run",
    )  # fmt: skip
    assert said == "streams: expected 1, as a file has one order, got 2"
    assert not (data / "run").exists()


def test_resume_from_elsewhere(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(data)
    axonomy(
        "train", "--task", "data.csv", "--inputs", "wind", "--targets", "sun", "--rule", "rflo", *SMALL,
        "--steps", 30, "--out", "run",
    )  # fmt: skip
    monkeypatch.chdir("/")
    axonomy("train", "--resume", data / "run", "--steps", 30, "--no-figure")
    assert losses_of(data / "run").shape == (60,)
    said = refused("train", "--resume", data / "run", "--steps", 1)
    assert said.startswith("n_steps: expected at most the 60 samples of ")


def test_resume_wants_the_same_data(data: Path) -> None:
    axonomy(
        "train", "--task", data / "data.csv", "--inputs", "wind", "--targets", "sun", "--rule", "rflo",
        *SMALL, "--steps", 30, "--out", data / "run",
    )  # fmt: skip
    text = (data / "data.csv").read_text().splitlines()
    text[3] = "0,0,0,0"
    (data / "data.csv").write_text("\n".join(text))
    said = refused("train", "--resume", data / "run", "--steps", 10)
    assert "the data of" in said
    assert "have changed" in said


def test_resume_has_nothing_to_do(tmp_path: Path) -> None:
    trained(tmp_path)
    kept = {name: (tmp_path / name).read_bytes() for name in RESULTS}
    said = refused("train", "--resume", tmp_path)
    assert said.startswith(f"--resume: {tmp_path} has all of its 40 steps")
    assert {name: (tmp_path / name).read_bytes() for name in RESULTS} == kept


@pytest.mark.parametrize(
    "option", [("--rule", "rtrl"), ("--lr", 0.1), ("--seed", 0), ("--out", "x"), ("--force",)]
)
def test_resume_takes_nothing_else(tmp_path: Path, option: tuple[object]) -> None:
    trained(tmp_path)
    said = refused("train", "--resume", tmp_path, *option)
    assert said.startswith("--resume takes everything but --steps from the folder's config.toml, got ")
    assert said.endswith(f"{option[0]} too")


def spoil(folder: Path, how: str) -> None:
    match how:
        case "no config.toml" | "no metrics.npz" | "no checkpoint.npz":
            (folder / how.removeprefix("no ")).unlink()
        case "config":
            (folder / "config.toml").write_text("steps = = 3")
        case "of a comparison":
            axonomy("compare", "--rule", "rflo", *SMALL, "--steps", 10, "--force", "--out", folder)
        case "metrics":
            (folder / "metrics.npz").write_bytes(b"PK\x03\x04")
        case "foreign metrics":
            np.savez(folder / "metrics.npz", X=np.zeros(3))
        case "checkpoint":
            (folder / "checkpoint.npz").write_text("words")
        case "half":
            np.savez(folder / "metrics.npz", loss=np.zeros(7), data=np.array(""))


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("no config.toml", "--resume: {} holds no results of axonomy train (no config.toml)"),
        ("no metrics.npz", "--resume: {} has nothing to continue from (no metrics.npz)"),
        ("no checkpoint.npz", "--resume: {} has nothing to continue from (no checkpoint.npz)"),
        ("config", "--resume: {}/config.toml cannot be read: "),
        ("of a comparison", "--resume: {}/config.toml describes no run of axonomy train: KeyError('rule')"),
        ("metrics", "--resume: {}/metrics.npz cannot be read: "),
        ("foreign metrics", "--resume: {}/metrics.npz cannot be read: "),
        ("checkpoint", "path: expected a file written by Trainer.save, got {}/checkpoint.npz: "),
        ("half", "--resume: {} was not saved whole: metrics.npz has 7 steps, checkpoint.npz 40"),
    ],
)
def test_folders_that_cannot_be_resumed(tmp_path: Path, how: str, message: str) -> None:
    trained(tmp_path)
    spoil(tmp_path, how)
    assert refused("train", "--resume", tmp_path, "--steps", 5).startswith(message.format(tmp_path))


# ---------------------------------------------------------------------------------------- folders


def test_a_folder_with_something_in_it(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    said = refused("train", "--rule", "rflo", *SMALL, "--out", tmp_path)
    assert said == f"--out: {tmp_path} is not empty; give another folder, or --force"
    assert names_in(tmp_path) == {"notes.txt"}
    trained(tmp_path, "--force")
    assert names_in(tmp_path) == {*RESULTS, "notes.txt"}
    assert (tmp_path / "notes.txt").read_text() == "mine"
    trained(tmp_path / "new", rule="rflo")
    trained(tmp_path, "--force", rule="rflo")
    assert_same_runs(tmp_path, tmp_path / "new")


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    said = refused("train", "--rule", "rflo", *SMALL, "--out", tmp_path / "file")
    assert said == f"--out: {tmp_path / 'file'} is not a folder"


def test_forced_runs_leave_nothing_of_the_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Were the new run killed, the old checkpoint would stand beside the new config."""
    axonomy("train", "--rule", "rflo", "--hidden", 4, "--steps", 60, "--out", tmp_path)

    def killed(run: object) -> None:
        raise MemoryError

    monkeypatch.setattr(Run, "go", killed)
    with pytest.raises(MemoryError):
        trained(tmp_path, "--force")
    assert names_in(tmp_path) == {"config.toml"}


# ----------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "give --rule NAME, or the axes --facing, --tensor, ...; see axonomy table"),
        (("--rule", "rtrl", "--tensor", "kij"), "give --rule or the axes, not both: got --rule and --tensor"),
        (("--rule", "RTRL"), "rule must be one of rtrl, ..., or a cell [FACING:]TENSOR:..., got 'RTRL'"),
        (("--rule", "kij:deterministic"), "rule must be one of ..., got 'kij:deterministic'"),
        (("--rule", "uoro:rank"), "an option must have the form key=value, got 'rank'"),
        (("--rule", "rtrl:rank=2"), "...rank..."),
        (("--rule", "uoro", "--rank", "0"), "rank: expected a whole number at least 1, got 0"),
        (("--rule", "uoro", "--option", "colour=red"), "...colour..."),
        (("--rule", "uoro:rank=2", "--rank", "3"), "rank: expected to be given once, got 3 and then"),
        (("--rule", "uoro", "--rank", "3", "--option", "rank=2"), "rank: expected to be given once, got 3"),
        (("--rule", "rtrl", "--hold", "2", "--task-option", "hold=3"), "hold: expected to be given once"),
        (("--tensor", "kij"), "randomness: expected one of 'stochastic', 'deterministic', got None"),
        (
            ("--tensor", "kij", "--randomness", "stochastic", "--solution", "numerical"),
            "no rule is past, kij, stochastic, numerical: ...\nThe nearest cells that exist:\n  past, ...",
        ),
        (("--rule", "rtrl", "--task", "sum"), "task must be one of add, mimic, copy, anbn, "),
        (("--rule", "rtrl", "--task", "no.csv"), "task 'file' needs 'inputs'"),
        (
            ("--rule", "rtrl", "--task", "no.csv", "--inputs", "a", "--targets", "b"),
            "path: expected a file, got '...no.csv', which is not there",
        ),
        (("--rule", "rtrl", "--task", "mimic", "--lags", "1", "2"), "task 'mimic' does not take 'lags'"),
        (("--rule", "rtrl", "--lags", "3", "3"), "lags: expected two different ones, got (3, 3)"),
        (("--rule", "rtrl", "--steps", "0"), "n_steps: expected a whole number at least 1, got 0"),
        (("--rule", "rtrl", "--hidden", "0"), "n_hidden: expected a whole number at least 1, got 0"),
        (("--rule", "rtrl", "--alpha", "2"), "alpha: expected a finite real number above 0 and at most 1"),
        (("--rule", "rtrl", "--activation", "sine"), "activation: expected one of 'tanh', ..., got 'sine'"),
        (("--rule", "rtrl", "--dtype", "float16"), "dtype: expected float32 or float64, got 'float16'"),
        (("--rule", "rtrl", "--seed", "-1"), "seed: expected a whole number from 0 to "),
        (("--rule", "rtrl", "--lr", "-1"), "lr: expected a finite real number at least 0, got -1"),
        (("--rule", "rtrl", "--lr", "nan"), "lr: expected a finite real number at least 0, got nan"),
        (("--rule", "rtrl", "--optimiser", "lion"), "optimiser: expected one of 'sgd', ..., got 'lion'"),
        (("--rule", "rtrl", "--optimiser", "sgd:momentum=1"), "momentum: expected one of the settings of"),
        (("--rule", "rtrl", "--update-every", "0"), "update_every: expected a whole number at least 1, got"),
    ],
)  # fmt: skip
def test_errors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str], message: str) -> None:
    monkeypatch.chdir(tmp_path)
    said = refused("train", *arguments)
    for part in message.split("..."):
        assert part in said
    assert said.startswith(message.partition("...")[0])
    assert list(tmp_path.iterdir()) == []


def test_without_matplotlib(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The figure comes last: what was trained is there."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    result = axonomy("train", "--rule", "rflo", "--hidden", 4, "--steps", 60, "--out", tmp_path, code=2)
    assert result.stderr.splitlines()[-1] == (
        'error: this needs matplotlib, which is not installed: pip install "axonomy[cli]" brings it'
    )
    assert names_in(tmp_path) == RESULTS
    assert losses_of(tmp_path).shape == (60,)


# ------------------------------------------------------------------------------- ends that are early


def test_divergence(tmp_path: Path) -> None:
    call = (
        "train", "--task", "mimic", "--task-option", "n_out=3", "--rule", "rtrl", "--hidden", 4,
        "--activation", "relu", "--lr", 3, "--steps", 1000, "--out", tmp_path,
    )  # fmt: skip
    result = axonomy(*call, code=1)
    losses, trainer = losses_of(tmp_path), trainer_of(tmp_path)
    assert 0 < len(losses) < 1000
    assert result.stderr.splitlines()[-1] == f"diverged at step {len(losses)}; the last finite state is kept"
    assert f"RTRL on mimic: {len(losses)} steps" in result.stdout
    assert np.isfinite(losses).all()
    assert np.isfinite(trainer.rnn.W).all()
    assert trainer.step_count == len(losses)
    assert names_in(tmp_path) == {*RESULTS, "curve.png"}
    assert len(result.stdout) < 200 + len(str(tmp_path))  # the loss is given in a few digits


def test_divergence_at_once(tmp_path: Path) -> None:
    call = (
        "train", "--task", "mimic", "--rule", "rtrl", "--hidden", 4, "--lr", 1e308, "--steps", 50, "--out",
        tmp_path,
    )  # fmt: skip
    result = axonomy(*call, code=1)
    assert "diverged at step 0;" in result.stderr
    assert losses_of(tmp_path).shape == (0,)
    assert names_in(tmp_path) == RESULTS


INTERRUPTED = """
import os, signal, sys, threading
signal.signal(signal.SIGINT, signal.default_int_handler)  # which a parent may have ignored
import axonomy as ax
from axonomy.cli import main

run = ax.Trainer.run

def soon_interrupted(*arguments, **options):
    threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
    return run(*arguments, **options)

ax.Trainer.run = soon_interrupted
sys.argv = ["axonomy", *sys.argv[1:]]
main()
"""


def test_interrupt(tmp_path: Path) -> None:
    """Ctrl-C in a process of its own: the results are kept, and the run goes on from there."""
    folder = tmp_path / "run"
    call = ("train", "--rule", "rtrl", *SMALL, "--steps", 2_000_000, "--out", folder)
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, *map(str, call)], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 130, done.stderr
    assert f"interrupted; continue with axonomy train --resume {folder}" in done.stderr
    assert "Traceback" not in done.stderr
    steps = len(losses_of(folder))
    assert 0 < steps < 2_000_000
    assert f"{steps:,} steps" in done.stdout
    assert config_of(folder)["steps"] == 2_000_000

    axonomy("train", "--resume", folder, "--steps", 50, "--no-figure")
    trained(tmp_path / "whole", rule="rtrl", steps=steps + 50)
    assert_same_runs(folder, tmp_path / "whole")

"""axonomy compare: several rules on the same data from the same weights."""

from __future__ import annotations

import csv
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

import axonomy as ax
from axonomy.cli import _common, _comparison
from command_line import axonomy, config_of, is_png, losses_of, names_in, refused

SMALL = ("--hidden", 4, "--lr", 0.05, "--lags", 1, 2)
RULES = ("rtrl", "uoro", "output_only", "ki|ij:deterministic:numerical")
FILES = {"config.toml", "compare.csv", "learning_curves.png"}


def compared(
    folder: Path, *arguments: object, rules: tuple[str, ...] = RULES, steps: int = 200, seeds: int = 2
) -> list[dict[str, str]]:
    chosen = [part for rule in rules for part in ("--rule", rule)]
    axonomy("compare", *chosen, *SMALL, "--steps", steps, "--seeds", seeds, "--out", folder, *arguments)
    return rows_of(folder)


def rows_of(folder: Path) -> list[dict[str, str]]:
    with (folder / "compare.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_files(tmp_path: Path) -> None:
    compared(tmp_path / "a")
    assert names_in(tmp_path / "a") == FILES
    assert is_png(tmp_path / "a" / "learning_curves.png")
    compared(tmp_path / "b", "--no-figure")
    assert names_in(tmp_path / "b") == FILES - {"learning_curves.png"}


def test_ranked_by_loss(tmp_path: Path) -> None:
    rows = compared(tmp_path, "--no-figure")
    assert [row["place"] for row in rows] == ["1", "2", "3", "4"]
    losses = [float(row["loss"]) for row in rows]
    assert losses == sorted(losses)
    assert {row["rule"] for row in rows} == {"RTRL", "UORO", "read-out only", "ki|ij TruncatedSVD"}
    by_name = {row["rule"]: row for row in rows}
    for axis, choice in zip(
        ("facing", "tensor", "randomness", "solution"),
        ("past", "ki|ij", "deterministic", "numerical"),
        strict=True,
    ):
        assert by_name["ki|ij TruncatedSVD"][axis] == choice
    for row in rows:
        assert (row["seeds"], row["diverged"]) == ("2", "0")
        assert float(row["steps_per_second"]) > 0
    shape = ax.Shape(4, 2, 2)
    assert int(by_name["RTRL"]["bytes"]) == ax.make_learner("rtrl", shape).nbytes


@pytest.mark.parametrize("streams", [1, 3])
@pytest.mark.parametrize("optimiser", ["sgd", "adam:clip=1"])
def test_as_each_rule_by_itself(tmp_path: Path, optimiser: str, streams: int) -> None:
    """The mean over the seeds of what axonomy train does: same streams, weights and noise."""
    options = ("--optimiser", optimiser, "--update-every", 2, "--alpha", 0.8, "--streams", streams)
    rows = {row["rule"]: row for row in compared(tmp_path / "all", *options, "--no-figure")}
    for rule, label in zip(RULES, ("RTRL", "UORO", "read-out only", "ki|ij TruncatedSVD"), strict=True):
        finals = []
        for seed in (0, streams):  # of the second run, that of the first stream that the first has not
            folder = tmp_path / f"{label}{seed}".replace("|", "-")
            axonomy(
                "train", "--rule", rule, *SMALL, *options, "--steps", 200, "--seed", seed, "--no-figure",
                "--out", folder,
            )  # fmt: skip
            finals.append(losses_of(folder)[-20:].mean())
        assert float(rows[label]["loss"]) == pytest.approx(np.mean(finals), rel=1e-12)
        assert float(rows[label]["spread"]) == pytest.approx(np.std(finals, ddof=1), rel=1e-9)


def test_several_streams(tmp_path: Path) -> None:
    """What is held is that of all; no two seeds share a stream; the curve is the mean over them."""
    rows = {row["rule"]: row for row in compared(tmp_path, "--streams", 2, steps=50)}
    assert is_png(tmp_path / "learning_curves.png")
    assert int(rows["UORO"]["bytes"]) == 2 * ax.make_learner("uoro", ax.Shape(4, 2, 2)).nbytes
    config = config_of(tmp_path)
    assert (config["steps"], config["streams"], config["seeds"]) == (50, 2, 2)
    assert _common.Setting.from_dict(config).streams == 2
    loss = np.array([[1.0, 3.0], [5.0, np.nan], [np.nan, np.nan]])
    np.testing.assert_array_equal(_comparison._block_means(loss, 4, 1), [2, 5, np.nan, np.nan])
    np.testing.assert_array_equal(_comparison._block_means(loss, 4, 2), [3, np.nan])


def test_all_rules_meet_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For each seed one stream and one network; another seed, another of both."""
    seen: dict[int, set[bytes]] = {}
    run = ax.Trainer.run

    def watched(trainer: ax.Trainer, X: np.ndarray, Y: np.ndarray, **options: object) -> ax.History:
        met = b"".join(array.tobytes() for array in (X, Y, trainer.rnn.W, trainer.rnn.W_out))
        seen.setdefault(trainer.seed, set()).add(met)
        return run(trainer, X, Y, **options)

    monkeypatch.setattr(ax.Trainer, "run", watched)
    compared(tmp_path, "--no-figure", seeds=3)
    assert sorted(seen) == [0, 1, 2]
    assert all(len(met) == 1 for met in seen.values())
    assert len(set.union(*seen.values())) == 3


@pytest.mark.parametrize("jobs", [1, 4])
def test_the_number_of_jobs_does_not_matter(tmp_path: Path, jobs: int) -> None:
    speed = "steps_per_second"
    found, expected = (
        [{key: value for key, value in row.items() if key != speed} for row in compared(folder, *options)]
        for folder, options in (
            (tmp_path / "a", ("--no-figure", "--jobs", jobs)),
            (tmp_path / "b", ("--no-figure", "--jobs", 2)),
        )
    )
    assert found == expected


def test_seeds_run_side_by_side(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a single rule too: as many at a time as there are jobs, each with a stream of its own."""
    met, run = threading.Barrier(2), ax.Trainer.run

    def watched(trainer: ax.Trainer, *arguments: object, **options: object) -> ax.History:
        met.wait(timeout=60)
        return run(trainer, *arguments, **options)

    monkeypatch.setattr(ax.Trainer, "run", watched)
    (row,) = compared(tmp_path, "--no-figure", "--jobs", 2, rules=("rtrl",), seeds=4)
    assert row["seeds"] == "4"


def test_another_cell(tmp_path: Path) -> None:
    compared(tmp_path, "--cell", "lstm", "--cell-option", "chrono=9", "--no-figure", rules=("rtrl", "uoro"))
    setting = _common.Setting.from_dict(config_of(tmp_path))
    assert (setting.cell, setting.options["chrono"]) == ("lstm", 9)
    by_name = {row["rule"]: row for row in rows_of(tmp_path)}
    for rule, label in (("rtrl", "RTRL"), ("uoro", "UORO")):
        assert int(by_name[label]["bytes"]) == ax.make_learner(rule, ax.LSTM.random(2, 4, 2)).nbytes
    assert setting.title == "Add: lags 1 and 2, hold 1; LSTM"


def test_config(tmp_path: Path) -> None:
    compared(tmp_path, "--no-figure", seeds=2, steps=50)
    config = config_of(tmp_path)
    assert (config["steps"], config["seeds"]) == (50, 2)
    setting = _common.Setting.from_dict(config)
    assert setting.task == ax.tasks.Add(lags=(1, 2))
    assert setting.optimiser == ax.SGD(0.05)
    rules = {label: ax.Rule.from_dict(rule) for label, rule in config["rules"].items()}
    assert rules == _comparison.named_rules(RULES)


def test_printed_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "140")
    result = axonomy(
        "compare", "--rule", "rtrl", "--rule", "uoro", *SMALL, "--steps", 100, "--seeds", 2, "--no-figure",
        "--out", tmp_path,
    )  # fmt: skip
    for row in rows_of(tmp_path):
        line = next(line for line in result.stdout.splitlines() if f" {row['rule']} " in f" {line} ")
        assert line.split()[0] == row["place"]
        assert f"{float(row['loss']):.4f} ± {float(row['spread']):.4f}" in line
    assert "standard deviation over 2 seeds" in result.stdout
    for floor, nats in ax.tasks.Add(lags=(1, 2)).floors.items():
        assert f"{floor} {nats:.3f}" in " ".join(result.stdout.split())
    assert f"results in {tmp_path}" in result.stdout


def test_one_seed_has_no_spread(tmp_path: Path) -> None:
    rows = compared(tmp_path, "--no-figure", seeds=1)
    assert all(row["spread"] == "nan" for row in rows)
    assert all(np.isfinite(float(row["loss"])) for row in rows)


def test_rules_of_one_name_are_told_apart(tmp_path: Path) -> None:
    rows = compared(tmp_path, "--no-figure", rules=("uoro", "uoro:rank=3", "rtrl"), steps=50)
    assert {row["rule"] for row in rows} == {"uoro", "uoro:rank=3", "RTRL"}


def test_diverged_rules_come_last(tmp_path: Path) -> None:
    """One of them does not hide what became of the others."""
    result = axonomy(
        "compare", "--rule", "output_only", "--rule", "rtrl", "--task", "mimic", "--task-option", "n_out=2",
        "--hidden", 4, "--activation", "relu", "--lr", 2, "--steps", 400, "--seeds", 1, "--out", tmp_path,
    )  # fmt: skip
    best, worst = rows_of(tmp_path)
    assert (best["rule"], best["diverged"]) == ("RTRL", "0")
    assert np.isfinite(float(best["loss"]))
    assert (worst["rule"], worst["diverged"], worst["loss"]) == ("read-out only", "1", "nan")
    assert "1 of 1 diverged" in result.stdout
    assert names_in(tmp_path) == FILES


def test_files_of_data(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "data.npz", x=rng.normal(size=(90, 2)), y=rng.integers(0, 3, 90))
    axonomy(
        "compare", "--rule", "rtrl", "--rule", "rflo", "--task", tmp_path / "data.npz", "--inputs", "x",
        "--targets", "y", "--loss", "cross_entropy", "--hidden", 4, "--out", tmp_path / "out",
    )  # fmt: skip
    assert config_of(tmp_path / "out")["steps"] == 90
    assert len(rows_of(tmp_path / "out")) == 2
    assert names_in(tmp_path / "out") == FILES
    said = refused(
        "compare", "--rule", "rtrl", "--task", tmp_path / "data.npz", "--inputs", "x", "--targets", "y",
        "--loss", "cross_entropy", "--streams", 2, "--out", tmp_path / "two",
    )  # fmt: skip
    assert said == "streams: expected 1, as a file has one order, got 2"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--rule", "rtrl", "--rule", "rtrl"), "--rule: expected different rules, got 'rtrl' twice"),
        (("--rule", "rtrl", "--rule", "nonsense"), "rule must be one of rtrl, "),
        (("--rule", "rtrl", "--steps", 0), "n_steps: expected a whole number at least 1, got 0"),
        (("--rule", "rtrl", "--hidden", 0), "n_hidden: expected a whole number at least 1, got 0"),
        (("--rule", "rtrl", "--task", "sum"), "task must be one of add, mimic, copy, anbn, "),
        (("--rule", "rtrl", "--optimiser", "lion"), "optimiser: expected one of 'sgd', "),
        (("--rule", "rtrl", "--cell", "rnn"), "cell: expected one of 'leaky_rnn', "),
        (("--rule", "rtrl", "--streams", 0), "streams: expected a whole number at least 1, got 0"),
        (("--rule", "rtrl", "--cell", "mgu", "--alpha", 1), "alpha: expected one of the options of mgu ("),
        (("--rule", "rtrl", "--rule", "kf_rtrl", "--cell", "ind_rnn"), "KF-RTRL needs one set of regressors"),
    ],
)
def test_errors(tmp_path: Path, arguments: tuple[object], message: str) -> None:
    assert refused("compare", *arguments, "--out", tmp_path / "out").startswith(message)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("arguments", [(), ("--rule", "rtrl", "--seeds", 0), ("--rule", "rtrl", "--jobs", 0)])
def test_usage(tmp_path: Path, arguments: tuple[object]) -> None:
    result = axonomy("compare", *arguments, "--out", tmp_path / "out", code=2)
    assert "Usage: " in result.stderr
    assert not (tmp_path / "out").exists()


def test_a_folder_with_something_in_it(tmp_path: Path) -> None:
    compared(tmp_path, rules=("rtrl",), steps=60)
    said = refused("compare", "--rule", "uoro", *SMALL, "--out", tmp_path)
    assert said == f"--out: {tmp_path} is not empty; give another folder, or --force"
    assert [row["rule"] for row in rows_of(tmp_path)] == ["RTRL"]
    rows = compared(tmp_path, "--force", "--no-figure", rules=("uoro",), steps=60)
    assert [row["rule"] for row in rows] == ["UORO"]
    assert names_in(tmp_path) == FILES - {"learning_curves.png"}


def test_a_bug_in_a_run_is_not_hidden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(trainer: ax.Trainer, *arguments: object, **options: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(ax.Trainer, "run", broken)
    with pytest.raises(ZeroDivisionError):
        compared(tmp_path, rules=("rtrl",))


INTERRUPTED = """
import os, signal, sys, threading
signal.signal(signal.SIGINT, signal.default_int_handler)  # which a parent may have ignored
import axonomy as ax
from axonomy.cli import main

run = ax.Trainer.run
timer = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT))
finished = threading.Semaphore(0)

def watched(trainer, X, Y, **options):
    if trainer.seed == 0:
        history = run(trainer, X, Y, **options)
        finished.release()
        return history
    if trainer.seed == 1:
        X, Y = (array.repeat(50_000, axis=0) for array in (X, Y))
        if trainer.rule.name == "RFLO":
            for _ in range(2):  # both runs of the first seed
                finished.acquire()
            timer.start()
    return run(trainer, X, Y, **options)

ax.Trainer.run = watched
sys.argv = ["axonomy", *sys.argv[1:]]
main()
"""


def test_interrupt(tmp_path: Path) -> None:
    """Ctrl-C during the runs of the second seed: those of the first are kept."""
    call = ("compare", "--rule", "rflo", "--rule", "uoro", *SMALL, "--steps", 60, "--seeds", 3)
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, *map(str, call), "--out", str(tmp_path), "--jobs", "2"],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 130, done.stderr
    assert "interrupted; 2 finished runs are kept" in done.stderr
    assert "Traceback" not in done.stderr
    assert {row["rule"]: row["seeds"] for row in rows_of(tmp_path)} == {"RFLO": "1", "UORO": "1"}
    assert names_in(tmp_path) == FILES


def test_a_hybrid_in_json_or_a_file(tmp_path: Path) -> None:
    """Rules that have no short form."""
    hybrid = ax.mix(["rtrl_lazy", ax.by_block(W_rec="uoro", W_in="rflo", b="rflo")], [0.25, 0.75])
    (tmp_path / "rule.toml").write_text(ax.mix(["rflo", "dni"]).to_toml(), encoding="utf-8")
    (tmp_path / "rule.json").write_text(ax.mix(["snap", "dni"]).to_json(), encoding="utf-8")
    rules = (hybrid.to_json(), str(tmp_path / "rule.toml"), str(tmp_path / "rule.json"))
    rows = compared(tmp_path / "out", "--no-figure", rules=rules, seeds=1)
    labels = {hybrid.name, "0.5 RFLO + 0.5 DNI", "0.5 SnAp-1, e-prop + 0.5 DNI"}
    assert {row["rule"] for row in rows} == labels
    assert ax.Rule.from_dict(config_of(tmp_path / "out")["rules"][hybrid.name]) == hybrid


def test_a_file_that_is_no_rule(tmp_path: Path) -> None:
    (tmp_path / "rule.toml").write_text("mix = 3", encoding="utf-8")
    for rule in (str(tmp_path / "rule.toml"), "{3"):
        assert refused("compare", "--rule", rule, "--out", tmp_path / "out").startswith("rule: expected")
    assert "nothing.json" in refused("compare", "--rule", "nothing.json", "--out", tmp_path / "out")

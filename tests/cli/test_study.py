"""axonomy study: goes on after any end, shows what it does, and says what is wrong."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from axonomy.cli import _study
from axonomy.studies import Results, Study
from command_line import axonomy, refused
from small_study import small, text, times

MAIN = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # which a parent may have ignored
from axonomy.cli import main
main()
"""
# Runs of about a second each.
LONG = {
    "steps": "1000",
    "tuning_steps": "1000",
    "n": "16",
    "rules": '["kj|ij:deterministic:numerical"]',
    "seeds": "4",
}


def written(folder: Path, **settings: str) -> Path:
    (folder / "small.toml").write_text(text(**settings), encoding="utf-8")
    return folder / "small.toml"


def start(file: Path, out: Path) -> subprocess.Popen[str]:
    call = [sys.executable, "-c", MAIN, "study", str(file), "--out", str(out), "--jobs", "2"]
    # A session of its own, so that Ctrl-C can go to all of its processes, as it does from a terminal.
    return subprocess.Popen(
        call, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def until_some(out: Path, count: int) -> None:
    end = time.monotonic() + 60
    while len(list((out / "runs").glob("[!.]*.json"))) < count:
        assert time.monotonic() < end
        time.sleep(0.02)


def descendants(pid: int) -> set[int]:
    """The processes of a session."""
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[3]) == pid and fields[0] != "Z":
                found.add(int(entry.name))
    return found


def test_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "140")
    file = written(tmp_path)
    said = axonomy("study", file, "--out", tmp_path / "out", "--jobs", 1).stdout
    results = Results.open(tmp_path / "out")
    final = results.runs().query("phase == 'final'")
    assert len(final) == 6
    for rule, rows in final.groupby("rule"):
        line = next(line for line in said.splitlines() if f" {rule} " in line)
        assert f"{rows['final_loss'].mean():.4f} ± {rows['final_loss'].std():.4f}" in line
        assert "0 of 2" in line
    assert "add:lags=[1, 2]; leaky_rnn" in said
    assert f"results in {tmp_path / 'out'}" in said
    before = times(tmp_path / "out")
    again = axonomy("study", file, "--out", tmp_path / "out")
    assert times(tmp_path / "out") == before
    assert again.stdout == said


def test_what_is_left_out_is_said(tmp_path: Path) -> None:
    file = written(tmp_path, rules='["rflo", "snap:n=2"]')
    said = axonomy("study", file, "--out", tmp_path / "out", "--jobs", 1).stdout
    assert "left out: SnAp-n on leaky_rnn (add:lags=[1, 2]): SnAp-n needs sparse recurrent weights" in said


def test_quick(tmp_path: Path) -> None:
    file = written(tmp_path)
    file.write_text(file.read_text() + "[quick]\nsteps = 20\n")
    axonomy("study", file, "--quick", "--out", tmp_path / "out", "--jobs", 1)
    assert Study.load(tmp_path / "out" / "study.toml").steps == 20


@pytest.mark.parametrize("name", ["axes", "paper", "table"])
def test_shipped(name: str, tmp_path: Path) -> None:
    """The short form of each, with steps few enough for a test."""
    from importlib import resources

    content = (resources.files("axonomy.studies") / "shipped" / f"{name}.toml").read_text("utf-8")
    head, quick = content.split("[quick]\n")
    lines = [
        line for line in quick.splitlines() if not line.startswith(("steps", "tuning_steps", "seeds", "n "))
    ]
    short = ["[quick]", "steps = 40", "tuning_steps = 40", "seeds = 1", "n = 6", "metrics = []", *lines]
    (tmp_path / "s.toml").write_text("\n".join([head, *short]), encoding="utf-8")
    axonomy("study", tmp_path / "s.toml", "--quick", "--out", tmp_path / "out", "--jobs", 1)
    results = Results.open(tmp_path / "out")
    assert results.missing() == 0
    assert len(results.runs().query("phase == 'final'")) == len(results.study.cases)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks at /proc")
def test_killed(tmp_path: Path) -> None:
    """kill -9: what was finished stays as it is, no process goes on, and the same command does the rest."""
    file, out = written(tmp_path, **LONG), tmp_path / "out"
    running = start(file, out)
    until_some(out, 3)
    assert len(descendants(running.pid)) >= 3
    os.kill(running.pid, signal.SIGKILL)
    running.communicate()
    end = time.monotonic() + 20
    while descendants(running.pid):
        assert time.monotonic() < end, "workers go on"
        time.sleep(0.1)
    before = {name: at for name, at in times(out).items() if name.endswith(".json") and name[0] != "."}
    assert 3 <= len(before) < 8
    done = axonomy("study", file, "--out", out, "--jobs", 2)
    after = times(out)
    assert {name: after[name] for name in before} == before
    assert Results.open(out).missing() == 0
    assert len(Results.open(out).runs()) == 4 + 4
    assert f"tuning: {min(len(before), 4)} runs are there" in done.stderr or len(before) >= 4


def test_interrupted(tmp_path: Path) -> None:
    """Ctrl-C: one line that says what is kept."""
    file, out = written(tmp_path, **LONG), tmp_path / "out"
    running = start(file, out)
    until_some(out, 2)
    os.killpg(running.pid, signal.SIGINT)
    _, said = running.communicate(timeout=60)
    assert running.returncode == 130
    assert "Traceback" not in said
    kept = len(list((out / "runs").glob("*.json")))
    assert f"interrupted; {kept} finished runs are kept in {out}: the same command goes on" in said
    before = times(out)
    axonomy("study", file, "--out", out, "--jobs", 2)
    assert {name: at for name, at in times(out).items() if name in before and name.endswith(".json")} == {
        name: at for name, at in before.items() if name.endswith(".json")
    }
    assert Results.open(out).missing() == 0


def test_corrupt(tmp_path: Path) -> None:
    file, out = written(tmp_path), tmp_path / "out"
    axonomy("study", file, "--out", out, "--jobs", 1)
    (spoiled,) = sorted((out / "runs").glob("*.json"))[:1]
    spoiled.write_text("{}")
    result = axonomy("study", file, "--out", out, "--jobs", 1)
    assert f"{spoiled.name} was corrupt: set aside to be run again" in result.stderr
    assert Results.open(out).missing() == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nothing",), "study: expected a .toml file or one of axes, paper, table, got 'nothing'"),
        (("axes", "--engine", "slurm"), "--engine: expected one of 'joblib', 'dask', got 'slurm'"),
        (("axes", "--address", "tcp://x:1"), "--address: expected with --engine dask, got it with joblib"),
        (("axes", "--engine", "dask", "--address", "tcp://x:1", "--jobs", 2), "--jobs: the workers "),
    ],
)  # fmt: skip
def test_errors(tmp_path: Path, arguments: tuple[object, ...], message: str) -> None:
    if "dask" in arguments:
        pytest.importorskip("distributed")
    assert refused("study", *arguments, "--out", tmp_path / "out").startswith(message)
    assert not (tmp_path / "out").exists()


def test_a_malformed_file(tmp_path: Path) -> None:
    file = written(tmp_path, rules='["rlfo"]')
    assert refused("study", file, "--out", tmp_path / "out").startswith(
        f"{file}, line 9: rules[0]: rule must be one of rtrl, "
    )


@pytest.mark.parametrize(
    ("package", "extra"), [("joblib", "study"), ("pandas", "study"), ("distributed", "dask")]
)
def test_missing_extra(tmp_path: Path, package: str, extra: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    said = refused("study", "axes", "--engine", "dask", "--out", tmp_path / "out")
    assert said == f'this needs {package}, which is not installed: pip install "axonomy[{extra}]" brings it'


def test_time_remaining() -> None:
    study = small(rules='["rtrl", "uoro"]')
    missing = study.plan("final", dict.fromkeys(study.cases, 0.1))
    remaining = _study._Remaining(missing, workers=3)
    assert remaining.running == 3
    remaining._start -= 10
    remaining.finished(missing[0], {"seconds_per_step": 3.0})
    # A third known at 3 s a step, the others taken to be like it: three times what was spent is left.
    assert remaining.seconds() == pytest.approx(30, rel=0.01)
    remaining.finished(missing[1], {"seconds_per_step": 1.0})
    assert remaining.seconds() == pytest.approx(10, rel=0.01)
    assert remaining.running == 2
    remaining.finished(missing[2], {"seconds_per_step": 3.0})
    remaining.finished(missing[3], {"seconds_per_step": 1.0})
    assert remaining.seconds() == 0
    assert remaining.running == 0


@pytest.mark.parametrize(("seconds", "said"), [(5.2, "5 s"), (89, "89 s"), (91, "1.5 min"), (7200, "2.0 h")])
def test_duration(seconds: float, said: str) -> None:
    assert _study.duration(seconds) == said

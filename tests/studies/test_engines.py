"""Engines: everything comes back once, whatever happens to a worker, and errors say what to do."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from axonomy import _extras
from axonomy.studies import DaskEngine, Engine, JoblibEngine, Results, conduct
from small_study import Here, Seen, small


def square(x: int) -> int:
    return x * x


def fail(x: int) -> int:
    if x == 3:
        raise ZeroDivisionError("of three")
    return x


def die(x: int) -> int:
    if x == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return x


def who(x: float) -> int:
    time.sleep(x)
    return os.getpid()


ITEMS = [(f"k{x}", x) for x in range(8)]


def engines() -> list[Engine]:
    return [JoblibEngine(1), JoblibEngine(2)]


@pytest.mark.parametrize("engine", engines(), ids=["one", "two"])
def test_everything_once(engine: Engine) -> None:
    with engine.ready():
        assert sorted(engine.map(square, ITEMS)) == [(f"k{x}", x * x) for x in range(8)]


@pytest.mark.parametrize("engine", engines(), ids=["one", "two"])
def test_errors_are_raised(engine: Engine) -> None:
    with engine.ready(), pytest.raises(ZeroDivisionError, match="of three"):
        list(engine.map(fail, ITEMS))


def test_all_cores() -> None:
    assert JoblibEngine().workers >= 1
    engine = JoblibEngine(2)
    assert engine.workers == 2
    pids = {pid for _, pid in engine.map(who, [(str(i), 0.2) for i in range(6)])}
    assert len(pids) == 2
    assert os.getpid() not in pids


def test_a_worker_that_is_killed() -> None:
    with pytest.raises(ChildProcessError, match=r"a worker process was killed.*the same command goes on"):
        list(JoblibEngine(2).map(die, ITEMS))
    assert len(list(JoblibEngine(2).map(square, ITEMS))) == 8  # and the next ones are as good as ever


def test_bad_jobs() -> None:
    with pytest.raises(ValueError, match="jobs: expected a whole number at least 1, got 0"):
        JoblibEngine(0)
    with pytest.raises(ValueError, match="--jobs: the workers of a cluster at --address"):
        DaskEngine("tcp://localhost:1", 2)


@pytest.mark.parametrize(("engine", "package"), [(JoblibEngine, "joblib"), (DaskEngine, "distributed")])
def test_missing_extra(engine: type[Engine], package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, package, None)
    with pytest.raises(
        _extras.MissingExtra, match=rf'needs {package}.*pip install "axonomy\[(study|dask)\]"'
    ):
        engine()


def test_joblib_finds_what_this_process_finds(tmp_path: Path) -> None:
    for name, engine in (("a", Here()), ("b", JoblibEngine(2))):
        conduct(small(), tmp_path / name, engine)
    a, b = (Results.open(tmp_path / name).runs().drop(columns="seconds_per_step") for name in "ab")
    assert a.equals(b)
    assert len(a) == 18


def test_what_was_finished_before_an_error_is_kept(tmp_path: Path) -> None:
    first = Here(fail_at=4, error=KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        conduct(small(), tmp_path, first)
    second, seen = Here(), Seen()
    conduct(small(), tmp_path, second, seen)
    assert len(first.asked) == 4
    assert not set(first.asked) & set(second.asked)
    assert len(second.asked) == 14
    assert seen.phases == [("tuning", 4, 8), ("final", 0, 6)]
    third = Here()
    conduct(small(), tmp_path, third)
    assert third.asked == []


def test_a_changed_study_takes_no_stale_result(tmp_path: Path) -> None:
    conduct(small(), tmp_path, Here())
    before = Results.open(tmp_path).runs()
    wider, engine = small(n="5"), Here()
    after = conduct(wider, tmp_path, engine).runs()
    assert len(engine.asked) == 18
    assert not set(before["key"]) & set(after["key"])
    assert set(after["n"]) == {5}
    # One more rule: its own runs and no other.
    engine = Here()
    more = conduct(small(n="5", rules='["rflo", "uoro", "output_only", "rtrl"]'), tmp_path, engine).runs()
    assert len(engine.asked) == 4 + 2
    assert set(after["key"]) < set(more["key"])
    # And back again: everything is there.
    engine = Here()
    again = conduct(small(), tmp_path, engine).runs()
    assert engine.asked == []
    assert again.equals(before)

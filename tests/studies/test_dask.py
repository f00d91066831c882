"""A study on a Dask cluster: a scheduler and two workers, each a process of its own."""

from __future__ import annotations

import gc
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytest.importorskip("distributed")

import axonomy as ax
from axonomy._build import made_by
from axonomy.studies import DaskEngine, Results, conduct
from command_line import refused
from small_study import Here, Seen, small, text

QUIET = {**os.environ, "DASK_DISTRIBUTED__WORKER__MEMORY__TERMINATE": "False"}
# The last rule takes about a second a run: long enough for a worker to be killed in the midst of one.
LONG = {
    "steps": "1000",
    "tuning_steps": "500",
    "n": "16",
    "tuning_seeds": "1",
    "rules": '["rtrl", "uoro", "kj|ij:deterministic:numerical"]',
}


class Cluster:
    """A scheduler and its workers."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.processes: list[subprocess.Popen[bytes]] = []
        self._file = folder / "scheduler.json"
        self._start("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard")
        self._until(self._file.exists)

    @property
    def address(self) -> str:
        import json

        return str(json.loads(self._file.read_text())["address"])

    def worker(self) -> subprocess.Popen[bytes]:
        return self._start("worker", "--nthreads", "1", "--no-nanny", "--no-dashboard", "--host", "127.0.0.1")

    def _start(self, kind: str, *options: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", f"distributed.cli.dask_{kind}", "--scheduler-file", str(self._file)]
        with (self.folder / f"{kind}{len(self.processes)}.log").open("wb") as log:
            process = subprocess.Popen(
                [*command, *options], stdout=log, stderr=log, env=QUIET, cwd=self.folder
            )
        self.processes.append(process)
        return process

    def _until(self, there: Callable[[], bool]) -> None:
        end = time.monotonic() + 60
        while not there():
            assert time.monotonic() < end, "the scheduler does not start"
            time.sleep(0.05)

    def stop(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait()


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    (tmp_path / "cluster").mkdir()
    cluster = Cluster(tmp_path / "cluster")
    yield cluster
    cluster.stop()


def same_as_here(folder: Path, other: Path) -> None:
    conduct(small(**LONG), other, Here())
    found, expected = (Results.open(f).runs().drop(columns="seconds_per_step") for f in (folder, other))
    assert found.equals(expected)


def test_a_worker_is_killed_half_way(cluster: Cluster, tmp_path: Path) -> None:
    """Nothing is lost, nothing is doubled, and what is found is what one process finds."""
    doomed, other = cluster.worker(), cluster.worker()

    def kill(count: int) -> None:
        if count == 3:
            doomed.send_signal(signal.SIGKILL)

    study, seen = small(**LONG), Seen(kill)
    results = conduct(study, tmp_path / "dask", DaskEngine(cluster.address), seen)
    assert doomed.wait() == -signal.SIGKILL
    assert other.poll() is None
    planned = 6 + 6
    assert len(seen.keys) == len(set(seen.keys)) == planned
    assert results.missing() == 0
    names = [path.name for path in (tmp_path / "dask" / "runs").iterdir()]
    assert len(names) == 2 * planned
    same_as_here(tmp_path / "dask", tmp_path / "here")


def test_goes_on_after_the_scheduler_is_lost(cluster: Cluster, tmp_path: Path) -> None:
    cluster.worker()
    with DaskEngine(cluster.address, timeout=60).ready():
        pass  # the worker is there: what is waited for below is the scheduler, for a shorter time

    def kill(count: int) -> None:
        if count == 2:
            cluster.processes[0].kill()

    seen = Seen(kill)
    with pytest.raises(ConnectionError, match=r"the Dask scheduler was lost.*the same command goes on"):
        conduct(small(**LONG), tmp_path / "dask", DaskEngine(cluster.address, timeout=5), seen)
    engine = Here()
    results = conduct(small(**LONG), tmp_path / "dask", engine)
    assert not set(engine.asked) & set(seen.keys)
    assert len(engine.asked) + len(seen.keys) == 12
    assert results.missing() == 0


def test_no_workers(cluster: Cluster, tmp_path: Path) -> None:
    with pytest.raises(ConnectionError, match="has no workers; start some with dask worker"):
        conduct(small(), tmp_path / "dask", DaskEngine(cluster.address, timeout=2))


def test_workers_with_another_axonomy(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the same version, with other sources of its core."""
    cluster.worker()
    there = made_by()
    monkeypatch.setattr("axonomy._build.build_info", lambda: {"sources": "0"})
    said = re.escape(f"the Dask workers have axonomy {there}, and here it is {ax.__version__} 0:")
    with pytest.raises(ValueError, match=said):
        conduct(small(), tmp_path / "dask", DaskEngine(cluster.address))


def test_no_scheduler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConnectionError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:9"):
        conduct(small(), tmp_path / "dask", DaskEngine("tcp://127.0.0.1:9", timeout=1))
    (tmp_path / "study.toml").write_text(text(), encoding="utf-8")
    where = ["--engine", "dask", "--address", "nonsense://x", "--out", tmp_path / "o"]
    said = refused("study", tmp_path / "study.toml", *where)
    assert said.startswith("no Dask scheduler answers at nonsense://x")


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "nonsense://x"])
def test_nothing_is_left_to_the_garbage_collector(address: str) -> None:
    """Which may run while Dask has the lock that closing a client takes."""
    from distributed import Client

    with pytest.raises(ConnectionError), DaskEngine(address, timeout=1).ready():
        pass
    assert {client.status for client in gc.get_objects() if isinstance(client, Client)} <= {"closed"}


def test_a_cluster_of_its_own(tmp_path: Path) -> None:
    engine = DaskEngine(jobs=2)
    assert engine.workers == 2
    conduct(small(**LONG), tmp_path / "dask", engine)
    same_as_here(tmp_path / "dask", tmp_path / "here")


def test_an_error_of_a_run(cluster: Cluster) -> None:
    cluster.worker()
    engine = DaskEngine(cluster.address)
    with engine.ready():
        with pytest.raises(ZeroDivisionError):
            list(engine.map(lambda x: 1 // x, [("a", 0)]))
        assert list(engine.map(lambda x: 1 // x, [("b", 1)])) == [("b", 1)]

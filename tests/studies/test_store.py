"""Results on disk: whole or not there, and never those of another run."""

from __future__ import annotations

import errno
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from axonomy import _files
from axonomy.studies import Corrupt, Results, Store, conduct
from axonomy.studies.execute import Outcome
from small_study import Here, Seen, small, times

RUN = small().cases[0].first
OUTCOME = Outcome(
    {"final_loss": None, "diverged_at": 3, "seconds_per_step": 0.1, "bytes": 7},
    {"step": np.array([1, 2]), "loss": np.array([0.5, np.nan])},
)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path)
    with store.begin(small()):
        store.save(RUN, OUTCOME)
    return store


def test_as_saved(store: Store) -> None:
    assert store.has(RUN)
    found = store.load(RUN)
    assert found is not None
    assert found.facts == OUTCOME.facts
    for name, array in OUTCOME.arrays.items():
        np.testing.assert_array_equal(found.arrays[name], array)
    assert store.keys() == {RUN.key}
    assert store.study() == small()
    names = {path.name for path in (store.folder / "runs").iterdir()}
    assert names == {f"{RUN.key}.json", f"{RUN.key}.npz"}


def test_the_file_says_what_it_is_of(store: Store) -> None:
    written = json.loads((store.folder / "runs" / f"{RUN.key}.json").read_text())
    assert written["run"] == RUN.to_dict()


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-5])


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def other_number(path: Path) -> None:
    text = path.read_text()
    assert '"bytes": 7' in text
    path.write_text(text.replace('"bytes": 7', '"bytes": 8'))


@pytest.mark.parametrize(
    ("name", "spoil"),
    [
        ("json", cut),
        ("json", flip),
        ("json", other_number),
        ("json", lambda path: path.write_bytes(b"")),
        ("json", lambda path: path.write_bytes(b"[1]")),
        ("json", lambda path: path.write_bytes(b"\xff")),
        ("npz", cut),
        ("npz", flip),
        ("npz", Path.unlink),
    ],
)
def test_corrupt(store: Store, name: str, spoil: Callable[[Path], Any]) -> None:
    spoil(store.folder / "runs" / f"{RUN.key}.{name}")
    with pytest.raises(Corrupt, match="is corrupt"):
        store.load(RUN)
    assert not store.has(RUN)
    assert f"{RUN.key}.json.corrupt" in [path.name for path in store.set_aside]
    assert store.load(RUN) is None
    store.save(RUN, OUTCOME)
    assert store.has(RUN)


def test_the_result_of_another_run_under_this_name(store: Store) -> None:
    other = small(n="5").cases[0].first
    for end in ("json", "npz"):
        (store.folder / "runs" / f"{RUN.key}.{end}").rename(store.folder / "runs" / f"{other.key}.{end}")
    with pytest.raises(Corrupt):
        store.load(other)


def test_arrays_without_facts_are_nothing(store: Store) -> None:
    """As after a kill between the two files."""
    (store.folder / "runs" / f"{RUN.key}.json").unlink()
    assert store.load(RUN) is None
    assert not store.has(RUN)
    assert store.set_aside == []


def test_repaired(tmp_path: Path) -> None:
    """A corrupt result is set aside, told, and run again; it alone."""
    conduct(small(), tmp_path, Here())
    before = Results.open(tmp_path).runs()
    key = before["key"][5]
    other_file = tmp_path / "runs" / f"{key}.npz"
    flip(other_file)
    with pytest.raises(Corrupt, match=key):
        Results.open(tmp_path).curves() if before["phase"][5] == "final" else Results.open(tmp_path).runs()
    engine, seen = Here(), Seen()
    results = conduct(small(), tmp_path, engine, seen)
    assert engine.asked == [key]
    assert seen.store is not None
    assert {path.name for path in seen.store.set_aside} == {f"{key}.json.corrupt", f"{key}.npz.corrupt"}
    after = results.runs()
    same = [column for column in before if column != "seconds_per_step"]
    assert after[same].equals(before[same])


def test_disk_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be written is no result; with room again the rest is run, and no more."""
    calls, whole = 0, _files.whole

    class Full:
        def __init__(self, path: Path) -> None:
            self._whole = whole(path)

        def __enter__(self) -> Any:
            self._file = self._whole.__enter__()
            return self

        def write(self, content: bytes) -> None:
            nonlocal calls
            calls += 1
            self._file.write(content[: len(content) // 2])
            if calls > 6:
                raise OSError(errno.ENOSPC, "No space left on device")
            self._file.write(content[len(content) // 2 :])

        def __exit__(self, *error: Any) -> Any:
            return self._whole.__exit__(*error)

    monkeypatch.setattr("axonomy.studies.store.whole", Full)
    with pytest.raises(OSError, match=r"runs/[0-9a-f]{16}\.\w+ could not be written: No space left") as error:
        conduct(small(), tmp_path, Here())
    assert error.value.errno == errno.ENOSPC
    monkeypatch.undo()
    assert not [path for path in (tmp_path / "runs").iterdir() if path.name.startswith(".")]
    done = len(list((tmp_path / "runs").glob("*.json")))
    assert done == 2
    kept = times(tmp_path)
    engine = Here()
    conduct(small(), tmp_path, engine)
    assert len(engine.asked) == 12 + 6 - done
    assert all(times(tmp_path)[name] == kept[name] for name in kept if name.endswith(".json"))


def test_parts_of_a_killed_process_are_cleared(store: Store) -> None:
    for name in (".x.json.123", ".x.npz.123"):
        (store.folder / "runs" / name).write_bytes(b"half")
    with store.begin(small()):
        assert {path.name for path in (store.folder / "runs").iterdir()} == {
            f"{RUN.key}.json",
            f"{RUN.key}.npz",
        }


def test_folders_that_will_not_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(ValueError, match="is not a folder"), Store(tmp_path / "file").begin(small()):
        pass
    with pytest.raises(ValueError, match="is not empty and holds no study"), Store(tmp_path).begin(small()):
        pass
    with pytest.raises(ValueError, match="holds no study"):
        Results.open(tmp_path / "nothing")


def test_one_process_at_a_time(store: Store) -> None:
    program = (
        "import sys; from pathlib import Path; from axonomy.studies import Store\n"
        "store = Store(Path(sys.argv[1]))\n"
        "with store.begin(store.study()): pass"
    )
    call = [sys.executable, "-c", program, str(store.folder)]
    with store.begin(small()):
        second = subprocess.run(call, capture_output=True, text=True)
    assert second.returncode != 0
    assert "another process is running a study in" in second.stderr
    assert subprocess.run(call).returncode == 0

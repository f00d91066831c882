"""The folder of a study: what it was, and one result a run, each whole or not there.

study.toml        the study as it was last run
runs/KEY.json     what came of a run, with checksums
runs/KEY.npz      its curve, or what was measured

KEY is the digest of all that determines the run, so that a result is never taken for that of another.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from axonomy._files import whole
from axonomy.studies.execute import Outcome
from axonomy.studies.plan import Run, canonical
from axonomy.studies.study import Study

GOES_ON = "what was finished is kept, and the same command goes on from there"
STUDY, RUNS, LOCK = "study.toml", "runs", ".lock"


class Corrupt(ValueError):
    """A file that is not what was written."""


class Store:
    """The results in a folder.

    Parameters
    ----------
    folder : Path

    Attributes
    ----------
    set_aside : list of Path
        Files that were found corrupt, under the names they have now.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.set_aside: list[Path] = []

    @contextmanager
    def begin(self, study: Study) -> Iterator[None]:
        """Make the folder, say what study it is of, and keep it from other processes.

        Raises
        ------
        ValueError
            If there is something else in the folder, or another process works in it.
        """
        self._refuse_others()
        (self.folder / RUNS).mkdir(parents=True, exist_ok=True)
        with self._locked():
            for part in (self.folder / RUNS).glob(".*.json.*"):
                part.unlink()  # of a process that was killed while it wrote
            for part in (self.folder / RUNS).glob(".*.npz.*"):
                part.unlink()
            self._write(self.folder / STUDY, study.to_toml().encode())
            yield

    def study(self) -> Study:
        """The study as it was last run."""
        path = self.folder / STUDY
        if not path.is_file():
            raise ValueError(f"{self.folder} holds no study (no {STUDY})")
        return Study.load(path)

    def has(self, run: Run) -> bool:
        """Whether the run is done; a result that is corrupt is set aside."""
        try:
            return self.load(run) is not None
        except Corrupt:
            for path in self._paths(run):
                if path.exists():
                    aside = path.with_name(f"{path.name}.corrupt")
                    os.replace(path, aside)
                    self.set_aside.append(aside)
            return False

    def save(self, run: Run, outcome: Outcome) -> None:
        """Write the result: the JSON last, as with it the run counts as done.

        Raises
        ------
        OSError
            If that cannot be, naming the file.
        """
        path, arrays = self._paths(run)
        content = io.BytesIO()
        np.savez(content, **outcome.arrays)  # type: ignore[arg-type]
        packed = content.getvalue()
        result = {"run": run.to_dict(), "facts": outcome.facts, "arrays": _digest(packed)}
        self._write(arrays, packed)
        text = json.dumps(
            {"checksum": _digest(canonical(result).encode()), **result}, ensure_ascii=False, indent=1
        )
        self._write(path, text.encode())

    def load(self, run: Run) -> Outcome | None:
        """What came of a run; None if it is not done.

        Raises
        ------
        Corrupt
            If a file is not what was written.
        """
        path, arrays = self._paths(run)
        try:
            text = path.read_bytes()
        except FileNotFoundError:
            return None
        try:
            result = json.loads(text)
            checksum = result.pop("checksum")
            sound = checksum == _digest(canonical(result).encode()) and result["run"] == run.to_dict()
        except (ValueError, KeyError, TypeError, AttributeError):
            sound = False
        if not sound:
            raise Corrupt(f"{path} is corrupt: axonomy study sets it aside and runs it again")
        try:
            packed = arrays.read_bytes()
        except FileNotFoundError:
            packed = b""
        if _digest(packed) != result["arrays"]:
            raise Corrupt(f"{arrays} is corrupt or missing: axonomy study sets it aside and runs it again")
        with np.load(io.BytesIO(packed), allow_pickle=False) as found:
            return Outcome(result["facts"], dict(found))

    def keys(self) -> set[str]:
        """The keys of all results, also of those that are not of the study as it is now."""
        return {path.stem for path in (self.folder / RUNS).glob("*.json") if not path.name.startswith(".")}

    def _paths(self, run: Run) -> tuple[Path, Path]:
        base = self.folder / RUNS / run.key
        return base.with_suffix(".json"), base.with_suffix(".npz")

    def _refuse_others(self) -> None:
        if self.folder.exists() and not self.folder.is_dir():
            raise ValueError(f"--out: {self.folder} is not a folder")
        if self.folder.is_dir() and any(self.folder.iterdir()) and not (self.folder / RUNS).is_dir():
            raise ValueError(f"--out: {self.folder} is not empty and holds no study; give another folder")

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            import fcntl
        except ImportError:  # no such locks here: two at a time would do things twice, never wrong
            yield
            return
        # The lock goes with the process, however that ends.
        with (self.folder / LOCK).open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise ValueError(
                    f"--out: another process is running a study in {self.folder}; wait for it or stop it"
                ) from None
            yield

    @staticmethod
    def _write(path: Path, content: bytes) -> None:
        try:
            with whole(path) as file:
                file.write(content)
        except OSError as error:
            # That of a write names no file.
            raise OSError(error.errno, f"{path} could not be written: {error.strerror}; {GOES_ON}") from error


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def number(value: Any, otherwise: float = float("nan")) -> float:
    """A number of the facts; `otherwise` where it does not exist."""
    return otherwise if value is None else float(value)

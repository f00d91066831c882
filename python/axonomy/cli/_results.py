"""The folder that a run leaves behind.

config.toml      everything that determines the run
metrics.npz      loss (steps,), or (steps, streams), and a digest of the samples they belong to
checkpoint.npz   the trainer: weights, state, learner, optimiser, generators
curve.png        the learning curve
"""

from __future__ import annotations

import hashlib
import os
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

import axonomy as ax
from axonomy import _toml
from axonomy.tasks import Stream

CONFIG, METRICS, CHECKPOINT, CURVE = "config.toml", "metrics.npz", "checkpoint.npz", "curve.png"


def prepare_folder(folder: Path, force: bool, *results: str) -> None:
    """Make the folder; refuse one with something in it unless forced.

    Then earlier ``results`` go at once: were this run to be killed, they would stand beside its config.
    """
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"--out: {folder} is not a folder")
    if folder.is_dir() and any(folder.iterdir()) and not force:
        raise ValueError(f"--out: {folder} is not empty; give another folder, or --force")
    folder.mkdir(parents=True, exist_ok=True)
    for name in results:
        (folder / name).unlink(missing_ok=True)


def write_config(folder: Path, values: Mapping[str, Any]) -> None:
    """Write ``config.toml``."""
    _write(folder / CONFIG, lambda path: path.write_text(_toml.dumps(values), encoding="utf-8"))


def read_config(folder: Path) -> dict[str, Any]:
    """Read ``config.toml``."""
    path = folder / CONFIG
    if not path.is_file():
        raise ValueError(f"--resume: {folder} holds no results of axonomy train (no {CONFIG})")
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"--resume: {path} cannot be read: {error}") from None


def save(folder: Path, trainer: ax.Trainer, loss: np.ndarray, stream: Stream) -> None:
    """Write the losses so far and the trainer that comes after them."""
    seen = digest(stream.part(0, len(loss)))
    _write(folder / METRICS, lambda path: np.savez(path, loss=loss, data=np.array(seen)))
    _write(folder / CHECKPOINT, trainer.save)


def load(folder: Path) -> tuple[ax.Trainer, np.ndarray, str]:
    """The trainer, the losses (steps, ...) so far and the digest of their samples."""
    for name in (METRICS, CHECKPOINT):
        if not (folder / name).is_file():
            raise ValueError(f"--resume: {folder} has nothing to continue from (no {name})")
    trainer = ax.Trainer.load(folder / CHECKPOINT)
    try:
        with (folder / METRICS).open("rb") as file, np.load(file, allow_pickle=False) as metrics:
            loss, seen = metrics["loss"], str(metrics["data"])
    except Exception as error:  # numpy has many for files that are cut or none of its own
        raise ValueError(f"--resume: {folder / METRICS} cannot be read: {error}") from None
    if trainer.step_count != len(loss):
        raise ValueError(
            f"--resume: {folder} was not saved whole: {METRICS} has {len(loss)} steps, "
            f"{CHECKPOINT} {trainer.step_count}"
        )
    return trainer, loss, seen


def digest(stream: Stream) -> str:
    """A fingerprint of samples: a continued run must go on with the data it began with."""
    sha = hashlib.sha256()
    for array in (stream.X, stream.Y, stream.mask, stream.reset):
        sha.update(b"-" if array is None else np.ascontiguousarray(array).data)
    return sha.hexdigest()


def _write(path: Path, writer: Callable[[Path], Any]) -> None:
    """Write beside and rename, so that a file is whole or as it was."""
    part = path.with_name("." + path.name)  # keeps the ending, which numpy insists on
    writer(part)
    os.replace(part, path)

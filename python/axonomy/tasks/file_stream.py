"""A stream from a CSV or npz file: named columns in, named columns to be predicted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import numpy as np

from axonomy import _check
from axonomy.tasks._columns import read_columns
from axonomy.tasks.base import Stream, Task

LOSSES = ("mse", "cross_entropy", "binary_cross_entropy")


@dataclass(frozen=True)
class FileStream(Task):
    """Samples from a file, in the order of its lines.

    Parameters
    ----------
    path : str or path
        A ``.csv`` file with a header line, or an ``.npz`` file of arrays (T,) or (T, k).
    inputs, targets : sequence of str
        Names of the columns. What belongs to one step stands in one line: to forecast, let the
        target column hold the later value.
    loss : {"mse", "cross_entropy", "binary_cross_entropy"}
        With ``"cross_entropy"`` a single target column holds class indices 0, 1, ..., and several
        hold the probabilities of the classes.
    repeat : bool
        Start again at the first line when the file has been used up.

    Examples
    --------
    >>> task = FileStream("weather.csv", inputs=["wind", "sun"], targets=["wind_in_1h"])
    ... # doctest: +SKIP
    """

    path: str
    inputs: Sequence[str]
    targets: Sequence[str]
    loss: str = "mse"
    repeat: bool = False

    name: ClassVar[str] = "file"
    real: ClassVar[bool] = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", _check.path("path", self.path))
        for field in ("inputs", "targets"):
            names = getattr(self, field)
            listed = isinstance(names, Sequence) and not isinstance(names, str)
            if not listed or not names or not all(isinstance(n, str) for n in names):
                raise ValueError(f"{field}: expected a list of column names, got {names!r}")
            object.__setattr__(self, field, tuple(names))
        _check.one_of("loss", self.loss, LOSSES)
        _ = self._data  # a bad file is an error now, not at the first use

    @cached_property
    def _data(self) -> tuple[np.ndarray, np.ndarray]:
        columns = read_columns(Path(self.path), [*self.inputs, *self.targets])
        X = np.concatenate([columns[name] for name in self.inputs], axis=1)
        Y = np.concatenate([columns[name] for name in self.targets], axis=1)
        if self._class_indices(Y):
            self._check_targets(Y, (Y >= 0) & (np.round(Y) == Y), "class indices 0, 1, ...")
            return X, Y[:, 0].astype(np.int64)
        if self.loss != "mse":
            self._check_targets(Y, (Y >= 0) & (Y <= 1), "probabilities in [0, 1]")
        if self.loss == "cross_entropy":
            sums = Y.sum(axis=1, keepdims=True)
            self._check_targets(sums, np.abs(sums - 1) < 1e-6, "probabilities that sum to 1")
        return X, Y

    def _class_indices(self, Y: np.ndarray) -> bool:
        return self.loss == "cross_entropy" and Y.shape[1] == 1

    def _check_targets(self, Y: np.ndarray, good: np.ndarray, expected: str) -> None:
        bad = np.argwhere(~good)
        if len(bad):
            value = Y[tuple(bad[0])]
            raise ValueError(
                f"{self.path}, sample {bad[0][0]}, targets: expected {expected} for the loss "
                f"{self.loss!r}, got {value:g}"
            )

    @property
    def n_in(self) -> int:
        """Number of input columns."""
        return int(self._data[0].shape[1])

    @property
    def n_out(self) -> int:
        """Number of target columns, or of classes when the target is a class index."""
        Y = self._data[1]
        return max(int(Y.max()) + 1, 2) if Y.ndim == 1 else int(Y.shape[1])

    @property
    def floors(self) -> dict[str, float]:
        """Empty: not known for data."""
        return {}

    def generate(self, n_steps: int | None = None, seed: int = 0) -> Stream:
        """Take the first ``n_steps`` samples; all of them if None.

        Returns
        -------
        Stream
            X (n_steps, n_in) and Y (n_steps, n_out), or (n_steps,) class indices. The ``seed`` has
            no effect: a file has one order.
        """
        X, Y = self._data
        if n_steps is None:
            return Stream(X, Y)
        n_steps = _check.integer("n_steps", n_steps, 1)
        if n_steps <= len(X):
            return Stream(X[:n_steps], Y[:n_steps])
        if not self.repeat:
            raise ValueError(
                f"n_steps: expected at most the {len(X)} samples of {self.path}, as repeat is "
                f"False, got {n_steps}"
            )
        rows = np.arange(n_steps) % len(X)
        return Stream(X[rows], Y[rows], reset=(rows == 0))

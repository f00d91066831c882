"""Inputs, targets, masks and resets, checked against a network once at the boundary."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from axonomy import _check
from axonomy.cells.base import Cell, FloatArray


@dataclass(frozen=True, eq=False)
class Sequence:
    """What the core takes: X (T, n_in), Y (T, n_out), and flags (T,) or None."""

    X: FloatArray
    Y: FloatArray
    mask: np.ndarray[Any, np.dtype[np.uint8]] | None
    reset: np.ndarray[Any, np.dtype[np.uint8]] | None

    def __len__(self) -> int:
        return len(self.X)


def sequence(cell: Cell, X: object, Y: object, mask: object, reset: object) -> Sequence:
    """Check a sequence; where the mask is False targets may be anything."""
    shape = cell.shape
    inputs = _check.real_array("X", X, (None, shape.n_in), cell.dtype, "T, n_in")
    length = len(inputs)
    used = _check.flags("mask", mask, length)
    targets = _targets(cell, Y, length, used)
    return Sequence(inputs, targets, used, _check.flags("reset", reset, length))


def target(cell: Cell, y: object) -> FloatArray:
    """Check the target of one step."""
    result: FloatArray = _targets(cell, np.asarray(y)[None], 1, None, "y")[0]
    return result


def _targets(
    cell: Cell,
    Y: object,
    length: int,
    used: np.ndarray[Any, np.dtype[np.uint8]] | None,
    name: str = "Y",
) -> FloatArray:
    n_out = cell.shape.n_out
    array = np.asarray(Y)
    if used is not None and array.shape[:1] == (length,) and array.dtype.kind == "f":
        array = np.where((used != 0).reshape(-1, *[1] * (array.ndim - 1)), array, 0.0)
    if cell.loss == "cross_entropy" and array.ndim == 1:
        return _one_hot(name, array, length, n_out, used, cell.dtype)
    meaning = "T, n_out; class indices may be (T,)" if cell.loss == "cross_entropy" else "T, n_out"
    result = _check.real_array(name, array, (length, n_out), cell.dtype, meaning)
    bounds = {"cross_entropy": np.inf, "binary_cross_entropy": 1.0}.get(cell.loss)
    if bounds is not None and result.size and not (result.min() >= 0 and result.max() <= bounds):
        wanted = "from 0 to 1" if bounds == 1.0 else "of at least 0"
        t = int(np.argmax(((result < 0) | (result > bounds)).any(axis=1)))
        raise ValueError(
            f"{name}: expected targets {wanted} for the loss {cell.loss!r}, got {result[t]} at step {t}"
        )
    return result


def _one_hot(
    name: str,
    array: np.ndarray[Any, Any],
    length: int,
    n_out: int,
    used: np.ndarray[Any, np.dtype[np.uint8]] | None,
    dtype: np.dtype[Any],
) -> FloatArray:
    expected = f"{name}: expected class indices from 0 to {n_out - 1} of shape ({length},)"
    if array.dtype.kind not in "iu":
        raise ValueError(f"{expected}, or targets of shape ({length}, {n_out}), got {_check.describe(array)}")
    if array.shape != (length,):
        raise ValueError(f"{expected}, got shape {array.shape}")
    if used is not None:
        array = np.where(used != 0, array, 0)
    wrong = (array < 0) | (array >= n_out)
    if wrong.any():
        t = int(np.argmax(wrong))
        raise ValueError(f"{expected}, got {array[t]} at step {t}")
    result = np.zeros((length, n_out), dtype)
    result[np.arange(length), array] = 1
    return result

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
    array = _check.array("y", y)
    if cell.loss == "cross_entropy" and array.ndim == 0:
        return _one_hot("y", array, (), cell.shape.n_out, cell.dtype)
    return _of_the_loss("y", array, (), cell)


def _targets(
    cell: Cell, Y: object, length: int, used: np.ndarray[Any, np.dtype[np.uint8]] | None
) -> FloatArray:
    array = _check.array("Y", Y)
    if used is not None and array.shape[:1] == (length,) and array.dtype.kind in "iuf":
        array = np.where((used != 0).reshape(-1, *[1] * (array.ndim - 1)), array, 0)
    if cell.loss == "cross_entropy" and array.ndim == 1:
        return _one_hot("Y", array, (length,), cell.shape.n_out, cell.dtype)
    return _of_the_loss("Y", array, (length,), cell)


def _of_the_loss(name: str, array: np.ndarray[Any, Any], steps: tuple[int, ...], cell: Cell) -> FloatArray:
    """Targets (*steps, n_out) in the range that the loss has them in."""
    meaning = "T, n_out" if steps else "n_out"
    if cell.loss == "cross_entropy":
        meaning += f"; class indices may be {'(T,)' if steps else '()'}"
    result = _check.real_array(name, array, (*steps, cell.shape.n_out), cell.dtype, meaning)
    bounds = {"cross_entropy": np.inf, "binary_cross_entropy": 1.0}.get(cell.loss)
    if bounds is not None and (wrong := (result < 0) | (result > bounds)).any():
        wanted = "from 0 to 1" if bounds == 1.0 else "of at least 0"
        got, where = _first(result, wrong.any(axis=-1))
        raise ValueError(f"{name}: expected targets {wanted} for the loss {cell.loss!r}, got {got}{where}")
    return result


def _one_hot(
    name: str, array: np.ndarray[Any, Any], steps: tuple[int, ...], n_out: int, dtype: np.dtype[Any]
) -> FloatArray:
    expected = f"{name}: expected class indices from 0 to {n_out - 1} of shape {steps}"
    if array.dtype.kind not in "iu":
        shape = (*steps, n_out)
        raise ValueError(f"{expected}, or targets of shape {shape}, got {_check.describe(array)}")
    if array.shape != steps:
        raise ValueError(f"{expected}, got shape {array.shape}")
    wrong = (array < 0) | (array >= n_out)
    if wrong.any():
        got, where = _first(array, wrong)
        raise ValueError(f"{expected}, got {got}{where}")
    result = np.zeros((*steps, n_out), dtype)
    np.put_along_axis(result, array[..., None].astype(np.int64), 1, axis=-1)
    return result


def _first(array: np.ndarray[Any, Any], wrong: Any) -> tuple[object, str]:
    """The entry of the first wrong step, and which step that is; of one step by itself, the entry."""
    if np.ndim(wrong) == 0:
        return array, ""
    t = int(np.argmax(wrong))
    return array[t], f" at step {t}"

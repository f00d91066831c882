"""Inputs, targets, masks and resets, checked against a network once at the boundary.

Of several streams each has one more axis, after that of the steps.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from axonomy import _check
from axonomy.cells.base import Cell, FloatArray


@dataclass(frozen=True, eq=False)
class Sequence:
    """What the core takes: X (T, n_in), Y (T, n_out), and flags (T,) or None; with streams (T, B, ...)."""

    X: FloatArray
    Y: FloatArray
    mask: np.ndarray[Any, np.dtype[np.uint8]] | None
    reset: np.ndarray[Any, np.dtype[np.uint8]] | None

    def __len__(self) -> int:
        return len(self.X)


def sequence(cell: Cell, X: object, Y: object, mask: object, reset: object, streams: int = 1) -> Sequence:
    """Check a sequence; where the mask is False targets may be anything."""
    shape, each = cell.shape, _each(streams)
    meaning = ", ".join(["T", *("B" for _ in each), "n_in"])
    inputs = _check.real_array("X", X, (None, *each, shape.n_in), cell.dtype, meaning)
    steps = (len(inputs), *each)
    used = _check.flags("mask", mask, steps)
    targets = _targets(cell, Y, steps, used)
    return Sequence(inputs, targets, used, _check.flags("reset", reset, steps))


def inputs(cell: Cell, x: object, streams: int = 1) -> FloatArray:
    """Check the inputs of one step."""
    each = _each(streams)
    return _check.real_array("x", x, (*each, cell.shape.n_in), cell.dtype, "B, n_in" if each else "n_in")


def target(cell: Cell, y: object, streams: int = 1) -> FloatArray:
    """Check the target of one step."""
    array, each = _check.array("y", y), _each(streams)
    if cell.loss == "cross_entropy" and array.ndim == len(each):
        return _one_hot("y", array, each, cell.shape.n_out, cell.dtype)
    return _of_the_loss("y", array, each, "B, " if each else "", cell)


def _each(streams: int) -> tuple[int, ...]:
    return () if streams == 1 else (streams,)


def _targets(
    cell: Cell, Y: object, steps: tuple[int, ...], used: np.ndarray[Any, np.dtype[np.uint8]] | None
) -> FloatArray:
    array = _check.array("Y", Y)
    if used is not None and array.shape[: len(steps)] == steps and array.dtype.kind in "iuf":
        array = np.where((used != 0).reshape(*steps, *[1] * (array.ndim - len(steps))), array, 0)
    if cell.loss == "cross_entropy" and array.ndim == len(steps):
        return _one_hot("Y", array, steps, cell.shape.n_out, cell.dtype)
    return _of_the_loss("Y", array, steps, "T, B, " if len(steps) > 1 else "T, ", cell)


def _of_the_loss(
    name: str, array: np.ndarray[Any, Any], steps: tuple[int, ...], symbols: str, cell: Cell
) -> FloatArray:
    """Targets (*steps, n_out) in the range that the loss has them in."""
    meaning = f"{symbols}n_out"
    if cell.loss == "cross_entropy":
        indices = f"({symbols.rstrip()[:-1]}{',' if len(steps) == 1 else ''})"
        meaning += f"; class indices may be {indices}"
    result = _check.real_array(name, array, (*steps, cell.shape.n_out), cell.dtype, meaning)
    bounds = {"cross_entropy": np.inf, "binary_cross_entropy": 1.0}.get(cell.loss)
    if bounds is not None and (wrong := (result < 0) | (result > bounds)).any():
        wanted = "from 0 to 1" if bounds == 1.0 else "of at least 0"
        got, where = _first(result, wrong.any(axis=-1), name)
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
        got, where = _first(array, wrong, name)
        raise ValueError(f"{expected}, got {got}{where}")
    result = np.zeros((*steps, n_out), dtype)
    np.put_along_axis(result, array[..., None].astype(np.int64), 1, axis=-1)
    return result


def _first(array: np.ndarray[Any, Any], wrong: Any, name: str) -> tuple[object, str]:
    """The entry of the first wrong step, and which step that is; of one step by itself, the entry."""
    if np.ndim(wrong) == 0:
        return array, ""
    where = tuple(int(i) for i in np.argwhere(wrong)[0])
    axes = ("step", "stream") if name == "Y" else ("stream",)
    return array[where], " at " + ", ".join(f"{a} {i}" for a, i in zip(axes, where, strict=False))

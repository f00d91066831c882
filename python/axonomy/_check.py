"""Checks at the boundary: every refusal names the argument, what was expected and what came."""

from __future__ import annotations

import math
import operator
import os
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

FloatArray = np.ndarray[Any, np.dtype[np.floating[Any]]]
BoolArray = np.ndarray[Any, np.dtype[np.bool_]]


def describe(value: object) -> str:
    """Say what `value` is, briefly."""
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape} and dtype {value.dtype}"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def array(name: str, value: object) -> np.ndarray[Any, Any]:
    """Return `value` as an array of any kind; lists of unequal lengths make none."""
    try:
        return np.asarray(value)
    except (ValueError, TypeError):
        raise ValueError(f"{name}: expected an array, got {describe(value)}") from None


def real_array(
    name: str,
    value: object,
    shape: tuple[int | None, ...],
    dtype: Any,
    meaning: str = "",
    finite: bool = True,
) -> FloatArray:
    """Return `value` as a C-contiguous array of `shape` (None: any length) and `dtype`, of finite numbers."""
    wanted = "(" + ", ".join("any" if s is None else str(s) for s in shape) + ")"
    if len(shape) == 1:
        wanted = wanted.replace(")", ",)")
    expected = f"{name}: expected a real array of shape {wanted}{meaning and f' ({meaning})'}"
    try:
        array = np.asarray(value)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{expected}, got {describe(value)}") from error
    if array.dtype.kind not in "fiub":
        raise ValueError(f"{expected}, got dtype {array.dtype}")
    matches = array.ndim == len(shape) and all(
        want is None or want == got for want, got in zip(shape, array.shape, strict=True)
    )
    if not matches:
        raise ValueError(f"{expected}, got shape {array.shape}")
    with np.errstate(over="ignore"):
        result = np.ascontiguousarray(array, dtype=dtype).reshape(array.shape)
    if finite and not np.isfinite(result).all():
        bad = tuple(int(i) for i in np.argwhere(~np.isfinite(result))[0])
        got = array[bad]
        raise ValueError(f"{name}: expected finite numbers in {np.dtype(dtype)}, got {got} at {bad}")
    return result


def flags(name: str, value: object, shape: tuple[int, ...]) -> np.ndarray[Any, np.dtype[np.uint8]] | None:
    """Return one truth value a step, or a step and stream, or None."""
    if value is None:
        return None
    truth = array(name, value)
    if truth.dtype.kind not in "biu" or not np.isin(truth, (0, 1)).all():
        raise ValueError(f"{name}: expected truth values, got {describe(truth)}")
    if truth.shape != shape:
        each = "one a step" if len(shape) == 1 else "one a step and stream"
        raise ValueError(f"{name}: expected shape {shape}, {each}, got {truth.shape}")
    return np.ascontiguousarray(truth, dtype=np.uint8)


def mask(name: str, value: object, n: int) -> BoolArray:
    """Return which weights between n units exist, as an array of its own."""
    truth = array(name, value)
    if truth.dtype.kind not in "biu" or not np.isin(truth, (0, 1)).all():
        raise ValueError(f"{name}: expected truth values, got {describe(truth)}")
    if truth.shape != (n, n):
        raise ValueError(f"{name}: expected shape ({n}, {n}), (n, n), got {truth.shape}")
    return np.array(truth, dtype=np.bool_)


def integer(name: str, value: object, minimum: int, maximum: int | None = None) -> int:
    """Return a whole number of at least `minimum`, and of no more than the core can count to."""
    span = f"at least {minimum}" if maximum is None else f"from {minimum} to {maximum}"
    maximum = 2**63 - 1 if maximum is None else maximum
    expected = f"{name}: expected a whole number {span}"
    if isinstance(value, bool):
        raise ValueError(f"{expected}, got {value!r}")
    try:
        number = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise ValueError(f"{expected}, got {describe(value)}") from None
    if not minimum <= number <= maximum:
        raise ValueError(f"{expected}, got {number}")
    return number


def number(
    name: str,
    value: object,
    *,
    above: float = -math.inf,
    least: float = -math.inf,
    most: float = math.inf,
    below: float = math.inf,
) -> float:
    """Return a finite real number within the bounds."""
    bounds = [
        f"above {above:g}" if above > -math.inf else "",
        f"at least {least:g}" if least > -math.inf else "",
        f"at most {most:g}" if most < math.inf else "",
        f"below {below:g}" if below < math.inf else "",
    ]
    span = " and ".join(b for b in bounds if b)
    expected = f"{name}: expected a finite real number{span and ' ' + span}"
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise ValueError(f"{expected}, got {describe(value)}")
    result = float(value)
    if not math.isfinite(result):
        raise ValueError(f"{expected}, got {result}")
    if not (result > above and result >= least and result <= most and result < below):
        raise ValueError(f"{expected}, got {result:g}")
    return result


def truth(name: str, value: object) -> bool:
    """Return True or False."""
    if not isinstance(value, (bool, np.bool_)):
        raise ValueError(f"{name}: expected True or False, got {describe(value)}")
    return bool(value)


def path(name: str, value: object) -> str:
    """Return a path as text."""
    if not isinstance(value, (str, os.PathLike)):
        raise ValueError(f"{name}: expected a path, got {describe(value)}")
    return os.fspath(value)


def mapping(name: str, value: object, meaning: str = "a mapping") -> dict[str, Any]:
    """Return a new dict with the entries of a mapping."""
    if not isinstance(value, Mapping):
        raise ValueError(f"{name}: expected {meaning}, got {describe(value)}")
    return dict(value)


def one_of(name: str, value: object, choices: Collection[str]) -> str:
    """Return a string that is one of `choices`."""
    if not isinstance(value, str) or value not in choices:
        listed = ", ".join(repr(c) for c in choices)
        raise ValueError(f"{name}: expected one of {listed}, got {describe(value)}")
    return value


def float_dtype(name: str, value: object) -> np.dtype[Any]:
    """Return numpy's float32 or float64."""
    try:
        # numpy takes None for float64.
        dtype: np.dtype[Any] = np.dtype(object if value is None else value)  # type: ignore[call-overload]
    except (TypeError, ValueError):
        dtype = np.dtype(object)
    if dtype not in (np.dtype(np.float32), np.dtype(np.float64)):
        raise ValueError(f"{name}: expected float32 or float64, got {describe(value)}")
    return dtype


def seed(name: str, value: object) -> int:
    """Return a seed of 64 bits."""
    return integer(name, value, 0, 2**64 - 1)

"""Named columns of numbers out of a CSV or npz file; errors say where in the file."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

Columns = dict[str, np.ndarray]


class _MissingColumn(ValueError):
    """The file can be read, but has no such column."""


def read_columns(path: Path, names: Sequence[str]) -> Columns:
    """Read columns by name.

    Returns
    -------
    dict of str to (T, k) ndarray
        All of one length; k is 1 except for a two-dimensional array in an npz file.
    """
    readers = {".csv": _read_csv, ".npz": _read_npz}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise ValueError(f"path: expected a {' or '.join(readers)} file, got {str(path)!r}")
    if not path.is_file():
        raise ValueError(f"path: expected a file, got {str(path)!r}, which is not there")
    return reader(path, list(dict.fromkeys(names)))


def _read_csv(path: Path, names: list[str]) -> Columns:
    """A header line with the names, then one sample a line; blank lines are skipped."""
    try:
        # utf-8-sig: spreadsheets put a byte-order mark before the first name.
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file)
            header = [name.strip() for name in next(reader, [])]
            _check_names(path, names, header)
            places = [header.index(name) for name in names]
            rows = [
                [_number(path, reader.line_num, name, row, i) for name, i in zip(names, places, strict=True)]
                for row in reader
                if row
            ]
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not a text file in UTF-8: {error}") from None
    except csv.Error as error:
        raise ValueError(f"{path} is not a CSV file: {error}") from None
    if not rows:
        raise ValueError(f"{path} has a header, but no samples below it")
    table = np.array(rows, dtype=np.float64)
    return {name: table[:, [j]] for j, name in enumerate(names)}


def _number(path: Path, line: int, name: str, row: list[str], place: int) -> float:
    cell = row[place].strip() if place < len(row) else ""
    try:
        value = float(cell)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(
            f"{path}, line {line}, column {name!r}: expected a finite number, got "
            + (repr(cell) if place < len(row) else f"a line of {len(row)} cells")
        )
    return value


def _read_npz(path: Path, names: list[str]) -> Columns:
    """Arrays of shape (T,) or (T, k)."""
    try:
        with path.open("rb") as bytes_, np.load(bytes_, allow_pickle=False) as file:
            _check_names(path, names, list(file.files))
            arrays = {name: file[name] for name in names}
    except _MissingColumn:
        raise
    except Exception as error:  # numpy has many for files that are cut, pickled or no archive
        raise ValueError(f"{path} is not a plain npz file: {error}") from None
    for name, array in arrays.items():
        _check_array(path, name, array, len(next(iter(arrays.values()))) if array.ndim else 0)
    return {name: a.astype(np.float64).reshape(len(a), -1) for name, a in arrays.items()}


def _check_array(path: Path, name: str, array: np.ndarray, length: int) -> None:
    where = f"{path}, column {name!r}"
    if array.dtype.kind not in "biuf":
        raise ValueError(f"{where}: expected numbers, got dtype {array.dtype}")
    if array.ndim not in (1, 2) or len(array) != length or length == 0:
        raise ValueError(
            f"{where}: expected shape (T,) or (T, k), with one T >= 1 for all columns, "
            f"got {array.shape}" + (f" beside T = {length}" if length else "")
        )
    bad = np.argwhere(~np.isfinite(array))
    if len(bad):
        value = array[tuple(bad[0])]
        raise ValueError(f"{where}, row {bad[0][0]}: expected a finite number, got {value}")


def _check_names(path: Path, names: list[str], there: list[str]) -> None:
    for name in names:
        if there.count(name) != 1:
            what = "no column" if name not in there else "more than one column"
            raise _MissingColumn(f"{path} has {what} {name!r}; it has {', '.join(there)}")

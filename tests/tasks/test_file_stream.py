"""Streams from files, and what is said of files that will not do."""

import re
from pathlib import Path

import numpy as np
import pytest

from axonomy.tasks import FileStream


@pytest.fixture
def csv_file(tmp_path: Path) -> Path:
    path = tmp_path / "weather.csv"
    path.write_text("\ufeffwind, sun ,kind\n1,0.5,0\n2,-1e2,2\n\n3,7,1\n", encoding="utf-8")
    return path


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "data.csv"
    path.write_text(text)
    return path


def test_reads_named_columns(csv_file: Path) -> None:
    stream = FileStream(csv_file, inputs=["sun", "wind"], targets=["kind"]).generate()
    np.testing.assert_array_equal(stream.X, [[0.5, 1], [-100, 2], [7, 3]])
    np.testing.assert_array_equal(stream.Y, [[0], [2], [1]])


def test_class_indices(csv_file: Path) -> None:
    task = FileStream(csv_file, ["wind"], ["kind"], loss="cross_entropy")
    stream = task.generate(2)
    assert (task.n_in, task.n_out, task.loss) == (1, 3, "cross_entropy")
    assert stream.Y.dtype == np.int64
    np.testing.assert_array_equal(stream.Y, [0, 2])


def test_class_probabilities(tmp_path: Path) -> None:
    path = write(tmp_path, "x,p,q\n1,0.25,0.75\n2,1,0\n")
    task = FileStream(path, ["x"], ["p", "q"], loss="cross_entropy")
    assert task.n_out == 2
    np.testing.assert_array_equal(task.generate().Y, [[0.25, 0.75], [1, 0]])


def test_npz_columns_of_one_and_two_dimensions(tmp_path: Path) -> None:
    path = tmp_path / "data.npz"
    X, y = np.arange(6.0).reshape(3, 2), np.array([1, 0, 1])
    np.savez(path, X=X, y=y, unused=np.zeros(7))
    task = FileStream(path, ["X", "y"], ["y"])
    assert (task.n_in, task.n_out) == (3, 1)
    np.testing.assert_array_equal(task.generate().X, np.column_stack([X, y]))


def test_repeat_marks_each_new_beginning(csv_file: Path) -> None:
    stream = FileStream(csv_file, ["wind"], ["sun"], repeat=True).generate(7)
    np.testing.assert_array_equal(stream.X[:, 0], [1, 2, 3, 1, 2, 3, 1])
    np.testing.assert_array_equal(np.flatnonzero(stream.reset), [0, 3, 6])


def test_too_few_samples(csv_file: Path) -> None:
    message = f"n_steps: expected at most the 3 samples of {csv_file}, as repeat is False, got 4"
    with pytest.raises(ValueError, match=re.escape(message)):
        FileStream(csv_file, ["wind"], ["sun"]).generate(4)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"path: expected a file, got '.*none.csv', which is not there"):
        FileStream(tmp_path / "none.csv", ["a"], ["b"])


def test_unknown_ending(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"path: expected a .csv or .npz file, got '.*data.txt'"):
        FileStream(tmp_path / "data.txt", ["a"], ["b"])


def test_missing_column_lists_those_there_are(csv_file: Path) -> None:
    with pytest.raises(ValueError, match="has no column 'rain'; it has wind, sun, kind"):
        FileStream(csv_file, ["wind"], ["rain"])


def test_column_named_twice(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="has more than one column 'a'; it has a, b, a"):
        FileStream(write(tmp_path, "a,b,a\n1,2,3\n"), ["a"], ["b"])


@pytest.mark.parametrize(
    ("cell", "got"),
    [("calm", "'calm'"), ("nan", "'nan'"), ("-inf", "'-inf'"), ("", "''"), ("1;5", "'1;5'")],
)
def test_bad_cell(tmp_path: Path, cell: str, got: str) -> None:
    path = write(tmp_path, f"a,b\n1,2\n\n{cell},4\n")
    message = f"{path}, line 4, column 'a': expected a finite number, got {got}"
    with pytest.raises(ValueError, match=re.escape(message)):
        FileStream(path, ["a"], ["b"])


def test_short_line(tmp_path: Path) -> None:
    path = write(tmp_path, "a,b\n1,2\n3\n")
    with pytest.raises(ValueError, match=r"line 3, column 'b': .* got a line of 1 cells"):
        FileStream(path, ["a"], ["b"])


def test_a_bad_cell_elsewhere_does_not_matter(tmp_path: Path) -> None:
    path = write(tmp_path, "time,a,b\nnoon,1,2\n")
    np.testing.assert_array_equal(FileStream(path, ["a"], ["b"]).generate().X, [[1]])


@pytest.mark.parametrize(("text", "message"), [("a,b\n", "no samples"), ("", "has no column 'a'")])
def test_empty(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        FileStream(write(tmp_path, text), ["a"], ["b"])


def test_not_text(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_bytes(b"a,b\n\xff\xfe,1\n")
    with pytest.raises(ValueError, match="is not a text file in UTF-8"):
        FileStream(path, ["a"], ["b"])


def test_not_an_npz_file(tmp_path: Path) -> None:
    path = tmp_path / "data.npz"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(ValueError, match="is not a plain npz file"):
        FileStream(path, ["a"], ["b"])


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"a": np.arange(3), "b": np.arange(4)}, r"'b': expected shape .* got \(4,\) beside T = 3"),
        ({"a": np.arange(3), "b": np.zeros((3, 1, 1))}, r"'b': expected shape .* got \(3, 1, 1\)"),
        ({"a": np.array(1.0), "b": np.arange(3)}, r"'a': expected shape .* got \(\)"),
        ({"a": np.zeros(0), "b": np.zeros(0)}, r"'a': expected shape .* got \(0,\)"),
        ({"a": np.array(["x"]), "b": np.zeros(1)}, "'a': expected numbers, got dtype <U1"),
        ({"a": np.array([1, np.nan]), "b": np.zeros(2)}, "'a', row 1: .* number, got nan"),
    ],
)
def test_bad_arrays(tmp_path: Path, arrays: dict, message: str) -> None:
    path = tmp_path / "data.npz"
    np.savez(path, **arrays)
    with pytest.raises(ValueError, match=message):
        FileStream(path, ["a"], ["b"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"inputs": []}, r"inputs: expected a list of column names, got \[\]"),
        ({"inputs": "wind"}, "inputs: expected a list of column names, got 'wind'"),
        ({"targets": [3]}, r"targets: expected a list of column names, got \[3\]"),
        ({"loss": "hinge"}, "loss: expected one of 'mse', 'cross_entropy', .*, got 'hinge'"),
        (
            {"targets": ["sun"], "loss": "cross_entropy"},
            r"sample 0, targets: expected class indices .* for the loss 'cross_entropy', got 0.5",
        ),
        (
            {"targets": ["sun"], "loss": "binary_cross_entropy"},
            r"sample 1, targets: expected probabilities in \[0, 1\] for .* got -100",
        ),
        (
            {"targets": ["kind", "wind"], "loss": "cross_entropy"},
            r"sample 1, targets: expected probabilities in \[0, 1\] for .* got 2",
        ),
    ],
)
def test_bad_arguments(csv_file: Path, options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        FileStream(csv_file, **{"inputs": ["wind"], "targets": ["kind"], **options})


def test_probabilities_must_sum_to_one(tmp_path: Path) -> None:
    path = write(tmp_path, "x,p,q\n1,0.5,0.5\n2,0.5,0.25\n")
    with pytest.raises(ValueError, match=r"sample 1, targets: .* sum to 1 .* got 0.75"):
        FileStream(path, ["x"], ["p", "q"], loss="cross_entropy")

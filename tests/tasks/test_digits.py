"""Sequential digits against scikit-learn's images."""

import sys

import numpy as np
import pytest

from axonomy._extras import MissingExtra
from axonomy.tasks import Digits, digits
from tasks.learning import reached

datasets = pytest.importorskip("sklearn.datasets")


def test_the_whole_set_once_then_anew() -> None:
    data = datasets.load_digits()
    stream = Digits().generate(2 * 1797 * 8, seed=1)
    images = (stream.X * 16).reshape(2, 1797, 64)
    labels = stream.Y[stream.mask].reshape(2, 1797)
    orders = []
    for seen, said in zip(images, labels, strict=True):
        assert {(*map(int, a), b) for a, b in zip(seen, said, strict=True)} == {
            (*map(int, a), b) for a, b in zip(data.data, data.target, strict=True)
        }
        orders.append(said)
    assert not np.array_equal(*orders)


@pytest.mark.parametrize(("by", "steps", "n_in"), [("row", 8, 8), ("pixel", 64, 1)])
def test_pieces_masks_and_resets(by: str, steps: int, n_in: int) -> None:
    task = Digits(by)
    stream = task.generate(steps * 20, seed=0)
    place = np.arange(steps * 20) % steps
    assert stream.X.shape == (steps * 20, n_in)
    assert task.n_in == n_in
    np.testing.assert_array_equal(stream.reset, place == 0)
    np.testing.assert_array_equal(stream.mask, place == steps - 1)
    assert (stream.Y[~stream.mask] == 0).all()
    assert stream.X.min() == 0.0
    assert stream.X.max() == 1.0


def test_rows_and_pixels_are_of_the_same_images() -> None:
    rows, pixels = Digits("row").generate(80, seed=3), Digits("pixel").generate(640, seed=3)
    np.testing.assert_array_equal(rows.X.ravel(), pixels.X.ravel())
    np.testing.assert_array_equal(rows.Y[rows.mask], pixels.Y[pixels.mask])


def test_floors() -> None:
    """The last pixel of an image, by a count of its own."""
    data = datasets.load_digits()
    expected = 0.0
    for value in np.unique(data.data[:, -1]):
        share = np.bincount(data.target[data.data[:, -1] == value]) / (data.data[:, -1] == value).sum()
        share = share[share > 0]
        expected -= (data.data[:, -1] == value).mean() * (share * np.log(share)).sum()
    floors = Digits("pixel").floors
    assert floors["last pixel only"] == pytest.approx(expected)
    assert floors["nothing seen"] == pytest.approx(np.log(10), abs=1e-3)
    assert floors["whole image"] == 0.0
    assert Digits("row").floors["last row only"] < floors["last pixel only"]


def test_a_network_learns_to_read() -> None:
    """The last row alone tells a linear read-out little of the digit, a state that remembers much."""
    loss = reached(Digits(), 12_000, 5e-3, n=24)
    assert loss < 0.8
    assert loss < reached(Digits(), 12_000, 5e-3, "output_only", n=24) - 0.1


def test_without_scikit_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    digits._digits.cache_clear()
    monkeypatch.setitem(sys.modules, "sklearn", None)
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(MissingExtra, match=r"axonomy\[study\]"):
        Digits().generate(8)


def test_bad_arguments() -> None:
    with pytest.raises(ValueError, match="by: expected one of 'row', 'pixel', got 'column'"):
        Digits("column")

"""The a^n b^n task against its definition."""

import itertools

import numpy as np
import pytest

from axonomy.tasks import AnBn
from tasks.learning import reached


def lengths(symbols: np.ndarray) -> list[tuple[int, int]]:
    """(a's, b's) of each whole string."""
    runs = [(s, len(list(run))) for s, run in itertools.groupby(symbols)]
    assert [s for s, _ in runs[:2]] == [0, 1]
    counts = [n for _, n in runs[:-1]]
    return list(zip(counts[0::2], counts[1::2], strict=False))


@pytest.mark.parametrize("task", [AnBn(), AnBn(3), AnBn(7, 4), AnBn(5, 5)])
def test_as_many_b_as_a(task: AnBn) -> None:
    stream = task.generate(4000, seed=2)
    np.testing.assert_array_equal(stream.X.sum(axis=1), 1.0)
    found = lengths(stream.X.argmax(axis=1))
    assert all(a == b for a, b in found)
    np.testing.assert_array_equal(np.unique(found), np.arange(task.shortest, task.longest + 1))
    np.testing.assert_array_equal(stream.X.argmax(axis=1)[1:], stream.Y[:-1])
    assert stream.mask is None
    assert stream.reset is None


def test_lengths_are_uniform() -> None:
    n = np.array(lengths(AnBn(6, 2).generate(200_000, seed=1).X.argmax(axis=1)))[:, 0]
    share = np.bincount(n, minlength=7)[2:] / len(n)
    np.testing.assert_allclose(share, 1 / 5, atol=5 * np.sqrt(1 / 5 / len(n)))


@pytest.mark.parametrize("task", [AnBn(), AnBn(3), AnBn(7, 4)])
def test_floors_are_those_of_the_frequencies(task: AnBn) -> None:
    """Entropy of the next symbol given the present one, and given all that counting tells, as they occur."""
    stream = task.generate(400_000, seed=0)
    shown, due = stream.X.argmax(axis=1), stream.Y
    a = b = 0
    counted = []
    for symbol in shown:
        a, b = (a, b + 1) if symbol else (a + 1 if b == 0 else 1, 0)
        counted.append((a, b))
    for known, floor in zip((shown, np.array(counted)), task.floors.values(), strict=True):
        _, group = np.unique(known, axis=0, return_inverse=True)
        table = np.zeros((group.max() + 1, 2))
        np.add.at(table, (group.ravel(), due), 1)
        share = table / table.sum(axis=1, keepdims=True)
        entropy = -(table * np.log(np.where(table, share, 1))).sum() / len(due)
        assert entropy == pytest.approx(floor, abs=0.003)


def test_a_network_learns_to_count() -> None:
    task = AnBn(3)
    assert reached(task, 6000, 3e-3) < (task.floors["no memory"] + task.floors["counting"]) / 2
    assert reached(task, 6000, 3e-3, "output_only") > reached(task, 6000, 3e-3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"longest": 0}, "longest: expected a whole number at least 1, got 0"),
        ({"longest": 3, "shortest": 4}, "shortest: expected a whole number from 1 to 3, got 4"),
    ],
)
def test_bad_arguments(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        AnBn(**options)

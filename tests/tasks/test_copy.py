"""The Copy task against its definition."""

import itertools

import numpy as np
import pytest

import axonomy as ax
from axonomy.tasks import Copy, Stream


def strings(stream: Stream) -> list[Stream]:
    """The strings that are whole, each with its recall."""
    starts = np.flatnonzero(stream.reset)
    return [stream.part(a, b) for a, b in itertools.pairwise(starts)]


@pytest.mark.parametrize("task", [Copy(), Copy(4), Copy(7, 2), Copy(3, 3, 5), Copy(6, 1, symbols=3)])
def test_a_string_its_end_and_its_recall(task: Copy) -> None:
    n, go, blank = task.symbols, task.symbols, task.symbols + 1
    for one in strings(task.generate(2000, seed=3)):
        L = len(one) // 2
        assert len(one) == 2 * L + 1
        shown = one.X.argmax(axis=1)
        assert (shown[:L] < n).all()
        assert shown[L] == go
        assert (shown[L + 1 :] == blank).all()
        np.testing.assert_array_equal(one.Y[L + 1 :], shown[:L])
        np.testing.assert_array_equal(one.mask, np.arange(2 * L + 1) > L)
        np.testing.assert_array_equal(one.reset, np.arange(2 * L + 1) == 0)


def test_inputs_are_one_hot_and_targets_are_classes() -> None:
    stream = Copy(5, 1, 3).generate(500)
    assert stream.X.shape == (500, 5)
    assert set(np.unique(stream.X)) == {0.0, 1.0}
    np.testing.assert_array_equal(stream.X.sum(axis=1), 1.0)
    assert stream.Y.dtype == np.int64
    assert set(stream.Y) == {0, 1, 2}


@pytest.mark.parametrize(("length", "shortest"), [(6, 1), (9, 4), (5, None)])
def test_lengths_are_uniform(length: int, shortest: int | None) -> None:
    lengths = np.array([len(one) // 2 for one in strings(Copy(length, shortest).generate(100_000, seed=1))])
    wanted = np.arange(length if shortest is None else shortest, length + 1)
    np.testing.assert_array_equal(np.unique(lengths), wanted)
    share = 1 / len(wanted)
    counts = np.array([(lengths == L).mean() for L in wanted])
    np.testing.assert_allclose(counts, share, atol=5 * np.sqrt(share / len(lengths)))


def test_strings_that_grow() -> None:
    """At every level the lengths of the curriculum, all alike, and the next level each so many steps."""
    task = Copy(length=8, grow=20_000)
    stream = task.generate(200_000, seed=4)
    starts = np.flatnonzero(stream.reset)
    lengths = np.diff(starts) // 2
    level = np.minimum(8, 1 + starts[:-1] // 20_000)
    for at in range(1, 9):
        own, wanted = lengths[level == at], np.arange(max(1, at - 5), at + 1)
        np.testing.assert_array_equal(np.unique(own), wanted)
        share = np.array([(own == L).mean() for L in wanted])
        np.testing.assert_allclose(share, 1 / len(wanted), atol=5 * np.sqrt(1 / len(wanted) / len(own)))
    for one in strings(stream)[-50:]:
        L = len(one) // 2
        np.testing.assert_array_equal(one.Y[L + 1 :], one.X[:L].argmax(axis=1))


def test_symbols_are_uniform_and_independent() -> None:
    stream = Copy(3, symbols=3).generate(140_000, seed=2)
    said = stream.Y[stream.mask].reshape(-1, 3)
    outcome, counts = np.unique(said, axis=0, return_counts=True)
    assert len(outcome) == 27
    np.testing.assert_allclose(counts / len(said), 1 / 27, atol=5 * np.sqrt(1 / 27 / len(said)))
    successive = np.corrcoef(said[:-1, 2], said[1:, 0])[0, 1]
    assert abs(successive) < 5 / np.sqrt(len(said))


@pytest.mark.parametrize("symbols", [2, 3, 8])
def test_floors(symbols: int) -> None:
    """The first is what a network loses that says the same of every symbol."""
    task = Copy(4, 2, symbols)
    stream = task.generate(3000, seed=0)
    floors = task.floors
    assert floors["no memory"] == pytest.approx(np.log(symbols))
    assert floors["all symbols"] == 0.0
    assert list(floors) == ["no memory", "all symbols"]
    silent = ax.LeakyRNN.random(task.n_in, 3, symbols)
    silent.W_out = np.zeros((symbols, 3))
    loss = ax.Trainer(silent, "rflo", ax.SGD(0)).run(stream.X, stream.Y, stream.mask, stream.reset).loss
    np.testing.assert_allclose(loss[stream.mask], floors["no memory"])
    assert np.isnan(loss[~stream.mask]).all()


def test_levels() -> None:
    assert Copy.at_level(1) == Copy(1, 1)
    assert Copy.at_level(6) == Copy(6, 1)
    assert Copy.at_level(40, symbols=4) == Copy(40, 35, 4)


@pytest.mark.parametrize("n_steps", range(1, 12))
def test_any_number_of_steps(n_steps: int) -> None:
    long, short = Copy(2, 1).generate(12, seed=4), Copy(2, 1).generate(n_steps, seed=4)
    for name in ("X", "Y", "mask", "reset"):
        np.testing.assert_array_equal(getattr(short, name), getattr(long, name)[:n_steps])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"length": 0}, "length: expected a whole number at least 1, got 0"),
        ({"length": 2.0}, "length: expected a whole number at least 1, got 2.0"),
        ({"length": 3, "shortest": 4}, "shortest: expected a whole number from 1 to 3, got 4"),
        ({"shortest": 0}, "shortest: expected a whole number from 1 to 1, got 0"),
        ({"grow": 0}, "grow: expected a whole number at least 1, got 0"),
        ({"grow": 9, "length": 3, "shortest": 2}, "shortest: expected none where strings grow, got 2"),
        ({"symbols": 1}, "symbols: expected a whole number at least 2, got 1"),
    ],
)
def test_bad_arguments(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Copy(**options)


def test_bad_level() -> None:
    with pytest.raises(ValueError, match="level: expected a whole number at least 1, got 0"):
        Copy.at_level(0)

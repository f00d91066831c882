"""The Add task against its definition."""

import itertools
import math

import numpy as np
import pytest

from axonomy.tasks import Add


def test_floors_are_those_of_the_literature() -> None:
    floors = Add(lags=(6, 10)).floors
    assert list(floors) == ["no memory", "lag 6 only", "both lags"]
    np.testing.assert_allclose(list(floors.values()), [0.662, 0.519, 0.454], atol=5e-4)


def test_floors_are_conditional_entropies() -> None:
    """H(y | known coins) from the joint distribution of (x1, x2, y), written out."""
    joint = {
        (x1, x2, y): 0.25 * (p if y else 1 - p)
        for x1, x2 in itertools.product((0, 1), repeat=2)
        for p in [0.5 + 0.5 * x1 - 0.25 * x2]
        for y in (0, 1)
    }

    def entropy(known: tuple[int, ...]) -> float:
        def marginal(places: tuple[int, ...]) -> list[float]:
            totals: dict[tuple[int, ...], float] = {}
            for outcome, p in joint.items():
                key = tuple(outcome[i] for i in places)
                totals[key] = totals.get(key, 0.0) + p
            return list(totals.values())

        def H(ps: list[float]) -> float:
            return -sum(p * math.log(p) for p in ps if p > 0)

        return H(marginal((*known, 2))) - H(marginal(known))

    np.testing.assert_allclose(
        list(Add(lags=(6, 10)).floors.values()), [entropy(()), entropy((0,)), entropy((0, 1))]
    )
    # With the lags the other way round the nearer coin is the one that weighs less.
    floors = Add(lags=(10, 6)).floors
    np.testing.assert_allclose(floors["lag 6 only"], entropy((1,)))


@pytest.mark.parametrize("lags", [(6, 10), (5, 2), (1, 40)])
def test_conditional_frequencies_and_causality(lags: tuple[int, int]) -> None:
    """The target depends on the coins at the two lags as stated, and on no other coin."""
    n = 200_000
    stream = Add(lags).generate(n, seed=5)
    x, y = stream.X[:, 0], stream.Y[:, 0]
    t = np.arange(max(lags), n)
    x1, x2 = x[t - lags[0]], x[t - lags[1]]
    for a, b in itertools.product((0, 1), repeat=2):
        frequency = y[t][(x1 == a) & (x2 == b)].mean()
        assert abs(frequency - (0.5 + 0.5 * a - 0.25 * b)) < 0.01
    residual = y[t] - (0.5 + 0.5 * x1 - 0.25 * x2)
    others = [d for d in range(-15, 15) if d not in lags and -d < 15]
    for d in others:  # negative: coins of the future
        inside = (t - d >= 0) & (t - d < n)
        correlation = np.mean(residual[inside] * (x[(t - d)[inside]] - 0.5))
        assert abs(correlation) < 5 * 0.25 / math.sqrt(n), d


def test_first_targets_come_from_a_real_history() -> None:
    """Before the first lag is inside the stream, targets have the marginal law of all others,

    and do not follow the end of the stream, as they would if the series wrapped round.
    """
    lags, n = (6, 10), 20
    streams = [Add(lags).generate(n, seed=s) for s in range(4000)]
    x = np.array([s.X[:, 0] for s in streams])
    y = np.array([s.Y[:, 0] for s in streams])
    assert abs(y[:, 0].mean() - 0.625) < 0.03
    # P(y = 1 | x1 = 1) - P(y = 1 | x1 = 0) = 1/2 with the true coin, 0 with the wrapped one.
    wrapped = x[:, -lags[0]]
    effect = y[wrapped == 1, 0].mean() - y[wrapped == 0, 0].mean()
    assert abs(effect) < 0.08
    inside = x[:, 0]
    effect = y[inside == 1, lags[0]].mean() - y[inside == 0, lags[0]].mean()
    assert abs(effect - 0.5) < 0.08


def test_hold_stretches_the_same_samples() -> None:
    once, held = Add((3, 5)).generate(100, seed=2), Add((3, 5), hold=3).generate(299, seed=2)
    np.testing.assert_array_equal(held.X, np.repeat(once.X, 3, axis=0)[:299])
    np.testing.assert_array_equal(held.Y, np.repeat(once.Y, 3, axis=0)[:299])


def test_one_hot() -> None:
    stream = Add().generate(500)
    for A in (stream.X, stream.Y):
        assert set(np.unique(A)) == {0.0, 1.0}
        np.testing.assert_array_equal(A.sum(axis=1), 1.0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lags": (6, 6)}, r"lags: expected two different ones, got \(6, 6\)"),
        ({"lags": (6,)}, r"lags: expected two whole numbers \(t1, t2\), got \(6,\)"),
        ({"lags": 6}, r"lags: expected two whole numbers \(t1, t2\), got 6"),
        ({"lags": (0, 3)}, "lags: expected a whole number at least 1, got 0"),
        ({"lags": (1.5, 3)}, "lags: expected a whole number at least 1, got 1.5"),
        ({"hold": 0}, "hold: expected a whole number at least 1, got 0"),
    ],
)
def test_bad_arguments(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Add(**options)

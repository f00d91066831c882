"""Angles and spreads of gradients, against plain loops and NumPy's own variance."""

import numpy as np
import pytest

from axonomy.studies.metrics import cosine, pairwise_cosines, spread

rng = np.random.default_rng(0)


def angle(a: np.ndarray, b: np.ndarray) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True)) / (sum(a * a) ** 0.5 * sum(b * b) ** 0.5)


def test_cosine() -> None:
    a, b = rng.normal(size=(4, 3, 7)), rng.normal(size=(3, 7))
    found = cosine(a, b)
    assert found.shape == (4, 3)
    for i, j in np.ndindex(4, 3):
        assert found[i, j] == pytest.approx(angle(a[i, j], b[j]))
    assert cosine(a, -2.5 * a) == pytest.approx(-1.0)


def test_of_nothing_there_is_no_angle() -> None:
    a = rng.normal(size=(2, 5))
    assert np.isnan(cosine(a, np.zeros(5))).all()
    assert np.isnan(cosine(np.array([[0.0, 0.0], [3.0, 4.0]]), np.array([1.0, 0.0]))).tolist() == [
        True,
        False,
    ]
    found = pairwise_cosines([a[:1], np.zeros((1, 5))])
    assert found[0, 0] == pytest.approx(1.0)
    assert np.isnan(found[[0, 1, 1], [1, 0, 1]]).all()


def test_pairs_of_rules_are_means_over_pairs_of_replicates() -> None:
    groups = [rng.normal(size=(3, 6)), rng.normal(size=(1, 6)), rng.normal(size=(3, 6))]
    found = pairwise_cosines(groups)
    for i, j in np.ndindex(3, 3):
        each = [angle(groups[i][k % len(groups[i])], groups[j][k % len(groups[j])]) for k in range(3)]
        assert found[i, j] == pytest.approx(np.mean(each))
    np.testing.assert_allclose(found, found.T)
    np.testing.assert_allclose(np.diag(found), 1)


def test_variance_is_numpys() -> None:
    replicates, exact = rng.normal(2, 3, size=(9, 11)), rng.normal(size=11)
    found = spread(replicates, exact)
    variance = np.var(replicates, axis=0, ddof=1).sum()
    mean = replicates.mean(axis=0)
    assert found.variance == pytest.approx(variance / (exact**2).sum())
    assert found.bias_squared == pytest.approx(
        (((mean - exact) ** 2).sum() - variance / 9) / (exact**2).sum()
    )
    assert found.bias_noise == pytest.approx(np.sqrt(variance / 9 / (exact**2).sum()))
    assert found.snr == pytest.approx(((mean**2).sum() - variance / 9) / variance)


def test_sums_over_steps_come_before_ratios() -> None:
    steps = [(rng.normal(size=(4, 5)), rng.normal(size=5)) for _ in range(3)]
    one, two, three = (spread(*step) for step in steps)
    total = one + two + three
    variance = sum(np.var(g, axis=0, ddof=1).sum() for g, _ in steps)
    signal = sum((e**2).sum() for _, e in steps)
    error = sum(((g.mean(axis=0) - e) ** 2).sum() for g, e in steps)
    assert total.variance == pytest.approx(variance / signal)
    assert total.bias_squared == pytest.approx((error - variance / 4) / signal)


@pytest.mark.parametrize(("bias", "noise"), [(0.0, 0.5), (0.7, 0.5), (0.7, 3.0)])
def test_bias_and_noise_are_told_apart(bias: float, noise: float) -> None:
    """Known by construction, with few replicates but many steps."""
    d, total = 30, None
    for _ in range(3000):
        exact = rng.normal(size=d)
        offset = rng.normal(size=d)
        offset *= bias * np.linalg.norm(exact) / np.linalg.norm(offset)
        each = spread(exact + offset + rng.normal(0, noise, size=(3, d)), exact)
        total = each if total is None else total + each
    assert total is not None
    assert total.bias_squared == pytest.approx(bias**2, abs=0.01 * (1 + noise**2))
    assert total.variance == pytest.approx(noise**2, rel=0.02)
    assert total.snr == pytest.approx((1 + bias**2) / noise**2, rel=0.03)


def test_without_noise() -> None:
    exact = np.array([3.0, 4.0])
    found = spread(np.array([[3.0, 5.0]]), exact)
    assert (found.variance, found.snr, found.bias) == (0.0, np.inf, pytest.approx(0.2))
    assert np.isnan(spread(np.zeros((1, 2)), exact).snr)
    assert np.isnan(spread(np.ones((1, 2)), np.zeros(2)).bias)

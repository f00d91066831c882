"""The reductions alone: N terms L (N, dim), R (N, dim) become r, by mixing matrices (N, r)."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import axonomy as ax
from drawing import CELLS, assert_close, drive, over, shape_of
from numpy_rules import (
    SPLITS,
    all_signs,
    optimal_variance,
    random_signs_variance,
    random_steps,
    rtrl,
    singular_terms,
    truncated_svd,
)

REDUCTIONS = {
    "RandomSigns": ax.RandomSigns(),
    "RandomSigns shared": ax.RandomSigns(normaliser="shared"),
    "OptimalUnbiased": ax.OptimalUnbiased(),
    "TruncatedSVD": ax.TruncatedSVD(),
}
UNBIASED = {name: r for name, r in REDUCTIONS.items() if name != "TruncatedSVD"}
TOLERANCE = {"RandomSigns": 1e-12, "RandomSigns shared": 1e-12, "OptimalUnbiased": 1e-9}


def over_reductions(reductions: dict) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("name", reductions)


@st.composite
def terms(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """L (N, left), R (N, right); a dimension below N makes its Gram matrix deficient."""
    N, left, right = (draw(st.integers(1, most)) for most in (5, 6, 6))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    L, R = rng.normal(size=(N, left)), rng.normal(size=(N, right))
    # terms of unlike size, as old and new ones are; now and then one that is zero
    L *= 10.0 ** np.array([draw(st.integers(-2, 2)) for _ in range(N)])[:, None]
    L[draw(st.lists(st.integers(0, N - 1), max_size=1))] = 0.0
    return L, R


def reduced(reduction: object, L: np.ndarray, R: np.ndarray, rank: int, noise: object) -> tuple:
    C_L, C_R = reduction.mixing(L @ L.T, R @ R.T, rank, noise)
    assert C_L.shape == C_R.shape == (len(L), rank)
    return L.T @ C_L, R.T @ C_R  # (left, r) (right, r)


def draws(reduction: object, L: np.ndarray, R: np.ndarray, rank: int) -> np.ndarray:
    """What the reduction may make of the sum, one for every sequence of signs."""
    n_noise = reduction.n_noise(len(L), rank)
    assume(n_noise <= 12)
    return np.array([x @ y.T for nu in all_signs(n_noise) for x, y in [reduced(reduction, L, R, rank, nu)]])


def unseen(N: int) -> float:
    """Variance of singular values that Grams cannot tell from zero: sqrt(N eps) of the largest."""
    return 2 * N * np.sqrt(N * np.finfo(float).eps)


def relative(a: np.ndarray, L: np.ndarray, R: np.ndarray) -> np.ndarray:
    """In units of the terms: sum_l |L_l| |R_l|."""
    size = (np.linalg.norm(L, axis=1) * np.linalg.norm(R, axis=1)).sum()
    return a / size if size else a


@over_reductions(UNBIASED)
@given(drawn=terms(), rank=st.integers(1, 3))
def test_mean_is_the_sum(name: str, drawn: tuple, rank: int) -> None:
    """E[C_L C_R^T] = I on the span."""
    L, R = drawn
    mean = draws(UNBIASED[name], L, R, rank).mean(0)
    assert np.abs(relative(mean - L.T @ R, L, R)).max() < TOLERANCE[name]


@over_reductions(REDUCTIONS)
@given(drawn=terms(), more=st.integers(0, 2))
def test_exact_when_nothing_needs_to_go(name: str, drawn: tuple, more: int) -> None:
    L, R = drawn
    reduction, rank = REDUCTIONS[name], len(L) + more
    noise = np.ones(reduction.n_noise(len(L), rank))
    x, y = reduced(reduction, L, R, rank, noise)
    assert np.abs(relative(x @ y.T - L.T @ R, L, R)).max() < 1e-9


@given(drawn=terms(), rank=st.integers(1, 3))
def test_least_variance(drawn: tuple, rank: int) -> None:
    """s^2 / k - sum of the squared tail, and never above that of the signs."""
    L, R = drawn
    M, (_, sigma, _) = L.T @ R, singular_terms(L, R)

    def variance(reduction: object) -> float:
        return ((draws(reduction, L, R, rank) - M) ** 2).sum((1, 2)).mean()

    scale = max(sigma.sum() ** 2, 1e-300)
    least = variance(ax.OptimalUnbiased())
    assert least / scale == pytest.approx(optimal_variance(sigma, rank) / scale, abs=unseen(len(L)))
    if rank < len(L) and ax.RandomSigns().n_noise(len(L), rank) <= 12:
        signs = variance(ax.RandomSigns())
        assert signs / scale == pytest.approx(random_signs_variance(L, R) / rank / scale, rel=1e-9, abs=1e-9)
        assert least <= signs + unseen(len(L)) * scale


@given(drawn=terms(), rank=st.integers(1, 3))
def test_truncation_is_eckart_young(drawn: tuple, rank: int) -> None:
    L, R = drawn
    sigma = np.append(singular_terms(L, R)[1], np.zeros(rank + 1))
    assume(sigma[rank - 1] - sigma[rank] > 1e-3 * sigma[0])  # else the best is not unique
    best = np.einsum("ra,rb->ab", *truncated_svd(L, R, rank))
    x, y = reduced(ax.TruncatedSVD(), L, R, rank, None)
    assert np.abs(relative(x @ y.T - best, L, R)).max() < 1e-9


@given(drawn=terms(), rank=st.integers(1, 3))
def test_factors_are_balanced(drawn: tuple, rank: int) -> None:
    """Left and right columns of one size, so that neither over- nor underflows with time."""
    L, R = drawn
    assume(rank < len(L))
    for reduction in (ax.TruncatedSVD(), ax.OptimalUnbiased()):
        noise = np.ones(reduction.n_noise(len(L), rank))
        x, y = reduced(reduction, L, R, rank, noise)
        sizes = np.linalg.norm(x, axis=0), np.linalg.norm(y, axis=0)
        largest = max(1e-300, *sizes[0], *sizes[1])
        np.testing.assert_allclose(
            sizes[0] / largest, sizes[1] / largest, atol=max(1e-6, np.sqrt(unseen(len(L))))
        )


@pytest.mark.parametrize("rank", [1, 2, 4])
@pytest.mark.parametrize("N", [1, 3, 5])
def test_how_many_signs(N: int, rank: int) -> None:
    assert ax.OptimalUnbiased().n_noise(N, rank) == N - 1
    assert ax.TruncatedSVD().n_noise(N, rank) == 0
    assert ax.RandomSigns().n_noise(N, rank) == rank * N


@over(cell for cell in CELLS if cell.tensor in SPLITS and cell.solution == "numerical"
      and cell.ranked)  # fmt: skip
@pytest.mark.parametrize("p, g", [(1, 1), (2, 1), (1, 2)])
def test_full_rank_is_rtrl(cell: ax.TableCell, p: int, g: int) -> None:
    """At r >= min(dim left, dim right) there is nothing to discard."""
    n, m = 2, 3
    steps = random_steps(np.random.default_rng(3), n, m, T=5, p=p, g=g)
    sizes = []
    for factor in SPLITS[cell.tensor]:
        shared = set(SPLITS[cell.tensor][0]) & set(SPLITS[cell.tensor][1])
        size = dict(zip("kij", (p * n, g * n, m), strict=True))
        sizes.append(np.prod([size[letter] for letter in factor if letter not in shared]))
    learner = ax.make_learner(cell.rule(rank=int(min(sizes))), shape_of(steps, n))
    _, influences = drive(learner, steps)
    assert_close(influences, [M for _, M in rtrl(steps)], 1e-6)

"""The NumPy references against each other and against finite differences."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numpy_cells import ACTIVATIONS, LOSSES, Net, run
from numpy_rules import (
    SPLITS,
    all_signs,
    balance,
    bptt,
    dense,
    factored,
    finite_differences,
    frame,
    immediate,
    kept_exactly,
    loss_of_last,
    optimal_unbiased,
    optimal_variance,
    random_signs_variance,
    random_steps,
    rtrl,
    singular_terms,
    truncated_svd,
)

every_split = pytest.mark.parametrize("split", SPLITS)
every_shape = pytest.mark.parametrize("p, g", [(1, 1), (2, 1), (1, 3), (2, 3)])


@every_split
@every_shape
@pytest.mark.parametrize("form", ["row", "state"])
def test_terms_add_up_to_M_bar(split: str, p: int, g: int, form: str) -> None:
    (s,) = random_steps(np.random.default_rng(0), n=3, m=4, T=1, p=p, g=g)
    np.testing.assert_allclose(dense(split, *immediate(split, s, form)), s.M_bar, atol=1e-14)


@every_split
@every_shape
def test_all_singular_terms_are_rtrl(split: str, p: int, g: int) -> None:
    steps = random_steps(np.random.default_rng(1), n=2, m=3, T=4, p=p, g=g)
    for kept, exact in zip(factored(steps, split, truncated_svd, rank=12), rtrl(steps), strict=True):
        np.testing.assert_allclose(kept[0], exact[0], atol=1e-12)
        np.testing.assert_allclose(kept[1], exact[1], atol=1e-12)


@given(
    squared=st.lists(st.floats(1e-6, 1.0), min_size=1, max_size=7),
    k=st.integers(1, 6),
)
def test_frame(squared: list[float], k: int) -> None:
    sigma = np.sort(squared)[::-1]
    kept = kept_exactly(sigma, k)
    tail, k = sigma[kept:], k - kept
    if len(tail) == 0:
        return
    Z = frame(k * tail / tail.sum(), k)
    np.testing.assert_allclose(Z.T @ Z, np.eye(k), atol=1e-9)
    np.testing.assert_allclose((Z**2).sum(1), k * tail / tail.sum(), atol=1e-9)


@pytest.mark.parametrize("N, rank, left, right", [(2, 1, 3, 4), (3, 1, 2, 2), (5, 2, 3, 6), (4, 3, 5, 5)])
def test_optimal_unbiased(N: int, rank: int, left: int, right: int) -> None:
    rng = np.random.default_rng(2)
    L, R = rng.normal(size=(N, left)), rng.normal(size=(N, right))
    M, sigma = L.T @ R, singular_terms(L, R)[1]
    draws = [x.T @ y for x, y in (optimal_unbiased(L, R, rank, nu) for nu in all_signs(N - 1))]
    np.testing.assert_allclose(np.mean(draws, axis=0), M, atol=1e-13)
    variance = np.mean([((draw - M) ** 2).sum() for draw in draws])
    assert variance == pytest.approx(optimal_variance(sigma, rank), rel=1e-12)


def test_random_signs_variance() -> None:
    rng = np.random.default_rng(3)
    L, R = rng.normal(size=(4, 3)), rng.normal(size=(4, 5))
    p = np.array([balance(*term) for term in zip(L, R, strict=True)])
    draws = [np.outer((p * nu) @ L, (nu / p) @ R) for nu in all_signs(4)]
    np.testing.assert_allclose(np.mean(draws, axis=0), L.T @ R, atol=1e-13)
    variance = np.mean([((draw - L.T @ R) ** 2).sum() for draw in draws])
    assert variance == pytest.approx(random_signs_variance(L, R), rel=1e-12)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_finite_differences(activation: str, loss: str) -> None:
    rng = np.random.default_rng(4)
    n, n_in, n_out, T = 3, 2, 3, 5
    W, V = rng.normal(size=(n, n + n_in + 1)), rng.normal(size=(n_out, n + 1))
    net = Net(W, V, loss, alpha=0.7, activation=activation)
    X, Y = rng.normal(size=(T, n_in)), rng.dirichlet(np.ones(n_out), size=T)
    a0 = rng.normal(size=n)
    steps, _, outer, _ = run(net, X, Y, a0)
    gradient = bptt(steps)
    *_, (exact, _) = rtrl(steps)
    np.testing.assert_allclose(exact, gradient, rtol=1e-12, atol=1e-13)
    numeric = finite_differences(lambda: loss_of_last(net, X, Y, a0), net.W)
    np.testing.assert_allclose(gradient, numeric, rtol=1e-8, atol=1e-9)
    numeric = finite_differences(lambda: loss_of_last(net, X, Y, a0), net.V)
    np.testing.assert_allclose(outer[-1], numeric, rtol=1e-8, atol=1e-9)

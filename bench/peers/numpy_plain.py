"""Each rule in NumPy as its equations read: vectorised, one expression a line of the theory, no buffers.

Leaky RNN, tanh, softmax cross-entropy, SGD on all weights at every step; any alpha.
``numpy_tuned.py`` has the same with the large arrays preallocated and updated in place. Computes in
float64 whatever it is given.
"""

from __future__ import annotations

from collections.abc import Callable, Generator

import numpy as np

Array = np.ndarray
Step = tuple[Array, Array, Array, Array]  # J (n, n), D (n, n), a_hat (m,), q (n,)


def rtrl(n: int, m: int, rng: np.random.Generator) -> Generator[Array, Step, None]:
    M = np.zeros((n, n, m))
    gradient = np.zeros((n, m))
    while True:
        J, D, a_hat, q = yield gradient
        M_bar = D[:, :, None] * a_hat
        M = np.tensordot(J, M, axes=1) + M_bar
        gradient = np.tensordot(q, M, axes=1)


def uoro(n: int, m: int, rng: np.random.Generator) -> Generator[Array, Step, None]:
    A, B = np.zeros(n), np.zeros((n, m))
    gradient = np.zeros((n, m))
    while True:
        J, D, a_hat, q = yield gradient
        nu = rng.choice([-1.0, 1.0], n)
        A = J @ A
        P = np.outer(nu @ D, a_hat)
        p0 = normaliser(B, A)
        p1 = normaliser(P, nu)
        A = p0 * A + p1 * nu
        B = B / p0 + P / p1
        gradient = (q @ A) * B


def kf_rtrl(n: int, m: int, rng: np.random.Generator) -> Generator[Array, Step, None]:
    A, B = np.zeros(m), np.zeros((n, n))
    gradient = np.zeros((n, m))
    while True:
        J, D, a_hat, q = yield gradient
        nu = rng.choice([-1.0, 1.0], 2)
        B = J @ B
        p0 = normaliser(B, A)
        p1 = normaliser(D, a_hat)
        A = nu[0] * p0 * A + nu[1] * p1 * a_hat
        B = nu[0] * B / p0 + nu[1] * D / p1
        gradient = np.outer(q @ B, A)


def rflo(n: int, m: int, rng: np.random.Generator, alpha: float = 1.0) -> Generator[Array, Step, None]:
    B = np.zeros((n, m))
    gradient = np.zeros((n, m))
    while True:
        _, D, a_hat, q = yield gradient
        B = (1 - alpha) * B + np.outer(np.diag(D), a_hat)
        gradient = q[:, None] * B


def snap(n: int, m: int, rng: np.random.Generator) -> Generator[Array, Step, None]:
    B = np.zeros((n, m))
    gradient = np.zeros((n, m))
    while True:
        J, D, a_hat, q = yield gradient
        B = np.diag(J)[:, None] * B + np.outer(np.diag(D), a_hat)
        gradient = q[:, None] * B


RULES = {f.__name__: f for f in (rtrl, uoro, kf_rtrl, rflo, snap)}


def normaliser(over: Array, under: Array) -> float:
    """sqrt(|over| / |under|); 1 while one of them is still zero."""
    above, below = np.linalg.norm(over), np.linalg.norm(under)
    return float(np.sqrt(above / below)) if above > 0 and below > 0 else 1.0


def runner(
    rule: str, W: Array, W_out: Array, X: Array, Y: Array, lr: float, alpha: float = 1.0
) -> Callable[[int], tuple[Array, Array]] | None:
    """Return a function that takes k steps, or None if there is no such rule here."""
    if rule not in RULES:
        return None
    W, W_out = W.copy(), W_out.copy()
    n, m = W.shape
    learner = RULES[rule](n, m, np.random.default_rng(0))
    next(learner)
    a = np.zeros(n)

    def run(steps: int) -> tuple[Array, Array]:
        nonlocal a, W, W_out
        for t in range(steps):
            x, y = X[t % len(X)], Y[t % len(X)]
            a_hat = np.concatenate([a, x, [1.0]])
            phi = np.tanh(W @ a_hat)
            a = (1 - alpha) * a + alpha * phi
            D = np.diag(alpha * (1 - phi**2))
            J = (1 - alpha) * np.eye(n) + D @ W[:, :n]
            a_one = np.append(a, 1.0)
            p = np.exp(W_out @ a_one)
            e = p / p.sum() - y
            q = e @ W_out[:, :n]
            gradient = learner.send((J, D, a_hat, q))
            W = W - lr * gradient
            W_out = W_out - lr * np.outer(e, a_one)
        return W, W_out

    return run

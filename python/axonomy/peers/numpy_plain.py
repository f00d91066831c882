"""Each rule in NumPy as its equations read: vectorised, one expression a line of the theory, no buffers.

``numpy_tuned.py`` has the same with the large arrays preallocated and updated in place.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Generator

import numpy as np

from axonomy.peers.base import Array, Draw, Problem, draws

Zeros = Callable[..., Array]
Step = tuple[Array, Array, Array, Array]  # W_rec (n, n), D (n,) the diagonal of ds/dh, a_hat (m,), q (n,)
Learner = Generator[Array, Step, None]  # takes steps, gives gradients (n, m); the first is of no step


def rtrl(n: int, m: int, zeros: Zeros, draw: Draw) -> Learner:
    M, gradient = zeros(n, n, m), zeros(n, m)
    while True:
        W_rec, D, a_hat, q = yield gradient
        J = D[:, None] * W_rec
        M_bar = np.diag(D)[:, :, None] * a_hat
        M = np.tensordot(J, M, axes=1) + M_bar
        gradient = np.tensordot(q, M, axes=1)


def uoro(n: int, m: int, zeros: Zeros, draw: Draw) -> Learner:
    A, B, gradient = zeros(n), zeros(n, m), zeros(n, m)
    while True:
        W_rec, D, a_hat, q = yield gradient
        nu = draw(n)
        A = D * (W_rec @ A)
        P = np.outer(nu * D, a_hat)
        p0 = normaliser(B, A)
        p1 = normaliser(P, nu)
        A = p0 * A + p1 * nu
        B = B / p0 + P / p1
        gradient = (q @ A) * B


def kf_rtrl(n: int, m: int, zeros: Zeros, draw: Draw) -> Learner:
    A, B, gradient = zeros(m), zeros(n, n), zeros(n, m)
    while True:
        W_rec, D, a_hat, q = yield gradient
        nu = draw(2)
        B = (D[:, None] * W_rec) @ B
        p0 = normaliser(B, A)
        p1 = normaliser(D, a_hat)
        A = nu[0] * p0 * A + nu[1] * p1 * a_hat
        B = nu[0] * B / p0 + nu[1] * np.diag(D) / p1
        gradient = np.outer(q @ B, A)


def rflo(n: int, m: int, zeros: Zeros, draw: Draw) -> Learner:
    leak = 0.0  # 1 - alpha
    B, gradient = zeros(n, m), zeros(n, m)
    while True:
        _, D, a_hat, q = yield gradient
        B = leak * B + np.outer(D, a_hat)
        gradient = q[:, None] * B


def snap(n: int, m: int, zeros: Zeros, draw: Draw) -> Learner:
    B, gradient = zeros(n, m), zeros(n, m)
    while True:
        W_rec, D, a_hat, q = yield gradient
        B = (D * np.diag(W_rec))[:, None] * B + np.outer(D, a_hat)
        gradient = q[:, None] * B


def normaliser(over: Array, under: Array) -> float:
    """sqrt(|over| / |under|); 1 while one of them is still zero."""
    above, below = np.linalg.norm(over), np.linalg.norm(under)
    return float(np.sqrt(above / below)) if above > 0 and below > 0 else 1.0


RULES = {f.__name__: f for f in (rtrl, uoro, kf_rtrl, rflo, snap)}


class Plain:
    """A rule at work on a problem."""

    period = 1

    def __init__(self, rule: str, problem: Problem) -> None:
        self.W, self.W_out, self.lr = problem.W, problem.W_out, problem.lr
        self.samples = itertools.cycle(zip(problem.X, problem.Y, strict=True))
        n, m = self.W.shape
        dtype = self.W.dtype
        self.a, self.one = np.zeros(n, dtype), np.ones(1, dtype)
        self.learner = RULES[rule](n, m, lambda *shape: np.zeros(shape, dtype), draws(problem))
        next(self.learner)

    def run(self, steps: int) -> None:
        n = len(self.a)
        for x, y in itertools.islice(self.samples, steps):
            a_hat = np.concatenate([self.a, x, self.one])
            self.a = np.tanh(self.W @ a_hat)
            a_one = np.concatenate([self.a, self.one])
            p = np.exp(self.W_out @ a_one)
            e = p / p.sum() - y
            D, q = 1 - self.a**2, e @ self.W_out[:, :n]
            gradient = self.learner.send((self.W[:, :n], D, a_hat, q))
            self.W = self.W - self.lr * gradient
            self.W_out = self.W_out - self.lr * np.outer(e, a_one)

    def weights(self) -> tuple[Array, Array]:
        return self.W, self.W_out


def start(rule: str, problem: Problem) -> Plain | None:
    """Return the program of a rule, or None if there is none here."""
    return Plain(rule, problem) if rule in RULES else None

"""What one would write with NumPy instead: each rule step by step, vectorised, in preallocated arrays.

D (n,) is the diagonal of ds/dh, J = D W_rec.
"""

from __future__ import annotations

import itertools
import math
from typing import Protocol

import numpy as np

from axonomy.peers.base import Array, Draw, Problem, draws


class Network:
    """Weights, state, and what one step leaves for a rule: a_hat, D, q."""

    def __init__(self, W: Array, W_out: Array, lr: float) -> None:
        self.W, self.W_out, self.lr = W.copy(), W_out.copy(), W.dtype.type(lr)
        self.n, self.m = W.shape
        self.a = np.zeros(self.n, W.dtype)
        self.a_hat = np.ones(self.m, W.dtype)
        self.a_one = np.ones(self.n + 1, W.dtype)
        self.gradient = np.empty_like(self.W)

    def forward(self, x: Array, y: Array) -> None:
        n = self.n
        self.a_hat[:n] = self.a
        self.a_hat[n:-1] = x
        self.a = np.tanh(self.W @ self.a_hat)
        self.D = 1 - self.a * self.a
        self.a_one[:n] = self.a
        z = self.W_out @ self.a_one
        p = np.exp(z - z.max())
        self.e = p / p.sum() - y
        self.q = self.e @ self.W_out[:, :n]

    def update(self) -> None:
        self.gradient *= self.lr
        self.W -= self.gradient
        self.W_out -= self.lr * np.outer(self.e, self.a_one)


class RTRL:
    def __init__(self, net: Network) -> None:
        n, m = net.n, net.m
        self.M, self.next = np.zeros((2, n, n * m), net.W.dtype)
        self.J = np.empty((n, n), net.W.dtype)
        self.unit = np.arange(n)

    def step(self, net: Network, draw: Draw) -> None:
        n, m = net.n, net.m
        np.multiply(net.D[:, None], net.W[:, :n], out=self.J)
        np.matmul(self.J, self.M, out=self.next)
        self.next.reshape(n, n, m)[self.unit, self.unit] += np.outer(net.D, net.a_hat)
        self.M, self.next = self.next, self.M
        np.matmul(net.q, self.M, out=net.gradient.reshape(-1))


class UORO:
    def __init__(self, net: Network) -> None:
        self.A = np.zeros(net.n, net.W.dtype)
        self.B = np.zeros_like(net.W)
        self.P = np.empty_like(net.W)
        self.root = net.n**0.5

    def step(self, net: Network, draw: Draw) -> None:
        n = net.n
        nu = draw(n)
        A = net.D * (net.W[:, :n] @ self.A)
        np.multiply((nu * net.D)[:, None], net.a_hat, out=self.P)
        p0, p1 = _ratio(self.B, A), _norm(self.P) ** 0.5 / self.root**0.5
        self.A = p0 * A + p1 * nu
        self.B *= 1 / p0
        self.P *= 1 / p1
        self.B += self.P
        np.multiply(net.q @ self.A, self.B, out=net.gradient)


class KFRTRL:
    def __init__(self, net: Network) -> None:
        n = net.n
        self.A = np.zeros(net.m, net.W.dtype)
        self.B, self.J, self.next = np.zeros((3, n, n), net.W.dtype)

    def step(self, net: Network, draw: Draw) -> None:
        n = net.n
        nu0, nu1 = draw(2)
        np.multiply(net.D[:, None], net.W[:, :n], out=self.J)
        np.matmul(self.J, self.B, out=self.next)
        p0, p1 = _ratio(self.next, self.A), _ratio(net.D, net.a_hat)
        self.A = nu0 * p0 * self.A + nu1 * p1 * net.a_hat
        self.next *= nu0 / p0
        self.next.reshape(-1)[:: n + 1] += nu1 / p1 * net.D
        self.B, self.next = self.next, self.B
        np.multiply((net.q @ self.B)[:, None], self.A, out=net.gradient)


class RFLO:
    def __init__(self, net: Network) -> None:
        self.B = np.zeros_like(net.W)
        self.keep = 0.0  # 1 - alpha

    def step(self, net: Network, draw: Draw) -> None:
        self.B *= self.keep
        self.B += np.multiply(net.D[:, None], net.a_hat, out=net.gradient)
        np.multiply(net.q[:, None], self.B, out=net.gradient)


class SnAp1:
    def __init__(self, net: Network) -> None:
        self.B = np.zeros_like(net.W)

    def step(self, net: Network, draw: Draw) -> None:
        self.B *= (net.D * net.W.diagonal())[:, None]
        self.B += np.multiply(net.D[:, None], net.a_hat, out=net.gradient)
        np.multiply(net.q[:, None], self.B, out=net.gradient)


def _norm(x: Array) -> float:
    x = x.reshape(-1)
    return math.sqrt(np.dot(x, x))


def _ratio(over: Array, under: Array) -> float:
    """sqrt(|over| / |under|); 1 while one of them is still zero."""
    above, below = _norm(over), _norm(under)
    return (above / below) ** 0.5 if above > 0 and below > 0 else 1.0


class Learner(Protocol):
    """From a network after its forward pass to net.gradient."""

    def __init__(self, net: Network) -> None: ...
    def step(self, net: Network, draw: Draw) -> None: ...


RULES: dict[str, type[Learner]] = {"rtrl": RTRL, "uoro": UORO, "kf_rtrl": KFRTRL, "rflo": RFLO, "snap": SnAp1}


class Tuned:
    """A rule at work on a problem."""

    period = 1

    def __init__(self, rule: str, problem: Problem) -> None:
        self.net = Network(problem.W, problem.W_out, problem.lr)
        self.learner = RULES[rule](self.net)
        self.draw = draws(problem)
        self.samples = itertools.cycle(zip(problem.X, problem.Y, strict=True))

    def run(self, steps: int) -> None:
        for x, y in itertools.islice(self.samples, steps):
            self.net.forward(x, y)
            self.learner.step(self.net, self.draw)
            self.net.update()

    def weights(self) -> tuple[Array, Array]:
        return self.net.W, self.net.W_out


def start(rule: str, problem: Problem) -> Tuned | None:
    """Return the program of a rule, or None if there is none here."""
    return Tuned(rule, problem) if rule in RULES else None

"""Each rule in JAX: a step as a pure function, `lax.scan` over the steps, compiled as a whole, one thread.

A rule is what it remembers, arrays of zeros to begin with, and ``step(memory, s) -> memory, gradient``. One
that does something every T steps says so, and may have ``end(memory, W_rec) -> memory, gradient`` after them;
its steps know their place among the T. Random numbers are drawn for all steps of a call at once.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

# Read when JAX first computes. The flags keep matrix products to one thread, NPROC all else: loops over large
# arrays, which it would split between threads, at a loss of time.
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")
os.environ.setdefault("NPROC", "1")

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from axonomy.peers.base import RULES as DECLARED
from axonomy.peers.base import WINDOW, Array, Problem

Memory = Any  # a tuple of arrays
Traced = Any  # an array, when it is computed with
Update = tuple[Memory, Any]  # the new memory, and the gradient (n, m), or None for zero
Pair = tuple[Any, Any]


class Step(NamedTuple):
    """After the forward pass and the loss, before the weights change."""

    W: Any  # (n, m)
    D: Any  # (n,), the diagonal of ds/dh
    a_hat: Any  # (m,)
    q: Any  # (n,)
    a: Any  # (n,), the state
    y: Any  # (n_out,)
    noise: Any  # (n_noise,)
    place: Any  # among the T steps; None if T is 1

    @property
    def W_rec(self) -> Any:
        return self.W[:, : len(self.q)]

    @property
    def J(self) -> Any:
        return self.D[:, None] * self.W_rec

    def times_J(self, X: Any) -> Any:
        return self.D[:, None] * (self.W_rec @ X)

    @property
    def M_bar(self) -> Any:
        """What M_bar has of k = i, (n, m)."""
        return jnp.outer(self.D, self.a_hat)


class Rule(NamedTuple):
    memory: str  # the shapes of its arrays: n, m, T, and d, the length of [a, y, 1]
    step: Callable[[Memory, Step], tuple[Memory, Any]]
    noise: str = ""  # the shape of a step's random numbers
    T: Callable[[int], int] = lambda n: 1
    end: Callable[[Memory, Any], tuple[Memory, Any]] | None = None
    begin: Callable[[Memory], Memory] = lambda memory: memory
    draw: Callable[..., Any] = jax.random.rademacher


# ------------------------------------------------------------------------------------ unit by unit


def rflo(memory: Memory, s: Step) -> Update:
    (B,) = memory  # (n, m)
    leak = 0.0  # 1 - alpha
    B = leak * B + s.M_bar
    return (B,), s.q[:, None] * B


def snap(memory: Memory, s: Step) -> Update:
    (B,) = memory  # (n, m)
    B = (s.D * jnp.diagonal(s.W))[:, None] * B + s.M_bar
    return (B,), s.q[:, None] * B


# ----------------------------------------------------------------------------------- random signs


def uoro(memory: Memory, s: Step) -> Update:
    A, B = memory  # (n,) (n, m)
    A = s.D * (s.W_rec @ A)
    P = jnp.outer(s.noise * s.D, s.a_hat)
    p0, p1 = balance(B, A), balance(P, s.noise)
    A = p0 * A + p1 * s.noise
    B = B / p0 + P / p1
    return (A, B), (s.q @ A) * B


def kf_rtrl(memory: Memory, s: Step) -> Update:
    A, B = memory  # (m,) (n, n)
    nu = s.noise
    B = s.times_J(B)
    p0, p1 = balance(A, B), balance(s.a_hat, s.D)
    A = nu[0] / p0 * A + nu[1] / p1 * s.a_hat
    B = nu[0] * p0 * B + jnp.diag(nu[1] * p1 * s.D)
    return (A, B), jnp.outer(s.q @ B, A)


def r_kf_rtrl(memory: Memory, s: Step) -> Update:
    A, B = memory  # (n,) (n, m)
    B = s.times_J(B)
    P = jnp.outer(s.D * s.noise, s.a_hat)
    p0, p1 = balance(A, B), balance(s.noise, P)
    A = A / p0 + s.noise / p1
    B = p0 * B + p1 * P
    return (A, B), jnp.outer(A, s.q @ B)


def balance(over: Traced, under: Traced) -> Traced:
    """sqrt(|over| / |under|); 1 while one of them is zero."""
    above, below = jnp.linalg.norm(over), jnp.linalg.norm(under)
    there = (above > 0) & (below > 0)
    return jnp.where(there, jnp.sqrt(above / jnp.where(there, below, 1)), 1)


# ---------------------------------------------------------- ki|ij, and ki|j of the least variance


def ki_ij(memory: Memory, s: Step, reduce: Reduction) -> Update:
    L, R = memory  # (n, n) [k, i], (n, m) [i, j]
    L = s.times_J(L)
    gradient = (s.q @ L)[:, None] * R + jnp.outer(s.q * s.D, s.a_hat)
    left = jnp.sum(L * L, 0), jnp.diagonal(L) * s.D, s.D * s.D
    right = jnp.sum(R * R, 1), R @ s.a_hat, jnp.full_like(s.D, s.a_hat @ s.a_hat)
    (kept, added), (kept_right, added_right) = reduce(left, right, s.noise)
    L = L * kept + jnp.diag(added * s.D)
    R = kept_right[:, None] * R + added_right[:, None] * s.a_hat
    return (L, R), gradient


def ok(memory: Memory, s: Step) -> Update:
    A, B = memory  # (m,) (n, n)
    B = s.times_J(B)
    left = jnp.sum(B * B), jnp.diagonal(B) @ s.D, s.D @ s.D
    right = A @ A, A @ s.a_hat, s.a_hat @ s.a_hat
    (kept, added), (kept_right, added_right) = optimal(left, right, s.noise[0])
    B = kept * B + jnp.diag(added * s.D)
    A = kept_right * A + added_right * s.a_hat
    return (A, B), jnp.outer(s.q @ B, A)


# A reduction takes the Gram entries 00, 01, 11 of two terms' left and right sides, of many problems at once,
# and gives the coefficients of the two on the left, and on the right.
Gram = tuple[Any, Any, Any]
Reduction = Callable[[Gram, Gram, Any], tuple[Pair, Pair]]


def signs(left: Gram, right: Gram, nu: Traced) -> tuple[Pair, Pair]:
    p, p_added = fourth_root(right[0], left[0]), fourth_root(right[2], left[2])
    return (p, nu * p_added), (divide(1, p), nu * divide(1, p_added))


def truncated(left: Gram, right: Gram, _: Traced) -> tuple[Pair, Pair]:
    (x0, x1), (w0, w1), sigma, *_, scales = singular_pair(left, right)
    root = jnp.sqrt(sigma)
    return scale(scales, (root * x0, root * x1), (divide(w0, root), divide(w1, root)))


def optimal(left: Gram, right: Gram, nu: Traced) -> tuple[Pair, Pair]:
    (x0, x1), (w0, w1), sigma, second_left, second_right, scales = singular_pair(left, right)
    root = jnp.where(sigma > 0, jnp.sqrt(sigma), 1)
    kappa = jnp.where((second_left > 0) & (second_right > 0), fourth_root(second_right, second_left), 1)
    more, less = nu * kappa, nu / kappa
    return scale(
        scales,
        (root * x0 - more * w1, root * x1 + more * w0),
        (w0 / root - less * x1, w1 / root + less * x0),
    )


def singular_pair(left: Gram, right: Gram) -> tuple[Pair, Pair, Traced, Traced, Traced, Pair]:
    """Decompose a sum of two terms from their Grams.

    They are scaled first so that the norms of their two sides agree: G_L = [[alpha, b], [b, gamma]], G_R with
    e for b. x is the eigenvector of G_R G_L to sigma², x G_L x = 1, w = G_L x; the second pair is (J w, J x),
    J the quarter turn. Returns x, w, sigma, the squared lengths of the second pair, and the scales.
    """
    p0, p1 = fourth_root(right[0], left[0]), fourth_root(right[2], left[2])
    alpha, gamma = jnp.sqrt(left[0] * right[0]), jnp.sqrt(left[2] * right[2])
    b, e = left[1] * p0 * p1, right[1] * divide(1, p0) * divide(1, p1)
    t00, t11 = alpha**2 + e * b, gamma**2 + e * b
    t01, t10 = alpha * b + e * gamma, e * alpha + gamma * b
    spread = jnp.sqrt(jnp.maximum((t00 - t11) ** 2 + 4 * t01 * t10, 0))
    x0 = jnp.where(t00 >= t11, (t00 - t11 + spread) / 2, t01)
    x1 = jnp.where(t00 >= t11, t10, (t11 - t00 + spread) / 2)
    norm = alpha * x0**2 + 2 * b * x0 * x1 + gamma * x1**2
    degenerate = norm <= 1e-14 * (x0**2 + x1**2) * (alpha + gamma)
    x0 = jnp.where(degenerate, alpha >= gamma, x0)
    x1 = jnp.where(degenerate, alpha < gamma, x1)
    norm = jnp.where(degenerate, jnp.maximum(alpha, gamma), norm)
    inverse = divide(1, jnp.sqrt(norm))
    x0, x1 = x0 * inverse, x1 * inverse
    w0, w1 = alpha * x0 + b * x1, b * x0 + gamma * x1
    sigma = jnp.sqrt(jnp.maximum((t00 + t11 + spread) / 2, 0))
    second_left = jnp.maximum(alpha * gamma - b**2, 1e-16 * alpha * gamma)
    second_right = jnp.maximum(
        alpha * x1**2 - 2 * e * x0 * x1 + gamma * x0**2, 1e-16 * (x0**2 + x1**2) * (alpha + gamma)
    )
    return (x0, x1), (w0, w1), sigma, second_left, second_right, (p0, p1)


def scale(scales: Pair, left: Pair, right: Pair) -> tuple[Pair, Pair]:
    p0, p1 = scales
    return (p0 * left[0], p1 * left[1]), (divide(right[0], p0), divide(right[1], p1))


def fourth_root(over: Traced, under: Traced) -> Traced:
    """(over / under)^(1/4); 0 where one of them is zero."""
    there = (over > 0) & (under > 0)
    return jnp.where(there, jnp.sqrt(jnp.sqrt(over / jnp.where(there, under, 1))), 0)


def divide(over: Traced, under: Traced) -> Traced:
    """0 where the divisor is."""
    return jnp.where(under > 0, over / jnp.where(under > 0, under, 1), 0)


# ----------------------------------------------------------------------------------- perturbation


def kernl_begin(memory: Memory) -> Memory:
    A, *rest = memory
    return jnp.eye(len(A), dtype=A.dtype), *rest


def kernl(memory: Memory, s: Step) -> Update:
    sigma, rate, decay = (DECLARED["kernl"].options[key] for key in ("sigma", "learning_rate", "decay"))
    A, B, omega, perturbed = memory  # (n, n) (n, m) (n,) (n,)
    n = len(s.q)
    perturbed = jnp.tanh(s.W @ s.a_hat.at[:n].set(perturbed))
    acted = decay * omega
    A = A - rate / sigma**2 * jnp.outer(A @ acted - (perturbed - s.a), acted)
    omega, perturbed = acted + sigma * s.noise, perturbed + sigma * s.noise
    B = decay * B + s.M_bar
    return (A, B, omega, perturbed), (s.q @ A)[:, None] * B


# --------------------------------------------------------------------------------------- windows

# Of the last steps, each in its place: D (T, n), a_hat (T, m), and J (T, n, n) or q (T, n).


def tbptt(memory: Memory, s: Step) -> Update:
    J, D, a_hat = memory = write(memory, s.place, (s.J, s.D, s.a_hat))

    def back(c: Traced, steps: Traced) -> tuple[Traced, Any]:
        place = (s.place - steps) % WINDOW
        return c @ J[place], (place, c * D[place])

    _, (places, rows) = lax.scan(back, s.q, jnp.arange(WINDOW))
    return memory, rows.T @ a_hat[places]


def f_bptt(memory: Memory, s: Step) -> Update:
    *held, credits = memory
    J, D, a_hat = held = write(held, s.place, (s.J, s.D, s.a_hat))
    credits = credits.at[s.place].set(0)

    def back(c: Traced, steps: Traced) -> tuple[Traced, Any]:
        place = (s.place - steps) % WINDOW
        return c @ J[place], (place, c)

    _, (places, more) = lax.scan(back, s.q, jnp.arange(WINDOW))
    credits = credits.at[places].add(more)
    oldest = places[-1]
    return (*held, credits), jnp.outer(credits[oldest] * D[oldest], a_hat[oldest])


def e_bptt(memory: Memory, s: Step) -> Update:
    return write(memory, s.place, (s.D, s.a_hat, s.q)), None


def e_bptt_end(memory: Memory, W_rec: Traced) -> Update:
    D, a_hat, q = memory

    def back(c: Traced, step: Pair) -> Pair:
        D, q = step
        row = (q + c) * D
        return row @ W_rec, row

    _, rows = lax.scan(back, jnp.zeros_like(q[0]), (D, q), reverse=True)
    return memory, rows.T @ a_hat


def write(memory: Memory, place: Traced, new: Memory) -> Memory:
    return tuple(held.at[place].set(value) for held, value in zip(memory, new, strict=True))


# ------------------------------------------------------------------------------------- the credit


def dni(memory: Memory, s: Step) -> Update:
    A, A_star, before, q = memory  # (n, d) (n, d) (d,) (n,)
    rate = DECLARED["dni"].options["learning_rate"]
    x = jnp.concatenate([s.a, s.y, jnp.ones(1, s.a.dtype)])
    target = q + ((A_star @ x) * s.D) @ s.W_rec
    A = A - rate * jnp.outer(A @ before - target, before)
    return (A, A_star, x, s.q), jnp.outer((A @ x) * s.D, s.a_hat)


def dni_end(memory: Memory, _: Traced) -> Update:
    A, _, before, q = memory
    return (A, A, before, q), None


# ------------------------------------------------------------------------------------------ exact


def rtrl(memory: Memory, s: Step) -> Update:
    (M,) = memory  # (n, n, m)
    n = len(s.q)
    M = (s.J @ M.reshape(n, -1)).reshape(M.shape)
    M = M.at[jnp.arange(n), jnp.arange(n)].add(s.M_bar)
    return (M,), (s.q @ M.reshape(n, -1)).reshape(n, -1)


def rtrl_lazy(memory: Memory, s: Step) -> Update:
    """c pulled back through the steps of this block, then c M, M being that of the block's start."""
    M, *held = memory  # (n, n, m) [k, ij], and of each step J, D, a_hat
    J, D, a_hat = held = write(held, s.place, (s.J, s.D, s.a_hat))

    def back(steps: Traced, carry: Pair) -> Pair:
        c, rows = carry
        place = s.place - steps
        return c @ J[place], rows.at[place].set(c * D[place])

    c, rows = lax.fori_loop(0, s.place + 1, back, (s.q, jnp.zeros_like(D)))
    return (M, *held), rows.T @ a_hat + jnp.tensordot(c, M, axes=1)


def rtrl_lazy_end(memory: Memory, _: Traced) -> Update:
    """M <- P M + sum_s (P^s D^s) (x) a_hat^s, P^s = J^T ... J^{s+1}."""
    M, J, D, a_hat = memory
    n = len(M)

    def back(P: Traced, step: Pair) -> Pair:
        J, D = step
        return P @ J, P * D

    P, driven = lax.scan(back, jnp.eye(n, dtype=M.dtype), (J, D), reverse=True)  # driven (T, k, i)
    M = jnp.tensordot(P, M, axes=1) + jnp.tensordot(driven, a_hat, axes=(0, 0))
    return (M, J, D, a_hat), None


def lazy_block(n: int) -> int:
    return 8 + n // 2


def _window(n: int) -> int:
    return WINDOW


RULES: dict[str, Rule] = {
    "rflo": Rule("nm", rflo),
    "snap": Rule("nm", snap),
    "uoro": Rule("n nm", uoro, "n"),
    "kf_rtrl": Rule("m nn", kf_rtrl, "2"),
    "r_kf_rtrl": Rule("n nm", r_kf_rtrl, "n"),
    "ok": Rule("m nn", ok, "1"),
    "ki_ij_signs": Rule("nn nm", partial(ki_ij, reduce=signs), "n"),
    "ki_ij_svd": Rule("nn nm", partial(ki_ij, reduce=truncated)),
    "ki_ij_optimal": Rule("nn nm", partial(ki_ij, reduce=optimal), "n"),
    "kernl": Rule("nn nm n n", kernl, "n", begin=kernl_begin, draw=jax.random.normal),
    "tbptt": Rule("Tnn Tn Tm", tbptt, T=_window),
    "f_bptt": Rule("Tnn Tn Tm Tn", f_bptt, T=_window),
    "e_bptt": Rule("Tn Tm Tn", e_bptt, T=_window, end=e_bptt_end),
    "dni": Rule("nd nd d n", dni, T=lambda n: int(DECLARED["dni"].options["refresh"]), end=dni_end),
    "rtrl": Rule("nnm", rtrl),
    "rtrl_lazy": Rule("nnm Tnn Tn Tm", rtrl_lazy, T=lazy_block, end=rtrl_lazy_end),
}


class Scan:
    """A rule at work on a problem."""

    def __init__(self, rule: Rule, problem: Problem) -> None:
        self.dtype = problem.W.dtype
        n, m = problem.W.shape
        self.period = rule.T(n)
        sizes = {"n": n, "m": m, "T": self.period, "d": n + len(problem.W_out) + 1}

        def shape(letters: str) -> tuple[int, ...]:
            return tuple(sizes.get(letter) or int(letter) for letter in letters)

        with self._precision():
            memory = tuple(jnp.zeros(shape(one), self.dtype) for one in rule.memory.split())
            # W and W_out are copied, as the compiled loop writes where its carry was.
            weights = jnp.array(problem.W), jnp.array(problem.W_out)
            self.carry = (*weights, jnp.zeros(n, self.dtype), rule.begin(memory))
            self.X, self.Y = jnp.asarray(problem.X), jnp.asarray(problem.Y)
            self.noise = None if problem.noise is None else jnp.asarray(problem.noise)
            self.key = jax.random.key(0)
        self.at = 0
        lr = self.dtype.type(problem.lr)
        self.loop = jax.jit(partial(loop, rule=rule, T=self.period, lr=lr), donate_argnums=0)
        self.draw = jax.jit(
            lambda key, steps: (
                rule.draw(key, (steps, *shape(rule.noise)), self.dtype) if rule.noise else None
            ),
            static_argnums=1,
        )

    def _precision(self) -> Any:
        return jax.enable_x64(self.dtype == np.float64)

    def run(self, steps: int) -> None:
        if steps % self.period:
            raise ValueError(f"steps: expected a multiple of {self.period}, got {steps}")
        with self._precision():
            while steps > 0:
                now = min(steps, len(self.X) // self.period * self.period)
                self._advance(now)
                steps -= now
            jax.block_until_ready(self.carry)

    def _advance(self, steps: int) -> None:
        # The stream begins again early rather than being cut in two, as each length is compiled by itself.
        begin = self.at if self.at + steps <= len(self.X) else 0
        self.at = begin + steps
        now = slice(begin, self.at)
        if self.noise is None:
            self.key, key = jax.random.split(self.key)
            noise = self.draw(key, steps)
        else:
            noise = self.noise[now]
        self.carry = self.loop(self.carry, (self.X[now], self.Y[now], noise))

    def weights(self) -> tuple[Array, Array]:
        return np.asarray(self.carry[0]), np.asarray(self.carry[1])


Carry = Any  # W, W_out, a, memory


def loop(carry: Carry, stream: Any, rule: Rule, T: int, lr: Any) -> Carry:
    """Take the steps of a stream X, Y, noise."""

    def step(carry: Carry, sample: Any) -> tuple[Carry, None]:
        W, W_out, a, memory = carry
        (x, y, noise), place = sample
        one = jnp.ones(1, a.dtype)
        a_hat = jnp.concatenate([a, x, one])
        a = jnp.tanh(W @ a_hat)
        a_one = jnp.concatenate([a, one])
        e = jax.nn.softmax(W_out @ a_one) - y
        s = Step(W, 1 - a * a, a_hat, e @ W_out[:, :-1], a, y, noise, place)
        memory, gradient = rule.step(memory, s)
        W = W if gradient is None else W - lr * gradient
        return (W, W_out - lr * jnp.outer(e, a_one), a, memory), None

    def block(carry: Carry, samples: Any) -> tuple[Carry, None]:
        carry, _ = lax.scan(step, carry, (samples, jnp.arange(T)))
        W, W_out, a, memory = carry
        if rule.end is not None:
            memory, gradient = rule.end(memory, W[:, : len(a)])
            W = W if gradient is None else W - lr * gradient
        return (W, W_out, a, memory), None

    if T == 1:
        return lax.scan(step, carry, (stream, None))[0]
    blocks = jax.tree.map(lambda array: array.reshape(-1, T, *array.shape[1:]), stream)
    return lax.scan(block, carry, blocks)[0]


def start(rule: str, problem: Problem) -> Scan | None:
    """Return the program of a rule, or None if there is none here."""
    return Scan(RULES[rule], problem) if rule in RULES else None

"""NumPy references: one short function a kernel, in the notation of the library.

    J (S, S)   D (S, R), block diagonal per unit   a_hat (m,)   q (S,)   leak (S, S)   state (S,)   y (n_out,)
    M (S, R, m) = dS/dW, M[k, i, j];   M_bar[k, i, j] = D[k, i] a_hat[j]

State k = component * n + unit, row i = gate * n + unit. A rule is a generator over the steps; at
each step it yields the gradient (R, m) and the influence (S, R, m), or, facing the future, the credit (S,)
behind the gradient.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial

import numpy as np
from numpy import einsum
from numpy.typing import NDArray

from numpy_cells import Array, Net, Step

Rule = Iterator[tuple[Array, Array]]


# ------------------------------------------------------------------------------------ the steps


def same_unit(rows: int, columns: int, n: int) -> NDArray[np.bool_]:
    return np.arange(rows)[:, None] % n == np.arange(columns) % n


def random_steps(
    rng: np.random.Generator,
    n: int,
    m: int,
    T: int,
    p: int = 1,
    g: int = 1,
    n_out: int = 0,
    element_wise: bool = False,
) -> list[Step]:
    """T steps of no cell in particular: dense J, everything else as free as its pattern allows.

    Element-wise: J couples no two units, and each row has regressors of its own.
    """
    S, R = p * n, g * n
    couples = same_unit(S, S, n) if element_wise else np.ones((S, S))
    return [
        Step(
            J=rng.normal(size=(S, S)) * couples * 0.8 / np.sqrt(p if element_wise else S),
            D=rng.normal(size=(S, R)) * same_unit(S, R, n),
            a_hat=rng.normal(size=(R, m) if element_wise else m),
            q=rng.normal(size=S),
            leak=rng.normal(size=(S, S)) * same_unit(S, S, n) * 0.5,
            state=rng.normal(size=S),
            y=rng.normal(size=n_out),
        )
        for _ in range(T)
    ]


# ---------------------------------------------------------------------------- the full influence


def rtrl(steps: Sequence[Step], M: Array | None = None) -> Rule:
    """M <- J M + M_bar."""
    M = np.zeros_like(steps[0].M_bar) if M is None else M
    for s in steps:
        M = einsum("kl,lij->kij", s.J, M) + s.M_bar
        yield einsum("k,kij->ij", s.q, M), M


def tbptt(steps: Sequence[Step], window: int) -> Rule:
    """The current loss through the last `window` steps, this one included."""
    for t in range(len(steps)):
        *_, last = rtrl(steps[max(0, t + 1 - window) : t + 1])
        yield last


def diagonal(steps: Sequence[Step], n: int, keep: str) -> Rule:
    """k = i: M keeps state and row of the same unit; `keep` is "leak" (RFLO) or "J" (SnAp-1)."""
    M = np.zeros_like(steps[0].M_bar)
    for s in steps:
        kept = getattr(s, keep) * same_unit(len(s.q), len(s.q), n)  # (S, S)
        M = einsum("kl,lij->kij", kept, M) + s.M_bar
        yield einsum("k,kij->ij", s.q, M), M


def snap(steps: Sequence[Step], mask: Array, hops: int) -> Rule:
    """SnAp-n: M keeps existing weights, and the states of units that they reach within hops - 1 steps.

    mask (n, n), [to, from]. With n hops it is RTRL on the masked J, with a masked gradient.
    """
    (S, R), n, m = steps[0].D.shape, len(mask), steps[0].a_hat.shape[-1]
    reached = one = np.eye(n, dtype=bool)  # [k, i]: unit k from unit i
    for _ in range(min(hops - 1, n)):
        reached = one | (mask.astype(int) @ reached > 0)
    there = np.hstack([np.tile(mask, (R // n, 1)), np.ones((R, m - n), bool)])  # (R, m)
    kept = np.tile(reached, (S // n, R // n))[:, :, None] & there  # (S, R, m)
    M = np.zeros_like(steps[0].M_bar)
    for s in steps:
        J = s.J * np.tile(mask | one, (S // n, S // n))
        M = kept * (einsum("kl,lij->kij", J, M) + s.M_bar)
        yield einsum("k,kij->ij", s.q, M), M


# ------------------------------------------------------------------------------------- the credit


def gradient_of(s: Step, c: Array) -> Array:
    return (c @ s.D)[:, None] * s.a_hat  # (R, m)


# J of a step under the weights of now.
Through = Callable[[Step], Array]


def credits(steps: Iterable[Step], through: Through | None = None) -> list[Array]:
    """c^s = q^s + c^{s+1} J^{s+1} of each step, within its sequence; `through`: this J instead."""
    c, found = 0.0, []
    for s in reversed(list(steps)):
        found.append(s.q + c)
        c = 0.0 if s.begins else found[-1] @ (s.J if through is None else through(s))
    return found[::-1]


def f_bptt(steps: Iterable[Step], window: int, through: Through | None = None) -> Rule:
    """At every step that of T - 1 steps ago; each q goes back as it comes."""
    held: deque[Step] = deque(maxlen=window)
    c: deque[Array] = deque(maxlen=window)
    for s in steps:
        held.append(s)
        c.append(np.zeros_like(s.q))
        alone = [step._replace(q=np.zeros_like(s.q)) for step in held]
        for credit, more in zip(c, credits([*alone[:-1], s], through), strict=True):
            credit += more
        full = len(held) == window
        out = c[0].copy() if full else np.zeros_like(s.q)
        yield gradient_of(held[0], out), out


def e_bptt(steps: Iterable[Step], window: int, through: Through | None = None) -> Rule:
    """At every T-th step the last T."""
    held: list[Step] = []
    for s in steps:
        held.append(s)
        if len(held) < window:
            yield gradient_of(s, np.zeros_like(s.q)), np.zeros_like(s.q)
            continue
        found = credits(held, through)
        yield sum(gradient_of(*pair) for pair in zip(held, found, strict=True)), found[0]
        held = []


# learn(A, error, x, t): A after the t-th step, where it was off by `error` at the regressors x.
LearnA = Callable[[Array, Array, Array, int], Array]


def synthetic(
    steps: Iterable[Step],
    a0: Array,
    A: Array | None,
    learn: LearnA,
    *,
    refresh: int,
    label: str,
    current: str,
    output: str = "linear",
    jacobian: Array | None = None,
    jacobian_rate: float = 0.0,
) -> Rule:
    """c ~ A x, x = [s, y, 1], A learned from q^{t-1} + (A* x^t) J^t; a learned J starts from `jacobian`."""
    exact, before, q = current == "exact", None, np.zeros_like(a0)
    for t, s in enumerate(steps):
        x = np.concatenate([s.state, s.y, [1.0]])
        if before is None:
            before = np.concatenate([a0, s.y, [1.0]])
            A_star = A = np.zeros((len(a0), len(x))) if A is None else A
        if jacobian is not None and not s.begins:
            wrong = jacobian @ before[: len(a0)] - s.state
            jacobian = jacobian - jacobian_rate * np.outer(wrong, before[: len(a0)])
        bound = np.tanh if output == "tanh" else np.array
        to_come = bound(A_star @ x)
        to_come = (np.tanh(to_come) if label == "tanh" else to_come) + exact * s.q
        pulled = to_come @ (s.J if jacobian is None else jacobian)
        target = (not s.begins) * pulled + (not exact) * q
        prediction = bound(A @ before)
        error = (prediction - target) * (1 - prediction**2 if output == "tanh" else 1)
        A = learn(A, error, before, t)
        A_star = A if (t + 1) % refresh == 0 else A_star
        c = bound(A @ x) + exact * s.q
        yield gradient_of(s, c), c
        before, q = x, s.q


def dni(
    steps: Iterable[Step],
    a0: Array,
    A: Array | None = None,
    *,
    learning_rate: float,
    l2: float = 0.0,
    refresh: int = 5,
    label: str = "linear",
    current: str = "estimated",
    **options: object,
) -> Rule:
    """A by gradient descent."""

    def learn(A: Array, error: Array, x: Array, t: int) -> Array:
        return A - learning_rate * (np.outer(error, x) + l2 * A)

    return synthetic(steps, a0, A, learn, refresh=refresh, label=label, current=current, **options)


def rls(
    steps: Iterable[Step],
    a0: Array,
    A: Array | None = None,
    *,
    forgetting: float,
    ridge: float,
    **options: object,
) -> Rule:
    """A by least squares, through the inverse H of the covariance; what H forgets of the ridge is put back
    one regressor after the other, as a sample with target zero."""
    H = None

    def take(A: Array, error: Array, x: Array) -> Array:
        H[...] += np.outer(x, x)
        return A - np.outer(error, np.linalg.solve(H, x))

    def learn(A: Array, error: Array, x: Array, t: int) -> Array:
        nonlocal H
        H = forgetting * (ridge * np.eye(len(x)) if H is None else H)
        A = take(A, error, x)
        put_back = np.sqrt((1 - forgetting) * len(x) * ridge) * np.eye(len(x))[t % len(x)]
        return take(A, A @ put_back, put_back)

    return synthetic(steps, a0, A, learn, **options)


# ------------------------------------------------------------------------- splits and reductions

# Indices of the left and of the right factor; a letter on both sides is a batch.
SPLITS = {
    "k|ij": ("k", "ij"),
    "ki|j": ("ki", "j"),
    "kj|i": ("kj", "i"),
    "ki|ij": ("ki", "ij"),
    "kj|ij": ("kj", "ij"),
}


def factor_shapes(split: str, S: int, R: int, m: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    size = {"k": S, "i": R, "j": m}
    left, right = SPLITS[split]
    return tuple(size[x] for x in left), tuple(size[x] for x in right)


def dense(split: str, left: Array, right: Array) -> Array:
    """The tensor (S, R, m) that r pairs of factors stand for."""
    l, r = SPLITS[split]
    return einsum(f"n{l},n{r}->kij", left, right)


def immediate(split: str, s: Step, form: str = "row") -> tuple[Array, Array]:
    """The terms that M_bar adds, (N, ...) each.

    Where k and i are apart, one a row i (E = D^T, Q = I) or one a state k (E = I, Q = D).
    """
    S, R = s.D.shape
    E, Q = (s.D.T, np.eye(R)) if form == "row" else (np.eye(S), s.D)  # (N, S) (N, R)
    match split:
        case "k|ij":
            return E, Q[:, :, None] * s.a_hat  # row i of Q times a_hat, or its own
        case "kj|i":
            return E[:, :, None] * s.a_hat, Q
        case "kj|ij":
            return E[:, :, None] * s.a_hat, Q[:, :, None] * np.ones(len(s.a_hat))
        case "ki|j":
            return s.D[None], s.a_hat[None]
        case "ki|ij":
            return s.D[None], np.ones((1, R, 1)) * s.a_hat
    raise ValueError(split)


def to_batches(split: str, left: Array, right: Array) -> tuple[Array, Array]:
    """Factors (N, ...) as batches of N vectors: (B, N, dim left), (B, N, dim right)."""
    if split == "ki|ij":
        return left.transpose(2, 0, 1), right.transpose(1, 0, 2)
    if split == "kj|ij":
        return left.transpose(2, 0, 1), right.transpose(2, 0, 1)
    return left.reshape(1, len(left), -1), right.reshape(1, len(right), -1)


def from_batches(split: str, left: Array, right: Array, s: Step) -> tuple[Array, Array]:
    if split == "ki|ij":
        return left.transpose(1, 2, 0), right.transpose(1, 0, 2)
    if split == "kj|ij":
        return left.transpose(1, 2, 0), right.transpose(1, 2, 0)
    shapes = factor_shapes(split, *s.D.shape, s.a_hat.shape[-1])
    return left[0].reshape(-1, *shapes[0]), right[0].reshape(-1, *shapes[1])


# A reduction brings L (N, dim) and R (N, dim) of one batch, the first r of them propagated, to r.
Reduction = Callable[[Array, Array, int, Array | None], tuple[Array, Array]]


def factored(
    steps: Sequence[Step],
    split: str,
    reduction: Reduction,
    *,
    rank: int = 1,
    current: str = "exact",
    form: str = "row",
    noise: Sequence[Array] | None = None,
    initial: tuple[Array, Array] | None = None,
) -> Rule:
    """left <- J left, add M_bar's terms, reduce to r. noise: one array (B, ...) a step."""
    left, right = initial or (
        np.zeros((rank, *shape))
        for shape in factor_shapes(split, *steps[0].D.shape, steps[0].a_hat.shape[-1])
    )
    for t, s in enumerate(steps):
        more_left, more_right = immediate(split, s, form)
        left = np.concatenate([einsum("kl,nl...->nk...", s.J, left), more_left])
        right = np.concatenate([right, more_right])
        exact_current = einsum("k,kij->ij", s.q, dense(split, left, right))
        batches = list(zip(*to_batches(split, left, right), strict=True))
        draws = [None] * len(batches) if noise is None else noise[t]
        reduced = [reduction(L, R, rank, nu) for (L, R), nu in zip(batches, draws, strict=True)]
        left, right = from_batches(split, *map(np.stack, zip(*reduced, strict=True)), s)
        M = dense(split, left, right)
        yield exact_current if current == "exact" else einsum("k,kij->ij", s.q, M), M


def balance(left: Array, right: Array) -> float:
    """p = sqrt(|right| / |left|), which makes p left and right / p of one size; 0: drop the term."""
    norms = np.linalg.norm(left), np.linalg.norm(right)
    return float(np.sqrt(norms[1] / norms[0])) if min(norms) > 0 else 0.0


def random_signs(
    L: Array, R: Array, rank: int, noise: Array, normaliser: str = "per_term"
) -> tuple[Array, Array]:
    """The mean of r rank-1 estimators; noise (r, added), or (r, 1 + added): the propagated one too.

    The l-th estimator takes the l-th propagated term, and r**-0.5 of each added one on either
    side; left p nu, right nu / p. "per_term": each term has its p; "shared": one p for the signed
    sum of the added terms.
    """
    if noise.shape[1] == len(L) - rank:
        noise = np.hstack([np.ones((rank, 1)), noise])
    left, right = np.zeros((rank, L.shape[1])), np.zeros((rank, R.shape[1]))
    for l, nu in enumerate(noise):
        terms = [(nu[0] * L[l], nu[0] * R[l])]
        signed = nu[1:, None] * L[rank:] / rank**0.5, nu[1:, None] * R[rank:] / rank**0.5
        if normaliser == "shared":
            terms.append((signed[0].sum(0), signed[1].sum(0)))
        else:
            terms.extend(zip(*signed, strict=True))
        for one, other in terms:
            if (p := balance(one, other)) > 0:
                left[l] += p * one
                right[l] += other / p
    return left, right


def singular_terms(L: Array, R: Array) -> tuple[Array, Array, Array]:
    """L^T R = U diag(sigma) V, descending; at most N of them are not zero."""
    U, sigma, V = np.linalg.svd(L.T @ R, full_matrices=False)
    return U[:, : len(L)], sigma[: len(L)], V[: len(L)]


def pad(rows: Array, rank: int) -> Array:
    return np.vstack([rows, np.zeros((max(0, rank - len(rows)), rows.shape[1]))])


def truncated_svd(L: Array, R: Array, rank: int, noise: Array | None = None) -> tuple[Array, Array]:
    """The r largest singular terms (Eckart-Young)."""
    U, sigma, V = singular_terms(L, R)
    root = np.sqrt(sigma[:rank])[:, None]
    return pad(root * U.T[:rank], rank), pad(root * V[:rank], rank)


def kept_exactly(sigma: Array, rank: int) -> int:
    """How many singular terms the optimal unbiased estimator keeps: all while
    (r - kept) sigma_kept+1 > the sum of the tail."""
    kept = 0
    while kept < len(sigma) and (rank - kept) * sigma[kept] > sigma[kept:].sum():
        kept += 1
    return kept


def frame(squared_norms: Array, k: int) -> Array:
    """Z (N, k): orthonormal columns, row norms given (Schur-Horn), built by Givens rotations."""
    Z = np.eye(len(squared_norms), k)
    for _ in range(len(squared_norms) - 1):
        gap = (Z**2).sum(1) - squared_norms
        i, j = gap.argmax(), gap.argmin()
        if gap[i] < 1e-15:
            break
        # Rotate rows i and j so that the one nearer its norm reaches it; the sum stays.
        i, j = (i, j) if gap[i] <= -gap[j] else (j, i)
        a, b, e, d = Z[i] @ Z[i], Z[i] @ Z[j], Z[j] @ Z[j], squared_norms[i]
        # |cos z_i + sin z_j|^2 = d with t = tan: (e - d) t^2 + 2 b t + (a - d) = 0
        root = np.sqrt(max(0.0, b * b - (a - d) * (e - d)))
        t = (a - d) / (-b - np.copysign(root, b))
        c, s = 1 / np.hypot(1, t), t / np.hypot(1, t)
        Z[[i, j]] = [c * Z[i] + s * Z[j], c * Z[j] - s * Z[i]]
    return Z


def optimal_unbiased(L: Array, R: Array, rank: int, noise: Array) -> tuple[Array, Array]:
    """Large singular terms exactly, the tail mixed by sqrt(s/k) diag(signs) Z; noise (N - 1,)."""
    U, sigma, V = singular_terms(L, R)
    kept = kept_exactly(sigma, rank)
    tail, k = sigma[kept:], rank - kept
    exact = np.sqrt(sigma[:kept])[:, None]
    left, right = exact * U.T[:kept], exact * V[:kept]
    if len(tail) and tail.sum() > 0:
        Z = np.eye(len(tail), k) if len(tail) <= k else frame(k * tail / tail.sum(), k)
        signs = np.concatenate([[1.0], noise])[kept : len(sigma)]
        mix = np.sqrt(tail.sum() / k) * signs[:, None] * Z  # (tail, k)
        left, right = np.vstack([left, mix.T @ U.T[kept:]]), np.vstack([right, mix.T @ V[kept:]])
    return pad(left, rank), pad(right, rank)


def optimal_variance(sigma: Array, rank: int) -> float:
    """s^2 / k - sum of the squared tail: the least of any unbiased estimator of rank r."""
    kept = kept_exactly(sigma, rank)
    tail, k = sigma[kept:], rank - kept
    return tail.sum() ** 2 / k - (tail**2).sum() if k else 0.0


def random_signs_variance(L: Array, R: Array) -> float:
    """Of the rank-1 estimator of sum_l L_l x R_l with a p of its own for every term."""
    there = L.any(1) & R.any(1)
    L, R = L[there], R[there]
    p = np.array([balance(*term) for term in zip(L, R, strict=True)])[:, None]
    L, R = p * L, R / p
    G, H = L @ L.T, R @ R.T
    products = np.outer(np.diag(G), np.diag(H)) + G * H  # E |L_l x R_m + L_m x R_l|^2, halved
    return float(products.sum() - np.trace(products))


REDUCTIONS: dict[tuple[str, str], Reduction] = {
    ("stochastic", "closed-form"): random_signs,
    ("stochastic", "numerical"): optimal_unbiased,
    ("deterministic", "numerical"): truncated_svd,
}
shared_signs = partial(random_signs, normaliser="shared")


def all_signs(n: int) -> Iterator[Array]:
    """The 2^n sequences of n signs."""
    for signs in itertools.product((-1.0, 1.0), repeat=n):
        yield np.array(signs)


# ------------------------------------------------------------------------------------ on networks


def bptt(steps: Sequence[Step]) -> Array:
    """The gradient of the last step's loss, backwards through all of them."""
    c, gradient = steps[-1].q, np.zeros_like(steps[0].M_bar[0])
    for s in reversed(steps):
        gradient = gradient + gradient_of(s, c)
        c = c @ s.J
    return gradient


def loss_of_last(net: Net, X: Array, Y: Array, a0: Array) -> float:
    a = a0
    for x in X:
        a, _, _ = net.step(a, x)
    return net.loss_and_error(a, Y[-1])[0]


def finite_differences(f: Callable[[], float], W: Array, epsilon: float = 1e-4) -> Array:
    """df/dW by differences of order four, W changed in place and restored."""
    gradient = np.zeros_like(W)
    for index in np.ndindex(*W.shape):
        kept = W[index]
        for shift, weight in ((1, 8), (-1, -8), (2, -1), (-2, 1)):
            W[index] = kept + shift * epsilon
            gradient[index] += weight * f() / (12 * epsilon)
        W[index] = kept
    return gradient


def kernl(
    net: Net,
    steps: Sequence[Step],
    states: Array,
    X: Array,
    a0: Array,
    noise: Array,
    current: str,
    *,
    sigma: float,
    learning_rate: float,
    decay: float,
) -> Rule:
    """M = sum over the unit's states l of A[k, l] B[l, i, j], A learned from a second network that runs
    under noise (T, S)."""
    S = net.S
    A, B, omega, perturbed = np.eye(S), np.zeros((S, *net.W.shape)), np.zeros(S), a0
    for s, state, x, xi in zip(steps, states, X, noise, strict=True):
        perturbed, _, _ = net.step(perturbed, x)
        acted = decay * omega
        A = A - learning_rate / sigma**2 * np.outer(A @ acted - (perturbed - state), acted)
        omega, perturbed = acted + sigma * xi, perturbed + sigma * xi
        before = einsum("kl,lij->kij", A, decay * B) + s.M_bar
        B = decay * B + s.M_bar
        M = einsum("kl,lij->kij", A, B)
        yield einsum("k,kij->ij", s.q, before if current == "exact" else M), M


def node_perturbation(
    net: Net,
    steps: Iterable[Step],
    X: Array,
    a0: Array,
    noise: Array,
    mask: Array | None = None,
    *,
    window: int,
    sigma: float,
) -> Rule:
    """c^s = xi^s / sigma sum_t (L(s~^t) - L(s^t)) over the T steps from s on, within its sequence."""
    perturbed, changes, held = a0, [], []
    for t, (s, x, xi) in enumerate(zip(steps, X, noise, strict=True)):
        perturbed, _, _ = net.step(np.zeros(net.S) if s.begins else perturbed, x)
        perturbed = perturbed + sigma * xi
        more, less = (net.loss_and_error(a, s.y)[0] for a in (perturbed, s.state))
        changes.append((more - less) / sigma if mask is None or mask[t] else 0.0)
        held.append(s)
        first = t + 1 - window
        if first < 0:
            yield gradient_of(s, np.zeros(net.S)), np.zeros(net.S)
            continue
        end = next((later for later in range(first + 1, t + 1) if held[later].begins), t + 1)
        c = noise[first] * sum(changes[first:end])
        yield gradient_of(held[first], c), c


# --------------------------------------------------------------------------------------- training


def sgd(lr: Callable[[int], float]) -> Callable[[int, int, Array], Array]:
    """update(slot, t, gradient) -> what is taken from the parameters at update t = 0, 1, ..."""
    return lambda slot, t, g: lr(t) * g


def momentum(lr: Callable[[int], float], mu: float) -> Callable[[int, int, Array], Array]:
    velocity: dict[int, Array] = {}

    def update(slot: int, t: int, g: Array) -> Array:
        velocity[slot] = mu * velocity.get(slot, 0.0) + g
        return lr(t) * velocity[slot]

    return update


def rmsprop(lr: Callable[[int], float], decay: float, eps: float) -> Callable[[int, int, Array], Array]:
    square: dict[int, Array] = {}

    def update(slot: int, t: int, g: Array) -> Array:
        square[slot] = decay * square.get(slot, 0.0) + (1 - decay) * g**2
        return lr(t) * g / (np.sqrt(square[slot]) + eps)

    return update


def adam(
    lr: Callable[[int], float], beta1: float, beta2: float, eps: float
) -> Callable[[int, int, Array], Array]:
    mean: dict[int, Array] = {}
    square: dict[int, Array] = {}

    def update(slot: int, t: int, g: Array) -> Array:
        mean[slot] = beta1 * mean.get(slot, 0.0) + (1 - beta1) * g
        square[slot] = beta2 * square.get(slot, 0.0) + (1 - beta2) * g**2
        m, v = mean[slot] / (1 - beta1 ** (t + 1)), square[slot] / (1 - beta2 ** (t + 1))
        return lr(t) * m / (np.sqrt(v) + eps)

    return update


def train(
    net: Net,
    X: Array,
    Y: Array,
    update: Callable[[int, int, Array], Array],
    *,
    a0: Array | None = None,
    mask: Array | None = None,
    reset: Array | None = None,
    update_every: int = 1,
    clip: float | None = None,
    l2: float = 0.0,
) -> tuple[Array, Array]:
    """Online RTRL in place of `net`: the loss of every step (T,), and the last state (S,).

    Gradients of `update_every` steps are summed, clipped by their norm over all parameters; l2
    pulls at weights, not at the bias columns. Only weights that exist get a gradient.
    """
    a = np.zeros(net.S) if a0 is None else a0
    M = np.zeros((net.S, *net.W.shape))
    total, pending, updates = [np.zeros_like(net.W), np.zeros_like(net.V)], False, 0
    losses = np.full(len(X), np.nan)
    for t in range(len(X)):
        if reset is not None and reset[t]:
            a, M = np.zeros_like(a), np.zeros_like(M)
        s, a, loss, outer = net.linearised(a, X[t], Y[t])
        ((gradient, M),) = rtrl([s], M)
        if mask is None or mask[t]:
            losses[t] = loss
            total[0] += net.weights * gradient
            total[1] += outer
            pending = True
        if (t + 1) % update_every or not pending:
            continue
        norm = np.sqrt(sum((g**2).sum() for g in total))
        shrink = 1.0 if clip is None or norm <= clip else clip / norm
        for slot, weights in enumerate((net.W, net.V)):
            g = shrink * total[slot]
            g[:, :-1] += l2 * weights[:, :-1]
            weights -= update(slot, updates, g)
        total, pending, updates = [np.zeros_like(g) for g in total], False, updates + 1
    return losses, a


def train_ahead(
    net: Net,
    X: Array,
    Y: Array,
    rule: Callable[[Iterator[Step]], Rule],
    lr: float,
    *,
    a0: Array,
    mask: Array,
    reset: Array,
    update_every: int = 1,
) -> Array:
    """Plain SGD in place of `net` under a future-facing rule: the loss of every step (T,).

    The rule takes each step as it is made, with the weights of that time.
    """
    losses, totals, outer = np.full(len(X), np.nan), [np.zeros_like(net.W), np.zeros_like(net.V)], None

    def steps() -> Iterator[Step]:
        nonlocal outer
        a = a0
        for t in range(len(X)):
            s, a, loss, outer = net.linearised(np.zeros_like(a) if reset[t] else a, X[t], Y[t])
            losses[t] = loss if mask[t] else np.nan
            outer = mask[t] * outer
            yield (s if mask[t] else s.masked())._replace(begins=bool(reset[t]))

    for t, (gradient, _) in enumerate(rule(steps())):
        totals[0] += net.weights * gradient
        totals[1] += outer
        if (t + 1) % update_every == 0:
            for weights, total in zip((net.W, net.V), totals, strict=True):
                weights -= lr * total
                total[...] = 0
    return losses

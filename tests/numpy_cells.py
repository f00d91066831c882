"""NumPy references: every kind of cell as its equations, its derivatives by complex steps of these.

    h = W a_hat (R,)    s = f(s_prev, h) (S,)    z = V [a, 1] (n_out,), a the last n entries of s

State k = component * n + unit, row i = gate * n + unit. a_hat = [a_prev, x, 1] (m,); of element-wise cells
one set a row, (R, m).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]


class Step(NamedTuple):
    J: Array  # (S, S)
    D: Array  # (S, R)
    a_hat: Array  # (m,), or (R, m) of an element-wise cell
    q: Array  # (S,)
    leak: Array  # (S, S), ds/ds_prev at fixed h
    state: Array  # (S,), after the step
    y: Array  # (n_out,), zero where there is no target
    begins: bool = False  # whether a sequence begins with it

    @property
    def M_bar(self) -> Array:
        return self.D[:, :, None] * self.a_hat  # (S, R, m)

    def masked(self) -> Step:
        return self._replace(q=np.zeros_like(self.q), y=np.zeros_like(self.y))


# ------------------------------------------------------------------------- activations and losses


def sigmoid(h: Array) -> Array:
    return 1 / (1 + np.exp(-h))


ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "tanh": np.tanh,
    "relu": lambda h: np.where(h.real > 0, h, 0),
    "sigmoid": sigmoid,
    "softplus": lambda h: np.log(1 + np.exp(h)),
    "identity": lambda h: h,
}


def softmax(z: Array) -> Array:
    e = np.exp(z - z.max())
    return e / e.sum()


# name -> L(z, y), e = dL/dz
LOSSES: dict[str, tuple[Callable[[Array, Array], float], Callable[[Array, Array], Array]]] = {
    "cross_entropy": (lambda z, y: -y @ np.log(softmax(z)), lambda z, y: softmax(z) * y.sum() - y),
    "binary_cross_entropy": (
        lambda z, y: (np.logaddexp(0, z) - y * z).sum(),
        lambda z, y: sigmoid(z) - y,
    ),
    "mse": (lambda z, y: ((z - y) ** 2).sum() / 2, lambda z, y: z - y),
}


# ---------------------------------------------------------------------------------- the equations


def leaky_rnn(net: Net, s: Array, h: Array) -> Array:
    return (1 - net.alpha) * s + net.alpha * ACTIVATIONS[net.activation](h)


def gru(net: Net, a: Array, h: Array) -> Array:
    r, z, x, recurrent = np.split(h, 4)
    c = np.tanh(x + sigmoid(r) * recurrent)
    return (1 - sigmoid(z)) * c + sigmoid(z) * a


def lstm(net: Net, s: Array, h: Array) -> Array:
    i, f, g, o = np.split(h, 4)
    c = sigmoid(f) * s[: net.n] + sigmoid(i) * np.tanh(g)
    return np.concatenate([c, sigmoid(o) * np.tanh(c)])


def mgu(net: Net, a: Array, h: Array) -> Array:
    f, x, recurrent = np.split(h, 3)
    f = sigmoid(f)
    return (1 - f) * a + f * np.tanh(x + f * recurrent)


def ind_rnn(net: Net, s: Array, h: Array) -> Array:
    return ACTIVATIONS[net.activation](h)


def elstm(net: Net, s: Array, h: Array) -> Array:
    f, g, o = np.split(h, 3)
    c = sigmoid(f) * s[: net.n] + (1 - sigmoid(f)) * np.tanh(g)
    return np.concatenate([c, sigmoid(o) * c])


class Kind(NamedTuple):
    f: Callable[[Net, Array, Array], Array]
    sees: tuple[str, ...]  # of each gate: (s)tate, (i)nputs, (b)ias
    components: int = 1
    fed_back: int = 0  # the component that is among the regressors
    element_wise: bool = False


KINDS = {
    "leaky_rnn": Kind(leaky_rnn, ("sib",)),
    "gru": Kind(gru, ("sib", "sib", "ib", "sb")),
    "lstm": Kind(lstm, ("sib",) * 4, components=2, fed_back=1),
    "mgu": Kind(mgu, ("sib", "ib", "sb")),
    "ind_rnn": Kind(ind_rnn, ("sib",), element_wise=True),
    "elstm": Kind(elstm, ("sib",) * 3, components=2, fed_back=0, element_wise=True),
}


@dataclass
class Net:
    """A network of any kind."""

    W: Array  # (R, m)
    V: Array  # (n_out, n + 1), the output weights and biases
    loss: str
    kind: str = "leaky_rnn"
    alpha: float | Array = 1.0
    activation: str = "tanh"
    feedback: Array | None = None  # (n_out, n)
    mask: Array | None = None  # (n, n)
    about: Kind = field(init=False)

    def __post_init__(self) -> None:
        self.about = KINDS[self.kind]

    @classmethod
    def of(cls, rnn: object) -> Net:
        """From anything with the attributes of one of axonomy's networks."""
        return cls(
            W=np.hstack([rnn.W_rec, rnn.W_in, rnn.b_rec[:, None]]).astype(float),
            V=np.hstack([rnn.W_out, rnn.b_out[:, None]]).astype(float),
            loss=rnn.loss,
            kind=getattr(rnn, "kind", "leaky_rnn"),
            alpha=np.array(getattr(rnn, "alpha", 1.0), float),
            activation=getattr(rnn, "activation", "tanh"),
            feedback=None if rnn.feedback is None else np.array(rnn.feedback, float),
            mask=getattr(rnn, "mask", None),
        )

    @property
    def n(self) -> int:
        return self.V.shape[1] - 1

    @property
    def S(self) -> int:
        return self.about.components * self.n

    @property
    def weights(self) -> NDArray[np.bool_]:
        """Which of W exist (R, m)."""
        R, m = self.W.shape
        state = 1 if self.about.element_wise else self.n
        part = np.array(["s"] * state + ["i"] * (m - state - 1) + ["b"])
        there = np.array([[p in seen for p in part] for seen in self.about.sees]).repeat(self.n, axis=0)
        if self.mask is not None:
            there[:, : self.n] &= np.tile(self.mask, (len(self.about.sees), 1))
        assert there.shape == (R, m)
        return there

    def regressors(self, s_prev: Array, x: Array) -> Array:
        """a_hat, (m,) or (R, m)."""
        back = np.split(s_prev, self.about.components)[self.about.fed_back]
        if not self.about.element_wise:
            return np.concatenate([back, x, [1.0]])
        rows = len(self.about.sees)
        return np.hstack([np.tile(back, rows)[:, None], np.tile([*x, 1.0], (rows * self.n, 1))])

    def step(self, s_prev: Array, x: Array) -> tuple[Array, Array, Array]:
        """s (S,), h (R,), a_hat."""
        a_hat = self.regressors(s_prev, x)
        h = (self.W * a_hat).sum(axis=1)
        return self.about.f(self, s_prev, h), h, a_hat

    def derivatives(self, s_prev: Array, h: Array) -> tuple[Array, Array]:
        """ds/ds_prev at fixed h (S, S) and ds/dh (S, R): f couples no two units, all are tried at once."""
        tiny, n = 1e-150, self.n

        def column(part: int, of_h: bool) -> Array:
            moved = [np.array(s_prev, complex), np.array(h, complex)]
            moved[of_h][part * n : (part + 1) * n] += 1j * tiny
            change = self.about.f(self, *moved).imag / tiny
            return np.vstack([np.diag(part) for part in np.split(change, self.about.components)])

        return (
            np.hstack([column(part, False) for part in range(self.about.components)]),
            np.hstack([column(part, True) for part in range(len(self.about.sees))]),
        )

    def jacobian(self, s: Step) -> Array:
        """J of a step with the weights as they are now."""
        n, back = self.n, np.zeros((len(self.W), self.S))  # dh/ds_prev
        first = self.about.fed_back * n
        if self.about.element_wise:
            rows = np.arange(len(self.W))
            back[rows, first + rows % n] = self.W[:, 0]
        else:
            back[:, first : first + n] = self.W[:, :n]
        return s.leak + s.D @ back

    def output(self, s: Array) -> Array:
        return self.V @ np.append(s[-self.n :], 1.0)

    def loss_and_error(self, s: Array, y: Array) -> tuple[float, Array]:
        value, derivative = LOSSES[self.loss]
        z = self.output(s)
        return value(z, y), derivative(z, y)

    def linearised(self, s_prev: Array, x: Array, y: Array) -> tuple[Step, Array, float, Array]:
        """The step's J, D, a_hat, q; s; the loss; the output gradient e x [a, 1]."""
        s, h, a_hat = self.step(s_prev, x)
        loss, e = self.loss_and_error(s, y)
        leak, D = self.derivatives(s_prev, h)
        q = np.zeros(self.S)
        q[-self.n :] = e @ (self.V[:, :-1] if self.feedback is None else self.feedback)
        step = Step(leak, D, a_hat, q, leak, s, y)
        return step._replace(J=self.jacobian(step)), s, loss, np.outer(e, np.append(s[-self.n :], 1.0))


def run(
    net: Net,
    X: Array,
    Y: Array,
    s0: Array | None = None,
    reset: Array | None = None,
    mask: Array | None = None,
) -> tuple[list[Step], Array, Array, Array]:
    """Weights held fixed: steps, loss (T,), output gradients (T, n_out, n + 1), states (T, S)."""
    s = np.zeros(net.S) if s0 is None else s0
    steps, losses, outer, states = [], [], [], []
    for t, (x, y) in enumerate(zip(X, Y, strict=True)):
        begins = reset is not None and bool(reset[t])
        if begins:
            s = np.zeros(net.S)
        step, s, loss, output_gradient = net.linearised(s, x, y)
        steps.append((step if mask is None or mask[t] else step.masked())._replace(begins=begins))
        losses.append(loss)
        outer.append(output_gradient)
        states.append(s)
    return steps, np.array(losses), np.array(outer), np.array(states)

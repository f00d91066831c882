"""Each rule in PyTorch: tensor operations step by step, no autograd, one thread; rolling TBPTT by autograd.

D (n,) is the diagonal of ds/dh, J = D W_rec.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

import numpy as np
import torch

from axonomy.cells import Cell, LeakyRNN
from axonomy.peers.base import WINDOW, Array, Draw, Problem, Program, draws

Tensor = Any


class Network:
    """Weights, state, and what one step leaves for a rule: a_hat, D, q."""

    def __init__(self, problem: Problem) -> None:
        self.W, self.W_out = torch.tensor(problem.W), torch.tensor(problem.W_out)
        self.lr = problem.lr
        self.n, self.m = self.W.shape
        self.W_rec = self.W[:, : self.n]
        self.one = self.zeros(1) + 1
        self.a = self.zeros(self.n)

    def zeros(self, *shape: int) -> Tensor:
        return torch.zeros(shape, dtype=self.W.dtype)

    def forward(self, x: Tensor, y: Tensor) -> None:
        self.a_hat = torch.cat([self.a, x, self.one])
        self.a = torch.tanh(self.W @ self.a_hat)
        self.D = 1 - self.a * self.a
        self.a_one = torch.cat([self.a, self.one])
        self.e = torch.softmax(self.W_out @ self.a_one, 0) - y
        self.q = self.e @ self.W_out[:, :-1]

    def update(self, gradient: Tensor) -> None:
        self.W.sub_(gradient, alpha=self.lr)
        self.W_out.addr_(self.e, self.a_one, alpha=-self.lr)


class Rule(Protocol):
    def __init__(self, net: Network) -> None: ...
    def step(self, net: Network, draw: Draw) -> Tensor: ...


class RFLO:
    def __init__(self, net: Network) -> None:
        self.B = net.zeros(net.n, net.m)
        self.keep = 0.0  # 1 - alpha

    def step(self, net: Network, draw: Draw) -> Tensor:
        self.B.mul_(self.keep).addr_(net.D, net.a_hat)
        return net.q[:, None] * self.B


class SnAp1:
    def __init__(self, net: Network) -> None:
        self.B = net.zeros(net.n, net.m)

    def step(self, net: Network, draw: Draw) -> Tensor:
        self.B.mul_((net.D * net.W.diagonal())[:, None]).addr_(net.D, net.a_hat)
        return net.q[:, None] * self.B


class UORO:
    def __init__(self, net: Network) -> None:
        self.A, self.B = net.zeros(net.n), net.zeros(net.n, net.m)

    def step(self, net: Network, draw: Draw) -> Tensor:
        nu = torch.from_numpy(draw(net.n))
        A = net.D * (net.W_rec @ self.A)
        P = torch.outer(nu * net.D, net.a_hat)
        p0, p1 = balance(self.B, A), balance(P, nu)
        self.A = p0 * A + p1 * nu
        self.B.div_(p0).add_(P.div_(p1))
        return (net.q @ self.A) * self.B


class KFRTRL:
    def __init__(self, net: Network) -> None:
        self.A, self.B = net.zeros(net.m), net.zeros(net.n, net.n)

    def step(self, net: Network, draw: Draw) -> Tensor:
        nu0, nu1 = draw(2).tolist()
        B = (net.W_rec @ self.B).mul_(net.D[:, None])
        p0, p1 = balance(B, self.A), balance(net.D, net.a_hat)
        self.A = nu0 * p0 * self.A + nu1 * p1 * net.a_hat
        self.B = B.mul_(nu0 / p0)
        self.B.diagonal().add_(net.D, alpha=nu1 / p1)
        return torch.outer(net.q @ self.B, self.A)


class RTRL:
    def __init__(self, net: Network) -> None:
        self.M = net.zeros(net.n, net.n * net.m)

    def step(self, net: Network, draw: Draw) -> Tensor:
        n, m = net.n, net.m
        self.M = (net.D[:, None] * net.W_rec) @ self.M
        self.M.view(n, n, m).diagonal().addr_(net.a_hat, net.D)  # (m, n): the entries k = i
        return (net.q @ self.M).view(n, m)


def balance(over: Tensor, under: Tensor) -> float:
    """sqrt(|over| / |under|); 1 while one of them is still zero."""
    above, below = float(torch.linalg.vector_norm(over)), float(torch.linalg.vector_norm(under))
    return float((above / below) ** 0.5) if above > 0 and below > 0 else 1.0


class Loop:
    """A rule at work on a problem."""

    period = 1

    def __init__(self, rule: type[Rule], problem: Problem) -> None:
        self.net = Network(problem)
        self.rule = rule(self.net)
        self.draw = draws(problem)
        self.samples = _samples(problem)

    def run(self, steps: int) -> None:
        with torch.no_grad():
            for x, y in itertools.islice(self.samples, steps):
                self.net.forward(x, y)
                self.net.update(self.rule.step(self.net, self.draw))

    def weights(self) -> tuple[Array, Array]:
        return self.net.W.numpy(), self.net.W_out.numpy()


class Rolling:
    """A network that learns from a stream by rolling truncated backpropagation.

    The last `window` inputs are run again from the state before them, the loss of the last step is
    backpropagated, and the weights take a step of SGD. The library's rule of that name goes back through the
    J of each step's own time, this through the weights of today: the same as long as they hardly move.

    Parameters
    ----------
    rnn : Cell
        Where the weights and the state come from.
    window : int
        Steps looked back, the present one included.
    lr : float
        Of plain SGD.
    """

    def __init__(self, rnn: Cell, window: int, lr: float) -> None:
        self.module, self.readout = rnn.to_torch()
        self.optimiser = torch.optim.SGD([*self.module.parameters(), *self.readout.parameters()], lr)
        self.inputs: deque[Tensor] = deque(maxlen=window)
        self.states: deque[Any] = deque([rnn.to_torch_state()], maxlen=window)  # before each of them

    def step(self, x: Tensor, y: Tensor) -> float:
        """Learn from one sample: x (n_in,), y (n_out,) probabilities."""
        self.inputs.append(x)
        states, after = self.module(torch.stack(tuple(self.inputs)), self.states[0])
        loss = torch.nn.functional.cross_entropy(self.readout(states[-1]), y)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self.optimiser.step()
        self.states.append(tuple(s.detach() for s in after) if isinstance(after, tuple) else after.detach())
        return float(loss.detach())


class RollingTBPTT:
    """Rolling truncated backpropagation at work on a problem."""

    period = 1

    def __init__(self, problem: Problem) -> None:
        W, W_out = problem.W, problem.W_out
        n = len(W)
        parts = W[:, :n], W[:, n:-1], W[:, -1], W_out[:, :-1], W_out[:, -1]
        self.rolling = Rolling(LeakyRNN(*parts, dtype=W.dtype), WINDOW, problem.lr)
        # torch has two biases, and together they would learn at twice the rate.
        self.rolling.module.bias_hh_l0.requires_grad_(False)
        self.samples = _samples(problem)

    def run(self, steps: int) -> None:
        for x, y in itertools.islice(self.samples, steps):
            self.rolling.step(x, y)

    def weights(self) -> tuple[Array, Array]:
        rnn = LeakyRNN.from_torch(self.rolling.module, self.rolling.readout)
        return rnn.W, np.column_stack([rnn.W_out, rnn.b_out])


def _samples(problem: Problem) -> Any:
    return itertools.cycle(zip(torch.tensor(problem.X), torch.tensor(problem.Y), strict=True))


RULES: dict[str, Callable[[Problem], Program]] = {
    "rflo": partial(Loop, RFLO),
    "snap": partial(Loop, SnAp1),
    "uoro": partial(Loop, UORO),
    "kf_rtrl": partial(Loop, KFRTRL),
    "rtrl": partial(Loop, RTRL),
    "tbptt": RollingTBPTT,
}


def start(rule: str, problem: Problem) -> Program | None:
    """Return the program of a rule, or None if there is none here."""
    if rule not in RULES:
        return None
    torch.set_num_threads(1)
    return RULES[rule](problem)

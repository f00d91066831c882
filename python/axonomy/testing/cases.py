"""What the laws are tried on: sizes from the smallest up, random steps, random small networks.

By hand a learner sees J, D, a_hat and q of no cell in particular, with any number of states and rows a unit;
coupled or element-wise; rules that run the network themselves are met through a leaky RNN.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from axonomy._check import BoolArray, FloatArray
from axonomy.cells import LeakyRNN
from axonomy.errors import IncompatibleCell
from axonomy.gradients import gradients
from axonomy.hybrid.parts import Hybrid, leaves
from axonomy.hybrid.windowed import Windowed
from axonomy.learner import HandDriven, make_learner
from axonomy.rule import Rule
from axonomy.shape import Shape
from axonomy.step import Step

NEEDS_NETWORK = "cannot be driven by J, D and a_hat alone"


@dataclass(frozen=True)
class Size:
    """How large a case is, and the seed of all that is drawn for it.

    Parameters
    ----------
    n, m : int
        Units and regressors.
    p, g : int
        States and rows of W a unit.
    T : int
        Steps.
    seed : int
    by_hand : bool
        Whether the learner is driven by hand, or learns on a leaky RNN.
    masked : bool
        Whether only some recurrent weights exist.
    element_wise : bool
        Whether each row has regressors of its own, and no two units are coupled.
    """

    n: int
    m: int
    p: int = 1
    g: int = 1
    T: int = 4
    seed: int = 0
    by_hand: bool = True
    masked: bool = False
    element_wise: bool = False

    @property
    def mask(self) -> BoolArray | None:
        """A ring, in which every unit gets from itself and from the one before; or None."""
        ring = np.eye(self.n, dtype=np.bool_)
        return ring | np.roll(ring, 1, axis=0) if self.masked and not self.element_wise else None

    @property
    def order(self) -> tuple[int, ...]:
        """What makes one size smaller than another."""
        entries = self.n * self.p * self.g * self.m
        return entries, self.n, self.m, self.p, self.g, self.T, self.seed, self.element_wise

    @property
    def shape(self) -> Shape:
        """The sizes as a learner gets them."""
        pattern: Any = self.mask
        return Shape(
            self.n,
            n_in=max(self.m - (1 if self.element_wise else self.n) - 1, 0),
            n_out=2,
            m=self.m,
            states_per_unit=self.p,
            rows_per_unit=self.g,
            pattern=pattern,
            element_wise=self.element_wise,
        )

    def __str__(self) -> str:
        how = "by hand" if self.by_hand else "on a leaky RNN"
        how = f"{how}, element-wise" if self.element_wise else how
        return (
            f"n={self.n}, m={self.m}, states per unit {self.p}, rows per unit {self.g}, steps {self.T}, "
            f"seed {self.seed}, {how}"
        )


HAND = (
    Size(1, 1), Size(1, 2), Size(1, 2, g=2), Size(1, 2, p=2), Size(2, 3), Size(2, 4, p=2, g=3), Size(3, 5),
    Size(2, 3, element_wise=True), Size(2, 3, p=2, g=3, element_wise=True),
)  # fmt: skip
NETWORK = (
    Size(1, 2, by_hand=False), Size(2, 4, by_hand=False), Size(3, 6, by_hand=False),
)  # fmt: skip


# ------------------------------------------------------------------------------------- what rules are


def bias(rule: Rule) -> str:
    """Return what is declared: ``"none"`` if no part is biased."""
    return "none" if all(leaf.component.bias == "none" for leaf in leaves(rule)) else "biased"


def horizon(rule: Rule) -> int:
    """Return how many steps it takes until all parts have given a gradient."""
    return _steps_of(rule, max)


def earliest(rule: Rule) -> int:
    """Return how many steps it takes until some part has given a gradient, and those beyond a window."""
    return _steps_of(rule, min)


def _steps_of(rule: Rule, among: Callable[[Iterable[int]], int]) -> int:
    if isinstance(rule, Windowed):
        return rule.window + _steps_of(rule.rule, among)
    if isinstance(rule, Hybrid):
        return among(_steps_of(part, among) for part in rule.rules)
    assert rule.lag is not None
    assert rule.period is not None
    return rule.lag + rule.period


def fits(rule: Rule, shape: Shape) -> bool:
    """Whether the rule runs on this shape, the blocks of columns of a hybrid being those of it."""
    try:
        rule._spec(shape)
    except IncompatibleCell:
        return False
    except ValueError as error:
        if str(error).startswith("by_block:"):
            return False
        raise
    return True


def fitting_sizes(rule: Rule, among: Sequence[Size]) -> list[Size]:
    """Return those of some sizes that fit a rule, masked if it needs that."""
    sizes = (replace(size, masked=rule.needs_mask) for size in among)
    return [size for size in sizes if fits(rule, size.shape)]


def by_hand(rule: Rule) -> bool:
    """Whether the rule can do without the network."""
    size = next(iter(fitting_sizes(rule, HAND)), HAND[-1])
    try:
        drive(make_learner(rule, size.shape), random_steps(replace(size, T=1)))
    except ValueError as error:
        return NEEDS_NETWORK not in str(error)
    except Exception:
        return True  # the laws will find it
    return True


def sizes(rule: Rule, steps: int = 0) -> list[Size]:
    """Return the sizes for a rule, the smallest first, by hand if that can be."""
    T = max(steps, horizon(rule) + 3)
    among = HAND if by_hand(rule) else NETWORK
    return [replace(s, T=T) for s in sorted(fitting_sizes(rule, among), key=lambda s: s.order)]


def network_sizes(rule: Rule, steps: int = 0) -> list[Size]:
    """Return the sizes of leaky RNNs for a rule, the smallest first."""
    T = max(steps, horizon(rule) + 3)
    return [replace(s, T=T) for s in fitting_sizes(rule, NETWORK)]


# --------------------------------------------------------------------------------------- random steps


def same_unit(rows: int, columns: int, n: int) -> BoolArray:
    """Where row and column belong to one unit."""
    found: BoolArray = np.arange(rows)[:, None] % n == np.arange(columns) % n
    return found


def random_steps(size: Size, seed: int | None = None) -> list[Step]:
    """Steps of no cell in particular: J dense, or within units if element-wise, the rest as free."""
    rng = np.random.default_rng(size.seed if seed is None else seed)
    S, R = size.shape.S, size.shape.R
    coupled = same_unit(S, S, size.n) if size.element_wise else np.ones((S, S), np.bool_)
    return [
        Step(
            J=rng.normal(size=(S, S)) * 0.8 / np.sqrt(S) * coupled,
            D=rng.normal(size=(S, R)) * same_unit(S, R, size.n),
            a_hat=rng.normal(size=(R, size.m) if size.element_wise else size.m),
            q=rng.normal(size=S),
            leak=rng.normal(size=(S, S)) * same_unit(S, S, size.n) * 0.5,
            state=rng.normal(size=S),
            y=rng.normal(size=size.shape.n_out),
        )
        for _ in range(size.T)
    ]


@dataclass(frozen=True, eq=False)
class Trace:
    """What a learner gave at each step; None where it has no influence or no credit."""

    gradient: FloatArray  # (T, R, m)
    influence: FloatArray | None  # (T, S, R, m)
    credit: FloatArray | None  # (T, S)


def drive(
    learner: HandDriven,
    steps: Sequence[Step],
    noise: FloatArray | None = None,
    begins: BoolArray | None = None,
) -> Trace:
    """Drive by hand; `noise` (T, n_noise), `begins` (T,) where a new sequence begins."""
    gradient, influence, credit = [], [], []
    core = learner._core  # the steps are in order: no need to look at them once more
    for t, s in enumerate(steps):
        if begins is not None and begins[t]:
            learner.new_sequence()
        core.step(s.J, s.D, s.a_hat, s.q, s.leak, None if noise is None else noise[t], s.state, s.y)
        gradient.append(core.gradient())
        influence.append(core.influence())
        credit.append(core.credit())
    return Trace(np.array(gradient), _all(influence), _all(credit))


def _all(arrays: list[FloatArray | None]) -> FloatArray | None:
    return None if any(array is None for array in arrays) else np.array(arrays)


# ------------------------------------------------------------------------------------ random networks


@dataclass(frozen=True, eq=False)
class Stream:
    """A network, and what it is to learn from."""

    rnn: LeakyRNN
    X: FloatArray  # (T, n_in)
    Y: FloatArray  # (T, n_out)
    mask: BoolArray | None = None  # (T,)
    reset: BoolArray | None = None  # (T,)

    def trace(self, rule: Rule, seed: int = 0, noise: FloatArray | None = None) -> Trace:
        """What the rule gives at fixed weights."""
        learner = make_learner(rule, self.rnn)
        found = gradients(
            self.rnn, rule, self.X, self.Y, seed=seed, noise=noise, mask=self.mask, reset=self.reset,
            record_influence=learner.influence() is not None, record_credit=learner.credit() is not None,
        )  # fmt: skip
        return Trace(found.recurrent, found.influence, found.credit)


def random_network(size: Size, *, flags: bool = False, dtype: Any = np.float64, **settings: Any) -> Stream:
    """A leaky RNN that has squares for a loss, and a stream; masks and resets if there are to be flags."""
    rng = np.random.default_rng(size.seed)
    n, n_in, n_out = size.n, size.shape.n_in, size.shape.n_out
    settings = {"alpha": 0.7, "loss": "mse", **settings}
    W_rec = rng.normal(size=(n, n)) / np.sqrt(n)
    rnn = LeakyRNN(
        W_rec if size.mask is None else W_rec * size.mask,
        rng.normal(size=(n, n_in)) / np.sqrt(max(n_in, 1)),
        rng.normal(size=n) * 0.3,
        rng.normal(size=(n_out, n)) / np.sqrt(n),
        rng.normal(size=n_out) * 0.3,
        dtype=dtype,
        mask=size.mask,
        **settings,
    )
    rnn.state = rng.normal(size=n) * 0.5
    both = rng.normal(size=(size.T, n_in + n_out)).astype(dtype)
    return Stream(rnn, both[:, :n_in], both[:, n_in:], *(random_flags(size) if flags else ()))


def random_flags(size: Size) -> tuple[BoolArray, BoolArray]:
    """Where there is a target, and where a sequence begins; fewer steps have the same ones."""
    numbers = np.random.default_rng(size.seed + 1000).random((size.T, 2))
    mask, begins = numbers[:, 0] < 0.7, numbers[:, 1] < 0.25
    # some of each within a few steps
    mask[:1], mask[1:2], begins[:2], begins[2:3] = True, False, False, True
    return mask, begins


def steps_of(stream: Stream) -> list[Step]:
    """J, D, a_hat and q of each step of a network with squares for a loss, the weights held fixed."""
    rnn, steps = stream.rnn, []
    state = rnn.state
    back = rnn.W_out if rnn.feedback is None else rnn.feedback
    for t, x in enumerate(stream.X):
        if stream.reset is not None and stream.reset[t]:
            state = np.zeros_like(state)
        seen = rnn.linearise(x, state)
        state = seen.state
        there = stream.mask is None or stream.mask[t]
        e = rnn.W_out @ state + rnn.b_out - stream.Y[t] if there else np.zeros(len(rnn.b_out))
        steps.append(
            Step(
                seen.J,
                seen.D,
                seen.a_hat,
                q=e @ back,
                leak=seen.leak,
                state=state,
                y=stream.Y[t] if there else None,
            )
        )
    return steps


# ------------------------------------------------------------------------- one rule on one of either


class Subject:
    """A rule on steps that are given by hand, or on a network; the same questions to both.

    Parameters
    ----------
    rule : Rule
    size : Size
    flags : bool
        With steps that have no target, and resets.
    silent_from : int, optional
        From which step on nothing has a target and nothing is reset.
    **settings
        Of the network.
    """

    def __init__(
        self,
        rule: Rule,
        size: Size,
        *,
        flags: bool = False,
        silent_from: int | None = None,
        **settings: Any,
    ) -> None:
        self.rule, self.size = rule, size
        self.begins: BoolArray
        mask, self.begins = random_flags(size) if flags else (np.ones(size.T, bool), np.zeros(size.T, bool))
        if silent_from is not None:
            mask[silent_from:] = False
            self.begins[silent_from:] = False
        self.stream: Stream | None = None
        if size.by_hand:
            self.learner = make_learner(rule, size.shape)
            self.steps = [
                s if there else replace(s, q=np.zeros_like(s.q), y=None)
                for s, there in zip(random_steps(size), mask, strict=True)
            ]
        else:
            drawn = random_network(size, **settings)
            self.stream = replace(drawn, mask=mask, reset=self.begins)
            self.learner = make_learner(rule, drawn.rnn)
            self.steps = steps_of(self.stream)
        self.n_noise, self.noise_kind = self.learner.n_noise, self.learner.noise_kind

    def run(self, noise: FloatArray | None = None, seed: int = 0) -> Trace:
        """Run from the beginning."""
        if self.stream is not None:
            return self.stream.trace(self.rule, seed, noise)
        self.learner.reset()
        return drive(self.learner, self.steps, noise, self.begins)


def padded(rule: Rule, T: int) -> int:
    """Return how many steps it takes until all that is due after T steps has come."""
    period = math.lcm(*(leaf.period for leaf in leaves(rule)))
    return period * math.ceil((T + max(int(leaf.lag) for leaf in leaves(rule))) / period)

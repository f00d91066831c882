"""Rules that ride along on a trajectory: they see its steps, give their gradients, and change nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from axonomy import _check, _core, trainer
from axonomy._check import FloatArray
from axonomy._sequence import sequence
from axonomy.cells.base import Cell
from axonomy.errors import Diverged
from axonomy.history import History
from axonomy.learner import core_learner
from axonomy.rule import Rule
from axonomy.rules import as_rule
from axonomy.tasks import Stream


@dataclass(frozen=True, eq=False)
class Sums:
    """Gradients summed over steps ``first`` to ``last - 1``.

    Attributes
    ----------
    first, last : int
    gradients : (passengers, R m) ndarray
        Of each passenger, each late one's counted at the steps they belong to.
    """

    first: int
    last: int
    gradients: FloatArray


class Ride:
    """A run that a rule trains, with other rules riding along on its forward pass.

    The run is, bit for bit, that of an `axonomy.Trainer` of the same network, rule, optimiser and seed.
    Each passenger has random numbers of its own, so that a rule may ride more than once, and the rule that
    trains too.

    Parameters
    ----------
    rnn : Cell
        The network; the run changes it.
    rule, optimiser, seed, update_every
        As `axonomy.Trainer` takes them.
    passengers : sequence of rules
    seeds : sequence of int
        Of each passenger's random numbers.

    Examples
    --------
    >>> import axonomy as ax
    >>> stream = ax.tasks.Add().generate(200)
    >>> rnn = ax.LeakyRNN.random(2, 8, 2)
    >>> ride = Ride(rnn, "rflo", ax.SGD(0.01), ["rtrl", "uoro"], seeds=[1, 2])
    >>> ride.ask(100, 110)
    >>> loss = ride.run(stream)
    >>> ride.take()[0].gradients.shape
    (2, 88)
    """

    def __init__(
        self,
        rnn: Cell,
        rule: Any,
        optimiser: Any,
        passengers: Sequence[Any],
        seeds: Sequence[int],
        *,
        seed: int = 0,
        update_every: int = 1,
    ) -> None:
        if not isinstance(rnn, Cell):
            raise ValueError(f"rnn: expected a network, got {_check.describe(rnn)}")
        self.rnn = rnn
        self.rule = as_rule(rule)
        self.passengers: tuple[Rule, ...] = tuple(as_rule(passenger) for passenger in passengers)
        if len(seeds) != len(self.passengers):
            raise ValueError(f"seeds: expected {len(self.passengers)}, one a passenger, got {len(seeds)}")
        single = rnn.dtype == np.float32
        together: Any = _core.Passengers32 if single else _core.Passengers64
        train: Any = _core.Trainer32 if single else _core.Trainer64
        self._core = together(
            rnn.shape._core(),
            core_learner(self.rule, rnn.shape, rnn.dtype),
            [core_learner(passenger, rnn.shape, rnn.dtype) for passenger in self.passengers],
            [lag_of(passenger) for passenger in self.passengers],
            [_check.seed("seeds", one) for one in seeds],
        )
        every = _check.integer("update_every", update_every, 1)
        spec, seed = optimiser._spec(), _check.seed("seed", seed)
        self._trainer = train(
            rnn._cell, [self._core], spec, every, seed, threads=1, delay_from=trainer._DELAY_FROM
        )

    @property
    def steps(self) -> int:
        """Steps taken."""
        return int(self._trainer.step_count)

    @property
    def lag(self) -> int:
        """By how many steps the latest passenger's gradient is late."""
        return max((lag_of(passenger) for passenger in self.passengers), default=0)

    def ask(self, first: int, last: int) -> None:
        """Keep the sums over the steps ``first`` to ``last - 1``, which are still to come."""
        first = _check.integer("first", first, self.steps)
        self._core.ask(first, _check.integer("last", last, first + 1))

    def take(self) -> list[Sums]:
        """Return what was asked for and has all its gradients, those that come :attr:`lag` steps late too."""
        return [Sums(first, last, np.asarray(sums)) for first, last, sums in self._core.take()]

    def run(self, stream: Stream) -> FloatArray:
        """Learn from the samples and return their losses (T,), NaN without a target.

        Raises
        ------
        Diverged
            If a step would leave anything non-finite. Sums that end after ``error.step`` are worth nothing
            then.
        """
        data = sequence(self.rnn, stream.X, stream.Y, stream.mask, stream.reset)
        loss = np.full(len(data), np.nan, self.rnn.dtype)
        first = self.steps
        outcome = self._trainer.run(data.X, data.Y, data.mask, data.reset, loss, [], 1, 0, None)
        if outcome["error"] is not None:
            raise outcome["error"]
        if outcome["diverged"]:
            step = first + outcome["done"]
            message = (
                f"step {step}: the state, the loss or the weights would not be finite; stopped before it"
            )
            raise Diverged(message, step, History(loss[: outcome["done"]]))
        return loss


def lag_of(rule: Rule) -> int:
    """By how many steps the gradient is late; that of a hybrid whose parts differ in it counts at once."""
    return rule.lag or 0


def period_of(rule: Rule) -> int:
    """Every how many steps there is a gradient; 1 of a hybrid whose parts differ in it."""
    return rule.period or 1

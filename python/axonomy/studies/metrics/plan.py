"""Who rides along on a trajectory, and which sums of gradients are compared when."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np

import axonomy as ax
from axonomy import _check
from axonomy.cells.base import Cell
from axonomy.rule import Rule
from axonomy.studies.metrics.ride import lag_of, period_of
from axonomy.tasks import Stream

#: Steps first, ..., last - 1.
Interval = tuple[int, int]


@dataclass(frozen=True, eq=False)
class Trajectory:
    """What determines a run, but for its samples.

    Parameters
    ----------
    rnn : Cell
        As it is to begin; it is not changed.
    rule : Rule or what makes one
        The rule that trains.
    optimiser : Optimiser
    seed, update_every : int
        As `axonomy.Trainer` takes them: the trajectory is that of such a trainer.
    """

    rnn: Cell
    rule: Any
    optimiser: Any
    seed: int = 0
    update_every: int = 1


@dataclass(frozen=True, eq=False)
class Plan:
    """The arguments of `axonomy.studies.metrics.measure`, checked, and what follows from them."""

    trajectory: Trajectory
    stream: Stream
    rules: tuple[Rule, ...]
    replicates: int
    windows: tuple[int, ...]
    every: int
    bins: int
    horizon: int | None
    step_size: float

    def __post_init__(self) -> None:
        checked: dict[str, Any] = {
            "replicates": _check.integer("replicates", self.replicates, 2),
            "windows": tuple(sorted({_check.integer("windows", w, 1) for w in self.windows})),
            "every": _check.integer("every", self.every, 1),
            "bins": _check.integer("bins", self.bins, 1),
            "step_size": _check.number("step_size", self.step_size, above=0.0),
        }
        if self.horizon is not None:
            checked["horizon"] = _check.integer("horizon", self.horizon, 0)
        for name, value in checked.items():
            object.__setattr__(self, name, value)
        if not self.marks:
            least = self._apart(self.longest_period) + self.lag
            whole = "a whole sequence with a target" if self.by_sequence else "a target"
            raise ValueError(
                f"stream: expected at least {least} steps and {whole} among them, for one comparison, "
                f"got {len(self.stream)} steps"
            )

    @cached_property
    def exact(self) -> Rule:
        """The exact gradient, in the cheapest form that the cell allows."""
        return ax.rules.rtrl() if self.trajectory.rnn.element_wise else ax.rules.rtrl_lazy()

    @cached_property
    def lag(self) -> int:
        """Of the latest rule."""
        return max(lag_of(rule) for rule in self.rules)

    @cached_property
    def copies(self) -> list[int]:
        """How often each rule rides."""
        return [1 if rule.randomness == "deterministic" else self.replicates for rule in self.rules]

    @cached_property
    def periods(self) -> list[int]:
        """Every how many steps each rule gives a gradient."""
        return [period_of(rule) for rule in self.rules]

    @cached_property
    def longest_period(self) -> int:
        """Of all rules."""
        return max(self.periods)

    def _apart(self, length: int) -> int:
        return -(-length // self.every) * self.every

    def _ends(self, length: int) -> range:
        """Where stretches of this length may end, so that none overlap and all gradients come in time."""
        return range(self._apart(length), len(self.stream) - self.lag + 1, self._apart(length))

    @cached_property
    def windows_at(self) -> set[Interval]:
        """The windows over which gradients are averaged."""
        return {(end - w, end) for w in self.windows if w > 1 for end in self._ends(w)} | {
            (mark - 1, mark) for mark in self.marks if 1 in self.windows
        }

    @property
    def by_sequence(self) -> bool:
        """Whether gradients are compared as sums over whole sequences.

        Where some steps of a sequence have no target those that look ahead give theirs at other steps than
        those that look back.
        """
        return self.stream.mask is not None and self.stream.reset is not None

    @cached_property
    def _sequences(self) -> dict[int, int]:
        """Where each sequence that has a target and comes to its end begins, by its end."""
        reset, mask = self.stream.reset, self.stream.mask
        assert reset is not None
        assert mask is not None
        begins = [0, *(np.flatnonzero(reset[1:]) + 1).tolist()]
        return {last: first for first, last in pairwise(begins) if mask[first:last].any()}

    @cached_property
    def marks(self) -> list[int]:
        """After which steps rules are compared: in each stretch the last with a target, or of a sequence."""
        apart = self._apart(self.longest_period)
        ends = self._ends(self.longest_period)
        if self.stream.mask is None:
            return list(ends)
        will_do = np.zeros(len(self.stream) + 1, bool)
        will_do[list(self._sequences) if self.by_sequence else np.flatnonzero(self.stream.mask) + 1] = True
        stretches = [(end, np.flatnonzero(will_do[end - apart + 1 : end + 1])) for end in ends]
        # Not before the first period is over.
        marks = [end - apart + int(there[-1]) + 1 for end, there in stretches if len(there)]
        return [mark for mark in marks if mark >= self.longest_period]

    def of_period(self, mark: int, period: int) -> Interval:
        """The last whole period up to a mark; the sequence, of rules that give a gradient at every step."""
        if period == 1 and self.by_sequence:
            return self._sequences[mark], mark
        last = mark // period * period
        return last - period, last

    def compared_at(self, mark: int) -> dict[int, Interval]:
        """What is compared at a mark, by the period."""
        return {T: self.of_period(mark, T) for T in sorted({1, *self.periods})}

    @cached_property
    def intervals(self) -> list[Interval]:
        """All that is needed, by the beginning."""
        periods = {interval for mark in self.marks for interval in self.compared_at(mark).values()}
        return sorted(self.windows_at | periods)

    def bin_of(self, last: int) -> int:
        """The stretch of the report that what ends here belongs to."""
        return min((last - 1) * self.bins // len(self.stream), self.bins - 1)

    def replay_begins(self, first: int) -> int:
        """Before which step a replay begins whose losses count from `first` on."""
        return max(first - (self.horizon or 0), 0)

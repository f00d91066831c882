"""All metrics of a set of rules on one trajectory, in one run."""

from __future__ import annotations

import copy
from bisect import bisect_right
from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from axonomy import _check
from axonomy._check import FloatArray
from axonomy.errors import Diverged
from axonomy.rules import as_rule
from axonomy.studies.metrics.compare import Spread, cosine, pairwise_cosines, spread
from axonomy.studies.metrics.plan import Interval, Plan, Trajectory
from axonomy.studies.metrics.replay import Replay
from axonomy.studies.metrics.ride import Ride, Sums
from axonomy.tasks import Stream

Arrays = dict[str, np.ndarray[Any, Any]]

# How much of the gradients is kept at a time: bytes, and intervals, as each passenger goes through them all.
BUDGET = 64 * 2**20
MOST = 32


def measure(
    trajectory: Trajectory,
    stream: Stream,
    passengers: Sequence[Any],
    *,
    replicates: int = 8,
    windows: Sequence[int] = (1, 10, 100, 1000),
    every: int = 100,
    bins: int = 10,
    horizon: int | None = 32,
    step_size: float | None = None,
    seed: int = 0,
) -> Arrays:
    """Measure what the gradients of rules are worth on a trajectory that one rule trains.

    The passengers see every step of the trajectory and change nothing. At every `every`-th step, or the last
    one before it that has a target, their gradients are compared with each other and with the exact one,
    that of real-time recurrent learning. A late rule is compared at the step its gradient belongs to. Where
    a stream has sequences in which not every step has a target, the sums over a whole sequence are compared,
    the last one to end before. A rule that gives a gradient every T steps, the sum over as many, is compared
    with the sum of the others over the last such steps.

    Parameters
    ----------
    trajectory : Trajectory
    stream : Stream
        Its samples.
    passengers : sequence of rules
        P of them; the rule that trains rides only if it is one of them, and then with other random numbers.
    replicates : int
        How often a rule that draws random numbers rides, K, each time with others.
    windows : sequence of int
        Lengths w of the W windows over which gradients are averaged before they are compared.
    every : int
        Steps between comparisons; more if that is less than a window or a period.
    bins : int
        In how many stretches of the run, of equal length, to report.
    horizon : int or None
        How many steps before the measured one a replay begins, which is how far back the effect of other
        weights is traced. None: the loss decreases, which are what takes most time, are not measured.
    step_size : float, optional
        Of the step whose worth is measured; by default the optimiser's learning rate, at the beginning.
    seed : int
        Of the passengers' random numbers.

    Returns
    -------
    dict of arrays
        ``step`` (bins,): the last step of each stretch, counted from 1. ``loss`` (bins,): the mean.

        ``window`` (W,) and ``cosine`` (bins, W, P): of the window's sums of the rule and of the exact
        gradient, the mean over windows and replicates. NaN for windows shorter than the rule's period, and
        for stretches in which no window ends.

        ``bias``, ``bias_squared``, ``bias_noise``, ``variance``, ``snr`` (bins, P): see
        `Spread`, whose squared lengths are summed over a stretch before ratios are taken.

        ``loss_decrease``, ``loss_decrease_2`` (bins, P): by how much the loss of the measured step is less
        after one step against the gradient, of the first replicate; the network runs again from `horizon`
        steps before with the new weights. Measured, and to second order. NaN for a rule that gives sums over
        a period. ``exact_loss_decrease`` and
        ``exact_loss_decrease_2`` (bins,): the same of the exact gradient.

        ``alignment`` (P, P): the mean cosine of each two passengers over the whole run.

        ``diverged_at`` (): the step that the trajectory could not take; NaN if it took them all.

    Raises
    ------
    ValueError
        If an argument is wrong, or the stream too short for a single comparison.

    Examples
    --------
    >>> import axonomy as ax
    >>> from axonomy.studies.metrics import Trajectory, measure
    >>> rnn = ax.LeakyRNN.random(n_in=2, n_hidden=8, n_out=2)
    >>> trajectory = Trajectory(rnn, "rflo", ax.SGD(0.01))
    >>> found = measure(trajectory, ax.tasks.Add().generate(3000), ["uoro", "rtrl"], bins=1)
    >>> found["cosine"].shape, float(found["variance"][0, 1])
    ((1, 4, 2), 0.0)
    """
    if not isinstance(trajectory, Trajectory):
        raise ValueError(f"trajectory: expected a Trajectory, got {_check.describe(trajectory)}")
    if step_size is None:
        step_size = float(trajectory.optimiser._spec()["lr"]["initial"])
    if isinstance(passengers, str) or not isinstance(passengers, Sequence) or not passengers:
        raise ValueError(
            f"passengers: expected a sequence of rules, at least one, got {_check.describe(passengers)}"
        )
    rules = tuple(as_rule(rule) for rule in passengers)
    plan = Plan(trajectory, stream, rules, replicates, tuple(windows), every, bins, horizon, step_size)
    return _Measurement(plan, seed).run()


class _Stretch:
    """What has been found in one stretch of the run."""

    def __init__(self) -> None:
        self.cosines: dict[int, list[FloatArray]] = defaultdict(list)  # by the window, (P,)
        self.spreads: list[Spread] | None = None  # P
        self.decreases: list[FloatArray] = []  # (P + 1, 2), the exact gradient last


class _Measurement:
    """One run, from the planned intervals to the arrays."""

    def __init__(self, plan: Plan, seed: int) -> None:
        self.plan = plan
        riders = [rule for rule, n in zip(plan.rules, plan.copies, strict=True) for _ in range(n)]
        seeds = np.random.SeedSequence(_check.seed("seed", seed)).generate_state(len(riders) + 1, np.uint64)
        self.rnn = copy.deepcopy(plan.trajectory.rnn)
        self.ride = Ride(
            self.rnn,
            plan.trajectory.rule,
            plan.trajectory.optimiser,
            [*riders, plan.exact],
            [int(one) for one in seeds],
            seed=plan.trajectory.seed,
            update_every=plan.trajectory.update_every,
        )
        starts = np.cumsum([0, *plan.copies])
        self.members = [slice(a, b) for a, b in pairwise(starts)]
        self.first_of_each = starts[:-1]
        self.found = [_Stretch() for _ in range(plan.bins)]
        self.alignment: list[FloatArray] = []
        self.loss = np.full(len(plan.stream), np.nan)
        self.diverged_at = float("nan")
        self.marks = deque(plan.marks)  # that are still to come, in their order
        of_marks = {interval for mark in plan.marks for interval in plan.compared_at(mark).values()}
        self.sums: dict[Interval, FloatArray | None] = dict.fromkeys(of_marks)
        # What replays need, at which steps.
        self.states: dict[Interval, FloatArray] = {}
        self.replays: dict[Interval, Replay] = {}
        self.states_due: dict[int, list[Interval]] = defaultdict(list)
        self.weights_due: dict[int, list[Interval]] = defaultdict(list)
        for interval in () if plan.horizon is None else {plan.of_period(mark, 1) for mark in plan.marks}:
            self.states_due[plan.replay_begins(interval[0])].append(interval)
            self.weights_due[interval[1] - 1].append(interval)
        self.stops = sorted({*self.states_due, *self.weights_due, len(plan.stream)})

    def run(self) -> Arrays:
        try:
            for asked, stop in self._chunks():
                for interval in asked:
                    self.ride.ask(*interval)
                self._advance(stop)
                self._collect(self.ride.take())
        except Diverged as error:
            self.diverged_at = float(error.step + 1)
            self._collect([s for s in self.ride.take() if s.last + self.ride.lag <= error.step])
        return self._arrays()

    def _chunks(self) -> Iterator[tuple[list[Interval], int]]:
        """Intervals to ask for, and how far to run then: not more of them than may be kept at a time."""
        size = len(self.ride.passengers) * self.rnn.W.nbytes
        most = min(max(BUDGET // size, 1), MOST)
        waiting = self.plan.intervals
        at = 0
        while at < len(waiting):
            stop = at + most
            while 0 < stop < len(waiting) and waiting[stop][0] == waiting[stop - 1][0]:
                stop += 1  # they begin together
            yield waiting[at:stop], waiting[stop][0] if stop < len(waiting) else len(self.plan.stream)
            at = stop

    def _advance(self, stop: int) -> None:
        """Run up to a step, and keep on the way what replays need."""
        while self.ride.steps < stop:
            here = self.ride.steps
            for interval in self.states_due.pop(here, ()):
                self.states[interval] = self.rnn.state
            for interval in self.weights_due.pop(here, ()):
                self._keep_replay(interval)
            until = min(stop, self.stops[bisect_right(self.stops, here)])
            self.loss[here:until] = self.ride.run(self.plan.stream.part(here, until))

    def _keep_replay(self, interval: Interval) -> None:
        """With the weights that the last of its steps is taken with."""
        first, last = interval
        part = self.plan.stream.part(self.plan.replay_begins(first), last)
        self.replays[interval] = Replay(self.rnn, part, self.states.pop(interval), last - first)

    def _collect(self, complete: list[Sums]) -> None:
        for sums in complete:
            interval = (sums.first, sums.last)
            if interval in self.plan.windows_at:
                self._compare_window(sums)
            if interval in self.sums:
                self.sums[interval] = sums.gradients.astype(np.float64)
        while self.marks and (compared := self._complete(self.marks[0])) is not None:
            mark = self.marks.popleft()
            self._compare_mark(mark, compared)
            self._forget(mark)

    def _complete(self, mark: int) -> dict[int, FloatArray] | None:
        """What is compared at a mark, by the period; None if some of it is still to come."""
        found = {T: self.sums[interval] for T, interval in self.plan.compared_at(mark).items()}
        there = {T: sums for T, sums in found.items() if sums is not None}
        return there if len(there) == len(found) else None

    def _forget(self, mark: int) -> None:
        """What no later mark needs of what has been compared at this one."""
        later = self.plan.compared_at(self.marks[0]).values() if self.marks else ()
        for interval in set(self.plan.compared_at(mark).values()) - set(later):
            self.sums.pop(interval, None)
            self.replays.pop(interval, None)

    def _compare_window(self, sums: Sums) -> None:
        w = sums.last - sums.first
        gradients = sums.gradients.astype(np.float64)
        each = cosine(gradients[:-1], gradients[-1])
        means = np.add.reduceat(each, self.first_of_each) / self.plan.copies
        means[np.array(self.plan.periods) > w] = np.nan
        self.found[self.plan.bin_of(sums.last)].cosines[w].append(means)

    def _compare_mark(self, mark: int, sums: dict[int, FloatArray]) -> None:
        found = self.found[self.plan.bin_of(mark)]
        compared = self.plan.compared_at(mark)
        periods = np.array(self.plan.periods)
        alignment = np.full((len(periods), len(periods)), np.nan)
        for T in compared:
            groups = [sums[T][members] for members in self.members]
            # Of two rules of different periods, at the longer one.
            here = np.maximum.outer(periods, periods) == T
            if here.any():
                alignment[here] = pairwise_cosines(groups)[here]
        self.alignment.append(alignment)
        mine = [sums[T] for T in self.plan.periods]
        spreads = [spread(own[members], own[-1]) for own, members in zip(mine, self.members, strict=True)]
        if found.spreads is None:
            found.spreads = spreads
        else:
            found.spreads = [a + b for a, b in zip(found.spreads, spreads, strict=True)]
        if self.plan.horizon is not None:
            firsts = [own[first] for own, first in zip(mine, self.first_of_each, strict=True)]
            steps = zip([*firsts, sums[1][-1]], [*self.plan.periods, 1], strict=True)
            # The sum over a period is another step than that of a gradient a step.
            nothing = float("nan"), float("nan")
            found.decreases.append(
                np.array([self._decrease(g, compared[1]) if T == 1 else nothing for g, T in steps])
            )

    def _decrease(self, gradient: FloatArray, interval: Interval) -> tuple[float, float]:
        replay, rate = self.replays[interval], self.plan.step_size
        if not np.isfinite(gradient).all():
            return float("nan"), float("nan")
        # The core has i fastest.
        direction = gradient.reshape(replay.W.shape, order="F")
        return replay.decrease(direction, rate), replay.decrease_to_second_order(direction, rate)

    def _arrays(self) -> Arrays:
        plan, P = self.plan, len(self.plan.rules)
        edges = [-(-len(plan.stream) * b // plan.bins) for b in range(plan.bins + 1)]
        nothing = np.full(P, np.nan)
        result: Arrays = {
            "step": np.array(edges[1:], np.int64),
            "loss": np.array([_mean(self.loss[a:b], ()) for a, b in pairwise(edges)]),
            "window": np.array(plan.windows, np.int64),
            "cosine": np.array([[_mean(f.cosines[w], (P,)) for w in plan.windows] for f in self.found]),
            "alignment": _mean(self.alignment, (P, P)),
            "diverged_at": np.array(self.diverged_at),
        }
        for name in ("bias", "bias_squared", "bias_noise", "variance", "snr"):
            result[name] = np.array(
                [[getattr(s, name) for s in f.spreads] if f.spreads else nothing for f in self.found]
            )
        if plan.horizon is not None:
            decreases = np.array([_mean(f.decreases, (P + 1, 2)) for f in self.found])
            for order, name in enumerate(("loss_decrease", "loss_decrease_2")):
                result[name] = decreases[:, :P, order]
                result[f"exact_{name}"] = decreases[:, P, order]
        return result


def _mean(values: Any, shape: tuple[int, ...]) -> FloatArray:
    """The mean over the first axis, of what is not NaN; NaN of nothing."""
    array = np.asarray(values, np.float64).reshape(-1, *shape)
    there = ~np.isnan(array)
    counts = there.sum(axis=0)
    with np.errstate(invalid="ignore"):
        sums = np.where(there, array, 0.0).sum(axis=0)
    mean: FloatArray = np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
    return mean

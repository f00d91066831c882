"""Unbiased, exactly: the mean over every sequence of signs is the truth itself. Exact: each draw is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from axonomy import _check
from axonomy._check import FloatArray
from axonomy.hybrid.parts import leaves
from axonomy.influence.reductions.base import Reduction
from axonomy.learner import make_learner
from axonomy.rule import Rule
from axonomy.rules import as_rule
from axonomy.testing import cases, exact
from axonomy.testing.cases import HAND, NETWORK, Size, Subject
from axonomy.testing.report import NO_SIZE, Mismatch, NotForThisRule, Report, compare, tried

UNBIASED = "unbiased"
EXACT = "exact"


def assert_unbiased(rule: Any, *, sequences: int = 4096, tolerance: float = 1e-9, **network: Any) -> Report:
    """Prove on small networks that a rule, or a reduction by itself, has no bias.

    Every sequence of signs is taken, so that the mean is the expectation and no more than rounding is
    allowed for. Of a past-facing rule the mean influence and the mean gradient are compared with RTRL's at
    every step; of a future-facing one the mean of each gradient with the exact credit, all losses counted
    up to the step that gives it. Networks are as large as the number of signs allows.

    Parameters
    ----------
    rule : Rule, str, dict, function of ``axonomy.rules``, or Reduction
        Of a reduction: ``E[L C_L C_R^T R^T] = L R^T`` for random terms, also such as depend on each other.
    sequences : int
        The most sequences of signs for one network.
    tolerance : float
        In units of the largest entry of what is expected, or of 1 if that is less.
    **network
        ``alpha``, ``activation`` and others of :class:`axonomy.LeakyRNN`, for rules that run the network
        themselves.

    Returns
    -------
    Report

    Raises
    ------
    AssertionError
        If there is a bias; has the smallest case, and the entry.
    ValueError
        If the noise is not signs, or there are too many of them even on the smallest network.

    Examples
    --------
    >>> import axonomy as ax
    >>> print(ax.testing.assert_unbiased("uoro"))  # doctest: +ELLIPSIS
    UORO: 1 law holds in ... cases
      unbiased: ...
    >>> report = ax.testing.assert_unbiased(ax.OptimalUnbiased())
    """
    most = _check.integer("sequences", sequences, 1)
    tolerance = _check.number("tolerance", tolerance, least=0)
    if isinstance(rule, Reduction):
        report = Report(type(rule).__name__)
        tried(report, UNBIASED, _terms(rule, most), lambda terms: _mean_of_terms(rule, terms, tolerance))
    else:
        rule = as_rule(rule)
        report = Report(rule.name)
        found = enumerable(rule, most)
        tried(report, UNBIASED, found, lambda size: mean_is_exact(rule, size, tolerance, network))
    report.raise_if_failed()
    return report


def enumerable(rule: Rule, sequences: int) -> list[Size]:
    """Return the sizes for which all sequences of signs can be taken, the smallest first.

    Raises
    ------
    ValueError
        If the noise is not signs, or there is no such size.
    """
    most = int(np.log2(sequences))
    hand = cases.by_hand(rule)
    among = cases.fitting_sizes(rule, HAND if hand else NETWORK)
    if not among:
        raise NotForThisRule(f"rule: {NO_SIZE}, got {rule}")
    kind = make_learner(rule, among[0].shape).noise_kind
    if kind not in (None, "signs"):
        raise NotForThisRule(f"rule: expected signs for noise, so that all can be taken, got {kind!r}")
    found, fewest = [], 0
    first = cases.earliest(rule)
    for size in sorted(among, key=lambda s: s.order):
        per_step = make_learner(rule, size.shape).n_noise
        fewest = min(fewest or per_step, per_step)
        T = min(first + 2, most // per_step if per_step else first + 2)
        if first <= T:
            found.append(replace(size, T=T))
    need = max(first, 2)
    if all(need > size.T for size in found):
        raise NotForThisRule(
            f"rule: expected at most {most} signs in all, so that each of the 2^{most} sequences can be "
            f"taken, but the smallest network takes {fewest} a step over {need} steps; raise `sequences`, or "
            f"shorten a window or lower a rank"
        )
    return found


def mean_is_exact(rule: Rule, size: Size, tolerance: float, network: dict[str, Any]) -> None:
    """Raise a Mismatch unless the means over all signs are the truth."""
    subject = Subject(rule, size, **network)
    T, k = size.T, subject.n_noise
    draws = exact.all_signs(T, k) if k else iter([None])
    _compare_means(subject, draws, 2 ** (k * T), tolerance)


def _compare_means(
    subject: Subject, draws: Iterator[FloatArray | None], count: int, tolerance: float
) -> None:
    gradient: Any = 0.0
    influence: Any = 0.0
    there = True
    for noise in draws:
        trace = subject.run(noise)
        gradient = gradient + trace.gradient / count
        there = there and trace.influence is not None
        if trace.influence is not None and there:
            influence = influence + trace.influence / count
    if subject.rule.facing == "past":
        M = exact.influences(subject.steps)
        if there:
            compare("mean influence", influence, M, tolerance)
        expected = exact.past_gradients(subject.steps, M)
    else:
        expected = _credit(subject)
    compare("mean gradient", gradient, expected, tolerance)


def _credit(subject: Subject) -> FloatArray:
    """The exact credit gradients of a rule, or of the mix of rules that it is."""
    lag, period = subject.rule.lag, subject.rule.period
    if subject.rule.facing != "future" or lag is None or period is None:
        raise ValueError(
            f"rule: expected past- or future-facing with one lag, got {subject.rule.facing} with lag {lag}"
        )
    return exact.credit_gradients(subject.steps, lag, period, subject.begins)


def sampled_mean_is_exact(rule: Rule, size: Size, draws: int = 3000, errors: float = 6.0) -> None:
    """Where not all noise can be taken: the mean of many draws, to so many standard errors."""
    subject = Subject(rule, size)
    rng = np.random.default_rng(size.seed)
    kind = subject.noise_kind
    shape = (draws, size.T, subject.n_noise)
    noise = rng.choice([-1.0, 1.0], size=shape) if kind == "signs" else rng.normal(size=shape)
    if kind == "mixed":
        raise ValueError("rule: expected noise of one kind, got mixed")
    found = np.array([subject.run(numbers).gradient for numbers in noise])
    M = exact.influences(subject.steps)
    expected = exact.past_gradients(subject.steps, M) if rule.facing == "past" else _credit(subject)
    off = np.abs(found.mean(0) - expected)
    allowed = errors * found.std(0) / np.sqrt(draws) + 1e-9
    if (off > allowed).any():
        index = tuple(int(i) for i in np.unravel_index(int(np.argmax(off / allowed)), off.shape))
        raise Mismatch(
            f"mean gradient, entry [{', '.join(map(str, index[1:]))}], step {index[0]}: expected "
            f"{expected[index]:.6g} within {allowed[index]:.2g}, got {found.mean(0)[index]:.6g} "
            f"over {draws} draws"
        )


# ------------------------------------------------------------------------------- a reduction by itself


@dataclass(frozen=True)
class Terms:
    """N terms: L (left, N) and R (right, N), of which the first `empty` are zero; to be brought to r."""

    N: int
    rank: int
    left: int
    right: int
    empty: int = 0
    seed: int = 0

    def drawn(self) -> tuple[FloatArray, FloatArray]:
        """L and R."""
        rng = np.random.default_rng(self.seed)
        L, R = rng.normal(size=(self.left, self.N)), rng.normal(size=(self.right, self.N))
        L *= 10.0 ** rng.integers(-1, 2, self.N)  # terms of unlike size, as old and new ones are
        L[:, : self.empty] = R[:, : self.empty] = 0.0
        return L, R

    def __str__(self) -> str:
        empty = f", the first {self.empty} zero" if self.empty else ""
        return (
            f"N={self.N} terms, rank {self.rank}, left of {self.left} entries, right of {self.right}{empty}, "
            f"seed {self.seed}"
        )


def _terms(reduction: Reduction, sequences: int) -> list[Terms]:
    """Terms of all sizes up to five, also fewer dimensions than terms, and the zeros of a first step."""
    kind = reduction.noise_kind
    if kind not in (None, "signs"):
        raise ValueError(f"reduction: expected signs for noise, so that all can be taken, got {kind!r}")
    found = [
        Terms(N, rank, left, right, empty, seed)
        for N in (2, 3, 4, 5)
        for rank in (1, 2)
        for left, right in ((1, 1), (3, 2), (6, 6))
        for empty in (0, rank)
        for seed in (0, 1)
        if rank < N and 2 ** reduction.n_noise(N, rank) <= sequences
    ]
    if not found:
        raise ValueError(
            f"reduction: expected at most 2^{int(np.log2(sequences))} sequences of signs, got "
            f"2^{reduction.n_noise(2, 1)} for 2 terms"
        )
    return found


def _mean_of_terms(reduction: Reduction, terms: Terms, tolerance: float) -> None:
    L, R = terms.drawn()
    k = reduction.n_noise(terms.N, terms.rank)
    mean = np.zeros((terms.left, terms.right))
    for (noise,) in exact.all_signs(1, k):
        C_L, C_R = reduction._checked_mix(L.T @ L, R.T @ R, terms.rank, noise)
        mean += L @ C_L @ (R @ C_R).T / 2**k
    size = float(np.linalg.norm(L, axis=0) @ np.linalg.norm(R, axis=0)) or 1.0
    compare("mean of L C_L (R C_R)^T", mean, L @ R.T, tolerance * max(1.0, size), steps=False)


# ------------------------------------------------------------------------------------------- exactness


def assert_exact(rule: Any, *, tolerance: float = 1e-9, **network: Any) -> Report:
    """Show that a rule gives the exact gradient at fixed weights, with resets and steps without a target.

    Of a past-facing rule every gradient, and the influence if it has one, is compared with RTRL's. Of one
    that looks ahead, or does both, the sum over time is: it has to count each loss with all weights that led
    to it, as long as the sequence fits into the rule's window.

    Parameters
    ----------
    rule : Rule, str, dict or function of ``axonomy.rules``
    tolerance : float
        In units of the largest entry of what is expected, or of 1 if that is less.
    **network
        ``alpha``, ``activation`` and others of :class:`axonomy.LeakyRNN`.

    Returns
    -------
    Report

    Raises
    ------
    AssertionError
        If a gradient is not exact; has the smallest case, and the entry.
    ValueError
        If the rule draws random numbers.

    Examples
    --------
    >>> import axonomy as ax
    >>> report = ax.testing.assert_exact("rtrl_lazy")
    >>> report = ax.testing.assert_exact(ax.rules.f_bptt(window=6))
    """
    rule = as_rule(rule)
    report = Report(rule.name)
    tolerance = _check.number("tolerance", tolerance, least=0)
    found = exact_sizes(rule)
    if found and make_learner(rule, found[0].shape).n_noise:
        raise ValueError(
            "rule: expected one that draws nothing; a mean over its draws is for assert_unbiased"
        )
    tried(
        report,
        EXACT,
        found,
        lambda size: is_exact(rule, size, tolerance, network),
        shrink=rule.facing == "past",
    )
    report.raise_if_failed()
    return report


def exact_sizes(rule: Rule) -> list[Size]:
    """Return the sizes to compare on, by hand and on networks, with as many steps as it takes."""
    among = [*(cases.sizes(rule) if cases.by_hand(rule) else ()), *cases.network_sizes(rule)]
    T = 6 if rule.facing in ("past", "none") else cases.padded(rule, covered(rule))
    return [replace(size, T=T) for size in among]


def covered(rule: Rule) -> int:
    """Return how many steps, six at the most, fit into the windows of all parts that look ahead."""
    ahead = [leaf for leaf in leaves(rule) if leaf.facing == "future"]
    return min([6, *(max(int(leaf.lag) + 1, int(leaf.period)) for leaf in ahead)])


def is_exact(rule: Rule, size: Size, tolerance: float, network: dict[str, Any]) -> None:
    """Raise a Mismatch unless gradients, or their sum over time, are the truth."""
    if rule.facing in ("past", "none"):
        subject = Subject(rule, size, flags=True, **network)
        trace = subject.run()
        M = exact.influences(subject.steps, subject.begins)
        if trace.influence is not None:
            compare("influence", trace.influence, M, tolerance)
        compare("gradient", trace.gradient, exact.past_gradients(subject.steps, M), tolerance)
        return
    subject = Subject(rule, size, flags=True, silent_from=covered(rule), **network)
    trace = subject.run()
    M = exact.influences(subject.steps, subject.begins)
    expected = exact.past_gradients(subject.steps, M).sum(0)
    compare("sum of the gradients over time", trace.gradient.sum(0), expected, tolerance, steps=False)

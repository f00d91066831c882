"""Rules that keep, of the influence, what stays within a unit, or within a few steps of it."""

from __future__ import annotations

from axonomy import _check
from axonomy.composed import ComposedRule, compose


def rflo() -> ComposedRule:
    """Random-feedback local online learning: the trace decays by the leak (Murray 2019).

    Murray's rule also takes fixed feedback weights; those belong to the network
    (``LeakyRNN(..., feedback=...)``).
    """
    return compose("past", "k=i", "deterministic", "closed-form", solver="leak")


def snap(n: int = 1) -> ComposedRule:
    """SnAp-n: the influence on what n steps reach along the recurrent weights (Menick et al. 2021).

    Parameters
    ----------
    n : int
        Steps of reach. 1 keeps the influence within a unit, by the unit's own entries of J. More needs a
        network with a mask: on dense recurrent weights two steps reach everything, and that is RTRL.
    """
    if _check.integer("n", n, 1) > 1:
        return compose("past", "sparse", "deterministic", "closed-form", solver="snap", hops=n)
    return compose("past", "k=i", "deterministic", "closed-form", solver="diagonal")


def eprop() -> ComposedRule:
    """e-prop with self-weights in the eligibility trace (Bellec et al. 2020): the same rule as SnAp-1.

    For a unit whose hidden state is its activity, the trace ``B <- (J_ii) B + D a_hat`` is the one
    that SnAp-1 keeps; one implementation serves both names.
    """
    return snap(1)

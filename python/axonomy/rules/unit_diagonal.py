"""Rules that keep, of the influence, what stays within a unit."""

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
    """SnAp-1: the influence within a unit, by the unit's own entries of J (Menick et al. 2021).

    Parameters
    ----------
    n : int
        Steps of reach. On dense recurrent weights every unit reaches every other within two steps, so that
        n ≥ 2 is RTRL itself.

    Raises
    ------
    ValueError
        If n is not 1.
    """
    if _check.integer("n", n, 1) > 1:
        raise ValueError(
            f"n: expected 1, as on dense recurrent weights n >= 2 is RTRL (axonomy.rules.rtrl()), got {n}"
        )
    return compose("past", "k=i", "deterministic", "closed-form", solver="diagonal")


def eprop() -> ComposedRule:
    """e-prop with self-weights in the eligibility trace (Bellec et al. 2020): the same rule as SnAp-1.

    For a unit whose hidden state is its activity, the trace ``B <- (J_ii) B + D a_hat`` is the one
    that SnAp-1 keeps; one implementation serves both names.
    """
    return snap(1)

"""The published rules among splits × reductions, in the form in which they were published."""

from __future__ import annotations

from axonomy.composed import ComposedRule, compose


def uoro(
    rank: int = 1,
    current: str = "estimated",
    normaliser: str = "shared",
    immediate: str = "state",
    noise: str = "signs",
) -> ComposedRule:
    """Unbiased online recurrent optimisation, ``A_k B_ij`` with random signs (Tallec & Ollivier 2018).

    The defaults are the form of Marschall et al. 2020, section 4.1.2. ``current="exact"`` keeps this step's
    immediate term exact, as Tallec & Ollivier do, and has less variance.
    """
    return compose(
        "past", "k|ij", "stochastic", "closed-form", solver="signs", rank=rank, current=current,
        normaliser=normaliser, immediate=immediate, noise=noise,
    )  # fmt: skip


def kf_rtrl(rank: int = 1, current: str = "estimated", noise: str = "signs") -> ComposedRule:
    """Kronecker-factored RTRL, ``A_j B_ki`` with random signs (Mujika et al. 2018)."""
    return compose(
        "past", "ki|j", "stochastic", "closed-form", solver="signs", rank=rank, current=current,
        noise=noise,
    )  # fmt: skip


def r_kf_rtrl(
    rank: int = 1,
    current: str = "estimated",
    normaliser: str = "shared",
    immediate: str = "row",
    noise: str = "signs",
) -> ComposedRule:
    """Reverse KF-RTRL, ``A_i B_kj`` with random signs (Marschall et al. 2020, section 4.1.3)."""
    return compose(
        "past", "kj|i", "stochastic", "closed-form", solver="signs", rank=rank, current=current,
        normaliser=normaliser, immediate=immediate, noise=noise,
    )  # fmt: skip


def ok(rank: int = 1, current: str = "estimated") -> ComposedRule:
    """Optimal Kronecker-sum approximation, ``A_j B_ki`` with the least variance (Benzing et al. 2019)."""
    return compose("past", "ki|j", "stochastic", "numerical", solver="optimal", rank=rank, current=current)

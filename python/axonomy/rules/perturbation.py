"""Rules that learn the influence from the network's response to noise."""

from __future__ import annotations

from axonomy.composed import ComposedRule, compose


def kernl(
    current: str = "estimated",
    sigma: float = 1e-3,
    learning_rate: float = 1e-3,
    decay: float = 0.8,
) -> ComposedRule:
    """Kernel RNN learning, ``A_ki B_ij`` with A learned by perturbation (Roth et al. 2019).

    Parameters
    ----------
    current : str
        ``"estimated"`` as published.
    sigma : float
        Standard deviation of the perturbing noise.
    learning_rate : float
        Learning rate of A, in units of ``1 / sigma²``, so that it does not depend on the size of the noise.
    decay : float
        k, what the kernel keeps from one step to the next.
    """
    return compose(
        "past", "ki|ij", "stochastic", "numerical", solver="perturbation", current=current,
        sigma=sigma, learning_rate=learning_rate, decay=decay,
    )  # fmt: skip

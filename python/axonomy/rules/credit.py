"""The future-facing rules: credit waited for, predicted, or read off the response to noise."""

from __future__ import annotations

from axonomy.composed import ComposedRule, compose


def f_bptt(window: int = 10, through: str = "time") -> ComposedRule:
    """Future-facing backpropagation: at every step the gradient of T - 1 steps ago, with T losses.

    Marschall et al. 2020, section 4.3.2.

    Parameters
    ----------
    window : int
        T.
    through : {"time", "today"}
        Credit goes back through the J of each step's own time, which is exact also when weights change
        online, or through today's weights, as in the program of that paper.
    """
    return compose(
        "future", "c_i", "deterministic", "closed-form", solver="f_bptt", window=window, through=through
    )


def e_bptt(window: int = 10, through: str = "time") -> ComposedRule:
    """Efficient backpropagation: at every T-th step the sum over the last T, each with its losses so far.

    Marschall et al. 2020, section 4.3.1; usually called truncated backpropagation.

    Parameters
    ----------
    window : int
        T.
    through : {"time", "today"}
        As in :func:`f_bptt`.
    """
    return compose(
        "future", "c_i", "deterministic", "closed-form", solver="e_bptt", window=window, through=through
    )


def dni(
    learning_rate: float = 1e-2,
    refresh: int = 5,
    l2: float = 0.0,
    output: str = "linear",
    label: str = "linear",
    current: str = "estimated",
) -> ComposedRule:
    """Decoupled neural interface: a linear model of the credit, learned from its own prediction.

    Jaderberg et al. 2017; in the form of Marschall et al. 2020, section 4.4.

    Parameters
    ----------
    learning_rate : float
        Of A. Stable below about ``2 / |[s, y, 1]|²``.
    refresh : int
        Steps between two copies of A to A*, which labels come from.
    l2 : float
        Pull of A to zero.
    output, label : {"linear", "tanh"}
        Around all that A predicts; around ``A* a~`` in the label alone.
    current : {"estimated", "exact"}
        ``"exact"`` predicts the losses after this step only, and adds this step's q as it is.
    """
    return compose(
        "future", "A_il", "deterministic", "numerical", solver="dni", learning_rate=learning_rate,
        refresh=refresh, l2=l2, output=output, label=label, current=current,
    )  # fmt: skip


def dni_b(
    learning_rate: float = 1e-2,
    jacobian_rate: float = 1e-2,
    refresh: int = 5,
    l2: float = 0.0,
    output: str = "linear",
    label: str = "tanh",
    current: str = "estimated",
) -> ComposedRule:
    """DNI with a learned J and a bounded label (Marschall et al. 2020, section 4.4).

    The paper's DNI(b) also takes fixed feedback weights; those belong to the network
    (``LeakyRNN(..., feedback="random")``).

    Parameters
    ----------
    learning_rate, refresh, l2, output, label, current
        As in :func:`dni`.
    jacobian_rate : float
        Of the learned J, which starts as W_rec.
    """
    return compose(
        "future", "A_il", "deterministic", "numerical", solver="dni_b", learning_rate=learning_rate,
        jacobian_rate=jacobian_rate, refresh=refresh, l2=l2, output=output, label=label, current=current,
    )  # fmt: skip


def node_perturbation(window: int = 10, sigma: float = 1e-2, noise: str = "signs") -> ComposedRule:
    """Node perturbation: credit from the correlation of injected noise with the loss (Fiete & Seung 2006).

    Parameters
    ----------
    window : int
        T, the steps whose losses are credited; the gradient is T - 1 steps late.
    sigma : float
        Standard deviation of the noise on the state.
    noise : {"signs", "normal"}
    """
    return compose(
        "future", "c_i", "stochastic", "closed-form", solver="node_perturbation", window=window, sigma=sigma,
        noise=noise,
    )  # fmt: skip

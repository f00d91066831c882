"""Gradients beside gradients: angles, and how replicates of one spread about another.

All functions take gradients flattened, with the parameters as the last axis.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from axonomy._check import FloatArray


def cosine(a: FloatArray, b: FloatArray) -> FloatArray:
    """Return the cosine of the angle between a (..., d) and b (..., d); NaN where one of them is zero."""
    norms = np.linalg.norm(a, axis=-1) * np.linalg.norm(b, axis=-1)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        result: FloatArray = np.where(norms > 0, np.einsum("...i,...i", a, b) / norms, np.nan)
    return result


def pairwise_cosines(groups: list[FloatArray]) -> FloatArray:
    """Return the cosine of each pair of rules.

    Parameters
    ----------
    groups : list of (K, d) ndarray
        The replicates of each rule; all that draw random numbers have the same K, the others one.

    Returns
    -------
    (rules, rules) ndarray
        The mean over the replicates, the first of one rule beside the first of the other, and so on.
    """
    count = max(len(group) for group in groups)
    # (K, rules, d); a rule that draws nothing stands beside every replicate.
    stacked = np.stack([np.broadcast_to(group, (count, group.shape[-1])) for group in groups], axis=1)
    norms = np.linalg.norm(stacked, axis=-1)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        units = np.where(norms[..., None] > 0, stacked / norms[..., None], np.nan)
        result: FloatArray = (units @ units.swapaxes(1, 2)).mean(axis=0)
    return result


@dataclass(frozen=True)
class Spread:
    """Squared lengths of what replicates of a gradient have in common, and of where they differ.

    With g the exact gradient, g^k that of replicate k of K, and g' their mean:

    Attributes
    ----------
    signal : float
        Of g.
    error : float
        Of g' - g.
    mean : float
        Of g'.
    noise : float
        Σ_k (g^k - g')² / (K - 1), summed over the parameters; 0 of a rule that draws nothing.
    replicates : int
        K.
    """

    signal: float
    error: float
    mean: float
    noise: float
    replicates: int

    def __add__(self, other: Spread) -> Spread:
        """Return the sums over the steps of both."""
        return Spread(
            self.signal + other.signal,
            self.error + other.error,
            self.mean + other.mean,
            self.noise + other.noise,
            self.replicates,
        )

    @property
    def bias_squared(self) -> float:
        """|E g^k - g|² / |g|², without a bias of its own: the noise that is left in the mean is taken off.

        Of an unbiased rule it is as often below zero as above.
        """
        return _ratio(self.error - self.noise / self.replicates, self.signal)

    @property
    def bias(self) -> float:
        """The root of :attr:`bias_squared`, 0 where that is negative."""
        squared = self.bias_squared
        return float(np.sqrt(max(squared, 0.0))) if not np.isnan(squared) else float("nan")

    @property
    def bias_noise(self) -> float:
        """The length that noise alone gives the mean of so many replicates, in units of that of g."""
        return float(np.sqrt(_ratio(self.noise / self.replicates, self.signal)))

    @property
    def variance(self) -> float:
        """E |g^k - E g^k|² / |g|²."""
        return _ratio(self.noise, self.signal)

    @property
    def snr(self) -> float:
        """|E g^k|² / E |g^k - E g^k|²; infinite of a rule that draws nothing."""
        if self.noise == 0:
            return float("inf") if self.mean > 0 else float("nan")
        return max(_ratio(self.mean - self.noise / self.replicates, self.noise), 0.0)


def spread(replicates: FloatArray, exact: FloatArray) -> Spread:
    """Compare replicates (K, d) of a gradient with the exact one (d,)."""
    K = len(replicates)
    with np.errstate(invalid="ignore", over="ignore"):
        mean = replicates.mean(axis=0)
        noise = float(((replicates - mean) ** 2).sum() / (K - 1)) if K > 1 else 0.0
        error, length = float(((mean - exact) ** 2).sum()), float((mean**2).sum())
    return Spread(float((exact**2).sum()), error, length, noise, K)


def _ratio(a: float, b: float) -> float:
    return a / b if b > 0 else float("nan")

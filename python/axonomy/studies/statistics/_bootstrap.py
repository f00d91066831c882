"""Bootstrap intervals, in one manner for all that is reported."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from axonomy._extras import require

LEVEL = 0.95
RESAMPLES = 2000
NONE = (float("nan"), float("nan"))

Statistic = Callable[..., Any]


def interval(
    data: ArrayLike | Sequence[ArrayLike],
    statistic: Statistic = np.mean,
    *,
    seed: int = 0,
    resamples: int | None = None,
    method: str = "BCa",
    vectorized: bool = True,
) -> tuple[float, float]:
    """Return a bootstrap interval of a statistic (`scipy.stats.bootstrap`).

    Parameters
    ----------
    data : (N,) array or sequence of (N,) arrays
        The sample; of several arrays the entries of one index are resampled together.
    statistic : callable
        ``statistic(*arrays, axis)``, or ``statistic(*arrays)`` if not `vectorized`.
    resamples : int
        `RESAMPLES` by default.
    method : {"BCa", "percentile"}
        Where the first cannot be had, as for a sample of few values, the second is returned.

    Returns
    -------
    low, high : float
        At 95 %. nan if there are fewer than two entries; for a sample of equal entries both are the
        statistic.
    """
    samples: Sequence[Any] = data if isinstance(data, (list, tuple)) and np.ndim(data[0]) else [data]
    arrays = [np.asarray(sample, dtype=np.float64) for sample in samples]
    if len(arrays[0]) < 2:
        return NONE
    if all(np.ptp(a) == 0 for a in arrays):
        value = float(statistic(*arrays, axis=0) if vectorized else statistic(*arrays))
        return value, value
    stats = require("scipy.stats", "study")
    for chosen in dict.fromkeys((method, "percentile")):
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            # A degenerate resample shows as nan, and is answered by the next method.
            warnings.simplefilter("ignore")
            found = stats.bootstrap(
                tuple(arrays),
                statistic,
                paired=len(arrays) > 1,
                vectorized=vectorized,
                n_resamples=RESAMPLES if resamples is None else resamples,
                confidence_level=LEVEL,
                method=chosen,
                rng=np.random.default_rng(seed),
            ).confidence_interval
        if np.isfinite(found.low) and np.isfinite(found.high):
            return float(found.low), float(found.high)
    return NONE


def standardised(values: NDArray[np.float64], axis: int = -1) -> NDArray[np.float64]:
    """Return mean over standard deviation: Cohen's d of paired differences."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.mean(values, axis=axis) / np.std(values, axis=axis, ddof=1))

"""Randomness: whether the rule draws random numbers (Marschall et al. 2020, section 3.3)."""

from __future__ import annotations

RANDOMNESS = {
    "stochastic": "draws random numbers",
    "deterministic": "a function of the stream alone",
}

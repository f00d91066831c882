"""Facing: in which direction the gradient is carried through time (Marschall et al. 2020, eqs. 5-8).

Past-facing rules carry the influence ``M = ds/dW`` forward, ``M^t = J^t M^{t-1} + M_bar^t``, and have the
gradient of the current loss at once. Future-facing rules carry the credit ``c = d(losses to come)/ds``
backward, ``c^t = q^t + c^{t+1} J^{t+1}``, and must wait for it or predict it.
"""

from __future__ import annotations

FACINGS = {
    "past": "influence of past weights on the present state",
    "future": "credit of the present state for losses to come",
}

"""Solution: how the stored tensor is found (Marschall et al. 2020, section 3.4)."""

from __future__ import annotations

SOLUTIONS = {
    "closed-form": "one formula a step",
    "numerical": "a decomposition, or gradient descent of its own",
}

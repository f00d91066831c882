"""The past-facing components: influence M = ds/dW carried forward.

``splits`` cut M into two factors, ``reductions`` bring its growing number of terms back to r, and
``factored`` combines each with each. The other tensors have a module each.
"""

from __future__ import annotations

from axonomy.component import Component
from axonomy.influence import factored, full, lazy, output_only, perturbation, sparse, unit_diagonal, window

COMPONENTS: tuple[Component, ...] = (
    full.RTRL,
    lazy.LAZY_RTRL,
    window.ROLLING_TBPTT,
    *factored.components(),
    perturbation.KERNL,
    unit_diagonal.DIAGONAL,
    unit_diagonal.LEAK,
    sparse.SNAP,
)
BASELINES: tuple[Component, ...] = (output_only.OUTPUT_ONLY,)

"""The future-facing components: credit c = d(losses to come)/ds.

``c^t = q^t + c^{t+1} J^{t+1}`` runs backwards, so that it is waited for (:mod:`backpropagation`), predicted
by a model (:mod:`synthetic`), or estimated from the network's response to noise (:mod:`node_perturbation`).
The gradient is ``(c^t D^t) ⊗ a_hat^t``.
"""

from __future__ import annotations

from axonomy.component import Component
from axonomy.credit import backpropagation, node_perturbation, synthetic

COMPONENTS: tuple[Component, ...] = (
    backpropagation.F_BPTT,
    backpropagation.E_BPTT,
    node_perturbation.NODE_PERTURBATION,
    synthetic.DNI,
    synthetic.DNI_B,
    synthetic.RLS,
)

"""Element-wise LSTM (eLSTM; Irie, Gopalakrishnan & Schmidhuber 2024)::

    f = σ(h_f)    g = tanh(h_g)    o = σ(h_o)           h = w c_prev + W_in x + b
    c = f c_prev + (1 - f) g       a = o c

Every gate of a unit sees the inputs and the unit's own memory before the step, c_prev, so that J is block
diagonal per unit: RTRL is exact at the cost of SnAp-1. The output gate is not the paper's, which differs
twice: it sees the memories of all units, and the present ones, c; its parameters would enter through a
second map, after that of the other gates. S = 2n, components c and a; R = 3n, m = n_in + 2. ``F = [f, 0;
o f, 0]``, ``D = [(c_prev - g) f', (1 - f) g', 0; o times these, c o']``.
"""

from __future__ import annotations

from typing import Any

from axonomy.cells.gated import GatedCell


class ELSTM(GatedCell):
    """An element-wise LSTM: gates f, g and o of the inputs and the unit's own memory before the step.

    The paper's output gate sees the present memories of all units instead. The state is ``[c, a]``. Each row
    has one recurrent weight: W_rec (R, 1), a_hat (R, m). Shapes and arguments otherwise as in
    :class:`axonomy.GatedCell`, with S = 2n and R = 3n.

    References
    ----------
    Irie, Gopalakrishnan & Schmidhuber, ICLR 2024.
    """

    kind = "elstm"
    gates = ("f", "g", "o")
    components = ("c", "a")
    element_wise = True
    fed_back = "c"
    keep_gate = ("f", 1)
    default_recurrent = "uniform"
    default_keep_bias = 1.0
    references = ("irie2024",)

    def _equations(self, op: Any, before: dict[str, Any], h: dict[str, Any]) -> dict[str, Any]:
        f, o = op.sigmoid(h["f"]), op.sigmoid(h["o"])
        c = f * before["c"] + (1 - f) * op.tanh(h["g"])
        return {"c": c, "a": o * c}

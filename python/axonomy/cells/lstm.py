"""LSTM with a forget gate (Hochreiter & Schmidhuber 1997; Gers, Schmidhuber & Cummins 2000)::

    i = σ(h_i)    f = σ(h_f)    g = tanh(h_g)    o = σ(h_o)
    c = f c_prev + i g          a = o tanh(c)

S = 2n, components c and a; R = 4n. ``F = [f, 0; o t' f, 0]``, ``D = [g i', c_prev f', i g', 0; o t' times
these, t o']``, ``t = tanh(c)``, ``t' = 1 - t²``.
"""

from __future__ import annotations

from typing import Any

from axonomy.cells.gated import GatedCell


class LSTM(GatedCell):
    """A long short-term memory: gates i, f, g and o, each of the activity, the inputs and a bias.

    The state is ``[c, a]``, the memory and the activity. Shapes and arguments as in
    :class:`axonomy.GatedCell`, with S = 2n and R = 4n.

    References
    ----------
    Hochreiter & Schmidhuber, Neural Computation 9(8), 1997; Gers, Schmidhuber & Cummins, Neural Computation
    12(10), 2000.

    Examples
    --------
    >>> import axonomy as ax
    >>> lstm = ax.LSTM.random(n_in=2, n_hidden=8, n_out=2, seed=0)
    >>> lstm.state.shape, lstm.b_rec[8:16].tolist()  # the forget gate's biases
    ((16,), [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0])
    """

    kind = "lstm"
    gates = ("i", "f", "g", "o")
    components = ("c", "a")
    keep_gate = ("f", 1)
    input_gate = "i"
    default_keep_bias = 1.0
    references = ("hochreiter1997", "gers2000")

    def _equations(self, op: Any, before: dict[str, Any], h: dict[str, Any]) -> dict[str, Any]:
        i, f, o = op.sigmoid(h["i"]), op.sigmoid(h["f"]), op.sigmoid(h["o"])
        c = f * before["c"] + i * op.tanh(h["g"])
        return {"c": c, "a": o * op.tanh(c)}

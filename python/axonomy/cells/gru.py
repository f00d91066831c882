"""GRU whose reset gate multiplies the recurrent product, as in cuDNN, PyTorch and Keras (Cho et al. 2014)::

    r = σ(h_r)    z = σ(h_z)    c = tanh(h_x + r h_a)    a = (1 - z) c + z a_prev

S = n, R = 4n: the candidate has two rows a unit, x that sees the inputs and a bias, a that sees the
activity and a bias. ``F = z``, ``D = [(1 - z) c' h_a r', (a_prev - c) z', (1 - z) c', (1 - z) c' r]``, ``c'
= 1 - c²``.
"""

from __future__ import annotations

from typing import Any

from axonomy.cells.gated import GatedCell


class GRU(GatedCell):
    """A gated recurrent unit: gates r, z and the candidate's two halves x and a.

    The rows of x have no recurrent and those of a no input weights. These stay absent: zeros of W without a
    gradient. The exact rules, whose M is dear, hold nothing for them; the others hold them as virtual zeros.
    Shapes and arguments as in :class:`axonomy.GatedCell`, with R = 4n.

    References
    ----------
    Cho et al., EMNLP 2014.

    Examples
    --------
    >>> import axonomy as ax
    >>> gru = ax.GRU.random(n_in=2, n_hidden=8, n_out=2, seed=0)
    >>> gru.W.shape, int(gru.shape.weights.sum())
    ((32, 11), 264)
    """

    kind = "gru"
    gates = ("r", "z", "x", "a")
    sees = (("state", "input", "bias"), ("state", "input", "bias"), ("input", "bias"), ("state", "bias"))
    keep_gate = ("z", 1)
    references = ("cho2014",)

    def _equations(self, op: Any, before: dict[str, Any], h: dict[str, Any]) -> dict[str, Any]:
        r, z = op.sigmoid(h["r"]), op.sigmoid(h["z"])
        c = op.tanh(h["x"] + r * h["a"])
        return {"a": (1 - z) * c + z * before["a"]}

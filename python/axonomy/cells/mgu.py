"""Minimal gated unit: one gate that forgets and resets (Zhou et al. 2016)::

    f = σ(h_f)    c = tanh(h_x + f h_a)    a = (1 - f) a_prev + f c

Here the gate multiplies the recurrent product, as the GRU's reset gate does, and not the activity before
it, so that all parameters enter through one affine map. S = n, R = 3n. ``F = 1 - f``, ``D = [(c - a_prev +
f c' h_a) f', f c', f² c']``, ``c' = 1 - c²``.
"""

from __future__ import annotations

from typing import Any

from axonomy.cells.gated import GatedCell


class MGU(GatedCell):
    """A minimal gated unit: gate f and the candidate's two halves x and a.

    The rows of x have no recurrent and those of a no input weights, as in :class:`axonomy.GRU`.
    Shapes and arguments as in :class:`axonomy.GatedCell`, with R = 3n.

    References
    ----------
    Zhou, Wu, Zhang & Zhou, International Journal of Automation and Computing 13(3), 2016.
    """

    kind = "mgu"
    gates = ("f", "x", "a")
    sees = (("state", "input", "bias"), ("input", "bias"), ("state", "bias"))
    keep_gate = ("f", -1)
    references = ("zhou2016",)

    def _equations(self, op: Any, before: dict[str, Any], h: dict[str, Any]) -> dict[str, Any]:
        f = op.sigmoid(h["f"])
        c = op.tanh(h["x"] + f * h["a"])
        return {"a": (1 - f) * before["a"] + f * c}

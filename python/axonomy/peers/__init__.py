"""The same rules in other programs, to be timed beside the library.

One module a program, each with ``RULES``, by the names of :data:`axonomy.peers.base.RULES`, and ``start(rule,
problem)``. They are written to be read, and `tests/bench` holds each to the library's own weights.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any, NamedTuple

from axonomy import _check
from axonomy._extras import require
from axonomy.peers.base import RULES, Problem, Program

__all__ = ["PEERS", "RULES", "Peer", "Problem", "Program", "load"]


class Peer(NamedTuple):
    """Where a program is, and what it needs: a package, and the extra of the same name."""

    title: str
    module: str
    package: str | None = None

    @property
    def installed(self) -> bool:
        """Whether what it needs is there."""
        return self.package is None or find_spec(self.package) is not None


PEERS = {
    "numpy": Peer("NumPy", "numpy_plain"),
    "numpy_tuned": Peer("NumPy tuned", "numpy_tuned"),
    "jax": Peer("JAX", "jax_scan", "jax"),
    "torch": Peer("PyTorch", "torch_loop", "torch"),
    "braintrace": Peer("braintrace", "braintrace_loop", "braintrace"),
}


def load(peer: str) -> Any:
    """Return the module of a program.

    Raises
    ------
    ValueError
        If there is no such program.
    MissingExtra
        If what it needs is not installed.
    """
    found = PEERS[_check.one_of("peer", peer, PEERS)]
    if found.package is not None:
        require(found.package, found.package)
    return require(f"axonomy.peers.{found.module}", "")

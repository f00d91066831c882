"""Hybrids: rules made of rules. They print, hash, serialise, cite and train as any other.

``mix`` is a convex combination, ``by_block`` has a rule for each block of columns of W. A rule with its
exact current term and any approximate past is a choice of :func:`axonomy.compose`: ``current="exact"``.
"""

from __future__ import annotations

from axonomy.hybrid.by_block import ByBlock, by_block
from axonomy.hybrid.mix import Mix, mix

__all__ = ["ByBlock", "Mix", "by_block", "mix"]

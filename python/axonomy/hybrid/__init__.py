"""Hybrids: rules made of rules. They print, hash, serialise, cite and train as any other.

``mix`` is a convex combination, ``by_block`` has a rule for each block of columns of W, ``windowed`` is exact
over the last steps and has a rule for what is older. A rule with its exact current term and any approximate
past is a choice of :func:`axonomy.compose`: ``current="exact"``.
"""

from __future__ import annotations

from axonomy.hybrid.by_block import ByBlock, by_block
from axonomy.hybrid.mix import Mix, mix
from axonomy.hybrid.windowed import Windowed, windowed

__all__ = ["ByBlock", "Mix", "Windowed", "by_block", "mix", "windowed"]

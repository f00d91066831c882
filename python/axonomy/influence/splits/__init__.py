"""The ways to cut M[k,i,j] into a left factor, which holds k, and a right factor.

Propagation is ``left <- J left`` for all of them. One file a split; this list is the registry.
"""

from __future__ import annotations

from axonomy.influence.splits.base import Split
from axonomy.influence.splits.k_ij import K_IJ
from axonomy.influence.splits.ki_ij import KI_IJ
from axonomy.influence.splits.ki_j import KI_J
from axonomy.influence.splits.kj_i import KJ_I
from axonomy.influence.splits.kj_ij import KJ_IJ

SPLITS: tuple[Split, ...] = (K_IJ, KI_J, KJ_I, KI_IJ, KJ_IJ)

__all__ = ["SPLITS", "Split"]

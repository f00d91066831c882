"""The cells, one file each; ``CELLS`` is the registry."""

from __future__ import annotations

from axonomy.cells.base import Cell, Forward, Linearisation
from axonomy.cells.leaky_rnn import LeakyRNN

CELLS: dict[str, type[Cell]] = {cell.kind: cell for cell in (LeakyRNN,)}

__all__ = ["CELLS", "Cell", "Forward", "LeakyRNN", "Linearisation"]

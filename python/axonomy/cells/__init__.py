"""The cells, one file each; ``CELLS`` is the registry."""

from __future__ import annotations

from axonomy.cells.base import Cell, Forward, Linearisation
from axonomy.cells.elstm import ELSTM
from axonomy.cells.gated import GatedCell
from axonomy.cells.gru import GRU
from axonomy.cells.ind_rnn import IndRNN
from axonomy.cells.leaky_rnn import LeakyRNN
from axonomy.cells.lstm import LSTM
from axonomy.cells.mgu import MGU

CELLS: dict[str, type[Cell]] = {cell.kind: cell for cell in (LeakyRNN, GRU, LSTM, MGU, IndRNN, ELSTM)}

__all__ = [
    "CELLS", "ELSTM", "GRU", "LSTM", "MGU", "Cell", "Forward", "GatedCell", "IndRNN", "LeakyRNN",
    "Linearisation",
]  # fmt: skip

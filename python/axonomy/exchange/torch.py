"""To and from PyTorch: the same network as one of its recurrent modules, with a ``torch.nn.Linear``.

torch has one weight for the inputs (ih) and one for the state (hh), each with a bias, in blocks of n rows::

    LeakyRNN   RNN    h               alpha 1, tanh or relu
    LSTM       LSTM   i, f, g, o
    GRU        GRU    r, z, and the candidate, whose rows are our x in ih and our a in hh

A gate of ours that is in both has one bias, the sum of torch's two.
"""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np

from axonomy import _check
from axonomy._extras import require
from axonomy.cells import CELLS
from axonomy.cells.base import Cell, FloatArray
from axonomy.cells.leaky_rnn import LeakyRNN
from axonomy.errors import IncompatibleCell

#: Of each kind of cell the module in torch.nn, and for each block of its rows our gate in ih and in hh.
COUNTERPARTS: dict[str, tuple[str, tuple[tuple[str, str], ...]]] = {
    "leaky_rnn": ("RNN", (("h", "h"),)),
    "lstm": ("LSTM", (("i", "i"), ("f", "f"), ("g", "g"), ("o", "o"))),
    "gru": ("GRU", (("r", "r"), ("z", "z"), ("x", "a"))),
}
NONLINEARITIES = ("tanh", "relu")

C = TypeVar("C", bound=Cell)


def to_torch(rnn: Cell) -> tuple[Any, Any]:
    """Return the recurrent module and the read-out; see :meth:`axonomy.Cell.to_torch`."""
    name, blocks = _counterpart(type(rnn))
    options = _options(rnn)
    torch = require("torch", "torch")
    s, dtype = rnn.shape, getattr(torch, str(rnn.dtype))
    with torch.random.fork_rng(devices=[]):  # the weights they begin with are not kept
        module = getattr(torch.nn, name)(s.n_in, s.n, **options, dtype=dtype, device="cpu")
        readout = torch.nn.Linear(s.n, s.n_out, dtype=dtype, device="cpu")
    gates = rnn.gates
    W_in, W_rec, b = (np.split(array, len(gates)) for array in (rnn.W_in, rnn.W_rec, rnn.b_rec))
    ih, hh = ([gates.index(block[side]) for block in blocks] for side in (0, 1))
    values = {
        module.weight_ih_l0: [W_in[i] for i in ih],
        module.weight_hh_l0: [W_rec[i] for i in hh],
        module.bias_ih_l0: [b[i] for i in ih],
        module.bias_hh_l0: [b[j] if j != i else np.zeros_like(b[j]) for i, j in zip(ih, hh, strict=True)],
        readout.weight: [rnn.W_out],
        readout.bias: [rnn.b_out],
    }
    with torch.no_grad():
        for parameter, parts in values.items():
            parameter.copy_(torch.from_numpy(np.concatenate(parts)))
    return module, readout


def to_torch_state(rnn: Cell, state: object = None) -> Any:
    """Return h0, or (h0, c0); see :meth:`axonomy.Cell.to_torch_state`."""
    _counterpart(type(rnn))
    _options(rnn)
    torch = require("torch", "torch")
    S = rnn.shape.S
    if state is None:
        given = rnn.state
    elif np.ndim(_check.array("state", state)) == 2:
        given = _check.real_array("state", state, (None, S), rnn.dtype, "B, S")
    else:
        given = _check.real_array("state", state, (S,), rnn.dtype, "S")
    # The activity is our last component and their first.
    parts = reversed(np.split(given, len(rnn.components), axis=-1))
    hidden = tuple(torch.from_numpy(part.copy())[None] for part in parts)
    return hidden if len(hidden) > 1 else hidden[0]


def from_torch(cls: type[C], module: Any, readout: Any, *, state: Any, **options: Any) -> C:
    """Return the network of a recurrent module and a read-out; see :meth:`axonomy.Cell.from_torch`."""
    torch = require("torch", "torch")
    cell = _cell(torch, cls, module)
    _, blocks = _counterpart(cell)
    if not isinstance(readout, torch.nn.Linear):
        raise ValueError(f"readout: expected torch.nn.Linear, got {_check.describe(readout)}")
    for name, wanted in {"num_layers": 1, "bidirectional": False, "proj_size": 0}.items():
        if (got := getattr(module, name)) != wanted:
            raise ValueError(f"module: expected {name}={wanted}, got {name}={got}")
    n, dtypes = module.hidden_size, {module.weight_hh_l0.dtype, readout.weight.dtype}
    if dtypes not in ({torch.float32}, {torch.float64}):
        found = " and ".join(sorted(map(str, dtypes)))
        raise ValueError(f"module: expected float32 or float64, as of readout, got {found}")
    if readout.in_features != n:
        raise ValueError(f"readout: expected in_features={n}, the module's units, got {readout.in_features}")

    def array(name: str, tensor: Any) -> FloatArray:
        if tensor.is_meta:
            raise ValueError(f"{name}: expected numbers, got a tensor on the meta device, which has none")
        return np.asarray(tensor.detach().cpu().numpy())

    W_out = array("readout", readout.weight)
    dtype = W_out.dtype
    gates, n_in = len(cell.gates), module.input_size
    W_rec, W_in, b = (np.zeros((gates, n, *columns), dtype) for columns in ((n,), (n_in,), ()))
    for side, of, W in ((0, "ih", W_in), (1, "hh", W_rec)):
        rows = [cell.gates.index(block[side]) for block in blocks]
        W[rows] = np.split(array("module", getattr(module, f"weight_{of}_l0")), len(blocks))
        if module.bias:
            b[rows] += np.split(array("module", getattr(module, f"bias_{of}_l0")), len(blocks))
    b_out = np.zeros(readout.out_features, dtype) if readout.bias is None else array("readout", readout.bias)
    if cell.kind == LeakyRNN.kind:
        options["activation"] = module.nonlinearity
    rnn: C = cell(
        W_rec.reshape(-1, n), W_in.reshape(-1, n_in), b.ravel(), W_out, b_out, dtype=dtype, **options,
    )  # fmt: skip
    if state is not None:
        parts = state if isinstance(state, tuple) else (state,)
        if len(parts) != len(cell.components) or not all(isinstance(part, torch.Tensor) for part in parts):
            form = "h" if len(cell.components) == 1 else "(h, c)"
            raise ValueError(f"state: expected {form}, as the module returns, got {_check.describe(state)}")
        each = [_check.real_array("state", array("state", part), (1, n), dtype, "1, n") for part in parts]
        rnn.state = np.concatenate(each[::-1], axis=1)[0]
    return rnn


def _counterpart(cell: type[Cell]) -> tuple[str, tuple[tuple[str, str], ...]]:
    if cell.kind not in COUNTERPARTS:
        raise IncompatibleCell(
            f"{cell.__name__}: no module of torch.nn computes its equations; to_onnx takes every kind of cell"
        )
    return COUNTERPARTS[cell.kind]


def _options(rnn: Cell) -> dict[str, Any]:
    """Return what else torch's module must know, if it can."""
    if rnn.shape.n_in == 0:
        raise IncompatibleCell("n_in: the modules of torch.nn need an input, and the network has none")
    if not isinstance(rnn, LeakyRNN):
        return {}
    if np.any(np.asarray(rnn.alpha) != 1):
        raise IncompatibleCell(f"alpha: torch.nn.RNN has no leak, it is 1, got {_check.describe(rnn.alpha)}")
    if rnn.activation not in NONLINEARITIES:
        raise IncompatibleCell(f"activation: torch.nn.RNN has 'tanh' and 'relu', got {rnn.activation!r}")
    return {"nonlinearity": rnn.activation}


def _cell(torch: Any, cls: type[Cell], module: Any) -> Any:
    """Return the class that has the module's equations: `cls`, or of a base of all whichever it is."""
    if hasattr(cls, "kind"):
        cells = [cls]
    else:
        cells = [cell for cell in CELLS.values() if issubclass(cell, cls) and cell.kind in COUNTERPARTS]
    names = [_counterpart(cell)[0] for cell in cells]
    for cell, name in zip(cells, names, strict=True):
        if isinstance(module, getattr(torch.nn, name)):
            return cell
    wanted = " or ".join(f"torch.nn.{name}" for name in names)
    raise ValueError(f"module: expected {wanted}, got {_check.describe(module)}")

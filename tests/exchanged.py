"""Networks to exchange: of every kind, with nothing in them zero that need not be, and data for them."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

import axonomy as ax
from axonomy.cells import CELLS
from axonomy.cells.base import ACTIVATIONS, LOSSES
from drawing import Stream, stream

Array = np.ndarray

#: (class, settings) of all equations that there are.
EQUATIONS = [
    (cell, {"activation": activation} if activation else {})
    for cell in CELLS.values()
    for activation in (ACTIVATIONS if cell in (ax.LeakyRNN, ax.IndRNN) else (None,))
]
#: Those that PyTorch has too.
IN_TORCH = [
    (ax.LeakyRNN, {"activation": "tanh"}),
    (ax.LeakyRNN, {"activation": "relu"}),
    (ax.GRU, {}),
    (ax.LSTM, {}),
]
TOLERANCE = {np.float64: 1e-12, np.float32: 1e-6}


def equations_id(value: object) -> str | None:
    if isinstance(value, dict):
        return value.get("activation", "")
    return getattr(value, "__name__", None)


def full(
    cell: type[ax.Cell],
    settings: dict[str, object],
    n: int = 5,
    n_in: int = 3,
    n_out: int = 2,
    seed: int = 0,
    **options: object,
) -> ax.Cell:
    """A network with random biases and state, whose steps do not amplify a difference in rounding."""
    rng = np.random.default_rng(seed)
    rnn = cell.random(n_in, n, n_out, seed=seed, **settings, **options)
    there = rnn.shape.weights
    rnn.W = rnn.W + there * rng.normal(size=there.shape) * 0.1
    rnn.W_rec = rnn.W_rec / max(1, np.abs(rnn.W_rec).sum(axis=1).max())
    rnn.b_out = rng.normal(size=n_out)
    rnn.state = rng.normal(size=rnn.shape.S)
    return rnn


@st.composite
def drawn(
    draw: st.DrawFn, equations: list[tuple[type[ax.Cell], dict[str, object]]]
) -> tuple[ax.Cell, Stream]:
    """A network of any size, dtype and loss, sparse or not, and a stream of at most eight steps."""
    cell, settings = draw(st.sampled_from(equations))
    options = {} if cell.element_wise else {"density": draw(st.sampled_from([None, 0.5]))}
    sizes = {name: draw(st.integers(1, most)) for name, most in (("n", 6), ("n_in", 3), ("n_out", 3))}
    seed = draw(st.integers(0, 999))
    rnn = full(
        cell, settings, **sizes, seed=seed, loss=draw(st.sampled_from(LOSSES)),
        dtype=draw(st.sampled_from([np.float64, np.float32])), **options,
    )  # fmt: skip
    return rnn, stream(rnn, draw(st.integers(1, 8)), seed)


def in_our_layout(kind: str, module: object) -> Array:
    """The gradients of a module's parameters as those of W = [W_rec, W_in, b]."""
    W_in, W_rec, b_ih, b_hh = (
        getattr(module, f"{name}_l0").grad.numpy()
        for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    )
    if kind != "gru":
        return np.column_stack([W_rec, W_in, b_ih])
    n = module.hidden_size
    r_and_z, candidate = slice(0, 2 * n), slice(2 * n, None)
    return np.block([
        [W_rec[r_and_z], W_in[r_and_z], b_ih[r_and_z, None]],
        [np.zeros((n, n)), W_in[candidate], b_ih[candidate, None]],
        [W_rec[candidate], np.zeros((n, W_in.shape[1])), b_hh[candidate, None]],
    ])  # fmt: skip

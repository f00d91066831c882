"""Weights to begin with: the initialisations people use, of any kind of cell, from one seed.

==============  =====================================================================================
orthogonal      a random orthogonal matrix for each gate (Saxe et al. 2014)
glorot          ``N(0, 2 / (fan in + fan out))`` for each gate (Glorot & Bengio 2010)
identity        every unit remembers itself (Le, Jaitly & Hinton 2015)
normal          ``N(0, 1 / fan in)``, of input weights; of recurrent ones the same as glorot
uniform         ``U(0, 1)``, of element-wise cells: what the authors' program for the IndRNN begins with
                (github.com/Sunnydreamrain/IndRNN_pytorch), and our choice for the eLSTM
==============  =====================================================================================
"""

from __future__ import annotations

from typing import Any

import numpy as np

from axonomy import _check
from axonomy._check import BoolArray, FloatArray
from axonomy.cells.base import Cell

RECURRENT = ("orthogonal", "glorot", "identity")
ELEMENT_WISE = ("uniform", "glorot", "identity")
INPUTS = ("normal", "glorot")

Arrays = tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray]


def draw(
    cell: type[Cell],
    n_in: int,
    n_hidden: int,
    n_out: int,
    *,
    recurrent: str | None,
    inputs: str,
    keep_bias: float | None,
    chrono: int | None,
    feedback: Any,
    mask: Any,
    density: float | None,
    seed: int,
) -> tuple[Arrays, Any, Any]:
    """Return the arrays (W_rec, W_in, b_rec, W_out, b_out), the feedback weights and the mask."""
    n_in = _check.integer("n_in", n_in, 0)
    n = _check.integer("n_hidden", n_hidden, 1)
    n_out = _check.integer("n_out", n_out, 1)
    kinds = ELEMENT_WISE if cell.element_wise else RECURRENT
    kind = _check.one_of("recurrent", cell.default_recurrent if recurrent is None else recurrent, kinds)
    _check.one_of("inputs", inputs, INPUTS)
    rng = np.random.default_rng(_check.seed("seed", seed))
    gates = len(cell.gates)
    columns = 1 if cell.element_wise else n
    normal = rng.standard_normal((gates, n, columns))
    fan = 1 / max(n_in, 1) if inputs == "normal" else 2 / (n_in + n)
    W_in = rng.standard_normal((gates * n, n_in)) * np.sqrt(fan)
    W_out = rng.standard_normal((n_out, n)) / np.sqrt(n)
    if isinstance(feedback, str):
        _check.one_of("feedback", feedback, ("random",))
        feedback = rng.standard_normal((n_out, n)) / np.sqrt(n)
    if density is not None:
        if mask is not None:
            raise ValueError(f"density: expected none beside a mask, got {_check.describe(density)}")
        if cell.element_wise:
            raise ValueError(f"density: expected none, as the units of {cell.__name__} are not coupled")
        density = _check.number("density", density, above=0, most=1)
        places = rng.random((n, n))
        if kind == "identity":
            np.fill_diagonal(places, -1)  # the first place is a unit's own
        sources = max(1, round(density * n))
        mask = np.argsort(np.argsort(places)) < sources  # the ranks within each row
    mask = None if mask is None else _check.mask("mask", mask, n)
    W_rec = np.concatenate([_recurrent(kind, gate, mask) for gate in normal])
    if kind == "uniform":
        W_rec = rng.random((gates * n, 1))
    there = cell._shape(n, n_in, n_out).weights
    W_rec, W_in = W_rec * there[:, :columns], W_in * there[:, columns:-1]
    b_rec = _biases(cell, n, keep_bias, chrono, rng)
    return (W_rec, W_in, b_rec, W_out, np.zeros(n_out)), feedback, mask


def _recurrent(kind: str, normal: FloatArray, mask: BoolArray | None) -> FloatArray:
    """Weights of one gate (n, n), or (n, 1) element by element."""
    n, columns = normal.shape
    if kind == "identity":
        one: FloatArray = np.eye(n) if columns == n else np.ones((n, 1))
        return one if mask is None else one * mask
    if mask is not None:
        scaled: FloatArray = np.where(
            mask, normal / np.sqrt(np.maximum(mask.sum(axis=1, keepdims=True), 1)), 0
        )
        return scaled
    if kind == "orthogonal":
        Q, R = np.linalg.qr(normal)
        uniform: FloatArray = Q * np.sign(np.diag(R))  # the signs make the orthogonal matrix uniform
        return uniform
    return np.asarray(normal / np.sqrt(columns))  # fan in = fan out


def _biases(
    cell: type[Cell], n: int, keep_bias: float | None, chrono: int | None, rng: np.random.Generator
) -> FloatArray:
    b = np.zeros((len(cell.gates), n))
    if chrono is None and keep_bias is None:
        return b.ravel()
    if cell.keep_gate is None:
        name = "chrono" if chrono is not None else "keep_bias"
        raise ValueError(f"{name}: expected none, as {cell.__name__} has no gate that keeps the state")
    gate, sign = cell.keep_gate
    if chrono is not None:
        if keep_bias is not None:
            raise ValueError("keep_bias: expected none beside chrono, which sets the same biases")
        longest = _check.integer("chrono", chrono, 2)
        memory = np.log(rng.uniform(1, longest - 1, n))
        b[cell.gates.index(gate)] = sign * memory
        if cell.input_gate is not None:
            b[cell.gates.index(cell.input_gate)] = -memory
    else:
        b[cell.gates.index(gate)] = sign * _check.number("keep_bias", keep_bias)
    return b.ravel()

"""One step of a network as an ONNX model, for runtimes that know nothing of axonomy.

A cell's own equations (``Cell._equations``) are called with values that stand for nodes of a graph; all here
is the affine map before them and the read-out after. Rows are samples, so that one graph serves one sample
and a batch.
"""

from __future__ import annotations

import json
import os
from typing import Any

import numpy as np

from axonomy import _check
from axonomy._extras import require
from axonomy._files import whole
from axonomy.cells.base import Cell

#: The oldest that has all the operations in float64, with the format's version that came with it.
OPSET, IR_VERSION = 13, 7


def to_onnx(rnn: Cell, path: str | os.PathLike[str] | None = None, *, batch: bool = False) -> Any:
    """Return one step as an ONNX model, and write it; see :meth:`axonomy.Cell.to_onnx`."""
    from axonomy import __version__

    batch = _check.truth("batch", batch)
    onnx = require("onnx", "onnx")
    s = rnn.shape
    graph = _Graph(onnx, rnn.dtype)
    x, state = _Value(graph, "x"), _Value(graph, "state")
    before = graph.split(state, rnn.components)
    back = before[rnn.fed_back if rnn.element_wise else "a"]
    if rnn.element_wise:
        recurrent = graph.join([back] * len(rnn.gates)) * graph.constant(rnn.W_rec[:, 0], "W_rec")
    else:
        recurrent = graph.node("MatMul", back, graph.constant(rnn.W_rec.T, "W_rec_T"))
    h = recurrent + graph.constant(rnn.b_rec, "b_rec")
    if s.n_in:
        h = h + graph.node("MatMul", x, graph.constant(rnn.W_in.T, "W_in_T"))
    after = rnn._equations(graph, before, graph.split(h, rnn.gates))
    z = graph.node("MatMul", after["a"], graph.constant(rnn.W_out.T, "W_out_T"))
    z = z + graph.constant(rnn.b_out, "b_out")
    graph.name_output("z", z)
    graph.name_output("next_state", graph.join([after[name] for name in rnn.components]))

    def described(name: str, size: int) -> Any:
        kind = onnx.helper.np_dtype_to_tensor_dtype(rnn.dtype)
        return onnx.helper.make_tensor_value_info(name, kind, ["batch", size] if batch else [size])

    model = onnx.helper.make_model(
        onnx.helper.make_graph(
            graph.nodes,
            f"{rnn.kind}_step",
            [described("x", s.n_in), described("state", s.S)],
            [described("z", s.n_out), described("next_state", s.S)],
            graph.constants,
        ),
        opset_imports=[onnx.helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="axonomy",
        producer_version=__version__,
    )
    metadata = {
        "axonomy_version": __version__,
        "cell": rnn.kind,
        "settings": json.dumps(rnn.settings()),
        "components": json.dumps(rnn.components),  # the parts of the state, n entries each
    }
    onnx.helper.set_model_props(model, metadata)
    onnx.checker.check_model(model, full_check=True)
    if path is not None:
        with whole(path) as file:
            file.write(model.SerializeToString())
    return model


class _Value:
    """The output of a node. Numbers and arrays beside it become constants of the graph."""

    __array_ufunc__ = None  # so that numpy leaves array * value to the value

    def __init__(self, graph: _Graph, name: str) -> None:
        self.graph = graph
        self.name = name

    def __add__(self, other: Any) -> _Value:
        return self.graph.node("Add", self, other)

    def __radd__(self, other: Any) -> _Value:
        return self.graph.node("Add", other, self)

    def __sub__(self, other: Any) -> _Value:
        return self.graph.node("Sub", self, other)

    def __rsub__(self, other: Any) -> _Value:
        return self.graph.node("Sub", other, self)

    def __mul__(self, other: Any) -> _Value:
        return self.graph.node("Mul", self, other)

    def __rmul__(self, other: Any) -> _Value:
        return self.graph.node("Mul", other, self)


class _Graph:
    """Nodes and constants as they are asked for; the functions of a cell's equations among them."""

    def __init__(self, onnx: Any, dtype: np.dtype[Any]) -> None:
        self.onnx = onnx
        self.dtype = dtype
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def constant(self, value: Any, name: str = "") -> _Value:
        name = name or f"constant_{len(self.constants)}"
        array = np.ascontiguousarray(value, self.dtype).reshape(np.shape(value))
        self.constants.append(self.onnx.numpy_helper.from_array(array, name))
        return _Value(self, name)

    def _append(self, kind: str, inputs: Any, names: list[str], **attributes: Any) -> list[_Value]:
        known = [value if isinstance(value, _Value) else self.constant(value) for value in inputs]
        self.nodes.append(
            self.onnx.helper.make_node(kind, [value.name for value in known], names, **attributes)
        )
        return [_Value(self, name) for name in names]

    def node(self, kind: str, *inputs: Any, **attributes: Any) -> _Value:
        name = f"{kind.lower()}_{len(self.nodes)}"
        return self._append(kind, inputs, [name], **attributes)[0]

    def split(self, value: _Value, parts: tuple[str, ...]) -> dict[str, _Value]:
        """Return the equal parts of the last axis by name."""
        if len(parts) == 1:
            return {parts[0]: value}
        names = [f"{value.name}_{part}" for part in parts]
        return dict(zip(parts, self._append("Split", [value], names, axis=-1), strict=True))

    def join(self, values: list[_Value]) -> _Value:
        return values[0] if len(values) == 1 else self.node("Concat", *values, axis=-1)

    def name_output(self, name: str, value: _Value) -> None:
        self._append("Identity", [value], [name])

    def sigmoid(self, x: _Value) -> _Value:
        return self.node("Sigmoid", x)

    def tanh(self, x: _Value) -> _Value:
        return self.node("Tanh", x)

    def relu(self, x: _Value) -> _Value:
        return self.node("Relu", x)

    def softplus(self, x: _Value) -> _Value:
        """``max(x, 0) + log(1 + exp(-|x|))``: runtimes lack Softplus itself in float64."""
        small = self.node("Exp", -1 * self.node("Abs", x))
        return self.relu(x) + self.node("Log", 1 + small)

    def identity(self, x: _Value) -> _Value:
        return x

"""The exported step, run by ONNX Runtime with its state fed back, is the network."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given

import axonomy as ax
from drawing import Stream, assert_close, stream
from exchanged import EQUATIONS, TOLERANCE, Array, drawn, equations_id, full

WHY = "is not installed: make exchange runs these tests"
onnx = pytest.importorskip("onnx", reason=f"onnx {WHY}")
onnxruntime = pytest.importorskip("onnxruntime", reason=f"onnxruntime {WHY}")

every_equation = pytest.mark.parametrize("cell, settings", EQUATIONS, ids=equations_id)


def session(model: object) -> object:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    source = str(model) if isinstance(model, Path) else model.SerializeToString()
    return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])


def fed_back(run: object, X: Array, state: Array) -> tuple[Array, Array]:
    """Outputs and states of all steps."""
    outputs, states = [], []
    for x in X:
        z, state = run.run(["z", "next_state"], {"x": x, "state": state})
        outputs.append(z)
        states.append(state)
    return np.array(outputs), np.array(states)


def assert_same(rnn: ax.Cell, X: Array, model: object) -> None:
    z, states = fed_back(session(model), X, rnn.state)
    ours, tolerance = rnn.forward(X), TOLERANCE[rnn.dtype.type]
    assert z.dtype == rnn.dtype
    assert_close(z, ours.output, tolerance)
    assert_close(states, ours.state, tolerance)


@given(case=drawn(EQUATIONS))
def test_a_sequence(case: tuple[ax.Cell, Stream]) -> None:
    rnn, data = case
    assert_same(rnn, data.X, rnn.to_onnx())


@every_equation
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_after_training(cell: type[ax.Cell], settings: dict[str, str], dtype: type) -> None:
    if cell is ax.LeakyRNN:
        settings = {**settings, "alpha": [0.1, 0.5, 0.9, 1.0, 0.3]}
    rnn = full(cell, settings, dtype=dtype)
    W, data = rnn.W, stream(rnn, 200)
    ax.Trainer(rnn, "rtrl", ax.SGD(0.01)).run(data.X[:100], data.Y[:100])
    assert (rnn.W != W).any()
    assert_same(rnn, data.X[100:], rnn.to_onnx())


@every_equation
def test_a_batch(cell: type[ax.Cell], settings: dict[str, str]) -> None:
    """Of any size, by one and the same model."""
    rnn = full(cell, settings)
    run = session(rnn.to_onnx(batch=True))
    rng = np.random.default_rng(0)
    for size in (1, 4):
        X, states = rng.normal(size=(6, size, 3)), rng.normal(size=(size, rnn.shape.S))
        z, _ = fed_back(run, X, states)
        for one, state in enumerate(states):
            assert_close(z[:, one], rnn.forward(X[:, one], initial_state=state).output, 1e-12)


@pytest.mark.parametrize("cell", [ax.LSTM, ax.ELSTM])
def test_no_inputs(cell: type[ax.Cell]) -> None:
    rnn = full(cell, {}, n_in=0)
    assert_same(rnn, np.zeros((5, 0)), rnn.to_onnx())


@pytest.mark.parametrize("batch", [False, True])
def test_what_the_model_says(batch: bool) -> None:
    rnn = full(ax.LSTM, {}, dtype=np.float32, loss="mse", state_noise=0.5)
    model = rnn.to_onnx(batch=batch)
    onnx.checker.check_model(model, full_check=True)
    assert [(o.domain, o.version) for o in model.opset_import] == [("", 13)]
    assert (model.producer_name, model.producer_version) == ("axonomy", ax.__version__)
    said = {entry.key: entry.value for entry in model.metadata_props}
    assert (said["axonomy_version"], said["cell"]) == (ax.__version__, "lstm")
    assert json.loads(said["settings"]) == rnn.settings()
    assert json.loads(said["components"]) == ["c", "a"]
    axis = ["batch"] if batch else []
    expected = {"x": [*axis, 3], "state": [*axis, 10], "z": [*axis, 2], "next_state": [*axis, 10]}
    values = [*model.graph.input, *model.graph.output]
    types = {value.name: value.type.tensor_type for value in values}
    assert {
        name: [dim.dim_param or dim.dim_value for dim in kind.shape.dim] for name, kind in types.items()
    } == expected
    assert {kind.elem_type for kind in types.values()} == {onnx.TensorProto.FLOAT}


def test_a_file(tmp_path: Path) -> None:
    rnn = full(ax.GRU, {})
    path = tmp_path / "step.onnx"
    path.write_bytes(b"what was there")
    model = rnn.to_onnx(path)
    assert onnx.load(path) == model
    assert_same(rnn, stream(rnn, 5).X, path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["step.onnx"]


def test_a_file_that_cannot_be_written_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "step.onnx"
    path.mkdir()
    with pytest.raises(OSError, match=r"step\.onnx"):
        full(ax.GRU, {}).to_onnx(path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["step.onnx"]


def test_refusal() -> None:
    with pytest.raises(ValueError, match=r"^path: expected a path, got 5$"):
        full(ax.GRU, {}).to_onnx(5)
    with pytest.raises(ValueError, match=r"^batch: expected True or False, got 8$"):
        full(ax.GRU, {}).to_onnx(batch=8)

"""PyTorch's own modules, given the same weights, give the same outputs and the same gradients."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import axonomy as ax
from drawing import Stream, assert_close
from exchanged import IN_TORCH, TOLERANCE, Array, drawn, equations_id, full, in_our_layout

torch = pytest.importorskip("torch", reason="PyTorch is not installed: make exchange runs these tests")

every_counterpart = pytest.mark.parametrize("cell, settings", IN_TORCH, ids=equations_id)


def losses(name: str, z: object, y: object) -> object:
    """The loss summed over a sequence, by PyTorch's own functions."""
    if name == "cross_entropy":
        return torch.nn.CrossEntropyLoss(reduction="sum")(z, y)
    if name == "binary_cross_entropy":
        return torch.nn.BCEWithLogitsLoss(reduction="sum")(z, y)
    return 0.5 * torch.nn.MSELoss(reduction="sum")(z, y)


def assert_sum(steps: Array, expected: Array, tolerance: float) -> None:
    """To `tolerance` of what is added up, as much of which may cancel."""
    scale = max(1.0, np.abs(steps).sum(axis=0).max())
    assert_close(steps.sum(axis=0, dtype=float) / scale, expected / scale, tolerance)


@given(case=drawn(IN_TORCH))
def test_outputs(case: tuple[ax.Cell, Stream]) -> None:
    """Over a sequence, from an initial state; the last state is ours."""
    rnn, data = case
    module, readout = rnn.to_torch()
    with torch.no_grad():
        activity, hidden = module(torch.from_numpy(data.X), rnn.to_torch_state())
        output = readout(activity).numpy()
    ours = rnn.forward(data.X)
    assert output.dtype == rnn.dtype
    tolerance = TOLERANCE[rnn.dtype.type]
    assert_close(activity.numpy(), ours.activity, tolerance)
    assert_close(output, ours.output, tolerance)
    theirs = ax.Cell.from_torch(module, readout, state=hidden)
    assert_close(theirs.state, ours.state[-1], tolerance)


@given(case=drawn(IN_TORCH), rule=st.sampled_from(["rtrl", "rtrl_lazy"]))
def test_exact_online_gradient(case: tuple[ax.Cell, Stream], rule: str) -> None:
    """Summed over the sequence it is autograd's, with respect to every weight that exists."""
    rnn, data = case
    module, readout = rnn.to_torch()
    activity, _ = module(torch.from_numpy(data.X), rnn.to_torch_state())
    loss = losses(rnn.loss, readout(activity), torch.from_numpy(data.Y))
    loss.backward()
    ours = ax.gradients(rnn, rule, data.X, data.Y)
    tolerance = TOLERANCE[rnn.dtype.type]
    assert_sum(ours.loss, loss.item(), tolerance)
    expected = in_our_layout(rnn.kind, module)
    assert_sum(ours.recurrent, np.where(rnn.shape.weights, expected, 0), tolerance)
    expected = np.column_stack([readout.weight.grad.numpy(), readout.bias.grad.numpy()])
    assert_sum(ours.output, expected, tolerance)


@given(case=drawn(IN_TORCH), from_base=st.booleans())
def test_there_and_back(case: tuple[ax.Cell, Stream], from_base: bool) -> None:
    rnn, data = case
    cell = ax.Cell if from_base else type(rnn)
    back = cell.from_torch(
        *rnn.to_torch(), rnn.loss, mask=rnn.mask, state_noise=0.5, state=rnn.to_torch_state()
    )
    assert type(back) is type(rnn)
    assert back.settings() == {**rnn.settings(), "state_noise": 0.5}
    assert back.shape == rnn.shape
    assert back.dtype == rnn.dtype
    for name, array in rnn.arrays().items():
        np.testing.assert_array_equal(back.arrays()[name], array, err_msg=name)
    np.testing.assert_array_equal(back.forward(data.X).output, rnn.forward(data.X).output)


@every_counterpart
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("bias", [True, False])
def test_what_torch_drew(cell: type[ax.Cell], settings: dict[str, str], dtype: type, bias: bool) -> None:
    """Modules with two biases that are not zero, or with none; whatever their layout of a batch."""
    name = {ax.LeakyRNN: "RNN", ax.GRU: "GRU", ax.LSTM: "LSTM"}[cell]
    torch.manual_seed(1)
    options = {"nonlinearity": settings["activation"]} if settings else {}
    of = {"dtype": getattr(torch, np.dtype(dtype).name), "bias": bias}
    module = getattr(torch.nn, name)(3, 5, batch_first=True, **options, **of)
    readout = torch.nn.Linear(5, 2, **of)
    rnn = cell.from_torch(module, readout, "mse", feedback=np.ones((2, 5)))
    assert (rnn.loss, rnn.dtype) == ("mse", dtype)
    np.testing.assert_array_equal(rnn.feedback, 1)
    assert bool(rnn.b_rec.any()) is bool(rnn.b_out.any()) is bias
    X = np.random.default_rng(0).normal(size=(20, 3)).astype(dtype)
    with torch.no_grad():
        expected = readout(module(torch.from_numpy(X))[0]).numpy()
    assert_close(rnn.forward(X).output, expected, TOLERANCE[dtype])
    module.weight_ih_l0.data[:] = 0  # what was taken over is a copy
    assert_close(rnn.forward(X).output, expected, TOLERANCE[dtype])


@every_counterpart
def test_states_of_several_streams(cell: type[ax.Cell], settings: dict[str, str]) -> None:
    rnn = full(cell, settings)
    rng = np.random.default_rng(1)
    states, X = rng.normal(size=(3, rnn.shape.S)), rng.normal(size=(6, 3, rnn.shape.n_in))
    module, readout = rnn.to_torch()
    with torch.no_grad():
        z = readout(module(torch.from_numpy(X), rnn.to_torch_state(states))[0]).numpy()
    for stream, state in enumerate(states):
        assert_close(z[:, stream], rnn.forward(X[:, stream], initial_state=state).output, 1e-12)


@every_counterpart
def test_apart(cell: type[ax.Cell], settings: dict[str, str]) -> None:
    """Nothing is shared, and torch's generator is where it was."""
    rnn = full(cell, settings)
    W, state, drawn = rnn.W, rnn.state, torch.get_rng_state()
    module, _ = rnn.to_torch()
    hidden = rnn.to_torch_state()
    assert torch.equal(torch.get_rng_state(), drawn)
    assert all(parameter.requires_grad for parameter in module.parameters())
    for tensor in (*module.parameters(), *(hidden if isinstance(hidden, tuple) else (hidden,))):
        tensor.data[:] = 0
    np.testing.assert_array_equal(rnn.W, W)
    np.testing.assert_array_equal(rnn.state, state)


@pytest.mark.parametrize("cell", [ax.MGU, ax.IndRNN, ax.ELSTM])
def test_kinds_without_a_counterpart(cell: type[ax.Cell]) -> None:
    rnn = full(cell, {})
    reason = f"^{cell.__name__}: no module of torch.nn computes its equations"
    for refused in (rnn.to_torch, rnn.to_torch_state, lambda: cell.from_torch(*full(ax.GRU, {}).to_torch())):
        with pytest.raises(ax.IncompatibleCell, match=reason):
            refused()


@pytest.mark.parametrize(
    "settings, reason",
    [
        ({"alpha": 0.5}, "^alpha: torch.nn.RNN has no leak, it is 1, got 0.5$"),
        ({"alpha": [1, 1, 1, 1, 0.5]}, "^alpha: torch.nn.RNN has no leak, it is 1, got "),
        ({"activation": "softplus"}, "^activation: torch.nn.RNN has 'tanh' and 'relu', got 'softplus'$"),
        ({"activation": "sigmoid"}, "^activation: "),
        ({"activation": "identity"}, "^activation: "),
    ],
)
def test_leaky_networks_that_torch_lacks(settings: dict[str, object], reason: str) -> None:
    rnn = full(ax.LeakyRNN, settings)
    for refused in (rnn.to_torch, rnn.to_torch_state):
        with pytest.raises(ax.IncompatibleCell, match=reason):
            refused()


def test_alpha_of_each_unit_may_be_one() -> None:
    rnn = full(ax.LeakyRNN, {"alpha": [1] * 5})
    assert ax.LeakyRNN.from_torch(*rnn.to_torch()).alpha == 1


def test_a_network_without_inputs() -> None:
    rnn = ax.GRU.random(0, 3, 1)
    for refused in (rnn.to_torch, rnn.to_torch_state):
        with pytest.raises(ax.IncompatibleCell, match=r"^n_in: the modules of torch\.nn need an input"):
            refused()


def _gru(n: int = 4, **options: object) -> object:
    return torch.nn.GRU(3, n, **options)


@pytest.mark.parametrize(
    "cell, module, message",
    [
        (ax.GRU, lambda: _gru(num_layers=2), "^module: expected num_layers=1, got num_layers=2$"),
        (ax.GRU, lambda: _gru(bidirectional=True), "^module: expected bidirectional=False, got "),
        (
            ax.LSTM,
            lambda: torch.nn.LSTM(3, 4, proj_size=2),
            "^module: expected proj_size=0, got proj_size=2$",
        ),
        (ax.LSTM, _gru, "^module: expected torch.nn.LSTM, got GRU"),
        (ax.GRU, lambda: torch.nn.GRUCell(3, 4), "^module: expected torch.nn.GRU, got GRUCell"),
        (
            ax.Cell,
            lambda: torch.nn.Linear(3, 4),
            "^module: expected torch.nn.RNN or torch.nn.GRU or torch.nn.L",
        ),
        (
            ax.GatedCell,
            lambda: torch.nn.RNN(3, 4),
            "^module: expected torch.nn.GRU or torch.nn.LSTM, got RNN",
        ),
        (ax.GRU, lambda: None, "^module: expected torch.nn.GRU, got None$"),
        (ax.GRU, lambda: _gru(5), "^readout: expected in_features=5, the module's units, got 4$"),
        (
            ax.GRU,
            lambda: _gru(dtype=torch.float64),
            "^module: .* as of readout, got torch.float32 and torch.f",
        ),
        (ax.GRU, lambda: _gru(dtype=torch.bfloat16), "^module: expected float32 or float64, as of readout"),
    ],
)
def test_modules_that_are_refused(cell: type[ax.Cell], module: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        cell.from_torch(module(), torch.nn.Linear(4, 2))


def test_other_refusals() -> None:
    module, readout = _gru(), torch.nn.Linear(4, 2)
    with pytest.raises(ValueError, match=r"^readout: expected torch\.nn\.Linear, got GRU"):
        ax.GRU.from_torch(module, module)
    with pytest.raises(ValueError, match=r"^state: expected h, as the module returns, got "):
        ax.GRU.from_torch(module, readout, state=(torch.zeros(1, 4),) * 2)
    with pytest.raises(ValueError, match=r"^state: expected a real array of shape \(1, 4\)"):
        ax.GRU.from_torch(module, readout, state=torch.zeros(4))
    with pytest.raises(ValueError, match=r"^W_rec: expected zeros where the mask is False"):
        ax.GRU.from_torch(module, readout, mask=np.eye(4, dtype=bool))
    with pytest.raises(
        ValueError, match=r"^state: expected a real array of shape \(4,\) \(S\), got shape \(3,\)"
    ):
        ax.GRU.from_torch(module, readout).to_torch_state(np.zeros(3))
    module.weight_hh_l0.data[0, 0] = torch.nan
    with pytest.raises(ValueError, match=r"^W_rec: expected finite numbers"):
        ax.GRU.from_torch(module, readout)


def test_modules_without_numbers() -> None:
    """On the meta device, as they are while a large model is put together."""
    module, readout, state = _gru(), torch.nn.Linear(4, 2), torch.zeros(1, 4)
    nowhere = "expected numbers, got a tensor on the meta device, which has none$"
    for name, given_ in {
        "module": (_gru(device="meta"), readout, state),
        "readout": (module, torch.nn.Linear(4, 2, device="meta"), state),
        "state": (module, readout, state.to("meta")),
    }.items():
        with pytest.raises(ValueError, match=f"^{name}: {nowhere}"):
            ax.Cell.from_torch(given_[0], given_[1], state=given_[2])


def test_dropout_says_nothing_of_one_layer() -> None:
    with pytest.warns(UserWarning, match="dropout"):
        module = _gru(dropout=0.5)
    assert ax.GRU.from_torch(module, torch.nn.Linear(4, 2)).shape.n == 4


def test_a_subclass_of_ones_own() -> None:
    class Mine(ax.GRU):
        pass

    back = Mine.from_torch(*full(Mine, {}).to_torch())
    assert type(back) is Mine

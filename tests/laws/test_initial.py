"""Weights to begin with, of every kind of network; copies and what they print."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import axonomy as ax
from drawing import COUPLED, ELEMENT_WISE, KINDS, every_element_wise, every_kind, network, ring, stream
from numpy_cells import KINDS as twins
from numpy_cells import Array

every_coupled = pytest.mark.parametrize("kind", COUPLED)


def drawn(kind: str, n: int = 16, n_in: int = 3, **options: object) -> ax.Cell:
    return KINDS[kind].random(n_in=n_in, n_hidden=n, n_out=2, **{"seed": 1, **options})


def gates(rnn: ax.Cell, name: str) -> dict[str, Array]:
    return dict(zip(rnn.gates, np.split(getattr(rnn, name), len(rnn.gates)), strict=True))


def gates_that_see(kind: str, what: str) -> list[str]:
    return [gate for gate, seen in zip(KINDS[kind].gates, twins[kind].sees, strict=True) if what in seen]


@every_coupled
def test_orthogonal_gate_by_gate(kind: str) -> None:
    found = [W for gate, W in gates(drawn(kind), "W_rec").items() if gate in gates_that_see(kind, "s")]
    for W in found:
        np.testing.assert_allclose(W @ W.T, np.eye(16), atol=1e-12)
    for one, other in itertools.pairwise(found):
        assert (one != other).all()
    np.testing.assert_array_equal(drawn(kind, recurrent="orthogonal").W, drawn(kind).W)


@every_kind
def test_identity(kind: str) -> None:
    rnn = drawn(kind, recurrent="identity")
    for gate, W in gates(rnn, "W_rec").items():
        one = np.eye(16) if kind in COUPLED else np.ones((16, 1))
        np.testing.assert_array_equal(W, one if gate in gates_that_see(kind, "s") else 0 * one)


@every_kind
@pytest.mark.parametrize("name", ["normal", "glorot"])
def test_variances(kind: str, name: str) -> None:
    """glorot: 2 / (fan in + fan out), of the units and of the inputs."""
    n, n_in = 300, 100
    rnn = drawn(kind, n, n_in, recurrent="glorot", inputs=name)
    for gate, W in gates(rnn, "W_rec").items():
        there = gate in gates_that_see(kind, "s")
        of_one = n**-0.5 if kind in COUPLED else 1.0
        assert W.std() == pytest.approx(there * of_one, rel=0.02 if kind in COUPLED else 0.1)
    for gate, W in gates(rnn, "W_in").items():
        of_one = (2 / (n + n_in)) ** 0.5 if name == "glorot" else n_in**-0.5
        assert W.std() == pytest.approx((gate in gates_that_see(kind, "i")) * of_one, rel=0.03)
    assert rnn.W_out.std() == pytest.approx(n**-0.5, rel=0.1)
    assert not rnn.b_out.any()
    assert not rnn.state.any()


@every_element_wise
def test_uniform(kind: str) -> None:
    W = drawn(kind, 2000, n_in=1).W_rec
    assert W.min() >= 0
    assert W.max() <= 1
    assert W.mean() == pytest.approx(0.5, abs=0.03)
    assert W.std() == pytest.approx(12**-0.5, abs=0.01)


@every_kind
def test_biases(kind: str) -> None:
    """Zero, but for the forget gates of both LSTMs."""
    for gate, b in gates(drawn(kind), "b_rec").items():
        keeps = kind in ("lstm", "elstm") and gate == "f"
        np.testing.assert_array_equal(b, np.full(16, float(keeps)))


# kind -> the gate that keeps the state, by which sign; and the one that lets in
KEEPS = {"gru": ("z", 1, None), "lstm": ("f", 1, "i"), "mgu": ("f", -1, None), "elstm": ("f", 1, None)}


@pytest.mark.parametrize("kind", KEEPS)
def test_keep_bias(kind: str) -> None:
    """Whatever the sign of its gate, more of it keeps more of the state."""
    gate, sign, _ = KEEPS[kind]
    rnn = drawn(kind, keep_bias=3.0)
    for name, b in gates(rnn, "b_rec").items():
        np.testing.assert_array_equal(b, np.full(16, sign * 3.0 if name == gate else 0.0))
    assert not drawn(kind, keep_bias=0.0).b_rec.any()
    kept = [
        np.diag(drawn(kind, keep_bias=bias).linearise(np.zeros(3), np.zeros(rnn.shape.S)).leak)[:16]
        for bias in (-2.0, 0.0, 2.0)
    ]
    assert (kept[0] < kept[1]).all()
    assert (kept[1] < kept[2]).all()


@pytest.mark.parametrize("kind", KEEPS)
def test_chrono(kind: str) -> None:
    """log U(1, T - 1) on the gate that keeps, its opposite on the one that lets in."""
    gate, sign, admits = KEEPS[kind]
    found = gates(drawn(kind, 1000, chrono=50, recurrent="identity"), "b_rec")
    memory = sign * found.pop(gate)
    if admits is not None:
        np.testing.assert_array_equal(found.pop(admits), -memory)
    assert not any(b.any() for b in found.values())
    constants = 1 + np.exp(memory)
    assert constants.min() >= 2
    assert constants.max() <= 50
    assert constants.mean() == pytest.approx(26, abs=1.5)
    assert constants.std() == pytest.approx(48 / 12**0.5, abs=1)
    np.testing.assert_array_equal(drawn(kind, 4, chrono=2).b_rec, np.zeros(4 * len(KINDS[kind].gates)))


@every_kind
def test_seeds(kind: str) -> None:
    options = {"chrono": 9} if kind in KEEPS else {}
    one, again, other = (drawn(kind, seed=seed, **options) for seed in (1, 1, 2))
    for name in ("W", "W_out", "b_out"):
        np.testing.assert_array_equal(getattr(one, name), getattr(again, name))
    assert (one.W != other.W)[one.W != 0].all()
    assert (one.W_out != other.W_out).all()
    feedback = drawn(kind, feedback="random").feedback
    assert feedback.shape == (2, 16)
    assert (feedback != one.W_out).all()


@every_kind
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_arrays_of_random(kind: str, dtype: type) -> None:
    rnn = drawn(kind, dtype=dtype)
    columns = 16 if kind in COUPLED else 1
    R = 16 * len(rnn.gates)
    shapes = {"W_rec": (R, columns), "W_in": (R, 3), "b_rec": (R,), "W_out": (2, 16), "b_out": (2,),
              "state": (16 * len(rnn.components),), "W": (R, columns + 4)}  # fmt: skip
    for name, shape in shapes.items():
        assert getattr(rnn, name).shape == shape
        assert getattr(rnn, name).dtype == dtype
    assert drawn(kind, n_in=0).W_in.shape == (R, 0)


@every_coupled
def test_density(kind: str) -> None:
    rnn = drawn(kind, 100, density=0.1)
    assert (rnn.mask.sum(axis=1) == 10).all()
    for gate, W in gates(rnn, "W_rec").items():
        sees = gate in gates_that_see(kind, "s")
        np.testing.assert_array_equal(W != 0, rnn.mask & sees)
        assert (W**2).sum(axis=1).mean() == pytest.approx(float(sees), abs=0.15)


@every_coupled
@pytest.mark.parametrize("density", [0.01, 0.3, 1.0])
def test_identity_under_a_mask(kind: str, density: float) -> None:
    """A drawn mask has as many weights as any other, every unit's own among them; a given one is kept."""
    rnn = drawn(kind, 12, density=density, recurrent="identity")
    assert (rnn.mask.sum(axis=1) == max(1, round(density * 12))).all()
    given = np.arange(144).reshape(12, 12) % 5 < 2
    for network_, there in ((rnn, np.eye(12)), (drawn(kind, 12, mask=given, recurrent="identity"),
                                                np.eye(12) * given)):  # fmt: skip
        for gate, W in gates(network_, "W_rec").items():
            np.testing.assert_array_equal(W, there if gate in gates_that_see(kind, "s") else 0 * there)
    np.testing.assert_array_equal(drawn(kind, 12, mask=given, recurrent="identity").mask, given)


# ------------------------------------------------------------------------------------------- copies


@every_kind
def test_copy(kind: str) -> None:
    masks = {"mask": ring(4)} if kind in COUPLED else {}
    rnn = network(kind=kind, loss="mse", alpha=np.array([0.1, 0.4, 1.0, 0.7]), state_noise=0.5,
                  feedback=np.ones((3, 4)), activation="softplus", **masks)  # fmt: skip
    rnn.state = np.arange(float(rnn.shape.S))
    twin = rnn.copy()
    assert type(twin) is type(rnn)
    assert twin.settings() == rnn.settings()
    assert twin.shape == rnn.shape
    assert repr(twin) == repr(rnn)
    for name, array in rnn.arrays().items():
        np.testing.assert_array_equal(twin.arrays()[name], array)
    data = stream(rnn, 3)
    kept = {name: array.copy() for name, array in rnn.arrays().items()}
    ax.Trainer(twin, "rtrl", ax.SGD(0.1)).run(data.X, data.Y)
    for name, array in kept.items():
        np.testing.assert_array_equal(rnn.arrays()[name], array)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (
            "leaky_rnn",
            "LeakyRNN(n_in=2, n_hidden=2, n_out=3, alpha=(0.5, 1.0), activation='tanh', loss='mse', "
            "state_noise=0.0, dtype=float64)",
        ),
        ("gru", "GRU(n_in=2, n_hidden=2, n_out=3, loss='mse', state_noise=0.0, dtype=float64)"),
        ("lstm", "LSTM(n_in=2, n_hidden=2, n_out=3, loss='mse', state_noise=0.0, dtype=float64)"),
        ("mgu", "MGU(n_in=2, n_hidden=2, n_out=3, loss='mse', state_noise=0.0, dtype=float64)"),
        (
            "ind_rnn",
            "IndRNN(n_in=2, n_hidden=2, n_out=3, activation='tanh', loss='mse', state_noise=0.0, "
            "dtype=float64)",
        ),
        ("elstm", "ELSTM(n_in=2, n_hidden=2, n_out=3, loss='mse', state_noise=0.0, dtype=float64)"),
    ],
)
def test_repr(kind: str, text: str) -> None:
    assert repr(network(n=2, kind=kind, alpha=np.array([0.5, 1.0]), loss="mse")) == text


def test_alpha_of_each_unit() -> None:
    rnn = network(alpha=np.array([0.1, 0.4, 1.0, 0.7]))
    assert rnn.alpha == (0.1, 0.4, 1.0, 0.7)
    np.testing.assert_array_equal(np.diag(rnn.linearise(np.zeros(2)).leak), 1 - np.array(rnn.alpha))
    same = network(alpha=np.full(4, 0.7))
    data = stream(rnn, 6)
    for one, other in ((same, network(alpha=0.7)), (network(alpha=np.ones(4)), network(alpha=1))):
        np.testing.assert_array_equal(one.forward(data.X).output, other.forward(data.X).output)
    for one in (np.float32(0.5), np.array(0.5), np.array(0.5, np.float32)):
        assert network(alpha=one).alpha == 0.5
        assert type(network(alpha=one).alpha) is float


@every_kind
def test_settings_of_numpy_are_plain(kind: str) -> None:
    """A trainer of such a network is saved as any other."""
    n = np.int64(4)
    rnn = KINDS[kind].random(np.int32(2), n, np.uint8(3), state_noise=np.float32(0.25), seed=np.int64(2),
                             **({"keep_bias": np.float32(0.5)} if kind in KEEPS else {}))  # fmt: skip
    assert rnn.settings()["state_noise"] == 0.25
    assert type(rnn.settings()["state_noise"]) is float
    assert all(type(size) is int for size in (rnn.shape.n, rnn.shape.n_in, rnn.shape.n_out))


@every_kind
def test_citations(kind: str) -> None:
    text = KINDS[kind].citation()
    assert text.count("@") >= 1
    assert text.count("{") == text.count("}")
    assert set(KINDS) == {*COUPLED, *ELEMENT_WISE}

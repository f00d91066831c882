"""What is refused, and that it is said in words: the argument, what was expected and what came."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import axonomy as ax
from axonomy.cells import CELLS as KINDS
from axonomy.optimisers import Constant
from drawing import network, stream

NAN, INF = float("nan"), float("inf")
RAGGED = [[1.0], [1.0, 2.0]]
RNN = network()  # n 4, n_in 2, n_out 3, cross-entropy
RING = ((0, 1), (0, 1))
DATA = stream(RNN, 5)
X, Y = DATA.X, DATA.Y


def refusals(name: str, cases: Iterable[tuple[Callable[[], object], str]]) -> pytest.MarkDecorator:
    """The messages as they must begin; `...` stands for anything."""
    listed = list(cases)
    ids = [f"{name}-{i}-{message[:40]}" for i, (_, message) in enumerate(listed)]
    return pytest.mark.parametrize(("call", "message"), listed, ids=ids)


def assert_refused(call: Callable[[], object], message: str) -> None:
    pattern = ".*".join(re.escape(part) for part in message.split("..."))
    with pytest.raises(ValueError, match=rf"(?s)\A{pattern}"):
        call()


# ---------------------------------------------------------------- anything that wants real numbers


def bad_arrays(name: str, shape: str, good: np.ndarray) -> list[tuple[object, str]]:
    """What no array argument takes, with the message about it."""
    expected = f"{name}: expected a real array of shape {shape}"
    spoilt = []
    for value in (NAN, INF, -INF):
        array = good.copy()
        array.flat[-1] = value
        spoilt.append((array, f"{name}: expected finite numbers in float64, got {value} at ("))
    return [
        (np.ones((7, 7, 7)), f"{expected}..., got shape (7, 7, 7)"),
        (1.0, f"{expected}..., got shape ()"),
        (good.astype(complex), f"{expected}..., got dtype complex128"),
        (good.astype(str), f"{expected}..., got dtype <U"),
        (good.astype(object), f"{expected}..., got dtype object"),
        (np.full(good.shape, np.datetime64("2020")), f"{expected}..., got dtype datetime64"),
        ("words", f"{expected}..., got dtype <U5"),
        (None, f"{expected}..., got dtype object"),
        (RAGGED, f"{name}: expected a...array..., got [[1.0], [1.0, 2.0]]"),
        *spoilt,
    ]


def rnn_with(name: str) -> Callable[[object], object]:
    names = ("W_rec", "W_in", "b_rec", "W_out", "b_out")
    return lambda value: ax.LeakyRNN(**{**{n: getattr(RNN, n) for n in names}, name: value})


def set_on(name: str) -> Callable[[object], object]:
    return lambda value: setattr(network(), name, value)


def learner() -> ax.Learner:
    return ax.make_learner("uoro", RNN)


def step_with(name: str) -> Callable[[object], object]:
    good = {
        "J": np.eye(4), "D": np.eye(4), "a_hat": np.ones(7), "q": np.ones(4), "leak": np.eye(4),
        "noise": np.ones(learner().n_noise),
    }  # fmt: skip
    return lambda value: learner().step(**{**good, name: value})


def trainer(**options: object) -> ax.Trainer:
    return ax.Trainer(network(**options), "uoro", ax.SGD(0.1))


def mixing_with(name: str) -> Callable[[object], object]:
    good = {"gram_left": np.eye(3), "gram_right": np.eye(3), "rank": 1, "noise": np.ones(3)}
    return lambda value: ax.RandomSigns().mixing(**{**good, name: value})


S4 = np.ones(4)
ARRAYS: list[tuple[Callable[[object], object], str, str, np.ndarray, bool]] = [
    # call, name, shape, a good value, whether None is allowed
    (rnn_with("W_rec"), "W_rec", "(", np.eye(4), False),
    (rnn_with("W_in"), "W_in", "(4, any) (n, n_in)", RNN.W_in, False),
    (rnn_with("b_rec"), "b_rec", "(4,) (R)", RNN.b_rec, False),
    (rnn_with("W_out"), "W_out", "(any, 4) (n_out, n)", RNN.W_out, False),
    (rnn_with("b_out"), "b_out", "(3,) (n_out)", RNN.b_out, False),
    (rnn_with("feedback"), "feedback", "(3, 4) (n_out, n)", RNN.W_out, True),
    *[
        (set_on(name), name, shape, getattr(RNN, name), False)
        for name, shape in {
            "W": "(4, 7) (R, m)",
            "W_rec": "(4, 4) (R, n)",
            "W_in": "(4, 2) (R, n_in)",
            "b_rec": "(4,) (R)",
            "W_out": "(3, 4) (n_out, n)",
            "b_out": "(3,) (n_out)",
            "state": "(4,) (S)",
        }.items()
    ],
    (set_on("feedback"), "feedback", "(3, 4) (n_out, n)", RNN.W_out, True),
    (RNN.forward, "X", "(any, 2) (T, n_in)", X, False),
    (lambda s: RNN.forward(X, s), "initial_state", "(4,) (S)", S4, True),
    (RNN.linearise, "x", "(2,) (n_in)", X[0], False),
    (lambda s: RNN.linearise(X[0], s), "state", "(4,) (S)", S4, True),
    (lambda v: trainer().run(v, Y), "X", "(any, 2) (T, n_in)", X, False),
    (lambda v: trainer().run(X, v), "Y", "(5, 3) (T, n_out", Y, False),
    (lambda v: trainer(loss="mse").run(X, v), "Y", "(5, 3) (T, n_out)", Y, False),
    (lambda v: trainer().learn_one(v, Y[0]), "x", "(2,) (n_in)", X[0], False),
    (lambda v: trainer(loss="mse").learn_one(X[0], v), "y", "(3,) (n_out)", Y[0], True),
    (lambda v: trainer().predict_one(v), "x", "(2,) (n_in)", X[0], False),
    (lambda v: ax.gradients(RNN, "uoro", v, Y), "X", "(any, 2) (T, n_in)", X, False),
    (lambda v: ax.gradients(RNN, "uoro", X, v), "Y", "(5, 3) (T, n_out", Y, False),
    (lambda v: ax.gradients(RNN, "uoro", X, Y, initial_state=v), "initial_state", "(4,) (S)", S4, True),
    (
        lambda v: ax.gradients(RNN, "uoro", X, Y, noise=v),
        "noise", "(5, 4) (T, n_noise)", np.ones((5, 4)), True,
    ),
    (
        lambda v: ax.gradients(RNN, "uoro", X, Y, initial={"left": v}),
        "initial['left']", "(1, 4) (r, ...)", S4[None], False,
    ),
    (
        lambda v: ax.Trainer(network(), "rtrl", ax.SGD(0.1), initial={"influence": v}),
        "initial['influence']", "(4, 4, 7)", np.ones((4, 4, 7)), False,
    ),
    (step_with("J"), "J", "(4, 4) (S, S)", np.eye(4), False),
    (step_with("D"), "D", "(4, 4) (S, R)", np.eye(4), False),
    (step_with("a_hat"), "a_hat", "(7,) (m)", np.ones(7), False),
    (step_with("q"), "q", "(4,) (S)", S4, False),
    (step_with("leak"), "leak", "(4, 4) (S, S)", np.eye(4), True),
    (step_with("noise"), "noise", "(4,) (n_noise)", S4, True),
    (mixing_with("gram_left"), "gram_left", "(", np.eye(3), False),
    (mixing_with("gram_right"), "gram_right", "(3, 3)", np.eye(3), False),
    (mixing_with("noise"), "noise", "(3,)", np.ones(3), True),
]  # fmt: skip


@pytest.mark.parametrize(
    ("call", "name", "shape", "good", "optional"), ARRAYS, ids=[f"{i}-{a[1]}" for i, a in enumerate(ARRAYS)]
)
def test_arrays(
    call: Callable[[object], object], name: str, shape: str, good: np.ndarray, optional: bool
) -> None:
    call(good)
    call(good.tolist())
    call(np.asfortranarray(good))
    if optional and name != "noise":
        call(None)
    for value, message in bad_arrays(name, shape, good):
        if not (optional and value is None):
            assert_refused(lambda value=value: call(value), message)


def test_numbers_too_large_for_single_precision() -> None:
    rnn = network(dtype=np.float32)
    assert_refused(
        lambda: rnn.forward([[1.0, 2.0], [3.0, 1e39]]),
        "X: expected finite numbers in float32, got 1e+39 at (1, 1)",
    )


# ------------------------------------------------------------------------------------- the network


def random(**options: object) -> Callable[[], object]:
    return lambda: ax.LeakyRNN.random(**{"n_in": 2, "n_hidden": 4, "n_out": 3, **options})


def masked(mask: object) -> Callable[[], object]:
    return lambda: ax.LeakyRNN(RNN.W_rec, RNN.W_in, RNN.b_rec, RNN.W_out, RNN.b_out, mask=mask)


def on_masked(name: str, value: object) -> Callable[[], object]:
    return lambda: setattr(network(mask=np.eye(4, dtype=bool)), name, value)


def set_noise(value: object) -> Callable[[], object]:
    return lambda: setattr(network(), "state_noise", value)


WHOLE = "expected a whole number at least"
REAL = "expected a finite real number"
DTYPE = "dtype: expected float32 or float64, got"


@refusals(
    "network",
    [
        (random(n_in=-1), f"n_in: {WHOLE} 0, got -1"),
        (random(n_in=2.0), f"n_in: {WHOLE} 0, got 2.0"),
        (random(n_hidden=0), f"n_hidden: {WHOLE} 1, got 0"),
        (random(n_hidden=True), f"n_hidden: {WHOLE} 1, got True"),
        (random(n_hidden="4"), f"n_hidden: {WHOLE} 1, got '4'"),
        (random(n_out=0), f"n_out: {WHOLE} 1, got 0"),
        (random(n_out=None), f"n_out: {WHOLE} 1, got None"),
        (random(n_out=2**70), f"n_out: {WHOLE} 1, got {2**70}"),
        (random(seed=-1), "seed: expected a whole number from 0 to 18446744073709551615, got -1"),
        (random(seed=2**64), "seed: expected a whole number from 0 to 18446744073709551615, got 1844"),
        (random(seed=None), "seed: expected a whole number from 0 to 18446744073709551615, got None"),
        (random(alpha=0), f"alpha: {REAL} above 0 and at most 1, got 0"),
        (random(alpha=1.01), f"alpha: {REAL} above 0 and at most 1, got 1.01"),
        (random(alpha=NAN), f"alpha: {REAL} above 0 and at most 1, got nan"),
        (random(alpha="1"), f"alpha: {REAL} above 0 and at most 1, got '1'"),
        (random(alpha=1j), f"alpha: {REAL} above 0 and at most 1, got 1j"),
        (random(alpha=True), f"alpha: {REAL} above 0 and at most 1, got True"),
        (random(alpha=np.array(True)), f"alpha: {REAL} above 0 and at most 1, got True"),
        (random(alpha=np.array(2.0)), f"alpha: {REAL} above 0 and at most 1, got 2"),
        (random(alpha=np.ones(4, bool)), f"alpha: {REAL} above 0 and at most 1, got True"),
        (random(alpha=[True] * 4), f"alpha: {REAL} above 0 and at most 1, got True"),
        (random(alpha=RAGGED), "alpha: expected an array, got [[1.0], [1.0, 2.0]]"),
        (random(alpha=[1.0]), "alpha: expected a real array of shape (4,) (n), got shape (1,)"),
        (random(alpha=[1, 1, 0, 1]), f"alpha: {REAL} above 0 and at most 1, got 0"),
        (random(alpha=[1, 1, 0.5, NAN]), "alpha: expected finite numbers in float64, got nan at (3,)"),
        (random(activation="Tanh"), "activation: expected one of 'tanh', 'relu', ..., got 'Tanh'"),
        (random(activation=np.tanh), "activation: expected one of 'tanh', 'relu', ..., got <ufunc 'tanh'>"),
        (random(loss="l2"), "loss: expected one of 'cross_entropy', ..., got 'l2'"),
        (random(loss=["mse"]), "loss: expected one of 'cross_entropy', ..., got ['mse']"),
        (random(feedback="normal"), "feedback: expected one of 'random', got 'normal'"),
        (random(feedback=np.ones((4, 3))), "feedback: expected a real array of shape (3, 4)"),
        (random(state_noise=-0.1), f"state_noise: {REAL} at least 0, got -0.1"),
        (set_noise(-1), f"state_noise: {REAL} at least 0, got -1"),
        (set_noise(INF), f"state_noise: {REAL} at least 0, got inf"),
        (set_noise("little"), f"state_noise: {REAL} at least 0, got 'little'"),
        (random(dtype=np.float16), f"{DTYPE} <class 'numpy.float16'>"),
        (random(dtype=int), f"{DTYPE} <class 'int'>"),
        (random(dtype="double trouble"), f"{DTYPE} 'double trouble'"),
        (random(dtype=None), f"{DTYPE} None"),
        (random(dtype=[3]), f"{DTYPE} [3]"),
        (
            lambda: ax.LeakyRNN(np.eye(3), RNN.W_in, RNN.b_rec, RNN.W_out, RNN.b_out),
            "W_in: expected a real array of shape (3, any) (n, n_in), got shape (4, 2)",
        ),
        (
            lambda: ax.LeakyRNN(np.ones((3, 4)), RNN.W_in, RNN.b_rec, RNN.W_out, RNN.b_out),
            "W_rec: expected a real array of shape (4, 4) (n, n), got shape (3, 4)",
        ),
        (
            lambda: ax.LeakyRNN(np.eye(4), RNN.W_in, RNN.b_rec, np.ones((0, 4)), []),
            f"n_out: {WHOLE} 1, got 0",
        ),
        (lambda: ax.Shape(0), f"n: {WHOLE} 1, got 0"),
        (lambda: ax.Shape(2.5), f"n: {WHOLE} 1, got 2.5"),
        (lambda: ax.Shape(2, n_in=-1), f"n_in: {WHOLE} 0, got -1"),
        (lambda: ax.Shape(2, n_out="3"), f"n_out: {WHOLE} 0, got '3'"),
        (lambda: ax.Shape(2, m=0), f"m: {WHOLE} 1, got 0"),
        (lambda: ax.Shape(2, states_per_unit=0), f"states_per_unit: {WHOLE} 1, got 0"),
        (lambda: ax.Shape(2, rows_per_unit=0), f"rows_per_unit: {WHOLE} 1, got 0"),
        (lambda: ax.Shape(2**70), f"n: {WHOLE} 1, got {2**70}"),
        (lambda: ax.Shape(2, element_wise="no"), "element_wise: expected True or False, got 'no'"),
        (lambda: ax.Shape(2, element_wise=1), "element_wise: expected True or False, got 1"),
        (lambda: trainer().save(5), "path: expected a path, got 5"),
        (
            lambda: ax.Shape(3, pattern=RING),
            "pattern: expected the units that get from each of the 3 units, or",
        ),
        (lambda: ax.Shape(2, pattern=3), "pattern: expected the units that get from each of the 2 units, or"),
        (
            lambda: ax.Shape(2, pattern=(0, 1)),
            "pattern: expected the units that get from each of the 2 units",
        ),
        (lambda: ax.Shape(2, pattern=((0,), (2,))), "pattern: expected a whole number from 0 to 1, got 2"),
        (
            lambda: ax.Shape(2, pattern=np.eye(3, dtype=bool)),
            "pattern: expected shape (2, 2), (n, n), got (3, 3)",
        ),
        (masked(np.eye(3)), "mask: expected truth values, got an array of shape (3, 3) and dtype float64"),
        (masked(np.eye(3, dtype=bool)), "mask: expected shape (4, 4), (n, n), got (3, 3)"),
        (masked(True), "mask: expected shape (4, 4), (n, n), got ()"),
        (
            masked(2 * np.eye(4, dtype=int)),
            "mask: expected truth values, got an array of shape (4, 4) and dtype",
        ),
        (masked("words"), "mask: expected truth values, got"),
        (masked(RAGGED), "mask: expected an array, got [[1.0], [1.0, 2.0]]"),
        (masked(np.eye(4, dtype=bool)), "W_rec: expected zeros where the mask is False, got ... at (0, 1)"),
        (
            on_masked("W_rec", np.ones((4, 4))),
            "W_rec: expected zeros where the mask is False, got 1.0 at (0, 1)",
        ),
        (on_masked("W", np.ones((4, 7))), "W: expected zeros where the mask is False, got 1.0 at (0, 1)"),
        (random(density=0), f"density: {REAL} above 0 and at most 1, got 0"),
        (random(density=2.0), f"density: {REAL} above 0 and at most 1, got 2"),
        (random(density=0.5, mask=np.eye(4, dtype=bool)), "density: expected none beside a mask, got 0.5"),
        (random(mask=np.eye(3, dtype=bool)), "mask: expected shape (4, 4), (n, n), got (3, 3)"),
    ],
)
def test_networks(call: Callable[[], object], message: str) -> None:
    assert_refused(call, message)


def of_kind(kind: str, **options: object) -> Callable[[], object]:
    return lambda: KINDS[kind].random(**{"n_in": 2, "n_hidden": 4, "n_out": 3, **options})


def with_array(kind: str, **arrays: object) -> Callable[[], object]:
    names = ("W_rec", "W_in", "b_rec", "W_out", "b_out")
    good = network(kind=kind)
    return lambda: KINDS[kind](**{**{name: getattr(good, name) for name in names}, **arrays})


def set_of_kind(kind: str, name: str, value: object) -> Callable[[], object]:
    return lambda: setattr(network(kind=kind), name, value)


GATES = {"gru": 4, "lstm": 4, "mgu": 3}
SEE_INPUT, SEE_STATE = "sees input and bias only", "sees state and bias only"


@refusals(
    "cell",
    [
        *[
            case
            for kind, gates in GATES.items()
            for case in (
                (
                    with_array(kind, W_rec=np.eye(4)),
                    f"W_rec: expected a real array of shape ({4 * gates}, 4) ({gates} n, n), got shape (4, "
                    "4)",
                ),
                (
                    with_array(kind, W_in=np.ones((4, 2))),
                    f"W_in: expected a real array of shape ({4 * gates}, any) ({gates} n, n_in), got shape "
                    "(4, 2)",
                ),
                (
                    with_array(kind, b_rec=np.ones(4)),
                    f"b_rec: expected a real array of shape ({4 * gates},) (R), got shape (4,)",
                ),
                (
                    with_array(kind, W_out=np.ones((3, 8))),
                    "W_out: expected a real array of shape (any, 4) (n_out, n), got shape (3, 8)",
                ),
                (
                    with_array(kind, W_rec=np.ones((4 * gates - 1, 4))),
                    f"W_rec: expected a real array of shape ({4 * gates}, 4) ({gates} n, n), got shape",
                ),
                (with_array(kind, W_rec=np.ones(4)), "W_rec: expected a real array of shape ("),
                (of_kind(kind, recurrent="uniform"), "recurrent: expected one of 'orthogonal', 'glorot', "),
            )
        ],
        (
            with_array("gru", W_rec=np.ones((16, 4))),
            f"W_rec: expected zeros as gate 'x' {SEE_INPUT}, got 1.0 at (8, 0)",
        ),
        (
            with_array("gru", W_in=np.ones((16, 2))),
            f"W_in: expected zeros as gate 'a' {SEE_STATE}, got 1.0 at (12, 0)",
        ),
        (
            with_array("mgu", W_rec=np.ones((12, 4))),
            f"W_rec: expected zeros as gate 'x' {SEE_INPUT}, got 1.0 at (4, 0)",
        ),
        (
            set_of_kind("mgu", "W_in", np.ones((12, 2))),
            f"W_in: expected zeros as gate 'a' {SEE_STATE}, got 1.0 at (8, 0)",
        ),
        (
            set_of_kind("gru", "W", np.ones((16, 7))),
            f"W: expected zeros as gate 'x' {SEE_INPUT}, got 1.0 at (8, 0)",
        ),
        (
            set_of_kind("gru", "W", np.ones((16, 8))),
            "W: expected a real array of shape (16, 7) (R, m), got shape (16, 8)",
        ),
        (
            set_of_kind("lstm", "state", np.ones(4)),
            "state: expected a real array of shape (8,) (S), got shape (4,)",
        ),
        (with_array("lstm", mask=np.eye(4, dtype=bool)), "W_rec: expected zeros where the mask is "),
        (with_array("gru", mask=np.ones((3, 3), bool)), "mask: expected shape (4, 4), (n, n), got (3, 3)"),
        (
            with_array("elstm", mask=np.ones((4, 4), bool)),
            "mask: expected none, as the units of ELSTM are not coupled",
        ),
        (
            with_array("elstm", W_rec=np.ones((12, 4))),
            "W_rec: expected a real array of shape (12, 1) (3 n, 1), got shape (12, 4)",
        ),
        (
            with_array("elstm", W_rec=np.ones((11, 1))),
            "W_rec: expected a real array of shape (12, 1) (3 n, 1), got shape (11, 1)",
        ),
        (
            with_array("elstm", W_out=np.ones(4)),
            "W_out: expected a real array of shape (any, any) (n_out, n), got shape (4,)",
        ),
        (
            with_array("ind_rnn", W_rec=np.ones(4)),
            "W_rec: expected a real array of shape (4, 1) (n, 1), got shape (4,)",
        ),
        (
            set_of_kind("ind_rnn", "W_rec", np.eye(4)),
            "W_rec: expected a real array of shape (4, 1) (R, 1), got shape (4, 4)",
        ),
        (with_array("ind_rnn", activation="step"), "activation: expected one of 'tanh', ..., got 'step'"),
        (with_array("gru", loss="l2"), "loss: expected one of 'cross_entropy', ..., got 'l2'"),
        (with_array("mgu", state_noise=-1), f"state_noise: {REAL} at least 0, got -1"),
        (of_kind("elstm", density=0.5), "density: expected none, as the units of ELSTM are not coupled"),
        (of_kind("ind_rnn", recurrent="orthogonal"), "recurrent: expected one of 'uniform', 'glorot', "),
        (of_kind("gru", recurrent=3), "recurrent: expected one of 'orthogonal', ..., got 3"),
        (of_kind("leaky_rnn", inputs="uniform"), "inputs: expected one of 'normal', 'glorot', got 'uniform'"),
        (of_kind("gru", inputs=None), "inputs: expected one of 'normal', 'glorot', got None"),
        (of_kind("gru", keep_bias="one"), f"keep_bias: {REAL}, got 'one'"),
        (of_kind("lstm", keep_bias=NAN), f"keep_bias: {REAL}, got nan"),
        (of_kind("gru", chrono=1), f"chrono: {WHOLE} 2, got 1"),
        (of_kind("gru", chrono=10.0), f"chrono: {WHOLE} 2, got 10.0"),
        (
            of_kind("lstm", chrono=10, keep_bias=1.0),
            "keep_bias: expected none beside chrono, which sets the same biases",
        ),
        # What learners are told of the gates.
        (
            lambda: ax.Shape(2, rows_per_unit=2, sees=(("state",),)),
            "sees: expected one entry for each of the 2 gates, got (('state',),)",
        ),
        (lambda: ax.Shape(2, sees=3), "sees: expected one entry for each of the 1 gates, got 3"),
        (lambda: ax.Shape(2, sees=(("inputs",),)), "sees: expected one of 'state', ..., got 'inputs'"),
        (lambda: ax.Shape(2, sees=("state",)), "sees: expected one of 'state', ..., got 's'"),
        (lambda: ax.Shape(2, sees=(3,)), "sees: expected one entry for each of the 1 gates, got (3,)"),
        (lambda: ax.Shape(2, sees=((["state"],),)), "sees: expected one of 'state', ..., got ['state']"),
        (
            lambda: ax.Shape(2, pattern=RING, element_wise=True),
            "pattern: expected none, as an element-wise network couples no two units",
        ),
        (lambda: ax.Shape(2, fed_back=1), "fed_back: expected a whole number from 0 to 0, got 1"),
        (
            lambda: ax.Shape(2, states_per_unit=2, fed_back=-1),
            "fed_back: expected a whole number from 0 to 1, got -1",
        ),
        # By hand.
        (
            lambda: ax.make_learner("rtrl", network(kind="elstm")).step(
                np.eye(8), np.ones((8, 12)), np.ones(4), np.ones(8)
            ),
            "a_hat: expected a real array of shape (12, 4) (R, m), got shape (4,)",
        ),
        (
            lambda: ax.make_learner("rtrl", network(kind="lstm")).step(
                np.eye(4), np.ones((8, 16)), np.ones(7), np.ones(8)
            ),
            "J: expected a real array of shape (8, 8) (S, S), got shape (4, 4)",
        ),
    ],
)  # fmt: skip
def test_cells(call: Callable[[], object], message: str) -> None:
    assert_refused(call, message)


@pytest.mark.parametrize("element_wise, m", [(False, 7), (True, 4)])
def test_shape(element_wise: bool, m: int) -> None:
    sees = (["bias", "state"], ("input",), ())
    shape = ax.Shape(4, 2, 3, states_per_unit=2, rows_per_unit=3, sees=sees, element_wise=element_wise)
    assert (shape.S, shape.R, shape.m, shape.fed_back) == (8, 12, m, 1)
    assert shape.sees == (("state", "bias"), ("input",), ())
    assert shape.weights.shape == (12, m)
    assert shape.weights[:4].sum() == 4 * (m - 2)
    assert shape.weights[4:].sum() == 4 * 2
    assert ax.Shape._of(shape._core()) == shape
    assert hash(shape) == hash(ax.Shape(4, 2, 3, m, 2, 3, None, shape.sees, element_wise, 1))
    assert shape != ax.Shape(4, 2, 3, states_per_unit=2, rows_per_unit=3, element_wise=element_wise)


@pytest.mark.parametrize("name", ["alpha", "activation", "loss"])
def test_what_a_network_is_made_of_stays(name: str) -> None:
    """The core would go on with the old one."""
    with pytest.raises(AttributeError, match=name):
        setattr(network(), name, getattr(RNN, name))


# --------------------------------------------------------------------------------- rules, learners


def composed(**options: object) -> Callable[[], object]:
    good = {"tensor": "ki|j", "randomness": "stochastic", "solution": "closed-form"}
    return lambda: ax.compose(**{**good, **options})


def of_name(name: str, **options: object) -> Callable[[], object]:
    return lambda: getattr(ax.rules, name)(**options)


@refusals(
    "rule",
    [
        (composed(facing="sideways"), "facing: expected one of 'past', 'future', got 'sideways'"),
        (composed(facing=["past"]), "facing: expected one of 'past', 'future', got ['past']"),
        (composed(tensor="ijk"), "tensor: expected one of 'kij', 'k|ij', ..., got 'ijk'"),
        (composed(tensor=None), "tensor: expected one of 'kij', 'k|ij', ..., got None"),
        (composed(tensor=3), "tensor: expected one of 'kij', 'k|ij', ..., got 3"),
        (
            composed(randomness="some"),
            "randomness: expected one of 'stochastic', 'deterministic', got 'some'",
        ),
        (composed(randomness=None), "randomness: expected one of 'stochastic', 'deterministic', got None"),
        (composed(solution="closed"), "solution: expected one of 'closed-form', 'numerical', got 'closed'"),
        (composed(solver="svd"), "solver: expected one of 'signs', got 'svd'"),
        (composed(rank=0), f"rank: {WHOLE} 1, got 0"),
        (composed(rank=-2), f"rank: {WHOLE} 1, got -2"),
        (composed(rank=1.0), f"rank: {WHOLE} 1, got 1.0"),
        (composed(rank=2**70), f"rank: {WHOLE} 1, got {2**70}"),
        (composed(current="now"), "current: expected one of 'exact', 'estimated', got 'now'"),
        (composed(colour="red"), "colour: expected one of the settings of RandomSigns (...), got 'colour'"),
        (composed(noise="uniform"), "noise: expected one of ..., got 'uniform'"),
        (
            lambda: ax.compose("past", "kij", "deterministic", "closed-form", rank=2),
            "rank: expected 1, as ... has no rank, got 2",
        ),
        (
            lambda: ax.compose("past", "kij", "stochastic", "closed-form"),
            "no rule is past, kij, stochastic, closed-form: ...The nearest cells that exist:",
        ),
        (composed(facing="future"), "no rule is future, ki|j, ...: the tensor 'ki|j' holds an influence"),
        (of_name("uoro", rank=0), f"rank: {WHOLE} 1, got 0"),
        (of_name("uoro", normaliser="none"), "normaliser: expected one of ..., got 'none'"),
        (of_name("tbptt", window=0), f"window: {WHOLE} 1, got 0"),
        (of_name("rtrl_lazy", block=-1), f"block: {WHOLE} 0, got -1"),
        (of_name("rtrl_lazy", latency="low"), "latency: expected one of 'block', 'even', got 'low'"),
        (
            lambda: ax.make_learner(ax.rules.snap(2), RNN),
            "SnAp-n needs sparse recurrent weights, a network with a mask: on dense ones n >= 2 is "
            "RTRL (axonomy.rules.rtrl() or rtrl_lazy()), and n = 1 is axonomy.rules.snap(1)",
        ),
        (composed(tensor="sparse", randomness="deterministic", hops=0), f"hops: {WHOLE} 1, got 0"),
        (of_name("snap", n=0), f"n: {WHOLE} 1, got 0"),
        (of_name("kernl", sigma=0), f"sigma: {REAL} above 0, got 0"),
        (of_name("kernl", learning_rate=-1), f"learning_rate: {REAL} at least 0, got -1"),
        (of_name("kernl", decay=1.5), f"decay: {REAL}..., got 1.5"),
        (lambda: ax.as_rule("RTRL"), "rule: expected one of 'rtrl', ..., got 'RTRL'"),
        (lambda: ax.as_rule(3), "rule: expected a Rule, the name of one, a dict or a function ..., got 3"),
        (lambda: ax.as_rule([]), "rule: expected a Rule, the name of one, a dict or a function ..., got []"),
        (lambda: ax.as_rule(dict), "rule: expected a Rule, ..., got <class 'dict'>"),
        (lambda: ax.as_rule({1: 2}), "rule: expected names of settings as keys, got [1]"),
        (lambda: ax.Rule.from_dict([1]), "rule: expected a mapping, got [1]"),
        (lambda: ax.Rule.from_json("{"), "rule: expected a JSON object, got text that is not"),
        (lambda: ax.Rule.from_json("[]"), "rule: expected a mapping, got []"),
        (lambda: ax.Rule.from_toml("="), "rule: expected a TOML table, got text that is not"),
        (lambda: ax.make_learner("rtrl", 4), "network: expected a network or a Shape, got 4"),
        (lambda: ax.make_learner("rtrl", RNN, dtype=int), f"{DTYPE} <class 'int'>"),
        (lambda: ax.make_learner("rtrl", RNN, seed=1.5), "seed: expected a whole number from 0 to"),
        (lambda: ax.make_learner("rtrl", RNN, initial=[1]), "initial: expected a dict of arrays, got [1]"),
        (
            lambda: ax.make_learner("rtrl", RNN, initial={"left": 1}),
            "initial: expected one of 'influence', got 'left'",
        ),
        (lambda: learner().load_state([1]), "state: expected a dict of arrays, got [1]"),
        (lambda: learner().load_state({}), "load_state: expected an entry 'learner...', got none"),
        (
            lambda: ax.make_learner("rflo", RNN).step(np.eye(4), np.eye(4), np.ones(7), S4),
            "step: this rule keeps the leak of the cell, but no leak was given",
        ),
        (
            lambda: ax.make_learner("rtrl", RNN).step(np.eye(4), np.ones((4, 4)), np.ones(7), S4),
            "D: ",
        ),
    ],
)
def test_rules(call: Callable[[], object], message: str) -> None:
    assert_refused(call, message)


@refusals(
    "reduction",
    [
        (
            lambda: ax.RandomSigns().mixing(np.eye(3), np.eye(2), 1, np.ones(3)),
            "gram_right: expected a real array of shape (3, 3) (N, N), got shape (2, 2)",
        ),
        (
            lambda: ax.TruncatedSVD().mixing(np.ones((2, 3)), np.eye(2), 1),
            "gram_left: expected a real array of shape (2, 2) (N, N), got shape (2, 3)",
        ),
        (
            lambda: ax.TruncatedSVD().mixing(np.triu(np.ones((2, 2))), np.eye(2), 1),
            "gram_left: expected a symmetric matrix, got one that is not",
        ),
        (lambda: ax.TruncatedSVD().mixing(np.eye(2), np.eye(2), 0), f"rank: {WHOLE} 1, got 0"),
        (lambda: ax.TruncatedSVD().mixing(np.eye(2), np.eye(2), 1.5), f"rank: {WHOLE} 1, got 1.5"),
        (
            lambda: ax.OptimalUnbiased().mixing(np.eye(3), np.eye(3), 1),
            "noise: expected 2 random numbers, got None",
        ),
        (
            lambda: ax.OptimalUnbiased().mixing(np.eye(3), np.eye(3), 1, np.ones(5)),
            "noise: expected a real array of shape (2,), got shape (5,)",
        ),
    ],
)
def test_reductions(call: Callable[[], object], message: str) -> None:
    assert_refused(call, message)


# ------------------------------------------------------------------------------------- optimisers


def decoded(**values: Any) -> Callable[[], object]:
    return lambda: ax.optimiser_from_dict(values)


@refusals(
    "optimiser",
    [
        *[
            (lambda kind=kind, lr=lr: kind(lr), f"lr: {REAL} at least 0, got {got}")
            for kind in (ax.SGD, ax.Momentum, ax.RMSProp, ax.Adam)
            for lr, got in (
                (-1e-3, "-0.001"), (NAN, "nan"), (INF, "inf"), ("1", "'1'"), (None, "None"), (True, "True"),
            )
        ],
        (lambda: ax.SGD(0.1, clip=0), f"clip: {REAL} above 0, got 0"),
        (lambda: ax.SGD(0.1, clip="no"), f"clip: {REAL} above 0, got 'no'"),
        (lambda: ax.SGD(0.1, l2=-1), f"l2: {REAL} at least 0, got -1"),
        (lambda: ax.Momentum(0.1, momentum=1), f"momentum: {REAL} at least 0 and below 1, got 1"),
        (lambda: ax.Momentum(0.1, momentum=-0.1), f"momentum: {REAL} at least 0 and below 1, got -0.1"),
        (lambda: ax.RMSProp(0.1, decay=1), f"decay: {REAL} at least 0 and below 1, got 1"),
        (lambda: ax.RMSProp(0.1, eps=0), f"eps: {REAL} above 0, got 0"),
        (lambda: ax.Adam(0.1, beta1=1), f"beta1: {REAL} at least 0 and below 1, got 1"),
        (lambda: ax.Adam(0.1, beta2=-1), f"beta2: {REAL} at least 0 and below 1, got -1"),
        (lambda: ax.Adam(0.1, eps=0), f"eps: {REAL} above 0, got 0"),
        (lambda: ax.ExponentialDecay(-1, 0.5, 1), f"initial: {REAL} at least 0, got -1"),
        (lambda: ax.ExponentialDecay(0.1, 0, 1), f"factor: {REAL} above 0 and at most 1, got 0"),
        (lambda: ax.ExponentialDecay(0.1, 1.5, 1), f"factor: {REAL} above 0 and at most 1, got 1.5"),
        (lambda: ax.ExponentialDecay(0.1, 0.5, 0), f"steps: {REAL} above 0, got 0"),
        (lambda: ax.InverseDecay(NAN, 1), f"initial: {REAL} at least 0, got nan"),
        (lambda: ax.InverseDecay(0.1, -1), f"steps: {REAL} above 0, got -1"),
        (lambda: ax.InverseDecay(0.1, 1, -1), f"power: {REAL} at least 0, got -1"),
        (lambda: Constant("fast"), f"initial: {REAL} at least 0, got 'fast'"),
        (lambda: ax.optimiser_from_dict(3), "optimiser: expected a mapping, got 3"),
        (decoded(lr=0.1), "optimiser: expected one of 'sgd', ..., got None"),
        (decoded(optimiser="lion", lr=0.1), "optimiser: expected one of 'sgd', ..., got 'lion'"),
        (decoded(optimiser=["sgd"]), "optimiser: expected one of 'sgd', ..., got ['sgd']"),
        (decoded(optimiser="sgd"), "lr: expected a learning rate, got none"),
        (
            decoded(optimiser="sgd", lr=0.1, momentum=0.9),
            "momentum: expected one of the settings of sgd (lr, clip, l2), got 'momentum'",
        ),
        (
            decoded(optimiser="sgd", lr={"schedule": "cosine"}),
            "schedule: expected one of 'constant', 'exponential', 'inverse', got 'cosine'",
        ),
        (
            decoded(optimiser="sgd", lr={"schedule": "exponential", "initial": 0.1}),
            "lr: expected a schedule of factor, initial, steps, got {'schedule': 'exponential', 'initial'",
        ),
        (
            decoded(optimiser="sgd", lr={"schedule": "constant", "initial": 0.1, "steps": 3}),
            "lr: expected a schedule of initial, got {",
        ),
    ],
)  # fmt: skip
def test_optimisers(call: Callable[[], object], message: str) -> None:
    assert_refused(call, message)


# --------------------------------------------------------------------------------------- training


def ran(**options: object) -> Callable[[], object]:
    return lambda: trainer().run(**{"X": X, "Y": Y, **options})


def ran_with(loss: str, targets: object, **options: object) -> Callable[[], object]:
    return lambda: trainer(loss=loss).run(X, targets, **options)


def with_entry(value: float, step: int = 3) -> np.ndarray:
    return np.where(np.arange(5)[:, None] == step, value, Y)


FLAGS = [
    ([True, False], "{}: expected shape (5,), one a step, got (2,)"),
    (np.ones((5, 1), bool), "{}: expected shape (5,), one a step, got (5, 1)"),
    ([0, 1, 2, 0, 1], "{}: expected truth values, got an array of shape (5,) and dtype int64"),
    (np.ones(5), "{}: expected truth values, got an array of shape (5,) and dtype float64"),
    (["yes"] * 5, "{}: expected truth values, got an array of shape (5,) and dtype <U3"),
    (RAGGED, "{}: expected an array, got [[1.0], [1.0, 2.0]]"),
]
CLASSES = "expected class indices from 0 to 2 of shape"


@refusals(
    "training",
    [
        (lambda: ax.Trainer(None, "rtrl", ax.SGD(0.1)), "rnn: expected a network, got None"),
        (lambda: ax.Trainer(RNN.shape, "rtrl", ax.SGD(0.1)), "rnn: expected a network, got Shape("),
        (lambda: ax.Trainer(RNN, "adam", ax.SGD(0.1)), "rule: expected one of 'rtrl', ..., got 'adam'"),
        (lambda: ax.Trainer(RNN, "rtrl", 0.1), "optimiser: expected one such as axonomy.SGD(1e-3), got 0.1"),
        (lambda: ax.Trainer(RNN, "rtrl", ax.SGD), "optimiser: expected one such as axonomy.SGD(1e-3), got"),
        (lambda: ax.Trainer(RNN, "rtrl", ax.SGD(0.1), seed=-1), "seed: expected a whole number from 0 to"),
        *[
            (
                lambda every=every: ax.Trainer(RNN, "rtrl", ax.SGD(0.1), update_every=every),
                f"update_every: {WHOLE} 1, got {every!r}",
            )
            for every in (0, -1, 1.5, None, 2**70)
        ],
        (
            lambda: ax.Trainer(RNN, "rtrl", ax.SGD(0.1), initial={"M": 0}),
            "initial: expected one of 'influence', got 'M'",
        ),
        (ran(X=X[:4]), "Y: expected a real array of shape (4, 3) (T, n_out; ...), got shape (5, 3)"),
        (ran(X=X[:, :1]), "X: expected a real array of shape (any, 2) (T, n_in), got shape (5, 1)"),
        (ran(Y=Y[:, :2]), "Y: expected a real array of shape (5, 3) (T, n_out; ...), got shape (5, 2)"),
        *[(ran(mask=value), message.format("mask")) for value, message in FLAGS],
        *[(ran(reset=value), message.format("reset")) for value, message in FLAGS],
        (ran(callback=3), "callback: expected a callable, got 3"),
        (ran(callback=print, callback_every=0), f"callback_every: {WHOLE} 1, got 0"),
        (ran(callback=print, callback_every=2.0), f"callback_every: {WHOLE} 1, got 2.0"),
        (ran(callback=print, callback_every=2**70), f"callback_every: {WHOLE} 1, got {2**70}"),
        (ran(monitors=3), "monitors: expected a sequence of names, got 3"),
        (ran(monitors=None), "monitors: expected a sequence of names, got None"),
        (ran(monitors=["loss"], monitor_every=2**70), f"monitor_every: {WHOLE} 1, got {2**70}"),
        # Targets in the range of the loss.
        (
            ran_with("binary_cross_entropy", with_entry(1.01)),
            "Y: expected targets from 0 to 1 for the loss 'binary_cross_entropy', got [1.01...] at step 3",
        ),
        (
            ran_with("binary_cross_entropy", with_entry(-0.5)),
            "Y: expected targets from 0 to 1 for the loss 'binary_cross_entropy', got [-0.5...] at step 3",
        ),
        (
            ran_with("cross_entropy", with_entry(-0.5)),
            "Y: expected targets of at least 0 for the loss 'cross_entropy', got [-0.5...] at step 3",
        ),
        (ran(Y=with_entry(NAN)), "Y: expected finite numbers in float64, got nan at (3, 0)"),
        (
            ran_with("mse", with_entry(NAN), mask=[True, False, True, True, False]),
            "Y: expected finite numbers in float64, got nan at (3, 0)",
        ),
        (ran_with("cross_entropy", [0, 1, 2, 3, 0]), f"Y: {CLASSES} (5,), got 3 at step 3"),
        (ran_with("cross_entropy", [0, 1, -1, 3, 0]), f"Y: {CLASSES} (5,), got -1 at step 2"),
        (ran_with("cross_entropy", [0, 1]), f"Y: {CLASSES} (5,), got shape (2,)"),
        (
            ran_with("cross_entropy", np.zeros(5)),
            f"Y: {CLASSES} (5,), or targets of shape (5, 3), got an array of shape (5,) and dtype float64",
        ),
        (ran_with("mse", [0] * 5), "Y: expected a real array of shape (5, 3) (T, n_out), got shape (5,)"),
        # Of one step.
        (
            lambda: trainer().learn_one(X[0], [0.5, -0.5, 1.0]),
            "y: expected targets of at least 0 for the loss 'cross_entropy', got [ 0.5 -0.5  1. ]",
        ),
        (lambda: trainer().learn_one(X[0], 3), f"y: {CLASSES} (), got 3"),
        (
            lambda: trainer().learn_one(X[0], 1.0),
            f"y: {CLASSES} (), or targets of shape (3,), got an array of shape () and dtype float64",
        ),
        (
            lambda: trainer().learn_one(X[0], [1.0]),
            "y: expected a real array of shape (3,) (n_out; class indices may be ()), got shape (1,)",
        ),
        (lambda: trainer().learn_one(X[0], RAGGED), "y: expected an array, got [[1.0], [1.0, 2.0]]"),
        (lambda: trainer().load_state(None), "state: expected a dict of arrays, got None"),
        (lambda: ax.Trainer.load(None), "path: expected a file written by Trainer.save, got None"),
        (lambda: ax.Trainer.load(0), "path: expected a file written by Trainer.save, got 0"),
        (lambda: ax.gradients(None, "rtrl", X, Y), "rnn: expected a network, got None"),
        (lambda: ax.gradients(RNN, "adam", X, Y), "rule: expected one of 'rtrl', ..., got 'adam'"),
        (lambda: ax.gradients(RNN, "rtrl", X, Y, seed=1j), "seed: expected a whole number from 0 to"),
        (lambda: ax.gradients(RNN, "rtrl", X, Y, mask=[1]), "mask: expected shape (5,), one a step, got"),
        (lambda: ax.gradients(RNN, "rtrl", X, Y, initial=3), "initial: expected a dict of arrays, got 3"),
        (
            lambda: ax.gradients(RNN, "rtrl", X, Y, noise=np.ones((5, 4))),
            "noise: expected a real array of shape (5, 0) (T, n_noise), got shape (5, 4)",
        ),
        (
            lambda: ax.gradients(RNN, ax.rules.uoro(rank=2), X, Y, initial={"left": S4}),
            "initial['left']: expected a real array of shape (2, 4) (r, ...), got shape (4,)",
        ),
    ],
)  # fmt: skip
def test_training(call: Callable[[], object], message: str) -> None:
    assert_refused(call, message)


def test_what_is_refused_changes_nothing() -> None:
    one = trainer()
    kept = one.state()
    for options in ({"Y": with_entry(-1.0)}, {"mask": [True]}, {"monitors": ["x"]}, {"callback": 3}):
        with pytest.raises(ValueError, match=r".+: expected"):
            one.run(**{"X": X, "Y": Y, **options})
    with pytest.raises(ValueError, match=r"y: expected"):
        one.learn_one(X[0], 5)
    for name, value in one.state().items():
        np.testing.assert_array_equal(value, kept[name])


# ------------------------------------------------------------------------------------------- tasks


@refusals(
    "task",
    [
        (lambda: ax.tasks.Add(lags=(1, 2, 3)), "lags: expected two whole numbers (t1, t2), got (1, 2, 3)"),
        (lambda: ax.tasks.Add(lags=5), "lags: expected two whole numbers (t1, t2), got 5"),
        (lambda: ax.tasks.Add(lags=(0, 2)), f"lags: {WHOLE} 1, got 0"),
        (lambda: ax.tasks.Add(lags=(2, 2)), "lags: expected two different ones, got (2, 2)"),
        (lambda: ax.tasks.Add(hold=0), f"hold: {WHOLE} 1, got 0"),
        (lambda: ax.tasks.Add().generate(0), f"n_steps: {WHOLE} 1, got 0"),
        (lambda: ax.tasks.Add().generate(1e3), f"n_steps: {WHOLE} 1, got 1000.0"),
        (lambda: ax.tasks.Add().generate(3, seed=-1), "seed: expected a whole number from 0 to"),
        (lambda: ax.tasks.Mimic(n_in=0), f"n_in: {WHOLE} 1, got 0"),
        (lambda: ax.tasks.Mimic(n_hidden=2.5), f"n_hidden: {WHOLE} 1, got 2.5"),
        (lambda: ax.tasks.Mimic(alpha=0), f"alpha: {REAL} above 0 and at most 1, got 0"),
        (lambda: ax.tasks.Mimic(teacher_seed=-1), "teacher_seed: expected a whole number from 0 to"),
        (lambda: ax.tasks.Mimic().generate(None), f"n_steps: {WHOLE} 1, got None"),
        (lambda: ax.tasks.make("sum"), "task: expected one of add, mimic, copy, ..., file, got 'sum'"),
        (lambda: ax.tasks.make(["add"]), "task: expected one of add, mimic, copy, ..., file, got ['add']"),
        (lambda: ax.tasks.make("add", lag=3), "task 'add' does not take 'lag'; it takes lags, hold"),
        (lambda: ax.tasks.make("file"), "task 'file' needs 'path'"),
        (lambda: ax.tasks.from_dict("add"), "task: expected a mapping, got 'add'"),
        (lambda: ax.tasks.from_dict({}), "task: expected one of add, mimic, copy, ..., file, got None"),
        (lambda: ax.tasks.FileStream(3, ["a"], ["b"]), "path: expected a path, got 3"),
        (
            lambda: ax.tasks.FileStream("no.csv", ["a"], ["b"]),
            "path: expected a file, got 'no.csv', which is not",
        ),
        (
            lambda: ax.tasks.FileStream("no.csv", "a", ["b"]),
            "inputs: expected a list of column names, got 'a'",
        ),
        (lambda: ax.tasks.FileStream("no.csv", 3, ["b"]), "inputs: expected a list of column names, got 3"),
        (
            lambda: ax.tasks.FileStream("no.csv", ["a"], []),
            "targets: expected a list of column names, got []",
        ),
        (
            lambda: ax.tasks.FileStream("no.csv", ["a"], ["b"], loss="l1"),
            "loss: expected one of 'mse', ..., got",
        ),
    ],
)
def test_tasks(call: Callable[[], object], message: str) -> None:
    assert_refused(call, message)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 and no more", b"\x93NUMPY", b"a,b\n1,2\n"])
def test_files_that_are_no_npz(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "data.npz"
    path.write_bytes(content)
    assert_refused(lambda: ax.tasks.FileStream(path, ["a"], ["b"]), f"{path} is not a plain npz file: ")


def test_an_array_that_is_called_npz(tmp_path: Path) -> None:
    path = tmp_path / "data.npz"
    with path.open("wb") as file:
        np.save(file, np.zeros(3))
    assert_refused(lambda: ax.tasks.FileStream(path, ["a"], ["b"]), f"{path} is not a plain npz file: ")

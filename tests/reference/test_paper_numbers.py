"""The numbers recorded from the program of Marschall, Cho & Savin 2020: see README.md here."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import axonomy as ax
from numpy_cells import Net, run
from numpy_rules import diagonal, dni, e_bptt, f_bptt, factored, random_signs, rtrl, shared_signs

HERE = Path(__file__).parent
CASES = {path.stem: dict(np.load(path)) for path in sorted(HERE.glob("case*.npz"))}

# recorded name -> rule, and the recorded factor that holds k (left) and the other (right)
RULES = {
    "rtrl": (ax.rules.rtrl(), None),
    "rflo": (ax.rules.rflo(), None),
    "uoro": (ax.rules.uoro(), ("A0", "B0")),
    "kf-rtrl": (ax.rules.kf_rtrl(), ("B0", "A0")),
    "r-kf-rtrl": (ax.rules.r_kf_rtrl(), ("B0", "A0")),
}

# The NumPy references of the other tests, anchored to the same numbers.
NUMPY = {
    "rtrl": lambda steps, **_: rtrl(steps),
    "rflo": lambda steps, **_: diagonal(steps, 6, "leak"),
    "uoro": partial(factored, split="k|ij", reduction=shared_signs, form="state"),
    "kf-rtrl": partial(factored, split="ki|j", reduction=random_signs),
    "r-kf-rtrl": partial(factored, split="kj|i", reduction=shared_signs),
}

# The future-facing rules: recorded name, and through which weights credit goes back -> rule, NumPy reference.
AHEAD = {
    "f-bptt5 time": (ax.rules.f_bptt(window=5), lambda steps, net, **_: f_bptt(steps, 5)),
    "f-bptt5 today": (
        ax.rules.f_bptt(window=5, through="today"),
        lambda steps, net, **_: f_bptt(steps, 5, net.jacobian),
    ),
    "e-bptt7 time": (ax.rules.e_bptt(window=7), lambda steps, net, **_: e_bptt(steps, 7)),
    "e-bptt7 today": (
        ax.rules.e_bptt(window=7, through="today"),
        lambda steps, net, **_: e_bptt(steps, 7, net.jacobian),
    ),
    "dni": (ax.rules.dni(), lambda steps, net, **start: dni(steps, **start, learning_rate=0.01)),
    "dni-b": (
        ax.rules.dni_b(),
        lambda steps, net, **start: dni(
            steps, **start, learning_rate=0.01, label="tanh", jacobian=net.W[:, :6], jacobian_rate=0.01
        ),
    ),
}

every_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


def network(case: dict) -> ax.LeakyRNN:
    return ax.LeakyRNN(
        *(case[name] for name in ("W_rec", "W_in", "b_rec", "W_out", "b_out")),
        alpha=float(case["alpha"]),
        activation="tanh",
        loss="cross_entropy",
    )


def leaky(case: dict) -> Net:
    arrays = {key: case[key] for key in ("W_rec", "W_in", "b_rec", "W_out", "b_out", "alpha")}
    return Net.of(SimpleNamespace(**arrays, activation="tanh", loss="cross_entropy", feedback=None))


def assert_recorded(actual: object, recorded: np.ndarray) -> None:
    np.testing.assert_allclose(actual, recorded, rtol=0, atol=1e-9)


@every_case
@pytest.mark.parametrize("name", RULES)
def test_gradient(case: dict, name: str) -> None:
    rule, factors = RULES[name]
    replayed = {}
    if factors is not None:
        left, right = (case[f"{name}.{factor}"] for factor in factors)
        replayed = {"noise": case[f"{name}.noise"], "initial": {"left": left, "right": right}}
    gradients = ax.gradients(network(case), rule, case["X"], case["Y"], initial_state=case["a0"], **replayed)
    assert_recorded(gradients.recurrent, case[f"{name}.grad"])
    assert_recorded(gradients.output, case["outer"])
    assert_recorded(np.minimum(gradients.loss, -np.log(1e-4)), case["loss"])


@every_case
@pytest.mark.parametrize("name", AHEAD)
def test_gradient_ahead(case: dict, name: str) -> None:
    rule, _ = AHEAD[name]
    replayed = {"initial": {"A": case["dni.A0"]}} if rule.tensor == "A_il" else {}
    gradients = ax.gradients(network(case), rule, case["X"], case["Y"], initial_state=case["a0"], **replayed)
    assert_recorded(gradients.recurrent, case[f"{name.split()[0]}.grad"])
    assert_recorded(gradients.output, case["outer"])


@every_case
def test_forward(case: dict) -> None:
    z = network(case).forward(case["X"], initial_state=case["a0"]).output  # (T, n_out)
    p = np.exp(z) / np.exp(z).sum(1, keepdims=True)
    assert_recorded(-(case["Y"] * np.log(np.maximum(p, 1e-4))).sum(1), case["loss"])


@every_case
@pytest.mark.parametrize("name", NUMPY)
def test_numpy_reference(case: dict, name: str) -> None:
    steps, loss, outer, _ = run(leaky(case), case["X"], case["Y"], case["a0"])
    replayed = {}
    if (factors := RULES[name][1]) is not None:
        replayed = {
            "noise": case[f"{name}.noise"][:, None, None],  # one batch, rank 1
            "initial": tuple(case[f"{name}.{factor}"][None] for factor in factors),
            "current": "estimated",
        }
    gradients = [gradient for gradient, _ in NUMPY[name](steps, **replayed)]
    assert_recorded(gradients, case[f"{name}.grad"])
    assert_recorded(outer, case["outer"])
    assert_recorded(loss, case["loss"])


@every_case
@pytest.mark.parametrize("name", AHEAD)
def test_numpy_reference_ahead(case: dict, name: str) -> None:
    net = leaky(case)
    steps, *_ = run(net, case["X"], case["Y"], case["a0"])
    found = AHEAD[name][1](steps, net, a0=case["a0"], A=case["dni.A0"])
    assert_recorded([gradient for gradient, _ in found], case[f"{name.split()[0]}.grad"])

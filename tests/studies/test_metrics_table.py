"""The columns of the long tables against the arrays."""

import numpy as np
import pytest

import axonomy as ax
from axonomy.studies.metrics import Trajectory, alignment_columns, measure, metric_columns


@pytest.fixture(scope="module")
def found() -> dict[str, np.ndarray]:
    rnn = ax.LeakyRNN.random(2, 5, 2, seed=3)
    trajectory = Trajectory(rnn, "rflo", ax.SGD(0.03))
    stream = ax.tasks.Add((2, 3)).generate(600)
    return measure(trajectory, stream, ["rflo", "e_bptt", "uoro"], windows=(1, 10), every=20, bins=3)


NAMES = ["RFLO", "E-BPTT", "UORO"]


def test_every_number_has_its_row(found: dict[str, np.ndarray]) -> None:
    columns = metric_columns(found, NAMES)
    assert list(columns) == ["rule", "metric", "window", "step", "value"]
    rows = {row[:4]: row[4] for row in zip(*columns.values(), strict=True)}
    assert len(rows) == len(columns["value"])
    for b, step in enumerate((200, 400, 600)):
        for p, rule in enumerate(NAMES):
            for w, window in enumerate((1, 10)):
                if (rule, window) == ("E-BPTT", 1):
                    assert (rule, "cosine", window, step) not in rows
                else:
                    assert rows[rule, "cosine", window, step] == found["cosine"][b, w, p]
            for metric in ("bias", "variance", "snr", "loss_decrease", "loss_decrease_2"):
                if rule == "E-BPTT" and metric.startswith("loss"):
                    assert (rule, metric, 1, step) not in rows
                    continue
                assert rows[rule, metric, 1, step] == found[metric][b, p]


def test_pairs(found: dict[str, np.ndarray]) -> None:
    columns = alignment_columns(found, NAMES)
    rows = {(a, b): value for a, b, value in zip(*columns.values(), strict=True)}
    assert rows["RFLO", "UORO"] == rows["UORO", "RFLO"] == found["alignment"][0, 2]
    assert len(rows) == 9


def test_names_of_other_passengers(found: dict[str, np.ndarray]) -> None:
    for make in (metric_columns, alignment_columns):
        with pytest.raises(ValueError, match=r"rules: expected 3 names, one a passenger, got \['a'\]"):
            make(found, ["a"])

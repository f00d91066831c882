"""``axonomy bench``."""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

import axonomy as ax
from axonomy import speed
from axonomy.cli import _peers, bench
from axonomy.cli.app import app

QUICK = ["--seconds", "0.001", "--turns", "2"]


def invoke(*arguments: str) -> object:
    return CliRunner().invoke(app, ["bench", *arguments])


def test_every_rule_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "speed.csv"
    result = invoke(
        "--rule", "rflo", "--rule", "ki|ij:deterministic:numerical", "--hidden", "4,6", "--dtype", "both",
        "--out", str(path), *QUICK,
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "RFLO" in result.output
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == list(bench.COLUMNS)
    assert {(row["rule"], row["n"], row["dtype"]) for row in rows} == {
        (rule, n, dtype)
        for rule in ("RFLO", "ki|ij TruncatedSVD")
        for n in ("4", "6")
        for dtype in ("float64", "float32")
    }
    for row in rows:
        rate = float(row["steps_per_second"])
        assert rate > 0
        assert float(row["microseconds"]) == pytest.approx(1e6 / rate, rel=1e-2)


def test_in_units_of_rtrl(tmp_path: Path) -> None:
    path = tmp_path / "bench.csv"
    with_it = invoke("--rule", "rtrl", "--rule", "rflo", "--hidden", "4", "--out", str(path), *QUICK)
    assert "× RTRL" in with_it.output
    rows = {row["rule"]: row for row in csv.DictReader(path.read_text(encoding="utf-8").splitlines())}
    assert float(rows["RTRL"]["times_rtrl"]) == 1.0
    ratio = float(rows["RFLO"]["steps_per_second"]) / float(rows["RTRL"]["steps_per_second"])
    assert float(rows["RFLO"]["times_rtrl"]) == pytest.approx(ratio, rel=1e-2)
    without = invoke("--rule", "rflo", "--hidden", "4", "--out", str(path), *QUICK)
    assert "× RTRL" not in without.output
    assert next(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))["times_rtrl"] == ""


def test_threads() -> None:
    result = invoke("--rule", "rtrl", "--hidden", "51", "--threads", "2", *QUICK)
    assert result.exit_code == 0, result.output


def test_cells_side_by_side(tmp_path: Path) -> None:
    """Each under each rule, with the time per parameter that exists; what refuses a cell says so."""
    path = tmp_path / "cells.csv"
    result = invoke(
        "--rule", "rtrl", "--rule", "kf_rtrl", "--cell", "leaky_rnn,gru", "--cell", "elstm", "--hidden", "3",
        "--out", str(path), *QUICK,
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "ns/weight" in result.output
    assert "[1] KF-RTRL needs one set of regressors" in result.output
    rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
    assert [row["cell"] for row in rows] == ["leaky_rnn"] * 2 + ["gru"] * 2 + ["elstm"] * 2
    for row in rows:
        if (row["rule"], row["cell"]) == ("KF-RTRL", "elstm"):
            assert row["note"].startswith("KF-RTRL needs one set of regressors")
            assert row["steps_per_second"] == row["ns_per_weight"] == row["times_rtrl"] == ""
            continue
        weights = ax.cells.CELLS[row["cell"]].random(2, 3, 2).shape.weights.sum()
        assert int(row["weights"]) == weights
        rate = float(row["steps_per_second"])
        assert float(row["ns_per_weight"]) == pytest.approx(1e9 / rate / weights, rel=1e-2)
        assert row["note"] == ""
        if row["rule"] == "RTRL":
            assert float(row["times_rtrl"]) == 1.0
    (line,) = (line for line in result.output.splitlines() if "KF-RTRL" in line and "elstm" in line)
    assert line.rstrip().endswith("– [1]")


def test_all_rules_on_an_element_wise_cell() -> None:
    result = invoke("--cell", "ind_rnn", "--hidden", "3", *QUICK)
    assert result.exit_code == 0, result.output
    assert "ns/weight" not in result.output
    filled = sum(cell.status != "impossible" for cell in ax.table())
    refused = filled - sum(cell.status != "impossible" for cell in ax.table("ind_rnn"))
    assert result.output.count("float64") == filled
    assert result.output.count("– [") == refused > 0


def test_all_rules_by_default() -> None:
    result = invoke("--hidden", "3", *QUICK)
    assert result.exit_code == 0, result.output
    filled = sum(cell.status != "impossible" for cell in ax.table())
    assert result.output.count("float64") == filled


def test_slow_ones_are_left_out_and_named() -> None:
    result = invoke("--rule", "rtrl", "--hidden", "4", "--limit", "1e-9", *QUICK)
    assert result.exit_code == 0
    assert "RTRL, leaky_rnn, n = 4, float64: left out" in result.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--rule", "nonsense"], "nonsense"),
        (["--hidden", "3,x"], "hidden: expected a whole number at least 1, got 'x'"),
        (["--cell", "gru,rnn"], "cell: expected one of 'leaky_rnn', 'gru', "),
        (["--hidden", "0"], "hidden: expected a whole number at least 1, got 0"),
        (["--dtype", "float16"], "dtype: expected float32 or float64"),
        (["--seconds", "0"], "seconds: expected"),
        (["--peers", "matlab"], "peers: expected one of 'numpy', "),
        (["--peers", "numpy", "--cell", "gru"], "cell: expected none beside --peers"),
        (["--peers", "numpy", "--limit", "1"], "limit: expected none beside --peers"),
        (["--peers", "numpy", "--rule", "e_bptt:window=3"], "rule: beside peers expected one of rflo, "),
        (["--peers", "numpy", "--threads", "2"], "threads: expected 1 beside --peers, got 2"),
        (["--threads", "0"], "threads: expected a whole number from 1 to 1024, got 0"),
    ],
)
def test_bad_input(arguments: list[str], message: str) -> None:
    result = invoke(*arguments)
    assert result.exit_code == 2
    assert message in result.output


def test_beside_peers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a file of results has is not measured again, what it lacks is."""
    path = tmp_path / "peers.csv"
    asked = ["--rule", "uoro", "--rule", "ki_ij_svd", "--rule", "rflo", "--hidden", "4,5", *QUICK]
    result = invoke("--peers", "numpy", *asked, "--out", str(path))
    assert result.exit_code == 0, result.output
    first = path.read_text(encoding="utf-8")
    rows = list(csv.DictReader(first.splitlines()))
    assert [(row["rule"], row["n"], row["peer"]) for row in rows] == [
        (rule, n, "numpy") for n in ("4", "5") for rule in ("uoro", "rflo")
    ]
    assert "% max" in result.output
    monkeypatch.setattr(_peers, "limit", lambda rule, n, dtype: 1e7 if rule == ax.rules.uoro() else None)
    again = invoke("--peers", "numpy,numpy_tuned", *asked, "--out", str(path))
    assert again.exit_code == 0, again.output
    assert "NumPy tuned" in again.output
    both = path.read_text(encoding="utf-8")
    assert both.startswith(first)
    added = list(csv.DictReader([first.splitlines()[0], *both[len(first) :].splitlines()]))
    assert [row["peer"] for row in added] == ["numpy_tuned"] * 4


def test_without_what_a_peer_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jax", None)
    result = invoke("--peers", "jax", *QUICK)
    assert result.exit_code == 2
    assert 'pip install "axonomy[jax]"' in result.output


def test_estimate_of_a_step(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0

    def slow(steps: int) -> None:
        nonlocal now
        now += 0.01 * steps

    monkeypatch.setattr(speed.time, "perf_counter", lambda: now)
    assert speed.seconds_a_step(slow) == pytest.approx(0.01)


def test_turns_and_spread() -> None:
    calls: list[int] = []
    found = speed.measure({"a": calls.append}, seconds=1e-9, turns=3)["a"]
    assert len(found.rates) == 3
    assert min(found.rates) <= found.median <= max(found.rates)
    assert speed.Speed((1.0, 2.0, 4.0)).median == 2.0
    assert speed.Speed((1.0, 2.0, 4.0)).spread == 0.75

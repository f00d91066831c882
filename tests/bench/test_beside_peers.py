"""The library timed beside programs: what is measured, kept and gone on with."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from axonomy import peers, speed
from axonomy._extras import MissingExtra
from axonomy.peers import compare
from axonomy.peers.compare import Pair, Results

PAIR = Pair("rflo", 4, "float64", "numpy", 3e5, 0.01, 1e5, 0.02)


def test_pairs() -> None:
    found = compare.compare("uoro", 4, "float32", ["numpy", "numpy_tuned"], seconds=0.001, turns=2)
    assert [pair.of for pair in found] == [("uoro", 4, "float32", peer) for peer in ("numpy", "numpy_tuned")]
    for pair in found:
        assert pair.ratio == pair.steps_per_second / pair.peer_steps_per_second > 0
    assert found[0].steps_per_second == found[1].steps_per_second


def test_a_rule_that_none_of_them_has() -> None:
    assert compare.compare("kernl", 4, "float64", ["numpy"]) == []


def test_they_begin_alike() -> None:
    problem = compare.problem("rflo", 4, "float32")
    rnn = speed.network(peers.RULES["rflo"], 4, "float32")
    np.testing.assert_array_equal(problem.W, rnn.W)
    assert {problem.W.dtype, problem.W_out.dtype, problem.X.dtype, problem.Y.dtype} == {np.dtype("float32")}


def test_results_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "new" / "peers.csv"
    Results(path).add([PAIR])
    again = Results(path)
    assert again.pairs == {PAIR.of: PAIR}
    more = Pair("uoro", 4, "float64", "jax", 2.0, 0.0, 1.0, 0.0)
    again.add([more])
    assert Results(path).pairs == {PAIR.of: PAIR, more.of: more}


def test_results_of_something_else(tmp_path: Path) -> None:
    path = tmp_path / "speed.csv"
    path.write_text("rule,facing\nRTRL,past\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"out: expected a file of such results, got .*speed\.csv"):
        Results(path)
    assert path.read_text(encoding="utf-8") == "rule,facing\nRTRL,past\n"


def test_turns_within_a_budget() -> None:
    steps: list[int] = []
    found = speed.measure({"a": steps.append}, seconds=1e-7, turns=4, period=3, budget=1e-12)["a"]
    assert len(found.rates) == 1
    assert all(count % 3 == 0 for count in steps)


def test_a_call_that_takes_no_time_ends() -> None:
    assert speed.measure({"a": lambda count: None}, seconds=1.0, turns=1)["a"].rates


@pytest.mark.parametrize("peer", [name for name, peer in peers.PEERS.items() if peer.package])
def test_what_is_not_installed(peer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    package = peers.PEERS[peer].package
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtra, match=rf'pip install "axonomy\[{package}\]"'):
        peers.load(peer)


def test_no_such_peer() -> None:
    with pytest.raises(ValueError, match="peer: expected one of 'numpy', "):
        peers.load("matlab")

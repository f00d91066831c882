"""assert_unbiased, assert_exact and assert_resumes by themselves."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
import subprocess
import sys

import numpy as np
import pytest

import axonomy as ax
import axonomy.testing
import faulty
from axonomy.testing.report import Mismatch, compare
from drawing import CELLS, over
from numpy_rules import all_signs

UNBIASED = [c for c in CELLS if c.bias == "none" and c.randomness == "stochastic"]
EXACT = [c for c in CELLS if c.bias == "none" and c.randomness == "deterministic"]


@over(UNBIASED)
def test_unbiased_cells(cell: ax.TableCell) -> None:
    report = ax.testing.assert_unbiased(cell.rule(current="estimated"))
    assert report.cases["unbiased"] >= 3


@pytest.mark.parametrize("reduction", [ax.RandomSigns(), ax.RandomSigns("shared"), ax.OptimalUnbiased()])
def test_unbiased_reductions(reduction: ax.Reduction) -> None:
    assert ax.testing.assert_unbiased(reduction).cases["unbiased"] >= 50


@pytest.mark.parametrize(
    "rule", [ax.rules.f_bptt(window=3), ax.rules.e_bptt(window=3), ax.rules.f_bptt(window=1)], ids=str
)
def test_credit_is_unbiased(rule: ax.Rule) -> None:
    ax.testing.assert_unbiased(rule)


def test_node_perturbation() -> None:
    """Exact in the mean where the network is linear and the loss quadratic, to order sigma² elsewhere."""
    rule = ax.rules.node_perturbation(window=2, sigma=0.3)
    ax.testing.assert_unbiased(rule, activation="identity")
    with pytest.raises(AssertionError, match=r"mean gradient, entry \[0, 1\], step 1"):
        ax.testing.assert_unbiased(rule)


def test_biased_parts_are_refused() -> None:
    with pytest.raises(
        AssertionError, match=r"mean of L C_L .*\n    smallest case: N=2 terms, rank 1, left of 1"
    ):
        ax.testing.assert_unbiased(faulty.KeepLargest())
    with pytest.raises(
        AssertionError, match=r"smallest case: N=2 terms, rank 1, left of 1 entries, right of 1"
    ):
        ax.testing.assert_unbiased(faulty.SameSigns())
    with pytest.raises(AssertionError, match=r"smallest case: N=2 terms"):
        ax.testing.assert_unbiased(ax.TruncatedSVD())
    with pytest.raises(AssertionError, match=r"mean influence, entry \[0, 0, 0\], step 1: expected 0"):
        ax.testing.assert_unbiased("rflo")


@pytest.mark.parametrize("rule", [ax.rules.uoro(noise="normal"), ax.RandomSigns(noise="normal")])
def test_only_signs(rule: object) -> None:
    with pytest.raises(ValueError, match=r"expected signs for noise, so that all can be taken, got 'normal'"):
        ax.testing.assert_unbiased(rule)


def test_too_many_signs() -> None:
    with pytest.raises(ValueError, match=r"expected at most 12 signs .* smallest network takes 9 a step"):
        ax.testing.assert_unbiased(ax.rules.uoro(rank=9))
    with pytest.raises(ValueError, match=r"expected at most 2\^1 sequences of signs, got 2\^2 for 2 terms"):
        ax.testing.assert_unbiased(ax.RandomSigns(), sequences=2)


@over(EXACT)
def test_exact_cells(cell: ax.TableCell) -> None:
    ax.testing.assert_exact(cell.rule())


@pytest.mark.parametrize(
    "rule",
    [
        ax.rules.f_bptt(window=4),
        ax.rules.f_bptt(window=8, through="today"),
        ax.rules.e_bptt(window=5),
        ax.rules.tbptt(window=6),
        ax.mix(["rtrl", ax.rules.f_bptt(window=3)], [0.3, 0.7]),
        ax.by_block(W_rec="rtrl_lazy", W_in="rtrl", b=ax.rules.tbptt(window=9)),
    ],
    ids=str,
)
def test_exact_over_time(rule: ax.Rule) -> None:
    ax.testing.assert_exact(rule)


def test_not_exact() -> None:
    with pytest.raises(AssertionError, match=r"influence, entry \[0, 0, 0\], step 1: .*\n.* steps 2, seed 0"):
        ax.testing.assert_exact("rflo")
    with pytest.raises(AssertionError, match=r"sum of the gradients over time"):
        ax.testing.assert_exact("dni")
    with pytest.raises(ValueError, match=r"expected one that draws nothing"):
        ax.testing.assert_exact("uoro")


def test_resumes() -> None:
    ax.testing.assert_resumes(ax.by_block(W_rec=ax.mix(["uoro", "dni"]), W_in="rtrl", b="rflo"))
    with ax.registered(faulty.Forgetful), pytest.raises(AssertionError, match=r"2 of 2 laws fail"):
        ax.testing.assert_resumes(ax.compose("past", "kij", "deterministic", "closed-form", solver="own"))


def test_only_rules() -> None:
    for check in (ax.testing.check_rule, ax.testing.assert_exact, ax.testing.assert_resumes):
        with pytest.raises(ValueError, match=r"rule: expected"):
            check("back-propagation")


def test_compare() -> None:
    compare("x", np.ones(3), np.ones(3) + 1e-14, 1e-12)
    compare("x", [np.nan], [np.nan])
    with pytest.raises(Mismatch, match=r"^x, entry \[1\], step 2: expected 0, got 3$"):
        compare("x", [[0, 0], [0, 0], [1, 3]], np.zeros((3, 2), int))
    with pytest.raises(Mismatch, match=r"^x, entry \[1\]: expected nan, got 0$"):
        compare("x", [1.0, 0.0], [1.0, np.nan], steps=False)
    with pytest.raises(Mismatch, match=r"^x: expected shape \(2,\), got \(3,\)$"):
        compare("x", np.zeros(3), np.zeros(2))


def test_all_signs() -> None:
    from axonomy.testing.exact import all_signs as own

    np.testing.assert_array_equal([s.ravel() for s in own(2, 3)], list(all_signs(6)))


@pytest.mark.parametrize("name", [m.name for m in pkgutil.iter_modules(axonomy.testing.__path__)])
def test_examples(name: str) -> None:
    found = doctest.testmod(importlib.import_module(f"axonomy.testing.{name}"))
    assert found.failed == 0
    assert found.attempted > 0 or name not in ("bias", "check", "resume")


def test_needs_numpy_alone() -> None:
    program = (
        "import sys\n"
        "for name in ('pytest', 'hypothesis', 'scipy', 'matplotlib'): sys.modules[name] = None\n"
        "import axonomy as ax\n"
        "print(ax.testing.check_rule('rflo', laws=['linear in q']))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("RFLO: 1 law holds in 9 cases\n")


@pytest.mark.parametrize("check", [ax.testing.assert_exact, ax.testing.assert_unbiased])
def test_tolerance_is_a_number(check: object) -> None:
    for tolerance in (float("nan"), -1.0, "1"):
        with pytest.raises(ValueError, match="tolerance: expected a finite real number at least 0"):
            check("rtrl", tolerance=tolerance)


@pytest.mark.parametrize(
    "check",
    [
        ax.testing.assert_exact,
        ax.testing.assert_unbiased,
        ax.testing.assert_resumes,
        ax.testing.check_rule,
    ],
)
def test_no_size_is_no_proof(check: object) -> None:
    rule = ax.by_block({"0:10": "rtrl", "10:20": "rtrl"})
    with pytest.raises(ValueError, match="blocks of columns are those of a small network"):
        check(rule)


@pytest.mark.parametrize("laws", [5, [], "masks", ["nothing"]])
def test_laws_by_name(laws: object) -> None:
    with pytest.raises(ValueError, match="laws: expected"):
        ax.testing.check_rule("rflo", laws=laws)

"""The conformance suite: every rule of the library passes, every fault is found and named."""

from __future__ import annotations

import re

import pytest

import axonomy as ax
import faulty
from axonomy.testing.laws import names
from drawing import CELLS, every_cell

HYBRIDS = [
    ax.mix(["rtrl", "uoro"], [0.25, 0.75]),
    ax.mix([ax.rules.uoro(noise="normal"), "rflo"]),
    ax.mix(["uoro", ax.rules.f_bptt(window=3)]),
    ax.mix(["dni", "rflo"]),
    ax.by_block(W_rec="kf_rtrl", W_in="rtrl", b="rtrl"),
    ax.by_block({"0:2": "uoro", "2:": ax.mix(["snap", "rtrl"])}),
    ax.by_block({"0:1": ax.rules.f_bptt(window=2), "1:": "uoro"}),
    ax.windowed("kf_rtrl", 2),
    ax.windowed("rtrl", 1, 0.5, 1),
    ax.windowed("uoro", 1, 0.5, 2),
    ax.windowed(ax.mix(["rflo", "ok"]), 2, 0.5, 1),
]
SETTINGS = [
    ax.rules.rtrl_lazy(block=3),
    ax.rules.tbptt(window=2),
    ax.rules.uoro(rank=2),
    ax.rules.uoro(noise="normal"),
    ax.rules.f_bptt(window=3, through="today"),
    ax.rules.e_bptt(window=3),
    ax.rules.node_perturbation(window=2, noise="normal"),
]


def own(part: type, **settings: object) -> ax.Rule:
    """The cell that a part fills, under the split k|ij if it is a reduction."""
    facing, tensor = getattr(part, "facing", "past"), getattr(part, "tensor", "k|ij")
    return ax.compose(facing, tensor, part.randomness, part.solution, solver=part.solver, **settings)


def what_fails(part: type, laws: list[str] | None = None, **settings: object) -> dict[str, str]:
    """The laws that fail, with what is said of each."""
    with ax.registered(part), pytest.raises(AssertionError) as failed:
        ax.testing.check_rule(own(part, **settings), laws=laws)
    text = str(failed.value)
    found = re.findall(r"^  (\S.*)\n    (.*\n    smallest case: .*)$", text, flags=re.MULTILINE)
    assert found, text
    assert f"{len(found)} of " in text
    return dict(found)


@every_cell
def test_every_cell(cell: ax.TableCell) -> None:
    report = ax.testing.check_rule(cell.rule())
    assert set(report.laws) | set(report.skipped) == set(names())
    assert all(count > 0 for count in report.cases.values())
    assert ("bias as declared" in report.laws) == (cell.bias == "none")
    assert ("linear in q" in report.laws) == (cell.facing == "past")
    assert {"lag as declared", "memory as declared", "resumes from a file"} <= set(report.laws)


@pytest.mark.parametrize("name", ax.rules.names())
def test_every_named_rule(name: str) -> None:
    ax.testing.check_rule(name)


@pytest.mark.parametrize("rule", [*HYBRIDS, *SETTINGS], ids=lambda rule: rule.name)
def test_hybrids_and_settings(rule: ax.Rule) -> None:
    ax.testing.check_rule(rule)


def test_what_is_looked_at() -> None:
    report = ax.testing.check_rule(HYBRIDS[0])
    assert "bias as declared" in report.laws
    assert "lag as declared" in report.laws
    assert report.skipped == {"memory as declared": "a hybrid declares none"}
    assert str(report).startswith("0.25 RTRL + 0.75 UORO: 18 laws hold in ")
    assert not report.failures


def test_too_many_signs_are_sampled() -> None:
    for rule in (ax.rules.uoro(rank=5), ax.rules.uoro(noise="normal")):
        assert ax.testing.check_rule(rule, laws=["bias as declared"]).cases["bias as declared"] == 3
    failures = what_fails(faulty.KeepLargest, ["bias as declared"], rank=1)
    assert "mean" not in failures["bias as declared"]  # it draws nothing
    failures = what_fails(faulty.SameSigns, ["bias as declared"], rank=6)
    assert "over 3000 draws" in failures["bias as declared"]


def test_some_laws_alone() -> None:
    report = ax.testing.check_rule("uoro", laws=["linear in q", "memory as declared"])
    assert report.laws == ("linear in q", "memory as declared")
    with pytest.raises(ValueError, match=r"laws: expected names of .*, got 'linearity'"):
        ax.testing.check_rule("uoro", laws=["linearity"])


@pytest.mark.parametrize("part", [faulty.Rtrl, faulty.SaysLateCredit])
def test_right_parts_pass(part: type) -> None:
    with ax.registered(part):
        ax.testing.check_rule(own(part))


def test_element_wise_cells() -> None:
    """A rule takes a set of regressors a row, or is refused cells that have them."""
    failures = what_fails(faulty.OneForAll)
    assert {"well formed", "reset is fresh"} <= set(failures)
    assert all(failure.endswith("by hand, element-wise") for failure in failures.values())
    assert "of shape (3,)" in failures["well formed"]
    with ax.registered(faulty.SaysLateCredit):
        with pytest.raises(ax.IncompatibleCell, match="needs one set of regressors for all rows of W"):
            ax.make_learner(own(faulty.SaysLateCredit), ax.IndRNN.random(1, 2, 1))
        assert "own" in [cell.solver for cell in ax.table("gru")]
        assert "own" not in [cell.solver for cell in ax.table("elstm")]
    assert ax.testing.check_rule("rtrl", laws=["well formed"]).cases["well formed"] == 9
    assert ax.testing.check_rule("kf_rtrl", laws=["well formed"]).cases["well formed"] == 7


LOADED = "gradient of step 0, loaded at step 0"
ON_NETWORK = "n=1, m=2, states per unit 1, rows per unit 1, steps "


def by_hand(T: int) -> str:
    return f"n=1, m=1, states per unit 1, rows per unit 1, steps {T}, seed 0, by hand"


def on_network(T: int) -> str:
    return f"{ON_NETWORK}{T}, seed 0, on a leaky RNN"


@pytest.mark.parametrize(
    ("part", "law", "what", "case"),
    [
        (faulty.Forgetful, "resumes from its state", LOADED, by_hand(1)),
        (faulty.Forgetful, "memory as declared", "declared O(n³)", "of any size"),
        (faulty.HalfCarried, "resumes from its state", LOADED, by_hand(1)),
        (faulty.HalfCarried, "masks", "gradient where there is no target", on_network(2)),
        (faulty.Squashed, "linear in q", "gradient of 2 q - 3 q', entry [0, 0], step 0", by_hand(1)),
        (faulty.Stale, "lag as declared", "due at step 0, got one at step 1", on_network(2)),
        (faulty.LateCredit, "lag as declared", "of step 1, got one of lag 1", "n=1, m=5"),
        (faulty.Damped, "bias as declared", "influence, entry [0, 0, 0], step 1", by_hand(2)),
        (faulty.OwnDice, "a run is a function of its seed", "the same run again", ON_NETWORK),
        (faulty.OwnDice, "randomness as declared", "deterministic, but the seed changes it", "n=4, m=7"),
        (faulty.Lingering, "reset is fresh", "gradient after reset(), entry [0, 0], step 0", by_hand(1)),
        (faulty.Lingering, "new sequence is fresh", "a reset at step 1", on_network(2)),
        (faulty.Cached, "resumes from its state", LOADED, by_hand(1)),
        (faulty.Loaded, "randomness as declared", "stochastic, but takes 0", "n=4, m=7"),
        (faulty.Small, "memory as declared", "the power 2.98", "of any size"),
        (faulty.DividesByNorm, "zeros do no harm", "expected a finite number", by_hand(1)),
        (faulty.Double, "masks", "gradient where there is no target", ON_NETWORK),
        (faulty.Double, "linear in q", "gradient of 2 q - 3 q'", by_hand(1)),
        (faulty.Silent, "some gradient", "expected one that is not zero within 4 steps", "n=2, m=4"),
        (faulty.Raises, "well formed", "raised ArithmeticError: the second step", by_hand(4)),
        (faulty.Names, "diagnostics leave no trace", "expected the names []", on_network(1)),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else None,
)  # fmt: skip
def test_faults_are_found(part: type, law: str, what: str, case: str) -> None:
    """The law by its name, what differs, and the smallest case."""
    failures = what_fails(part, [law])
    assert what in failures[law]
    said, smallest = failures[law].split("\n    smallest case: ")
    assert smallest.startswith(case)
    assert "raised" in said or "expected" in said or "declared" in said


def test_one_fault_names_one_law() -> None:
    """What is right otherwise passes otherwise."""
    assert set(what_fails(faulty.Small)) == {"memory as declared"}
    assert set(what_fails(faulty.Stale)) == {"lag as declared", "masks", "update_every sums"}
    assert set(what_fails(faulty.Damped)) == {"bias as declared"}
    assert set(what_fails(faulty.LateCredit)) == {"lag as declared"}


@pytest.mark.parametrize("rank", [1, 2])
def test_biased_reductions_are_found(rank: int) -> None:
    for part in (faulty.KeepLargest, faulty.SameSigns):
        failures = what_fails(part, rank=rank)
        assert set(failures) == {"bias as declared"}
        assert re.search(r"expected -?\d.*, got -?\d", failures["bias as declared"])
        assert "smallest case: n=1, m=" in failures["bias as declared"]


def test_the_table_is_as_it_was() -> None:
    assert [cell for cell in ax.table() if cell.status in ("known", "new")] == CELLS

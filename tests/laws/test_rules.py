"""Rules as values, the table they come from, and the combinations that cannot be."""

from __future__ import annotations

import csv
import io
import itertools
import json
import pickle

import pytest
from hypothesis import given

import axonomy as ax
from drawing import CELLS, cell_id, every_cell, over, rules
from numpy_rules import SPLITS

every_name = pytest.mark.parametrize("name", ax.rules.names())
TABLE = list(ax.table())


def named(name: str) -> ax.Rule:
    return getattr(ax.rules, name)()


# ---------------------------------------------------------------------------------------- values


@given(rule=rules())
def test_round_trips(rule: ax.Rule) -> None:
    for again in (
        ax.Rule.from_dict(rule.to_dict()),
        ax.Rule.from_json(rule.to_json()),
        ax.Rule.from_toml(rule.to_toml()),
        ax.as_rule(rule.to_dict()),
        ax.as_rule(rule),
        pickle.loads(pickle.dumps(rule)),
    ):
        assert again == rule
        assert hash(again) == hash(rule)
        assert str(again) == str(rule)
    assert json.loads(rule.to_json()) == json.loads(json.dumps(rule.to_dict()))


@every_name
def test_named_rules_round_trip(name: str) -> None:
    rule = named(name)
    assert ax.Rule.from_json(rule.to_json()) == rule
    assert ax.Rule.from_toml(rule.to_toml()) == rule
    assert ax.as_rule(name) == rule
    assert ax.as_rule(getattr(ax.rules, name)) == rule


def test_equality_is_by_value() -> None:
    first, second = ax.rules.uoro(rank=2), ax.rules.uoro(rank=2)
    assert first is not second
    assert first == second
    assert len({first, second, ax.rules.uoro(rank=3)}) == 2
    assert first != ax.rules.uoro(rank=2, current="exact")
    assert first != ax.rules.uoro(rank=2, normaliser="per_term")


@given(one=rules(), other=rules())
def test_different_rules_differ(one: ax.Rule, other: ax.Rule) -> None:
    assert (one == other) == (one.to_dict() == other.to_dict())
    if one == other:
        assert hash(one) == hash(other)


def test_frozen() -> None:
    rule = ax.rules.uoro()
    with pytest.raises(AttributeError):
        rule.rank = 3
    before = hash(rule)
    options = rule.options
    options["normaliser"] = "per_term"  # a copy, or it refuses
    assert hash(rule) == before
    assert rule == ax.rules.uoro()


@every_name
def test_str_says_the_four_choices(name: str) -> None:
    rule = named(name)
    for choice in (rule.facing, rule.tensor, rule.randomness, rule.solution):
        assert choice in str(rule)


@every_name
def test_citation_is_bibtex(name: str) -> None:
    citation = named(name).citation()
    assert citation.lstrip().startswith("@")
    assert citation.count("{") == citation.count("}")
    assert "Marschall" in citation


# --------------------------------------------------------------------------------------- compose


@every_cell
def test_compose_is_the_cell(cell: ax.TableCell) -> None:
    choices = {
        "facing": cell.facing,
        "tensor": cell.tensor,
        "randomness": cell.randomness,
        "solution": cell.solution,
        "solver": cell.solver,
    }
    assert ax.compose(**choices) == cell.rule()
    assert ax.compose(**choices).current == "exact"


@pytest.mark.parametrize(
    ("paper", "split"),
    [
        ("A_k B_ij", "k|ij"),
        ("A_j B_ki", "ki|j"),
        ("A_i B_kj", "kj|i"),
        ("A_ki B_ij", "ki|ij"),
    ],
)
def test_spelling_of_the_paper(paper: str, split: str) -> None:
    for spelling in (paper, paper.replace(" ", ""), f" {paper} "):
        rule = ax.compose(tensor=spelling, randomness="stochastic", solution="closed-form")
        assert rule.tensor == split
        assert rule == ax.compose(tensor=split, randomness="stochastic", solution="closed-form")


def test_named_rules_are_cells() -> None:
    """What the papers published, by their axes."""
    expected = {
        "rtrl": ("kij", "deterministic", "closed-form", "RTRL"),
        "uoro": ("k|ij", "stochastic", "closed-form", "UORO"),
        "kf_rtrl": ("ki|j", "stochastic", "closed-form", "KF-RTRL"),
        "r_kf_rtrl": ("kj|i", "stochastic", "closed-form", "R-KF-RTRL"),
        "ok": ("ki|j", "stochastic", "numerical", "r-OK"),
        "kernl": ("ki|ij", "stochastic", "numerical", "KeRNL"),
        "rflo": ("k=i", "deterministic", "closed-form", "RFLO"),
    }
    for name, (*axes, printed) in expected.items():
        rule = named(name)
        assert [rule.tensor, rule.randomness, rule.solution] == axes
        assert rule.facing == "past"
        assert rule.name == printed
        assert rule.rank == 1
    for name in ("uoro", "kf_rtrl", "r_kf_rtrl"):
        assert named(name).current == "estimated"


# ----------------------------------------------------------------------------------------- table


def test_every_name_has_its_cell() -> None:
    known = {
        (c.facing, c.tensor, c.randomness, c.solution, c.solver)
        for c in TABLE
        if c.status in ("known", "baseline")
    }
    rules = [*(named(name) for name in ax.rules.names()), ax.rules.snap(2)]
    assert {(*rule.axes, rule.solver) for rule in rules} == known


def test_cells_are_unique() -> None:
    axes = [(c.facing, c.tensor, c.randomness, c.solution, c.solver) for c in TABLE]
    assert len(set(axes)) == len(axes)


def test_all_splits_by_all_reductions() -> None:
    found = {(c.tensor, c.randomness, c.solution) for c in CELLS if c.facing == "past" and c.ranked}
    reductions = [
        ("stochastic", "closed-form"),
        ("stochastic", "numerical"),
        ("deterministic", "numerical"),
    ]
    assert {(split, *way) for split in SPLITS for way in reductions} <= found


@over(TABLE)
def test_facts_of_a_cell(cell: ax.TableCell) -> None:
    assert cell.status in ("known", "new", "impossible", "baseline")
    if cell.status == "impossible":
        assert cell.reason
        return
    assert cell.bias in ("none", "biased")
    for order in (cell.memory, cell.time):
        assert str(order).startswith("O(")
        assert isinstance(order.n, int)
        assert order.n >= 0
    assert cell.lag is not None
    if cell.status == "known":
        assert cell.reference
        assert cell.name


def test_table_as_text_and_data() -> None:
    table = ax.table()
    rows = table.rows()
    assert len(rows) == len(TABLE)
    assert json.loads(table.to_json()) == json.loads(json.dumps(rows, default=str))
    read = list(csv.DictReader(io.StringIO(table.to_csv())))
    assert len(read) == len(TABLE)
    assert [row["tensor"] for row in read] == [cell.tensor for cell in TABLE]
    markdown = table.to_markdown().strip().splitlines()
    assert all(line.startswith(("|", "[")) for line in markdown if line)
    for cell in TABLE:
        if cell.name:
            assert cell.name in table.to_markdown()
            assert cell.name in str(table)


# ------------------------------------------------------------------------------------ impossible


@over(cell for cell in TABLE if cell.status == "impossible")
def test_impossible_cells_are_refused(cell: ax.TableCell) -> None:
    with pytest.raises(ax.IncompatibleAxes) as refused:
        ax.compose(
            facing=cell.facing,
            tensor=cell.tensor,
            randomness=cell.randomness,
            solution=cell.solution,
        )
    message = str(refused.value)
    assert cell.reason in message
    for choice in (cell.tensor, cell.randomness, cell.solution):
        assert choice in message
    assert_lists_neighbours(message, cell)
    with pytest.raises(ax.IncompatibleAxes):
        cell.rule()


def assert_lists_neighbours(message: str, cell: ax.TableCell) -> None:
    """At least one cell that exists, and none that is farther off than need be."""
    axes = ("facing", "tensor", "randomness", "solution")

    def distance(other: ax.TableCell) -> int:
        return sum(getattr(cell, axis) != getattr(other, axis) for axis in axes)

    exists = [c for c in TABLE if c.status in ("known", "new")]
    nearest = min(distance(c) for c in exists)
    near = [c for c in exists if distance(c) == nearest]

    def is_named(c: ax.TableCell) -> bool:
        return all(getattr(c, axis) in message for axis in axes)

    assert any(is_named(c) for c in near), (message, [cell_id(c) for c in near])


def test_every_combination_is_in_the_table_or_refused() -> None:
    known = {(c.tensor, c.randomness, c.solution): c.status for c in TABLE if c.facing == "past"}
    tensors = {c.tensor for c in TABLE if c.facing == "past"}
    for axes in itertools.product(tensors, ("stochastic", "deterministic"), ("closed-form", "numerical")):
        tensor, randomness, solution = axes
        choices = {"tensor": tensor, "randomness": randomness, "solution": solution}
        if known.get(axes, "impossible") == "impossible":
            with pytest.raises(ax.IncompatibleAxes):
                ax.compose(**choices)
        else:
            rule = ax.compose(**choices)
            assert (rule.tensor, rule.randomness, rule.solution) == axes


def test_incompatible_axes_is_a_value_error() -> None:
    assert issubclass(ax.IncompatibleAxes, ValueError)

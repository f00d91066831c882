"""What the machine allows, and that what rules declare to need grows as their declared order."""

from __future__ import annotations

import numpy as np
import pytest

import axonomy as ax
from axonomy.component import Least
from axonomy.composed import ComposedRule
from axonomy.machine import Level, Machine, cache_sizes, limit, measure_machine

RULES = [cell.rule() for cell in ax.table() if cell.status not in ("impossible", "baseline")]
KNOWN = [rule for rule in RULES if rule.component.least is not None]


def least(rule: ComposedRule, n: int) -> Least:
    assert rule.component.least is not None
    return rule.component.least(ax.Shape(n, n_in=2, n_out=2), rule.options, rule.rank)


@pytest.mark.parametrize("rule", KNOWN, ids=lambda rule: rule.name)
def test_the_least_grows_as_the_declared_time(rule: ComposedRule) -> None:
    small, large = least(rule, 4000), least(rule, 8000)
    slope = np.log2((large.flops + large.moved) / (small.flops + small.moved))
    declared = rule.component.time.n
    if rule.component.ranked and rule.solution == "numerical":
        assert slope < declared + 0.02  # what decomposes the Grams is not counted, and may need more
    else:
        assert slope == pytest.approx(declared, abs=0.02)
    assert 0 < small.held < large.held


def test_most_rules_say_what_they_need() -> None:
    unknown = {rule.name for rule in RULES} - {rule.name for rule in KNOWN}
    assert unknown == {"SnAp-n", "node perturbation"}


def test_measured() -> None:
    # Longer than others on the machine may have a core to themselves.
    machine = measure_machine("float64", 0.05)
    assert machine is measure_machine("float64", 0.05)
    assert 1e8 < machine.gemm < 1.2 * machine.flops
    assert all(1e8 < level.bandwidth < 1e13 for level in machine.levels)
    assert [level.size for level in machine.levels] == sorted(level.size for level in machine.levels)
    assert machine.levels[-1] == Level("memory", float("inf"), machine.levels[-1].bandwidth)
    assert len(cache_sizes()) == len(machine.levels) - 1
    assert "memory" in str(machine)


def test_time_of_what_is_needed() -> None:
    machine = Machine(10.0, 5.0, (Level("L1", 80, 8.0), Level("memory", float("inf"), 2.0)))
    assert machine.seconds(Least(flops=10, moved=4, held=10), 8) == 10 / 5 + 4 * 8 / 8
    assert machine.seconds(Least(moved=4, held=11), 8) == 4 * 8 / 2


def test_limits() -> None:
    rflo, half = limit(ax.rules.rflo(), 64, "float64"), limit(ax.rules.rflo(), 64, "float32")
    assert rflo is not None
    assert half is not None
    assert half > rflo
    assert limit(ax.mix(["rflo", "uoro"], [0.5, 0.5]), 64, "float64") is None
    assert limit(ax.rules.rflo(), 64, "float64", "ind_rnn") is None
    with pytest.raises(ValueError, match="cell"):
        limit(ax.rules.rflo(), 64, "float64", "none")

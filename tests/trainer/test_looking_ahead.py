"""Rules whose gradient counts losses to come, and those whose does not: steps without a target, and sums."""

from __future__ import annotations

import numpy as np

import axonomy as ax
from drawing import assert_close, every_cell, flags, network_for, parameters, rule_of, stream
from numpy_cells import Array

T = 12


def trained(rnn: ax.LeakyRNN, rule: ax.Rule, steps: int, **settings: object) -> ax.Trainer:
    """After some steps with masks and resets."""
    trainer, data, (mask, reset) = (
        ax.Trainer(rnn, rule, ax.SGD(0.1), seed=3, **settings),
        stream(rnn, T),
        flags(T),
    )
    trainer.run(data.X[:steps], data.Y[:steps], mask[:steps], reset[:steps])
    return trainer


@every_cell
def test_a_step_without_a_target(cell: ax.TableCell) -> None:
    """There is a gradient of the recurrent weights if and only if the rule looks ahead; of no others."""
    rnn = network_for(cell)
    trainer = trained(rnn, rule_of(cell), 11)  # the 12th step ends a window of 3
    before = parameters(rnn)
    assert np.isnan(trainer.learn_one(stream(rnn, T).X[11], None))
    after = parameters(rnn)
    assert (after[0] != before[0]).any() == (cell.facing == "future")
    np.testing.assert_array_equal(after[1], before[1])


@every_cell
def test_what_is_due_comes_without_targets(cell: ax.TableCell) -> None:
    """And then no more: lag + period - 1 steps after the last target nothing is learned of it."""
    if cell.tensor == "A_il":
        return  # a model predicts credit at every step
    rnn, rule = network_for(cell), rule_of(cell)
    trainer, X = trained(rnn, rule, 8), stream(rnn, T).X
    changed = []
    for x in X[:8]:
        before = rnn.W
        trainer.learn_one(x, None)
        changed.append(bool((before != rnn.W).any()))
    late = rule.lag + rule.period - 1
    assert any(changed[:late]) == (cell.facing == "future")
    assert not any(changed[late:])


@every_cell
def test_one_update_is_the_sum_of_the_gradients(cell: ax.TableCell) -> None:
    data, (mask, reset) = stream(network_for(cell), T), flags(T)
    found = ax.gradients(network_for(cell), rule_of(cell), data.X, data.Y, seed=3, mask=mask, reset=reset)
    rnn = network_for(cell)
    W, V = parameters(rnn)
    trained(rnn, rule_of(cell), T, update_every=T)
    expected: tuple[Array, Array] = (W - 0.1 * found.recurrent.sum(0), V - 0.1 * found.output.sum(0))
    for actual, wanted in zip(parameters(rnn), expected, strict=True):
        assert_close(actual, wanted, 1e-12)

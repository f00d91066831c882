"""A run that is saved and goes on is the run that never stopped, bit for bit."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from axonomy.learner import make_learner
from axonomy.optimisers import SGD, Adam
from axonomy.rule import Rule
from axonomy.rules import as_rule
from axonomy.testing import cases
from axonomy.testing.cases import Size, drive, random_network, random_steps
from axonomy.testing.report import Mismatch, Report, compare, tried
from axonomy.trainer import Trainer

BY_STATE = "resumes from its state"
BY_FILE = "resumes from a file"


def assert_resumes(rule: Any) -> Report:
    """Stop a short run at every step, save, load elsewhere and go on: bit for bit the run that never stopped.

    Once with the learner's state, driven by hand if the rule can be, and once with a trainer's through
    :meth:`axonomy.Trainer.save` and :meth:`axonomy.Trainer.load` in a temporary folder.

    Parameters
    ----------
    rule : Rule, str, dict or function of ``axonomy.rules``

    Returns
    -------
    Report

    Raises
    ------
    AssertionError
        If a run goes on otherwise; has the smallest case, and what differs.

    Examples
    --------
    >>> import axonomy as ax
    >>> report = ax.testing.assert_resumes("kf_rtrl")
    >>> report.laws
    ('resumes from its state', 'resumes from a file')
    """
    rule = as_rule(rule)
    report = Report(rule.name)
    tried(report, BY_STATE, cases.sizes(rule), lambda size: resumes_from_state(rule, size))
    tried(report, BY_FILE, cases.network_sizes(rule), lambda size: resumes_from_file(rule, size))
    report.raise_if_failed()
    return report


def resumes_from_state(rule: Rule, size: Size) -> None:
    """At every step: into a learner, or a trainer, that has been elsewhere."""
    if not size.by_hand:
        _resumes_as_trainer(rule, size, None)
        return
    steps = random_steps(size)
    learner = make_learner(rule, size.shape, seed=3)
    states, gradients = [learner.state()], []
    for s in steps:
        gradients.append(drive(learner, [s]).gradient[0])
        states.append(learner.state())
    other = make_learner(rule, size.shape, seed=4)
    drive(other, random_steps(size, size.seed + 1))
    for at, saved in enumerate(states):
        other.load_state(saved)
        _same_state(f"state loaded at step {at}", other.state(), saved)
        for t in range(at, min(at + 3, len(steps))):
            found = drive(other, [steps[t]]).gradient[0]
            name = f"gradient of step {t}, loaded at step {at}"
            compare(name, found, gradients[t], steps=False)
            _same_state(f"state after step {t}, loaded at step {at}", other.state(), states[t + 1])


def resumes_from_file(rule: Rule, size: Size) -> None:
    """At every step, through a file."""
    with tempfile.TemporaryDirectory() as folder:
        _resumes_as_trainer(rule, size, Path(folder) / "checkpoint.npz")


def _resumes_as_trainer(rule: Rule, size: Size, path: Path | None) -> None:
    data = random_network(replace(size, T=size.T), flags=True)
    assert data.mask is not None
    assert data.reset is not None
    # Plain descent goes straight to the weights; the other keeps sums between updates.
    for optimiser, update_every in ((SGD(0.01), 1), (Adam(0.01), 2)):

        def made(optimiser: Any = optimiser, update_every: int = update_every) -> Trainer:
            return Trainer(data.rnn.copy(), rule, optimiser, seed=5, update_every=update_every)

        def one(trainer: Trainer, t: int) -> None:
            part = slice(t, t + 1)
            trainer.run(data.X[part], data.Y[part], data.mask[part], data.reset[part])  # type: ignore[index]

        whole, states = made(), []
        for t in range(size.T):
            states.append(whole.state())
            one(whole, t)
        states.append(whole.state())
        stopped = made()
        for at in range(size.T):
            if path is None:
                other = made()
                other.run(data.X[::-1], data.Y[::-1])
                other.load_state(states[at])
            else:
                stopped.save(path)
                other = Trainer.load(path)
                one(stopped, at)
            _same_state(f"state loaded at step {at}", other.state(), states[at])
            for t in range(at, min(at + 2, size.T)):
                one(other, t)
            _same_state(f"state after step {t}, loaded at step {at}", other.state(), states[t + 1])


def _same_state(name: str, found: Mapping[str, Any], expected: Mapping[str, Any]) -> None:
    if list(found) != list(expected):
        raise Mismatch(f"{name}: expected entries {', '.join(expected)}, got {', '.join(found)}")
    for key, value in expected.items():
        compare(f"{name}: {key}", np.asarray(found[key]), np.asarray(value), steps=False)

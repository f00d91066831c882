"""The laws that every rule keeps; :data:`LAWS` is the list that :func:`check_rule` goes through.

A law is a function of a rule and a size, which raises if it does not hold there. `about` says why it has
nothing to say on a rule, if so.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from axonomy._check import FloatArray
from axonomy.gradients import gradients
from axonomy.hybrid import ByBlock
from axonomy.hybrid.parts import Hybrid, leaves
from axonomy.learner import Learner, make_learner
from axonomy.optimisers import SGD
from axonomy.rule import Rule
from axonomy.shape import Shape
from axonomy.testing import bias, cases, resume
from axonomy.testing.cases import Size, Subject, drive, random_network, random_steps, steps_of
from axonomy.testing.report import Mismatch, compare, finite
from axonomy.trainer import Trainer

Check = Callable[[Rule, Any], None]
SEQUENCES = 512  # of signs, for one network
_TINY = 1e-12


@dataclass(frozen=True)
class Law:
    """A law, the sizes to try it on, and which rules it says something about.

    Attributes
    ----------
    name : str
    check : callable
        ``check(rule, size)`` raises if the law does not hold.
    sizes : callable
        From the rule to the sizes, the smallest first.
    skip : callable
        From the rule to why it is not looked at, or to ``""``.
    shrink : callable
        From the rule to whether the law makes sense with fewer steps too.
    """

    name: str
    check: Check
    sizes: Callable[[Rule], list[Any]] = cases.sizes
    skip: Callable[[Rule], str] = lambda rule: ""
    shrink: Callable[[Rule], bool] = lambda rule: True


# ---------------------------------------------------------------------------------- a rule as a value


def written_and_read(rule: Rule, size: object) -> None:
    """As a dict, JSON, TOML and pickle: equal, of one hash, printed alike."""
    for how, again in (
        ("from_dict(to_dict())", Rule.from_dict(rule.to_dict())),
        ("from_json(to_json())", Rule.from_json(rule.to_json())),
        ("from_toml(to_toml())", Rule.from_toml(rule.to_toml())),
        ("pickle", pickle.loads(pickle.dumps(rule))),
    ):
        if again != rule:
            raise Mismatch(f"{how}: expected {rule}, got {again}")
        if hash(again) != hash(rule) or str(again) != str(rule):
            raise Mismatch(f"{how}: expected an equal rule of the same hash and text, got {again}")


def cited(rule: Rule, size: object) -> None:
    """BibTeX of the parts."""
    if not rule.citation().lstrip().startswith("@"):
        raise Mismatch(f"citation(): expected BibTeX, got {rule.citation()[:60]!r}")


# --------------------------------------------------------------------------------------- what it gives


def well_formed(rule: Rule, size: Size) -> None:
    """Gradients (R, m), influence (S, R, m) and credit (S,), finite; some gradient in the end."""
    subject = Subject(rule, size)
    trace = subject.run()
    T, S, R, m = size.T, size.shape.S, size.shape.R, size.m
    for name, found, shape in (
        ("gradient", trace.gradient, (T, R, m)),
        ("influence", trace.influence, (T, S, R, m)),
        ("credit", trace.credit, (T, S)),
    ):
        if found is None:
            continue
        if found.shape != shape:
            raise Mismatch(f"{name}: expected shape {shape}, got {found.shape}")
        finite(name, found)


def some_gradient(rule: Rule, size: Size) -> None:
    """Not zero throughout."""
    if not Subject(rule, size, flags=False).run().gradient.any():
        raise Mismatch(f"gradient: expected one that is not zero within {size.T} steps, got zeros")


def linear_in_q(rule: Rule, size: Size) -> None:
    """At given steps and noise: of 2 q - 3 q' it is 2 gradient - 3 gradient'."""
    if size.by_hand:
        steps, others = random_steps(size), random_steps(size, size.seed + 1)
        qs = [[s.q for s in steps], [o.q for o in others]]
        qs.append([2 * q - 3 * o for q, o in zip(*qs, strict=True)])
        found = []
        for q_of_step in qs:
            learner = make_learner(rule, size.shape, seed=1)
            given = [replace(s, q=q) for s, q in zip(steps, q_of_step, strict=True)]
            found.append(drive(learner, given).gradient)
    else:
        rng = np.random.default_rng(size.seed)
        one, other = rng.normal(size=(2, size.shape.n_out, size.n))
        found = [
            random_network(size, feedback=feedback).trace(rule, seed=1).gradient
            for feedback in (one, other, 2 * one - 3 * other)
        ]
    first, second, both = found
    compare("gradient of 2 q - 3 q'", both, 2 * first - 3 * second, 1e-9)


def zeros_do_no_harm(rule: Rule, size: Size) -> None:
    """Dead units, empty regressors, no recurrence, no error: all stays finite."""
    for silent in ("D", "a_hat", "J", "q"):
        steps = [replace(s, **{silent: 0 * getattr(s, silent)}) for s in random_steps(size)[:3]]
        trace = drive(make_learner(rule, size.shape), [*steps, *random_steps(size)])
        for name, found in (("gradient", trace.gradient), ("influence", trace.influence)):
            if found is not None:
                finite(f"{name} with {silent} = 0 in the first {len(steps)} steps", found)


def single_precision(rule: Rule, size: Size) -> None:
    """Runs in float32, gives float32."""
    data = random_network(size, flags=True, dtype=np.float32)
    found = data.trace(rule).gradient
    if found.dtype != np.float32:
        raise Mismatch(f"gradient: expected float32 on a network of float32, got {found.dtype}")
    finite("gradient in float32", found)
    finite("loss in float32", Trainer(data.rnn, rule, SGD(1e-3)).run(data.X, data.Y).loss)


# ------------------------------------------------------------------------------------------ beginnings


def reset_is_fresh(rule: Rule, size: Size) -> None:
    """A learner that has been used and reset is one that has not."""
    if size.by_hand:
        steps = random_steps(size)
        learner = make_learner(rule, size.shape)
        noise = np.random.default_rng(size.seed).choice([-1.0, 1.0], size=(size.T, learner.n_noise))
        given = noise if learner.n_noise else None
        expected = drive(learner, steps, given).gradient
        learner.reset()
        compare("gradient after reset()", drive(learner, steps, given).gradient, expected)
        return
    data = random_network(size)
    data.rnn.state = np.zeros(size.n)
    used, fresh = (Trainer(data.rnn.copy(), rule, SGD(0.0), seed=1) for _ in range(2))
    used.run(data.X, data.Y)
    learner = make_learner(rule, data.rnn)
    prefix = "learner."
    kept = {k: v for k, v in used.state().items() if k.startswith(prefix)}
    learner.load_state({**learner.state(), **kept})
    learner.reset()
    again = {k: v for k, v in learner.state().items() if k.startswith(prefix)}
    start = fresh.state()
    fresh.load_state({**start, **again})
    alone = Trainer(data.rnn.copy(), rule, SGD(0.0), seed=1)
    for t in range(size.T):
        for trainer in (fresh, alone):
            trainer.run(data.X[t : t + 1], data.Y[t : t + 1], monitors=["gradient_norm"], monitor_every=1)
        found, wanted = (trainer.history.monitors["gradient_norm"] for trainer in (fresh, alone))
        compare(f"norm of the gradient {t} steps after reset()", found, wanted, _TINY, steps=False)


def new_sequence_is_fresh(rule: Rule, size: Size) -> None:
    """Where `reset` is set, a past-facing rule forgets: the gradients are those of the rest alone."""
    at = size.T // 2
    data = random_network(size)
    learner = make_learner(rule, data.rnn)
    noise = np.random.default_rng(size.seed).choice([-1.0, 1.0], size=(size.T, learner.n_noise))
    reset = np.arange(size.T) == at
    whole = replace(data, reset=reset).trace(rule, noise=noise).gradient[at:]
    rest = replace(data, X=data.X[at:], Y=data.Y[at:])
    rest.rnn.state = np.zeros(size.n)
    compare(f"gradient after a reset at step {at}", whole, rest.trace(rule, noise=noise[at:]).gradient)


def masks(rule: Rule, size: Size) -> None:
    """Where there is no target, what is in Y does not matter, and a past-facing rule gives no gradient."""
    data = random_network(size, flags=True)
    assert data.mask is not None
    found = data.trace(rule, seed=2).gradient
    elsewhere = np.where(data.mask[:, None], data.Y, 5.0)
    compare(
        "gradient with another Y where masked", replace(data, Y=elsewhere).trace(rule, seed=2).gradient, found
    )
    if rule.facing == "past":
        compare("gradient where there is no target", found[~data.mask], 0 * found[~data.mask])


# ----------------------------------------------------------------------------------------- randomness


def function_of_its_seed(rule: Rule, size: Size) -> None:
    """The same run again, bit for bit."""
    data = random_network(size, flags=True)
    compare(
        "gradient of the same run again", data.trace(rule, seed=1).gradient, data.trace(rule, seed=1).gradient
    )


def randomness_is_as_declared(rule: Rule, size: Size) -> None:
    """Draws if stochastic and then matters, else not."""
    data = random_network(size)
    learner = make_learner(rule, data.rnn)
    n, kind = learner.n_noise, learner.noise_kind
    if (n > 0) != (rule.randomness == "stochastic"):
        raise Mismatch(f"randomness: declared {rule.randomness}, but takes {n} random numbers a step")
    if kind not in (("signs", "normal", "mixed") if n else (None,)):
        raise Mismatch(
            f"noise_kind: expected 'signs' or 'normal' for {n} random numbers a step, got {kind!r}"
        )
    runs = []
    for seed in range(1, 6):  # some of which may draw alike where few numbers matter
        trainer = Trainer(data.rnn.copy(), rule, SGD(0.0), seed=seed)
        trainer.run(data.X, data.Y)
        held = [value for key, value in trainer.state().items() if key.startswith("learner.")]
        runs.append([data.trace(rule, seed).gradient, *held])
    differ = any(not np.array_equal(a, b) for run in runs[1:] for a, b in zip(runs[0], run, strict=True))
    if differ != (n > 0):
        effect = "the seed changes nothing" if n else "the seed changes it"
        raise Mismatch(f"randomness: declared {rule.randomness}, but {effect}")


# --------------------------------------------------------------------------------------- declarations


def bias_is_as_declared(rule: Rule, size: Size) -> None:
    """``"none"``: exact, or exact in the mean; that of many draws where not all can be taken."""
    subject = Subject(rule, replace(size, T=1))
    kind = subject.noise_kind
    if kind is None:
        bias.is_exact(rule, size, 1e-9, {})
    elif kind == "signs" and 2 ** (subject.n_noise * size.T) <= SEQUENCES:
        bias.mean_is_exact(rule, size, 1e-9, {})
    else:
        bias.sampled_mean_is_exact(rule, size)


def _bias_sizes(rule: Rule) -> list[Size]:
    first = cases.sizes(rule)[0]
    kind = make_learner(rule, first.shape).noise_kind
    if kind is None:
        return bias.exact_sizes(rule)
    if kind == "signs":
        try:
            return bias.enumerable(rule, SEQUENCES)
        except ValueError:
            pass  # too many of them
    return [replace(size, T=cases.horizon(rule) + 1) for size in cases.sizes(rule)[:3]]


def lag_is_as_declared(rule: Rule, size: Size) -> None:
    """Past-facing: after one loss alone, when there is a gradient. Else: of which step a_hat it is made."""
    lag, period = rule.lag, rule.period
    assert lag is not None
    assert period is not None
    if rule.facing == "past":
        _late_by(rule, size, lag, period)
    else:
        _made_of(rule, size, lag, period)


def _late_by(rule: Rule, size: Size, lag: int, period: int) -> None:
    for event in range(2):
        data = random_network(size)
        mask = np.arange(size.T) == event
        found = replace(data, mask=mask).trace(rule).gradient
        due = period * -(-(event + lag + 1) // period) - 1
        there = np.flatnonzero(found.reshape(size.T, -1).any(axis=1))
        for step in there:
            if step != due:
                raise Mismatch(
                    f"gradient of the loss of step {event}: declared lag {lag} and period {period}, so due "
                    f"at step {due}, got one at step {step}"
                )


def _made_of(rule: Rule, size: Size, lag: int, period: int) -> None:
    if size.by_hand:
        steps = random_steps(size)
        found = drive(make_learner(rule, size.shape), steps).gradient
    else:
        data = random_network(size)
        steps, found = steps_of(data), data.trace(rule).gradient
    a_hat = np.array([s.a_hat for s in steps])
    for u, gradient in enumerate(found):
        if not gradient.any():
            continue
        if (u + 1) % period:
            raise Mismatch(f"gradient at step {u}: declared period {period}, so none is due, got one")
        if _is_of(gradient, a_hat, u - lag, period):
            continue
        fits = [other for other in range(u + 1) if _is_of(gradient, a_hat, u - other, period)]
        got = f"of lag {fits[0]}" if fits else "of no steps' a_hat"
        raise Mismatch(
            f"gradient at step {u}: declared lag {lag}, so (c D) ⊗ a_hat of step {u - lag}"
            f"{f' and the {period - 1} before it' if period > 1 else ''}, got one {got}"
        )


def _is_of(gradient: FloatArray, a_hat: FloatArray, last: int, count: int) -> bool:
    """Whether the rows (R, m) lie in the span of the a_hat of so many steps."""
    if last < 0:
        return False
    span = a_hat[max(last - count + 1, 0) : last + 1].T  # (m, count)
    rest = gradient.T - span @ np.linalg.lstsq(span, gradient.T, rcond=None)[0]
    return bool(np.abs(rest).max() <= 1e-9 * np.abs(gradient).max())


def _lag_sizes(rule: Rule) -> list[Size]:
    assert rule.period is not None
    T = cases.horizon(rule) + 4
    if rule.facing == "past":
        return cases.network_sizes(rule, T)
    by_hand = cases.by_hand(rule)
    return [Size(n, n + rule.period + 3, T=T, by_hand=by_hand, masked=rule.needs_mask) for n in (1, 2)]


def memory_is_as_declared(rule: Rule, size: object) -> None:
    """The power of n at which the bytes held grow from n to 2n; with settings of one's own it may be less."""
    (leaf,) = leaves(rule)
    power = leaf.component.memory.n
    n = min(64, int(2e6 ** (1 / max(power, 1))))
    sizes = (Size(k, k + 2, masked=rule.needs_mask) for k in (n, 2 * n))
    held = [make_learner(rule, size.shape).nbytes for size in sizes]
    grows = float(np.log2(max(held[1], 1) / max(held[0], 1)))
    least = power - 0.2 if all(leaf.options[k] == o.default for k, o in leaf.component.options.items()) else 0
    if not least <= grows <= power + 0.2:
        raise Mismatch(
            f"memory: declared {leaf.component.memory}, so the power {power} of n, but from n={n} to {2 * n} "
            f"the bytes grow from {held[0]} to {held[1]}, the power {grows:.2f}"
        )


# ------------------------------------------------------------------------------------------- training


def update_every_sums(rule: Rule, size: Size) -> None:
    """The first update takes the sum of the gradients so far, times the rate."""
    rate = 1e-3
    for every in (1, 3, size.T):
        data = random_network(replace(size, T=every), flags=True)
        assert data.mask is not None
        trainer = Trainer(data.rnn.copy(), rule, SGD(rate), seed=6, update_every=every)
        trainer.run(data.X, data.Y, data.mask, data.reset)
        found = gradients(data.rnn, rule, data.X, data.Y, seed=6, mask=data.mask, reset=data.reset)
        expected = data.rnn.W - rate * found.recurrent.sum(0)
        compare(
            f"W after the first update, update_every={every}", trainer.rnn.W, expected, _TINY, steps=False
        )


def diagnostics_leave_no_trace(rule: Rule, size: Size) -> None:
    """Finite, always of the same names; and a run that is monitored is the run that is not."""
    data = random_network(size, flags=True)
    watched, alone = (Trainer(data.rnn.copy(), rule, SGD(1e-3), seed=7) for _ in range(2))
    names = list(watched.diagnostics())
    watched.run(data.X, data.Y, data.mask, data.reset, monitors=watched.monitor_names, monitor_every=1)
    alone.run(data.X, data.Y, data.mask, data.reset)
    found = watched.diagnostics()
    if list(found) != names:
        raise Mismatch(f"diagnostics(): expected the names {names} after {size.T} steps, got {list(found)}")
    for name, value in found.items():
        if not np.isfinite(value):
            raise Mismatch(f"diagnostics()[{name!r}]: expected a finite number, got {value}")
    compare("W of a run with monitors", watched.rnn.W, alone.rnn.W, steps=False)


# ------------------------------------------------------------------------------- who they are about


def _only_past(rule: Rule) -> str:
    return "" if rule.facing == "past" else "it is for past-facing rules"


def _by_hand(rule: Rule) -> str:
    return "" if cases.by_hand(rule) else "the rule runs the network itself"


def _learns(rule: Rule) -> str:
    return "no recurrent gradient is meant" if rule.facing == "none" else ""


def _unbiased(rule: Rule) -> str:
    if cases.bias(rule) != "none":
        return "declared biased"
    if rule.facing == "both":
        return "of both facings: its parts are to be looked at"
    return ""


def _one_lag(rule: Rule) -> str:
    if rule.facing not in ("past", "future"):
        return f"facing {rule.facing}"
    if rule.lag is None or rule.period is None:
        return "its parts differ in lag"
    if rule.facing == "future" and any(isinstance(part, ByBlock) for part in _with_parts(rule)):
        return "each block has a credit of its own"
    return ""


def _with_parts(rule: Rule) -> list[Rule]:
    parts = rule.rules if isinstance(rule, Hybrid) else ()
    return [rule, *(inner for part in parts for inner in _with_parts(part))]


def _one_component(rule: Rule) -> str:
    return "a hybrid declares none" if isinstance(rule, Hybrid) else ""


def _forgets(rule: Rule) -> str:
    if rule.facing != "past":
        return "it is for past-facing rules"
    for leaf in leaves(rule):
        if leaf.solver == "perturbation":
            return "what is learned of the network outlives a sequence"
        make = leaf.component.core_options(leaf.options).get("learner")
        if make is not None:
            made = make(Shape(1)._core(), "float64")
            if type(made).new_sequence is not Learner.new_sequence:
                return "the rule has a new_sequence() of its own"
    return ""


def _largest(rule: Rule) -> list[Size]:
    rank = max(getattr(leaf, "rank", 1) for leaf in leaves(rule))
    n = max(4, rank + 2)
    return [Size(n, n + 3, T=cases.horizon(rule) + 3, by_hand=False, masked=rule.needs_mask)]


def _any_one(rule: Rule) -> list[str]:
    return ["of any size"]


def _is_past(rule: Rule) -> bool:
    return rule.facing == "past"


def _no(rule: Rule) -> bool:
    return False


LAWS: tuple[Law, ...] = (
    Law("written and read again", written_and_read, _any_one),
    Law("cited", cited, _any_one),
    Law("well formed", well_formed),
    Law("some gradient", some_gradient, lambda rule: cases.sizes(rule)[-1:], _learns, shrink=_no),
    Law("linear in q", linear_in_q, skip=_only_past),
    Law("zeros do no harm", zeros_do_no_harm, skip=_by_hand),
    Law("single precision", single_precision, cases.network_sizes),
    Law("reset is fresh", reset_is_fresh),
    Law("new sequence is fresh", new_sequence_is_fresh, cases.network_sizes, _forgets),
    Law("masks", masks, cases.network_sizes),
    Law("a run is a function of its seed", function_of_its_seed, cases.network_sizes),
    Law("randomness as declared", randomness_is_as_declared, _largest, shrink=_no),
    Law("bias as declared", bias_is_as_declared, _bias_sizes, _unbiased, _is_past),
    Law("lag as declared", lag_is_as_declared, _lag_sizes, _one_lag),
    Law("memory as declared", memory_is_as_declared, _any_one, _one_component),
    Law(resume.BY_STATE, resume.resumes_from_state),
    Law(resume.BY_FILE, resume.resumes_from_file, lambda rule: cases.network_sizes(rule)[:2]),
    Law("update_every sums", update_every_sums, cases.network_sizes, shrink=_no),
    Law("diagnostics leave no trace", diagnostics_leave_no_trace, cases.network_sizes),
)


def names() -> tuple[str, ...]:
    """Return the names of all laws."""
    return tuple(law.name for law in LAWS)


def law_named(name: Any) -> Law:
    """Return the law of this name."""
    for law in LAWS:
        if law.name == name:
            return law
    raise ValueError(f"laws: expected names of {', '.join(names())}, got {name!r}")

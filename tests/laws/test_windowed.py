"""Windows of exact steps with another rule beyond them, which may be kept for a part of the time only."""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import axonomy as ax
from drawing import (
    BY_HAND,
    COUPLED,
    assert_close,
    drive,
    every_kind,
    flags,
    network,
    network_for,
    networks,
    over,
    ring,
    rule_of,
    shape_of,
    stream,
    take,
)
from numpy_cells import Array, Step
from numpy_rules import all_signs, gradient_of, random_steps, rtrl

PAST = [cell for cell in BY_HAND if cell.facing == "past"]
EXACT = [cell for cell in PAST if cell.bias == "none" and cell.randomness == "deterministic"]
UNBIASED = [cell for cell in PAST if cell.bias == "none" and cell.randomness == "stochastic"]


def windowed_twin(
    steps: Sequence[Step],
    rule: ax.Rule,
    shape: ax.Shape,
    window: int,
    halvings: int,
    every: int,
    noise: Array,
) -> Iterator[tuple[Array, Array]]:
    """Gradient and influence of every step, a learner of the rule being shown each step that much later."""
    older, works, left, M = ax.make_learner(rule, shape), halvings == 0, 0, 0.0
    for t, s in enumerate(steps):
        c, found = s.q, 0.0
        for back in range(min(window, t + 1)):
            found = found + gradient_of(steps[t - back], c)
            c = c @ steps[t - back].J
        if t >= window:
            late, factor = steps[t - window], 1.0
            if halvings and left == 0:
                works, factor = bool((noise[t, :halvings] > 0).all()), 2.0**halvings
                if not works:
                    older.reset()
            left = (left + 1) % every
            if works:
                own = noise[t, halvings:] if noise.shape[1] > halvings else None
                older.step(factor * late.J, late.D, late.a_hat, c, leak=factor * late.leak, noise=own)
                found = found + 2.0**halvings * older.gradient()
            M = 2.0**halvings * older.influence() if works else 0.0
        first = max(t - window + 1, 0)
        *_, (_, influence) = rtrl(steps[first : t + 1], None if np.ndim(M) == 0 else M)
        yield found, influence


# ---------------------------------------------------------------------------------- what is computed


@over(PAST)
@pytest.mark.parametrize(("p", "g"), [(1, 1), (2, 3)])
@pytest.mark.parametrize(("keep", "every"), [(1.0, 1), (0.5, 2), (0.25, 1)])
def test_twin(cell: ax.TableCell, p: int, g: int, keep: float, every: int) -> None:
    steps = random_steps(np.random.default_rng(1), n=3, m=4, T=12, p=p, g=g)
    inner = rule_of(cell)
    rule, shape = ax.windowed(inner, 3, keep, every), shape_of(steps, 3, cell)
    learner = ax.make_learner(rule, shape)
    halvings = rule.halvings(3)
    noise = np.random.default_rng(2).choice([-1.0, 1.0], size=(12, learner.n_noise))
    # kept, kept again, forgotten, and once more; one minus is enough
    noise[3:, :halvings] = 1.0
    noise[3 + 2 * every :: 3 * every, halvings - 1 : halvings] = -1.0
    gradients, influences = drive(learner, steps, noise if learner.n_noise else None)
    twin = list(windowed_twin(steps, inner, shape, 3, halvings, every, noise))
    there = np.ones((3 * g, 4), bool)
    if cell.rule().needs_mask:
        there[:, :3] = np.tile(ring(3), (g, 1))
    for t, (gradient, influence) in enumerate(twin):
        assert_close(gradients[t], gradient * there, 1e-11)
        assert_close(influences[t] * there, influence * there, 1e-11)


@over(EXACT)
@given(rnn=networks(), window=st.integers(1, 9))
def test_exact_beyond_a_window_is_exact(cell: ax.TableCell, rnn: ax.Cell, window: int) -> None:
    data, (mask, reset) = stream(rnn, 8), flags(8)
    found, exact = (
        ax.gradients(rnn, rule, data.X, data.Y, mask=mask, reset=reset).recurrent
        for rule in (ax.windowed(cell.rule(), window), "rtrl")
    )
    assert_close(found, exact, 1e-12)


@over(PAST)
def test_a_window_longer_than_the_past_is_exact(cell: ax.TableCell) -> None:
    rnn = network_for(cell)
    data, (mask, reset) = stream(rnn, 8), flags(8)
    found, exact = (
        ax.gradients(rnn, rule, data.X, data.Y, mask=mask, reset=reset).recurrent
        for rule in (ax.windowed(rule_of(cell), 8, 0.5), "rtrl")
    )
    assert_close(found, exact, 1e-12)


@every_kind
@pytest.mark.parametrize("rule", ["rtrl", "kf_rtrl", "uoro", "rflo", "snap", "tbptt"])
def test_every_network(kind: str, rule: str) -> None:
    """Runs, by the structure of each J; exact over the window, whatever comes after."""
    rnn = network(kind=kind)
    data = stream(rnn, 9)
    hybrid = ax.windowed(rule, 5, 0.5, 1)
    if kind not in COUPLED and rule == "kf_rtrl":
        with pytest.raises(ax.IncompatibleCell, match="KF-RTRL needs one set of regressors"):
            ax.make_learner(hybrid, rnn)
        return
    found, exact = (ax.gradients(rnn, r, data.X, data.Y).recurrent for r in (hybrid, "rtrl"))
    assert_close(found[:5], exact[:5], 1e-12)
    assert np.isfinite(found).all()
    kept = ax.windowed(rule, 5)
    if rule == "rtrl":
        assert_close(ax.gradients(rnn, kept, data.X, data.Y).recurrent, exact, 1e-12)


# -------------------------------------------------------------------------------------- unbiasedness


def means(rule: ax.Rule, steps: Sequence[Step], n: int) -> tuple[Array, Array]:
    """Mean gradient and influence of the last step, over all sequences of signs."""
    learner = ax.make_learner(rule, shape_of(steps, n))
    T, k = len(steps), learner.n_noise
    assert learner.noise_kind == "signs"
    gradient, influence = 0.0, 0.0
    for signs in all_signs(T * k):
        learner.reset()
        for s, noise in zip(steps, signs.reshape(T, k), strict=True):
            take(learner, s, noise)
        gradient += learner.gradient() / 2.0 ** (T * k)
        influence += learner.influence() / 2.0 ** (T * k)
    return gradient, influence


@over(UNBIASED)
@pytest.mark.parametrize("current", ["exact", "estimated"])
@pytest.mark.parametrize("every", [1, 2])
def test_unbiased(cell: ax.TableCell, current: str, every: int) -> None:
    """With a coin at every step or every other: kept, kept again, forgotten and begun anew, in all orders."""
    rule = ax.windowed(cell.rule(current=current), 1, 0.5, every)
    for T, (n, m) in ((4, (2, 2)), (4, (1, 2)), (3, (1, 2)), (3, (1, 1))):
        if ax.make_learner(rule, ax.Shape(n, m=m)).n_noise * T <= 12:
            break
    steps = random_steps(np.random.default_rng(3), n, m, T)
    gradient, influence = means(rule, steps, n)
    *_, (exact, M) = rtrl(steps)
    tolerance = 1e-12 if cell.solution == "closed-form" else 1e-9
    assert_close(gradient, exact, tolerance)
    assert_close(influence, M, tolerance)


@pytest.mark.parametrize("name", ["kf_rtrl", "uoro", "ok"])
def test_named_rules_are_unbiased(name: str) -> None:
    """As they were published; and an exact rule, of which only the coins are random."""
    ax.testing.assert_unbiased(ax.windowed(name, 1, 1 / 2, 2), sequences=2**14)
    ax.testing.assert_unbiased(ax.windowed("rtrl", 2, 1 / 4, 1), sequences=2**14)


def test_the_window_takes_noise_away() -> None:
    """Against the rule alone, over many draws; keeping it for a part of the time adds some again."""
    rnn = network(n=6, alpha=1.0)
    data = stream(rnn, 30)
    exact = ax.gradients(rnn, "rtrl", data.X, data.Y).recurrent[-1]

    def error(rule: object) -> float:
        draws = (ax.gradients(rnn, rule, data.X, data.Y, seed=seed).recurrent[-1] for seed in range(400))
        return float(np.mean([np.sum((draw - exact) ** 2) for draw in draws]))

    alone, beyond, seldom = (
        error(rule) for rule in ("kf_rtrl", ax.windowed("kf_rtrl", 4), ax.windowed("kf_rtrl", 4, 1 / 4))
    )
    assert beyond < 0.5 * alone
    assert beyond < seldom


# -------------------------------------------------------------------------------------------- values


def test_axes_and_names() -> None:
    rule = ax.windowed("kf_rtrl", window=16, keep=1 / 4)
    assert rule.axes == ("past", "windowed", "stochastic", "closed-form")
    assert rule.name == "KF-RTRL beyond 16 steps, kept 1/4"
    assert str(rule).startswith(
        "beyond 16 exact steps, kept 1/4 every 64: past, ki|j, stochastic, closed-form ("
    )
    assert ax.windowed("rtrl").axes == ax.rules.rtrl().axes
    assert ax.windowed("rflo").randomness == "deterministic"
    assert ax.windowed("rflo", keep=0.5).randomness == "stochastic"
    assert ax.windowed(ax.mix(["uoro", "rtrl"])).name == "(0.5 UORO + 0.5 RTRL) beyond 8 steps"
    assert rule.lag == 0
    assert rule.period == 1
    assert {"williams1990", "tallec2017", "mujika2018"} <= set(rule.references)
    assert "Unbiasing Truncated" in rule.citation()


@pytest.mark.parametrize(("n", "halvings"), [(1, 0), (3, 0), (4, 1), (32, 2), (128, 3), (256, 4), (512, 4)])
def test_keep_by_size(n: int, halvings: int) -> None:
    """The power of 1/2 that is next above 1 / sqrt(n)."""
    rule = ax.windowed("kf_rtrl", keep="1/sqrt(n)")
    assert rule.halvings(n) == halvings
    assert 0.5**halvings >= 1 / np.sqrt(n) > 0.5 ** (halvings + 1)
    assert rule.n_noise(ax.Shape(n, n_in=1)) == halvings + ax.rules.kf_rtrl().n_noise(ax.Shape(n, n_in=1))


@pytest.mark.parametrize("keep", [1.0, 0.5, 2.0**-20, "1/sqrt(n)"])
def test_values(keep: float | str) -> None:
    rule = ax.windowed(ax.by_block({"0:1": "uoro", "1:": "rtrl"}), 3, keep, 7)
    for again in (
        ax.Rule.from_toml(rule.to_toml()),
        ax.Rule.from_json(rule.to_json()),
        pickle.loads(pickle.dumps(rule)),
    ):
        assert again == rule
        assert hash(again) == hash(rule)


def test_noise_of_both_kinds() -> None:
    assert ax.make_learner(ax.windowed(ax.rules.uoro(noise="normal")), network()).noise_kind == "normal"
    rule = ax.windowed(ax.rules.uoro(noise="normal"), 1, 0.5)
    assert ax.make_learner(rule, network()).noise_kind == "mixed"
    assert ax.make_learner(ax.windowed("rtrl", 1, 0.5), network()).noise_kind == "signs"
    assert ax.make_learner(ax.windowed("rtrl"), network()).noise_kind is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("f_bptt",), "rule: expected a past-facing one, got F-BPTT, facing future"),
        (("output_only",), "rule: expected a past-facing one, got .*, facing none"),
        (("kernl",), "rule: expected one that does not run the network itself, got KeRNL"),
        ((ax.mix(["uoro", "kernl"]),), "rule: expected one that does not run the network itself, got KeRNL"),
        (("uoro", 0), "window: expected a whole number at least 1, got 0"),
        (("uoro", 2, 0.3), r"keep: expected 1, 1/2, 1/4, ... or '1/sqrt\(n\)', got 0.3"),
        (("uoro", 2, 2.0**-30), r"keep: expected 1, 1/2, 1/4, ..."),
        (("uoro", 2, 0.0), "keep: expected a finite real number above 0 and at most 1, got 0"),
        (("uoro", 2, "seldom"), r"keep: expected one of '1/sqrt\(n\)', got 'seldom'"),
        (("uoro", 2, 0.5, 0), "every: expected a whole number at least 1, got 0"),
        (("nothing",), "rule: expected one of .*, got 'nothing'"),
    ],
)
def test_bad_arguments(arguments: tuple, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ax.windowed(*arguments)


@pytest.mark.parametrize(
    "data",
    [
        {"windowed": 3},
        {"windowed": {}},
        {"windowed": {"rule": {"tensor": "kij"}, "length": 3}},
        {"windowed": {"rule": {"tensor": "kij"}}, "mix": []},
        {"windowed": {"rule": {"tensor": "kij"}}, "more": 1},
    ],
)
def test_bad_dicts(data: dict) -> None:
    with pytest.raises(ValueError, match=r"rule|mix|windowed"):
        ax.Rule.from_dict(data)

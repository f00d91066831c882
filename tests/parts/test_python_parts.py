"""Reductions, learners and tasks written in Python run in the core's loop, and fail without harm."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest

import axonomy as ax
from axonomy import tasks
from drawing import assert_close, assert_same_state, drive, flags, network, shape_of, stream
from numpy_rules import SPLITS, random_steps


class LargestTerms(ax.Reduction):
    """TruncatedSVD once more, from the Grams."""

    solver, title = "largest", "largest terms"
    randomness, solution, bias = "deterministic", "numerical", "biased"

    def n_noise(self, n_terms: int, rank: int) -> int:
        return 0

    def mix(self, gram_left: np.ndarray, gram_right: np.ndarray, rank: int, noise: np.ndarray) -> tuple:
        # L R^T = (Q_L U) sigma (V Q_R)^T with L = Q_L root(G_L)
        (left, inverse_left), (right, inverse_right) = map(root, (gram_left, gram_right))
        U, sigma, Vt = np.linalg.svd(left @ right)
        kept = np.sqrt(sigma[:rank])
        return inverse_left @ U[:, :rank] * kept, inverse_right @ Vt[:rank].T * kept


def root(G: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    values, vectors = np.linalg.eigh(G)
    there = values > 1e-12 * values.max(initial=0.0)
    values, vectors = values[there], vectors[:, there]
    return vectors * np.sqrt(values) @ vectors.T, vectors / np.sqrt(values) @ vectors.T


@dataclass(frozen=True)
class Signs(ax.Reduction):
    """RandomSigns once more, with a setting."""

    exponent: float = 0.5

    solver: ClassVar[str] = "own-signs"
    title: ClassVar[str] = "own signs"
    randomness: ClassVar[str] = "stochastic"
    solution: ClassVar[str] = "closed-form"
    bias: ClassVar[str] = "none"
    options: ClassVar[dict] = {
        "exponent": ax.Option(0.5, lambda name, value: float(value), "of the norms' ratio")
    }

    def n_noise(self, n_terms: int, rank: int) -> int:
        return n_terms * rank

    def mix(self, gram_left: np.ndarray, gram_right: np.ndarray, rank: int, noise: np.ndarray) -> tuple:
        left, right = np.sqrt(np.diag(gram_left)), np.sqrt(np.diag(gram_right))
        there = (left > 0) & (right > 0)
        p = np.where(there, (np.where(there, right, 1) / np.where(there, left, 1)) ** self.exponent, 0.0)
        nu = noise.reshape(rank, len(left)).T / np.sqrt(rank)
        return nu * p[:, None], np.divide(nu, p[:, None], out=np.zeros_like(nu), where=p[:, None] > 0)


class Rtrl(ax.Learner):
    """M <- J M + M_bar."""

    facing, tensor, randomness, solution = "past", "kij", "deterministic", "closed-form"
    solver, title, bias = "own", "by einsum", "none"
    memory, time = ax.Order(3), ax.Order(4)
    carries = ("M",)

    def reset(self, state: np.ndarray) -> None:
        self.M = np.zeros((self.shape.S, self.shape.R, self.shape.m))

    def step(self, step: ax.Step) -> np.ndarray:
        self.M = np.einsum("kl,lij->kij", step.J, self.M) + step.M_bar
        return np.einsum("k,kij->ij", step.q, self.M)

    def influence(self) -> np.ndarray:
        return self.M

    def diagnostics(self) -> dict[str, float]:
        return {"size": float(np.abs(self.M).max())}


class Noisy(ax.Learner):
    """A past-facing rule that draws: the immediate influence, with signs."""

    facing, tensor, randomness, solution = "past", "k|ij", "stochastic", "numerical"
    solver, title, bias = "own-noise", "signs on the immediate term", "biased"
    memory = time = ax.Order(2)
    options: ClassVar[dict] = {"gain": ax.Option(1.0, lambda name, value: float(value), "of the noise")}
    gain: float

    def reset(self, state: np.ndarray) -> None:
        pass

    @property
    def n_noise(self) -> int:
        return self.shape.R

    def step(self, step: ax.Step) -> np.ndarray:
        return np.outer((step.q @ step.D) * (1 + self.gain * step.noise), step.a_hat)


class Bias(ax.Learner):
    """A future-facing rule: a running mean of q as the credit of each state."""

    facing, tensor, randomness, solution = "future", "A_il", "deterministic", "numerical"
    solver, title, bias = "own-mean", "the mean error as the credit", "biased"
    memory = time = ax.Order(2)
    carries = ("mean", "count")

    def reset(self, state: np.ndarray) -> None:
        self.mean, self.count = np.zeros(self.shape.S), np.zeros(())

    def new_sequence(self, state: np.ndarray) -> None:
        pass

    def step(self, step: ax.Step) -> np.ndarray | None:
        self.count = self.count + 1
        self.mean = self.mean + (step.q - self.mean) / self.count
        if step.y is None and self.count == 1:
            return None
        return np.outer(self.mean @ step.D, step.a_hat)

    def credit(self) -> np.ndarray:
        return self.mean


@pytest.fixture(autouse=True)
def _parts() -> Iterator[None]:
    with ax.registered(LargestTerms, Signs, Rtrl, Noisy, Bias):
        yield


def own(part: type, **options: object) -> ax.ComposedRule:
    return ax.compose(part.facing, part.tensor, part.randomness, part.solution, solver=part.solver, **options)


RULES = {
    "learner": lambda: own(Rtrl),
    "noise": lambda: own(Noisy, gain=0.5),
    "credit": lambda: own(Bias),
    "svd": lambda: ax.compose("past", "ki|ij", "deterministic", "numerical", solver="largest", rank=2),
    "signs": lambda: ax.compose("past", "kj|i", "stochastic", "closed-form", solver="own-signs"),
    "mix": lambda: ax.mix([own(Rtrl), own(Bias), "uoro"], [0.5, 0.25, 0.25]),
    "by_block": lambda: ax.by_block(W_rec=own(Rtrl), W_in=own(Noisy), b="rtrl"),
}
every_rule = pytest.mark.parametrize("name", RULES)
every_split = pytest.mark.parametrize("split", SPLITS)


# --------------------------------------------------------------------- the same as built-in ones


@every_split
@pytest.mark.parametrize("rank", [1, 2])
@pytest.mark.parametrize("current", ["exact", "estimated"])
def test_reduction_is_the_built_in_one(split: str, rank: int, current: str) -> None:
    steps = random_steps(np.random.default_rng(0), n=3, m=4, T=5, p=2, g=2)
    axes = ("past", split, "deterministic", "numerical")
    found, expected = (
        drive(
            ax.make_learner(ax.compose(*axes, solver=solver, rank=rank, current=current), shape_of(steps, 3)),
            steps,
        )
        for solver in ("largest", "svd")
    )
    assert_close(found[0], expected[0], 1e-7)  # M from Grams, to the root of their rounding
    assert_close(found[1], expected[1], 1e-7)


@every_split
def test_random_reduction_takes_the_same_noise(split: str) -> None:
    rnn = network()
    data = stream(rnn, 6)
    axes = ("past", split, "stochastic", "closed-form")
    one = ax.compose(*axes, solver="own-signs")
    n = one.n_noise(rnn)
    signs = np.random.default_rng(1).choice([-1.0, 1.0], size=(6, n))
    found = ax.gradients(rnn, one, data.X, data.Y, noise=signs).recurrent
    other = ax.compose(*axes, solver="signs")
    if other.n_noise(rnn) == n:  # the built-in one has a sign for the propagated term too
        assert_close(found, ax.gradients(rnn, other, data.X, data.Y, noise=signs).recurrent, 1e-12)
    M, flipped, other = (
        ax.gradients(rnn, one, data.X, data.Y, noise=nu, record_influence=True).influence[-1]
        for nu in (signs, np.vstack([signs[:-1], -signs[-1:]]), np.roll(signs, 1, axis=0))
    )
    assert_close(flipped, M, 1e-12)  # a term has each of its signs twice
    assert (other != M).any()


def test_settings_reach_the_reduction() -> None:
    rnn = network()
    data = stream(rnn, 6)
    axes = ("past", "ki|ij", "stochastic", "closed-form")
    gentle, plain = (ax.compose(*axes, solver="own-signs", exponent=e) for e in (0.25, 0.5))
    assert gentle.options["exponent"] == 0.25
    one, other = (ax.gradients(rnn, rule, data.X, data.Y, seed=1).recurrent for rule in (gentle, plain))
    assert (one != other).any()


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_learner_is_the_built_in_one(dtype: type) -> None:
    rnn = network(dtype=dtype)
    data, (mask, reset) = stream(rnn, 9), flags(9)
    found, expected = (
        ax.gradients(rnn, rule, data.X, data.Y, mask=mask, reset=reset, record_influence=True)
        for rule in (own(Rtrl), "rtrl")
    )
    tolerance = 1e-12 if dtype == np.float64 else 1e-5
    assert found.recurrent.dtype == dtype
    assert_close(found.recurrent, expected.recurrent, tolerance)
    assert_close(found.influence, expected.influence, tolerance)


def test_training_is_that_of_the_built_in_one() -> None:
    trained = []
    for rule in (own(Rtrl), "rtrl"):
        rnn = network()
        data = stream(rnn, 30)
        history = ax.Trainer(rnn, rule, ax.SGD(0.1)).run(data.X, data.Y)
        trained.append((history.loss, rnn.W))
    for one, other in zip(*trained, strict=True):
        assert_close(one, other, 1e-11)


def test_by_hand() -> None:
    steps = random_steps(np.random.default_rng(0), n=3, m=4, T=5, p=2, g=2, n_out=2)
    found, expected = (
        drive(ax.make_learner(rule, shape_of(steps, 3)), steps) for rule in (own(Rtrl), "rtrl")
    )
    assert_close(found[0], expected[0], 1e-13)
    assert_close(found[1], expected[1], 1e-13)
    credit = ax.make_learner(own(Bias), shape_of(steps, 3))
    _, credits = drive(credit, steps)
    assert_close(credits[-1], np.mean([s.q for s in steps], axis=0), 1e-13)
    assert credit.influence() is None


# ------------------------------------------------------------------------------ like any other rule


@every_rule
def test_values(name: str) -> None:
    rule = RULES[name]()
    assert ax.Rule.from_json(rule.to_json()) == rule == ax.Rule.from_toml(rule.to_toml())
    assert hash(rule) == hash(RULES[name]())


@every_rule
@pytest.mark.parametrize("update_every", [1, 3])
def test_resumes_at_every_step(name: str, update_every: int) -> None:
    T = 7
    mask, reset = flags(T)

    def made() -> tuple:
        rnn = network(state_noise=0.1)
        return ax.Trainer(rnn, RULES[name](), ax.SGD(0.05), seed=5, update_every=update_every), stream(rnn, T)

    whole, data = made()
    losses = whole.run(data.X, data.Y, mask, reset).loss
    for at in range(T + 1):
        (first, _), (second, _) = made(), made()
        first.run(data.X[:at], data.Y[:at], mask[:at], reset[:at])
        second.load_state(first.state())
        rest = second.run(data.X[at:], data.Y[at:], mask[at:], reset[at:]).loss
        np.testing.assert_array_equal(rest, losses[at:])
        assert_same_state(second, whole)


@every_rule
def test_saved_and_loaded(name: str, tmp_path: object) -> None:
    rnn = network()
    trainer, data = ax.Trainer(rnn, RULES[name](), ax.Adam(0.01)), stream(rnn, 5)
    trainer.run(data.X, data.Y)
    trainer.save(tmp_path / "a.npz")
    assert_same_state(ax.Trainer.load(tmp_path / "a.npz"), trainer)


def test_loading_without_the_part_says_so(tmp_path: object) -> None:
    ax.Trainer(network(), own(Rtrl), ax.SGD(0.1)).save(tmp_path / "a.npz")
    ax.unregister(Rtrl)
    try:
        with pytest.raises(ValueError, match=r"solver: expected one of .*, got 'own'"):
            ax.Trainer.load(tmp_path / "a.npz")
    finally:
        ax.register(Rtrl)


def test_its_lines_in_the_table() -> None:
    names = [(cell.tensor, cell.solver, cell.status) for cell in ax.table()]
    assert [tensor for tensor, solver, _ in names if solver == "largest"] == list(SPLITS)
    assert ("kij", "own", "new") in names
    assert ("A_il", "own-mean", "new") in names
    assert "largest terms (new)" in str(ax.table())


def test_monitors_see_its_diagnostics() -> None:
    rnn = network()
    trainer, data = ax.Trainer(rnn, own(Rtrl), ax.SGD(0.0)), stream(rnn, 6)
    assert "size" in trainer.monitor_names
    history = trainer.run(data.X, data.Y, monitors=["size", "gradient_norm"], monitor_every=2)
    assert len(history.monitors["size"]) == 3
    assert history.monitors["size"][-1] == pytest.approx(np.abs(trainer.state()["learner.M"]).max())


def test_one_sample_at_a_time() -> None:
    (one, data), (other, _) = (
        (ax.Trainer(rnn := network(), own(Bias), ax.SGD(0.1)), stream(rnn, 5)) for _ in range(2)
    )
    losses = [one.learn_one(x, y) for x, y in zip(data.X, data.Y, strict=True)]
    np.testing.assert_array_equal(other.run(data.X, data.Y).loss, losses)
    assert_same_state(one, other)


def test_memory_counts_what_is_carried() -> None:
    shape = ax.Shape(5, n_in=2, n_out=2)
    assert ax.make_learner(own(Rtrl), shape).nbytes == 8 * shape.S * shape.R * shape.m


def test_without_the_gil_others_go_on() -> None:
    """The core holds the GIL in the learner's own lines alone: another thread counts during one run."""
    rnn = network()
    data = stream(rnn, 100_000)
    trainer = ax.Trainer(rnn, own(Rtrl), ax.SGD(0.0))
    count, stop = [0], threading.Event()

    def counting() -> None:
        while not stop.is_set():
            count[0] += 1
            time.sleep(1e-4)

    def enough(done: int, loss: float) -> None:
        if count[0] > 3:
            raise StopIteration

    other = threading.Thread(target=counting)
    other.start()
    with pytest.raises(StopIteration):
        trainer.run(data.X, data.Y, callback=enough, callback_every=100)
    stop.set()
    other.join()


# -------------------------------------------------------------------------------------- failures


class Broken(Exception):
    pass


def failing(part: type, at: int, how: object) -> type:
    """The part with a fault in the `at`-th of its calls; `how` raises or returns something wrong."""

    class Failing(part):
        calls: ClassVar[list] = [0]

        def step(self, step: ax.Step) -> object:
            gradient = super().step(step)
            self.calls[0] += 1
            return how(self, gradient) if self.calls[0] == at + 1 else gradient

        def mix(self, *arguments: object) -> object:
            mixed = super().mix(*arguments)
            self.calls[0] += 1
            return how(self, mixed) if self.calls[0] == at + 1 else mixed

    Failing.solver = "failing"
    return Failing


def breaks(_: object, __: object) -> None:
    raise Broken("out of order")


def spoils_and_breaks(part: object, _: object) -> None:
    part.M = np.zeros(3)
    raise Broken("with a mess left behind")


def wrong_shape(_: object, gradient: np.ndarray) -> np.ndarray:
    return gradient[:, 1:]


def not_finite(_: object, gradient: np.ndarray) -> np.ndarray:
    return np.full_like(gradient, np.nan)


def loses_its_array(part: object, gradient: np.ndarray) -> np.ndarray:
    part.M = part.M[1:]
    return gradient


def wrong_mix(_: object, mixed: tuple) -> object:
    return mixed[0]


def short_mix(_: object, mixed: tuple) -> object:
    return mixed[0][1:], mixed[1]


FAULTS = [
    (Rtrl, breaks, Broken, "out of order"),
    (Rtrl, spoils_and_breaks, Broken, "with a mess left behind"),
    (Rtrl, wrong_shape, ValueError, r"Failing.step: expected a real array of shape \(4, 7\) \(R, m\)"),
    (Rtrl, loses_its_array, ValueError, r"Failing.M: expected a real array of shape \(4, 4, 7\)"),
    (LargestTerms, breaks, Broken, "out of order"),
    (LargestTerms, wrong_mix, ValueError, "Failing.mix: expected two arrays"),
    (LargestTerms, short_mix, ValueError, r"Failing.mix: C_L: expected a real array of shape \(2, 1\)"),
]


def broken_rule(part: type) -> ax.ComposedRule:
    if part.solver == "failing" and issubclass(part, ax.Learner):
        return own(part)
    return ax.compose("past", "ki|j", "deterministic", "numerical", solver="failing")


@pytest.mark.parametrize(("part", "how", "error", "message"), FAULTS)
@pytest.mark.parametrize("optimiser", [ax.SGD(0.1), ax.Adam(0.1)], ids=lambda o: type(o).__name__)
def test_a_fault_is_its_own_and_harms_nothing(
    part: type, how: object, error: type, message: str, optimiser: object
) -> None:
    at = 4
    part = failing(part, at, how)
    with ax.registered(part):
        rule = broken_rule(part)
        rnn = network(state_noise=0.1)
        data = stream(rnn, 10)
        trainer = ax.Trainer(rnn, rule, optimiser, seed=3)
        with pytest.raises(error, match=message) as caught:
            trainer.run(data.X, data.Y)
        assert any("step 4" in note for note in caught.value.__notes__)
        assert trainer.step_count == at
        assert trainer.history.loss.shape == (at,)

        part.calls[0] = -1000  # from now on without fault
        whole = ax.Trainer(network(state_noise=0.1), rule, optimiser, seed=3)
        history = whole.run(data.X[:at], data.Y[:at])
        np.testing.assert_array_equal(trainer.history.loss, history.loss)
        assert_same_state(trainer, whole)
        trainer.run(data.X[at:], data.Y[at:])
        whole.run(data.X[at:], data.Y[at:])
        assert_same_state(trainer, whole)


def test_numbers_that_are_not_finite_are_divergence() -> None:
    """Of the gradient or of what is carried, as for every other rule."""

    def grows_without_bound(part: object, gradient: np.ndarray) -> np.ndarray:
        part.M = part.M * np.inf
        return gradient

    for how in (not_finite, grows_without_bound):
        part = failing(Rtrl, 4, how)
        with ax.registered(part), np.errstate(invalid="ignore"):
            rnn = network()
            data = stream(rnn, 10)
            trainer = ax.Trainer(rnn, own(part), ax.SGD(0.1))
            part.calls[0] = 0
            with pytest.raises(ax.Diverged) as caught:
                trainer.run(data.X, data.Y)
            assert caught.value.step <= 10
            assert all(np.isfinite(value).all() for value in trainer.state().values())


def test_a_fault_in_one_sample_and_in_gradients() -> None:
    part = failing(Rtrl, 2, breaks)
    with ax.registered(part):
        rnn = network()
        data = stream(rnn, 5)
        trainer = ax.Trainer(rnn, own(part), ax.SGD(0.1))
        trainer.run(data.X[:2], data.Y[:2])
        before = trainer.state()
        with pytest.raises(Broken) as caught:
            trainer.learn_one(data.X[2], data.Y[2])
        assert "at step 2, which was not taken" in caught.value.__notes__
        for key, value in trainer.state().items():
            np.testing.assert_array_equal(value, before[key])
        part.calls[0] = 0
        with pytest.raises(Broken) as caught:
            ax.gradients(rnn, own(part), data.X, data.Y)
        assert "at step 2, which was not taken" in caught.value.__notes__


def test_a_fault_in_a_hybrid() -> None:
    part = failing(Rtrl, 3, breaks)
    with ax.registered(part):
        rule = ax.mix(["uoro", own(part), ax.rules.f_bptt(window=2)])
        rnn = network()
        data = stream(rnn, 8)
        trainer = ax.Trainer(rnn, rule, ax.SGD(0.1), seed=1)
        with pytest.raises(Broken):
            trainer.run(data.X, data.Y)
        part.calls[0] = -1000
        whole = ax.Trainer(network(), rule, ax.SGD(0.1), seed=1)
        whole.run(data.X[:3], data.Y[:3])
        assert_same_state(trainer, whole)


def test_ctrl_c_in_a_learner() -> None:
    def interrupted(_: object, __: object) -> None:
        raise KeyboardInterrupt

    part = failing(Rtrl, 3, interrupted)
    with ax.registered(part):
        rnn = network()
        data = stream(rnn, 8)
        trainer = ax.Trainer(rnn, own(part), ax.SGD(0.1))
        with pytest.raises(KeyboardInterrupt):
            trainer.run(data.X, data.Y)
        assert trainer.step_count == 3


# ----------------------------------------------------------------------------------- registering


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"solver": 3}, r"Rtrl.solver: expected str as a fact of the class, got 3"),
        ({"title": None}, r"Rtrl.title: expected str as a fact of the class, got None"),
        (
            {"randomness": "random"},
            r"randomness: expected one of 'stochastic', 'deterministic', got 'random'",
        ),
        ({"solution": "none"}, r"solution: expected one of"),
        ({"bias": "some"}, r"bias: expected one of 'none', 'biased', got 'some'"),
        ({"tensor": "ij"}, r"tensor: expected one of"),
        ({"facing": "future"}, r"facing: expected 'past', that of 'kij', got 'future'"),
        ({"memory": 3}, r"Rtrl.memory: expected Order as a fact of the class, got 3"),
        ({"references": ("nobody1900",)}, r"references: expected one of .* got 'nobody1900'"),
        ({"solver": "rtrl"}, r"solver: expected a name that past, kij, .* does not have yet, got 'rtrl'"),
    ],
)
def test_bad_facts(facts: dict, message: str) -> None:
    part = type("Rtrl", (Rtrl,), {"solver": "another", **facts})
    before = len(ax.table())
    with pytest.raises(ValueError, match=message):
        ax.register(part)
    assert len(ax.table()) == before


@pytest.mark.parametrize("part", [3, int, Rtrl.step, ax.Trainer])
def test_not_a_part(part: object) -> None:
    with pytest.raises(ValueError, match=r"register: expected a subclass of Reduction, Learner or Task"):
        ax.register(part)


def test_twice() -> None:
    with pytest.raises(ValueError, match=r"does not have yet, got 'own'"):
        ax.register(Rtrl)
    with pytest.raises(ValueError, match=r"does not have yet, got 'largest'"):
        ax.register(LargestTerms)


def test_not_registered() -> None:
    with pytest.raises(ValueError, match=r"unregister: expected a part that was registered"):
        ax.unregister(type("Other", (Rtrl,), {"solver": "other"}))


# ------------------------------------------------------------------------------------------ tasks


@dataclass(frozen=True)
class Echo(tasks.Task):
    """The input of the step before."""

    name: ClassVar[str] = "echo"
    scale: float = 1.0
    n_in: ClassVar[int] = 1
    n_out: ClassVar[int] = 1
    loss: ClassVar[str] = "mse"
    floors: ClassVar[dict] = {}

    def generate(self, n_steps: int, seed: int = 0) -> tasks.Stream:
        X = self.scale * np.random.default_rng(seed).standard_normal((n_steps, 1))
        return tasks.Stream(X, np.vstack([np.zeros((1, 1)), X[:-1]])[:n_steps])


def test_task() -> None:
    with ax.registered(Echo):
        task = tasks.make("echo", scale=0.5)
        assert tasks.from_dict(task.to_dict()) == task
        stream = task.generate(3000)
        rnn = ax.LeakyRNN.random(n_in=1, n_hidden=8, n_out=1, loss=task.loss)
        loss = ax.Trainer(rnn, "rtrl", ax.SGD(0.05)).run(stream.X, stream.Y).loss
        assert loss[-500:].mean() < 0.2 * loss[:500].mean()
        with pytest.raises(ValueError, match=r"name: expected one that no task has yet, got 'echo'"):
            ax.register(Echo)
    assert "echo" not in tasks.registry


def test_task_from_the_command_line(tmp_path: object) -> None:
    from typer.testing import CliRunner

    from axonomy.cli.app import app

    with ax.registered(Echo):
        out = str(tmp_path / "run")
        result = CliRunner().invoke(
            app, ["train", "--task", "echo", "--rule", "rflo", "--steps", "200", "--no-figure", "--out", out]
        )
    assert result.exit_code == 0, result.output


# ---------------------------------------------------------------------------- state, facts, numbers


class Matrix(ax.Learner):
    """Carries a matrix and returns it; takes settings."""

    facing, tensor, randomness, solution = "past", "kij", "deterministic", "closed-form"
    solver, title, bias = "matrix", "returns what it carries", "biased"
    memory = time = ax.Order(2)
    carries = ("B",)

    def reset(self, state: np.ndarray) -> None:
        self.B = np.arange(self.shape.R * self.shape.m, dtype=float).reshape(self.shape.R, self.shape.m)

    def step(self, step: ax.Step) -> np.ndarray:
        return self.B


@pytest.fixture
def matrix() -> Iterator[ax.ComposedRule]:
    with ax.registered(Matrix):
        yield own(Matrix)


def test_the_state_is_the_attribute(matrix: ax.ComposedRule) -> None:
    """In the same order of axes; `initial` sets it."""
    rnn = network()
    expected = np.arange(28.0).reshape(4, 7)
    trainer = ax.Trainer(rnn, matrix, ax.SGD(0.0))
    np.testing.assert_array_equal(trainer.state()["learner.B"], expected)
    data = stream(rnn, 2)
    initial = {"B": expected[::-1] ** 2}
    found = ax.gradients(rnn, matrix, data.X, data.Y, initial=initial).recurrent
    np.testing.assert_array_equal(found[1], expected[::-1] ** 2)
    by_hand = ax.make_learner(matrix, rnn, initial=initial)
    np.testing.assert_array_equal(by_hand.state()["learner.B"], expected[::-1] ** 2)


def test_looking_changes_nothing_in_single_precision() -> None:
    """What is carried has the precision of the run, whether it is saved or not."""
    losses = []
    for looks in (False, True):
        rnn = network(dtype=np.float32)
        data = stream(rnn, 30)
        trainer = ax.Trainer(rnn, own(Rtrl), ax.SGD(0.1))
        for x, y in zip(data.X, data.Y, strict=True):
            losses.append(trainer.learn_one(x, y))
            if looks:
                trainer.state()
    assert losses[:30] == losses[30:]


def test_by_hand_a_fault_harms_nothing_either() -> None:
    part = failing(Rtrl, 2, spoils_and_breaks)
    with ax.registered(part):
        rng = np.random.default_rng(0)
        steps = random_steps(rng, n=3, m=4, T=3)
        learner = ax.make_learner(ax.mix(["uoro", own(part)]), shape_of(steps, 3))
        part.calls[0] = 0
        drive(learner, steps[:2])
        before = learner.state()
        with pytest.raises(Broken):
            drive(learner, steps[2:])
        for key, value in learner.state().items():
            np.testing.assert_array_equal(value, before[key], err_msg=key)
    no_leak = ax.make_learner(ax.mix(["uoro", "rflo"]), ax.Shape(3, m=4))
    before = no_leak.state()
    s = steps[0]
    with pytest.raises(ValueError, match="no leak was given"):
        no_leak.step(s.J, s.D, s.a_hat, s.q)
    for key, value in no_leak.state().items():
        np.testing.assert_array_equal(value, before[key], err_msg=key)


def test_a_failing_reset_harms_nothing() -> None:
    class Stubborn(Rtrl):
        solver = "stubborn"

        def new_sequence(self, state: np.ndarray) -> None:
            raise Broken("not now")

    with ax.registered(Stubborn):
        rnn = network()
        data = stream(rnn, 5)
        trainer = ax.Trainer(rnn, ax.mix(["uoro", own(Stubborn)]), ax.SGD(0.1))
        trainer.run(data.X, data.Y)
        before = trainer.state()
        with pytest.raises(Broken):
            trainer.reset()
        for key, value in trainer.state().items():
            np.testing.assert_array_equal(value, before[key], err_msg=key)


def test_the_traceback_leads_to_the_fault() -> None:
    part = failing(Rtrl, 1, breaks)
    with ax.registered(part):
        rnn = network()
        data = stream(rnn, 3)
        with pytest.raises(Broken) as caught:
            ax.Trainer(rnn, own(part), ax.SGD(0.1)).run(data.X, data.Y)
    assert any(entry.name == "breaks" for entry in caught.traceback)


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"n_noise": -3}, "n_noise: expected a whole number at least 0, got -3"),
        ({"n_noise": 2.5}, "n_noise: expected a whole number at least 0, got 2.5"),
        ({"n_noise": lambda self: 3}, "n_noise: expected a whole number at least 0, got"),
        (
            {"n_noise": 3, "noise_kind": None},
            "noise_kind: expected 'signs' or 'normal' for 3 num",
        ),
        ({"n_noise": 3, "noise_kind": "gauss"}, "noise_kind: expected one of 'signs', 'normal', got 'gauss'"),
        ({"looks_ahead": lambda self: True}, "looks_ahead: expected True or False"),
        ({"carries": ("B", "C")}, "carries: expected attributes that reset.. makes, got 'C'"),
        ({"carries": ("left",), "left": np.zeros(3)}, "carries: expected other names than 'left'"),
    ],
)
def test_bad_facts_of_a_learner(facts: dict, message: str) -> None:
    part = type("Odd", (Matrix,), {"solver": "odd", **facts})
    with ax.registered(part), pytest.raises(ValueError, match=message):
        ax.make_learner(own(part), network())


@pytest.mark.parametrize("number", [-1, 2.5])
def test_bad_noise_of_a_reduction(number: object) -> None:
    part = type("Odd", (Signs,), {"solver": "odd", "n_noise": lambda self, terms, rank: number})
    with ax.registered(part), pytest.raises(ValueError, match=r"Odd\.n_noise: expected a whole number"):
        ax.compose("past", "ki|j", "stochastic", "closed-form", solver="odd").n_noise(network())


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"options": {"a": 3}}, "Odd.options: expected an axonomy.Option for 'a', got 3"),
        ({"options": {"step": ax.Option(1, lambda n, v: v, "")}}, "expected other names than 'step'"),
        ({"options": {"rank": ax.Option(1, lambda n, v: v, "")}}, "expected other names than 'rank'"),
        ({"carries": "B"}, "Odd.carries: expected tuple as a fact of the class, got 'B'"),
        ({"known_as": None}, "Odd.known_as: expected str as a fact of the class, got None"),
    ],
)
def test_more_bad_facts(facts: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ax.register(type("Odd", (Matrix,), {"solver": "odd", **facts}))


def test_unfinished_classes_are_refused() -> None:
    class Empty(ax.Learner):
        facing, tensor, randomness, solution = "past", "kij", "deterministic", "closed-form"
        solver, title, bias = "empty", "nothing", "biased"
        memory = time = ax.Order(2)

    with pytest.raises(ValueError, match=r"Empty: expected a method reset\(\), which it does not have"):
        ax.register(Empty)
    odd = type("Odd", (LargestTerms,), {"solver": "odd", "options": {"a": ax.Option(1, lambda n, v: v, "")}})
    with pytest.raises(ValueError, match="Odd: expected a constructor that takes its options"):
        ax.register(odd)


def test_built_in_tasks_stay() -> None:
    with pytest.raises(ValueError, match="unregister: expected a part that was registered, got Add"):
        ax.unregister(tasks.Add)
    assert "add" in tasks.registry


def test_diagnostics_have_names_of_their_own() -> None:
    part = type("Odd", (Matrix,), {"solver": "odd", "diagnostics": lambda self: {"loss": 1.0}})
    with ax.registered(part), pytest.raises(ValueError, match="other names than 'loss'"):
        ax.Trainer(network(), own(part), ax.SGD(0.1))
    part = type("Odd", (Matrix,), {"solver": "odd", "diagnostics": lambda self: {"a": "x"}})
    with ax.registered(part), pytest.raises(ValueError, match=r"Odd\.diagnostics: a: expected a real array"):
        ax.Trainer(network(), own(part), ax.SGD(0.1))

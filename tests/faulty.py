"""Parts that are wrong on purpose, each in one way, beside right ones."""

from __future__ import annotations

import numpy as np

import axonomy as ax


class Rtrl(ax.Learner):
    """M <- J M + M_bar; right."""

    facing, tensor, randomness, solution = "past", "kij", "deterministic", "closed-form"
    solver, title, bias = "own", "own RTRL", "none"
    memory, time = ax.Order(3), ax.Order(4)
    carries: tuple[str, ...] = ("M",)

    def reset(self, state: np.ndarray) -> None:
        self.M = np.zeros((self.shape.S, self.shape.R, self.shape.m))

    def step(self, step: ax.Step) -> np.ndarray | None:
        self.M = np.einsum("kl,lij->kij", step.J, self.M) + step.M_bar
        return np.einsum("k,kij->ij", step.q, self.M)

    def influence(self) -> np.ndarray:
        return self.M


class Forgetful(Rtrl):
    """Does not say what it carries."""

    carries = ()


class HalfCarried(Rtrl):
    """A trace of q that is carried nowhere."""

    def reset(self, state: np.ndarray) -> None:
        super().reset(state)
        self.q = np.zeros(self.shape.S)

    def step(self, step: ax.Step) -> np.ndarray:
        super().step(step)
        self.q = 0.5 * self.q + step.q
        return np.einsum("k,kij->ij", self.q, self.M)


class Squashed(Rtrl):
    """Not linear in q."""

    bias = "biased"

    def step(self, step: ax.Step) -> np.ndarray:
        return np.tanh(super().step(step))


class Stale(Rtrl):
    """Gives the gradient of the step before, and does not say so."""

    bias = "biased"
    carries = ("M", "last")

    def reset(self, state: np.ndarray) -> None:
        super().reset(state)
        self.last = np.zeros((self.shape.R, self.shape.m))

    def step(self, step: ax.Step) -> np.ndarray:
        before, self.last = self.last, super().step(step)
        return before


class Damped(Rtrl):
    """Biased, declared unbiased."""

    def step(self, step: ax.Step) -> np.ndarray:
        self.M = 0.9 * np.einsum("kl,lij->kij", step.J, self.M) + step.M_bar
        return np.einsum("k,kij->ij", step.q, self.M)


class OwnDice(Rtrl):
    """Draws from a generator of its own."""

    bias = "biased"

    def reset(self, state: np.ndarray) -> None:
        super().reset(state)
        self.rng = np.random.default_rng()

    def step(self, step: ax.Step) -> np.ndarray:
        return super().step(step) * self.rng.normal()


class Lingering(Rtrl):
    """reset() leaves what there is."""

    def reset(self, state: np.ndarray) -> None:
        if not hasattr(self, "M"):
            super().reset(state)


class Cached(Rtrl):
    """Loading changes M alone, not what was worked out from it."""

    def reset(self, state: np.ndarray) -> None:
        super().reset(state)
        self.mine = self.M

    def step(self, step: ax.Step) -> np.ndarray:
        self.mine = self.M = np.einsum("kl,lij->kij", step.J, self.mine) + step.M_bar
        return np.einsum("k,kij->ij", step.q, self.M)


class Loaded(Rtrl):
    """Declared stochastic, draws nothing."""

    randomness, bias = "stochastic", "biased"


class Small(Rtrl):
    """Declared of order n²."""

    memory = ax.Order(2)


class DividesByNorm(Rtrl):
    """Divides by what may be zero."""

    bias = "biased"

    def step(self, step: ax.Step) -> np.ndarray:
        with np.errstate(all="ignore"):
            self.M = super().step(step)[None] * 0 + self.M / np.abs(step.D).sum()
        return np.einsum("k,kij->ij", step.q, self.M)


class Double(Rtrl):
    """Gives a gradient where there is no target."""

    bias = "biased"

    def step(self, step: ax.Step) -> np.ndarray:
        super().step(step)
        return step.M_bar.sum(0)


class Silent(Rtrl):
    """Never a gradient."""

    bias = "biased"

    def step(self, step: ax.Step) -> None:
        return None


class Raises(Rtrl):
    """Stumbles over its second step."""

    bias = "biased"
    carries = ("M", "count")

    def reset(self, state: np.ndarray) -> None:
        super().reset(state)
        self.count = np.zeros(())

    def step(self, step: ax.Step) -> np.ndarray:
        self.count = self.count + 1
        if self.count == 2:
            raise ArithmeticError("the second step")
        return super().step(step)


class Names(Rtrl):
    """Other diagnostics once it has taken a step."""

    def diagnostics(self) -> dict[str, float]:
        return {"size": 1.0} if self.M.any() else {}


class LateCredit(ax.Learner):
    """The credit of a window of two, a step late; does not say so."""

    facing, tensor, randomness, solution = "future", "c_i", "deterministic", "closed-form"
    solver, title, bias = "own", "two losses a step late", "biased"
    memory = time = ax.Order(2)
    needs_shared = True
    carries = ("q", "D", "a_hat")

    def reset(self, state: np.ndarray) -> None:
        S, R, m = self.shape.S, self.shape.R, self.shape.m
        self.q, self.D, self.a_hat = np.zeros(S), np.zeros((S, R)), np.zeros(m)

    def new_sequence(self, state: np.ndarray) -> None:
        pass

    def step(self, step: ax.Step) -> np.ndarray:
        c = self.q + step.q @ step.J
        gradient = np.outer(c @ self.D, self.a_hat)
        self.q, self.D, self.a_hat = step.q, step.D, step.a_hat
        return gradient


class SaysLateCredit(LateCredit):
    """The same, and says so. It is exact but for what is due over a reset."""

    lag = "1"

    @staticmethod
    def lag_steps(options: object) -> int:
        return 1


class OneForAll(SaysLateCredit):
    """Takes it for granted that all rows share their regressors."""

    needs_shared = False


class KeepLargest(ax.Reduction):
    """The largest r terms as they are; the others are lost. Declared unbiased."""

    solver, title = "keep", "the largest terms"
    randomness, solution, bias = "deterministic", "numerical", "none"

    def n_noise(self, n_terms: int, rank: int) -> int:
        return 0

    def mix(self, gram_left: np.ndarray, gram_right: np.ndarray, rank: int, noise: np.ndarray) -> tuple:
        size = np.diag(gram_left) * np.diag(gram_right)
        C = np.zeros((len(size), rank))
        C[np.argsort(-size, kind="stable")[:rank], np.arange(rank)] = 1.0
        return C, C


class SameSigns(ax.Reduction):
    """Signs, of which the last two are one: their product is left over in the mean. Declared unbiased."""

    solver, title = "same", "too few signs"
    randomness, solution, bias = "stochastic", "closed-form", "none"

    def n_noise(self, n_terms: int, rank: int) -> int:
        return (n_terms - 1) * rank

    def mix(self, gram_left: np.ndarray, gram_right: np.ndarray, rank: int, noise: np.ndarray) -> tuple:
        nu = noise.reshape(rank, -1).T / np.sqrt(rank)
        C = np.vstack([nu, nu[-1:]])
        return C, C

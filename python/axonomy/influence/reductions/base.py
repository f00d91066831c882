"""What a reduction is: Gram matrices of the N left and right terms in, mixing matrices out.

The new factors are ``L C_L`` and ``R C_R`` with ``C_L, C_R`` (N, r). The reduction is unbiased if and only if
``E[C_L C_R^T] = I`` on the span of the terms, whatever the split it serves.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import numpy as np

from axonomy import _check, _core
from axonomy.component import Option


class Reduction(ABC):
    """A reduction of N terms to r.

    A subclass that is written in Python and given to :func:`axonomy.register` fills a cell of each split.
    Its settings are the arguments of its constructor.

    Attributes
    ----------
    solver : str
        Its name among the solvers of a cell.
    title : str
        What it does, in a few words.
    randomness, solution : str
        Its choice on these two axes.
    bias : str
        ``"none"`` or ``"biased"``.
    references : tuple of str
        Keys of the bibliography.
    options : mapping of str to Option
        Its settings in :func:`axonomy.compose`.
    """

    solver: ClassVar[str]
    title: ClassVar[str]
    randomness: ClassVar[str]
    solution: ClassVar[str]
    bias: ClassVar[str]
    references: ClassVar[tuple[str, ...]] = ()
    options: ClassVar[dict[str, Option]] = {}

    @property
    def noise_kind(self) -> str | None:
        """``"signs"`` or ``"normal"``, of unit variance; None if nothing is drawn."""
        return "signs" if self.randomness == "stochastic" else None

    @abstractmethod
    def n_noise(self, n_terms: int, rank: int) -> int:
        """Return how many random numbers one reduction of `n_terms` to `rank` takes."""

    @abstractmethod
    def mix(
        self,
        gram_left: _check.FloatArray,
        gram_right: _check.FloatArray,
        rank: int,
        noise: _check.FloatArray,
    ) -> tuple[_check.FloatArray, _check.FloatArray]:
        """Return C_L, C_R (N, r) for the Grams (N, N) and the noise (n_noise(N, r),), all float64, unchecked.

        In a learner the first r terms are the old factors, propagated (zero at first), the others those
        that the step adds; ``r < N``. :meth:`mixing` is the same with checks, for use by hand.
        """

    def mixing(
        self, gram_left: Any, gram_right: Any, rank: int, noise: Any = None
    ) -> tuple[_check.FloatArray, _check.FloatArray]:
        """Return the mixing matrices for given Grams.

        Parameters
        ----------
        gram_left, gram_right : array_like, shape (N, N)
            ``L^T L`` and ``R^T R`` of the terms.
        rank : int
            The rank r. At ``r >= N`` there is nothing to reduce and the mix is the identity.
        noise : array_like, shape (n_noise(N, r),), optional
            Random numbers of mean 0 and variance 1, signs unless the reduction says otherwise. Needed if
            the reduction is stochastic and ``r < N``.

        Returns
        -------
        C_L, C_R : ndarray, shape (N, r)

        Raises
        ------
        ValueError
            If a Gram matrix is not square, symmetric and finite, the shapes differ, ``rank < 1``, or
            `noise` has the wrong length.
        """
        gram_left = _check.array("gram_left", gram_left)
        n_terms = len(gram_left) if gram_left.ndim == 2 else None
        grams = []
        for name, gram in (("gram_left", gram_left), ("gram_right", gram_right)):
            array = _check.real_array(name, gram, (n_terms, n_terms), np.float64, "N, N")
            if not np.allclose(array, array.T, rtol=1e-8, atol=1e-300):
                raise ValueError(f"{name}: expected a symmetric matrix, got one that is not")
            grams.append(array)
        size = grams[0].shape[0]
        rank = _check.integer("rank", rank, 1)
        wanted = self.n_noise(size, rank) if rank < size else 0
        if noise is None and wanted > 0:
            raise ValueError(f"noise: expected {wanted} random numbers, got None")
        numbers = np.zeros(0) if wanted == 0 else noise
        checked = _check.real_array("noise", numbers, (wanted,), np.float64)
        return self._checked_mix(grams[0], grams[1], rank, checked)

    def _checked_noise_kind(self) -> str | None:
        name, kind = f"{type(self).__name__}.noise_kind", self.noise_kind
        return None if kind is None else _check.one_of(name, kind, ("signs", "normal"))

    def _checked_n_noise(self, n_terms: int, rank: int) -> int:
        name = f"{type(self).__name__}.n_noise"
        n_noise = _check.integer(name, self.n_noise(n_terms, rank), 0)
        if n_noise and self.noise_kind is None:
            raise ValueError(f"{name}: expected 0, as noise_kind is None, got {n_noise}")
        return n_noise

    def _checked_mix(
        self,
        gram_left: _check.FloatArray,
        gram_right: _check.FloatArray,
        rank: int,
        noise: _check.FloatArray,
    ) -> tuple[_check.FloatArray, _check.FloatArray]:
        made = self.mix(gram_left, gram_right, rank, noise)
        if not isinstance(made, tuple) or len(made) != 2:
            raise ValueError(f"{type(self).__name__}.mix: expected two arrays, got {_check.describe(made)}")
        left, right = (
            _check.real_array(
                f"{type(self).__name__}.mix: {name}", C, (len(gram_left), rank), np.float64, "N, r"
            )
            for name, C in zip(("C_L", "C_R"), made, strict=True)
        )
        return left, right


def core_mixing(
    solver: str,
    normaliser: str,
    gram_left: _check.FloatArray,
    gram_right: _check.FloatArray,
    rank: int,
    noise: _check.FloatArray,
) -> tuple[_check.FloatArray, _check.FloatArray]:
    """Run one of the core's reductions by itself."""
    return _core.mixing(solver, normaliser, gram_left, gram_right, rank, noise)

"""Sequential digits: read an image piece by piece, then say which digit it shows.

Real data: handwritten digits of 8 by 8 pixels, 1797 of them, which come with scikit-learn. An image is read
row by row or pixel by pixel, from the top; the label is due at the last piece, and there is no target before.
Every image starts from a state of zero. All images come once before one comes again, in an order that
the seed draws anew each time.

Alpaydin & Kaynak (1998), *Optical Recognition of Handwritten Digits*, UCI Machine Learning Repository, DOI
10.24432/C50P49; sequential images: Le, Jaitly & Hinton (2015), arXiv:1504.00941.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from axonomy import _check, _extras
from axonomy.tasks.base import Stream, Task, generators

SIDE = 8
BRIGHTEST = 16.0
PIECES = {"row": SIDE, "pixel": SIDE * SIDE}  # of an image


@dataclass(frozen=True)
class Digits(Task):
    """Name a handwritten digit after reading it piece by piece.

    Needs scikit-learn, ``pip install "axonomy[study]"``, for its images.

    Parameters
    ----------
    by : {"row", "pixel"}
        Eight inputs and eight steps an image, or one input and 64 steps.

    Examples
    --------
    >>> stream = Digits().generate(16, seed=0)
    >>> stream.X.shape, stream.mask.nonzero()[0]
    ((16, 8), array([ 7, 15]))
    """

    by: str = "row"

    name: ClassVar[str] = "digits"
    real: ClassVar[bool] = True
    n_out: ClassVar[int] = 10
    loss: ClassVar[str] = "cross_entropy"

    def __post_init__(self) -> None:
        _check.one_of("by", self.by, PIECES)

    @property
    def n_in(self) -> int:
        """The pixels that are seen at once."""
        return SIDE * SIDE // PIECES[self.by]

    @property
    def floors(self) -> dict[str, float]:
        """Mean loss in nats over these very images, of who has seen nothing, the last piece, everything."""
        images, labels = _digits()
        seen = {"nothing seen": 0, f"last {self.by} only": self.n_in, "whole image": SIDE * SIDE}
        return {label: _entropy(labels, images[:, SIDE * SIDE - n :]) for label, n in seen.items()}

    @property
    def floor(self) -> float:
        """Zero: no two images are the same."""
        return self.floors["whole image"]

    def generate(self, n_steps: int, seed: int = 0) -> Stream:
        """Draw the first ``n_steps`` steps of the stream of ``seed``.

        Returns
        -------
        Stream
            X (n_steps, n_in) in [0, 1] and Y (n_steps,) class indices; the mask is True at the last step
            of each image, the reset at its first.
        """
        n_steps = _check.integer("n_steps", n_steps, 1)
        (rng,) = generators(seed, 1)
        images, labels = _digits()
        pieces = PIECES[self.by]
        n = -(-n_steps // pieces)  # images
        rounds = -(-n // len(images))
        order = np.concatenate([rng.permutation(len(images)) for _ in range(rounds)])[:n]
        X = images[order].reshape(n * pieces, self.n_in)[:n_steps] / BRIGHTEST
        place = np.arange(n_steps) % pieces
        last = place == pieces - 1
        # No label where there is no target, so that nothing can be read off what is masked.
        Y = np.where(last, np.repeat(labels[order], pieces)[:n_steps], 0)
        return Stream(X, Y, mask=last, reset=place == 0)


@functools.cache
def _digits() -> tuple[np.ndarray, np.ndarray]:
    """The images (1797, 64) and their labels, in the order of scikit-learn."""
    found = _extras.require("sklearn.datasets", "study").load_digits()
    return found.data.astype(np.float64), found.target.astype(np.int64)


def _entropy(labels: np.ndarray, seen: np.ndarray) -> float:
    """Mean entropy of the label over the images that agree in the pixels ``seen`` (images, k)."""
    _, group = (
        np.unique(seen, axis=0, return_inverse=True) if seen.shape[1] else (None, np.zeros(len(seen), int))
    )
    counts = np.zeros((int(group.max()) + 1, 10))
    np.add.at(counts, (group.ravel(), labels), 1)
    share = counts / counts.sum(axis=1, keepdims=True)
    return float(-(counts * np.log(np.where(counts > 0, share, 1))).sum() / len(labels)) + 0.0

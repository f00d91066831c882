"""Tensor: what is stored of the influence M[k,i,j] or the credit c[i].

k runs over the S states, i over the R rows of W, j over the m regressors. J touches k only, so a split that J
leaves closed holds k in exactly one factor, the left one; i and j sit on either side or are shared. These
are the five splits below. A credit has one index alone, and is held itself or as a linear model, index l, of
what the network knows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from axonomy import _check


def _full(randomness: str, solution: str) -> str:
    return "one formula carries all of M exactly: nothing is left to draw or to search for"


def _pattern(randomness: str, solution: str) -> str:
    return "the kept entries have a formula of their own: nothing is left to draw or to search for"


def _split(randomness: str, solution: str) -> str:
    return "terms are added at every step: back to r takes random signs or a decomposition"


def _credit(randomness: str, solution: str) -> str:
    return "the credits of a window have a formula, or come from the response to noise: nothing to search for"


def _model(randomness: str, solution: str) -> str:
    return "a model of the credit is fitted to the stream: nothing is left to draw"


@dataclass(frozen=True)
class Tensor:
    """One choice of what is stored.

    Parameters
    ----------
    name : str
        The name used throughout.
    facing : str
        The facing it belongs to.
    paper : str
        The name in Marschall et al. 2020, table 1; empty where the paper has none.
    meaning : str
        What is stored, with shapes.
    why_not : callable
        ``why_not(randomness, solution)`` says why the combination has no rule, for those that have none.
    """

    name: str
    facing: str
    paper: str
    meaning: str
    why_not: Callable[[str, str], str] = field(repr=False, compare=False)


TENSORS: tuple[Tensor, ...] = (
    Tensor("kij", "past", "M_kij", "the whole influence, M (S, R, m)", _full),
    Tensor("k|ij", "past", "A_k B_ij", "A[k] B[i,j]: (S,) and (R, m)", _split),
    Tensor("ki|j", "past", "A_j B_ki", "B[k,i] A[j]: (S, R) and (m,)", _split),
    Tensor("kj|i", "past", "A_i B_kj", "B[k,j] A[i]: (S, m) and (R,)", _split),
    Tensor("ki|ij", "past", "A_ki B_ij", "A[k,i] B[i,j]: (S, R) and (R, m)", _split),
    Tensor("kj|ij", "past", "", "A[k,j] B[i,j]: (S, m) and (R, m)", _split),
    Tensor("k=i", "past", "δ_ki B_ij", "only k and i of the same unit: (R, m)", _pattern),
    Tensor("sparse", "past", "", "only what n steps reach along sparse recurrent weights", _pattern),
    Tensor("c_i", "future", "c_i", "the credit itself, of each step of a window: (S,)", _credit),
    Tensor("A_il", "future", "A_li", "a linear model of the credit: (S, S + n_out + 1)", _model),
)

_SPELLINGS = {
    "".join(spelling.split()): tensor
    for tensor in TENSORS
    for spelling in (tensor.name, tensor.paper, tensor.paper.replace("δ", "delta"))
    if spelling
}


def tensor_named(name: object) -> Tensor:
    """Return the tensor called `name`, in this library's spelling or the paper's.

    Raises
    ------
    ValueError
        If there is none.
    """
    if isinstance(name, str) and "".join(name.split()) in _SPELLINGS:
        return _SPELLINGS["".join(name.split())]
    _check.one_of("tensor", name, [tensor.name for tensor in TENSORS])
    raise AssertionError("unreachable")

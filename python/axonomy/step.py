"""What a learner sees of one step of a network, in the terms of the theory."""

from __future__ import annotations

from dataclasses import dataclass

from axonomy._check import FloatArray


@dataclass(frozen=True, eq=False)
class Step:
    """One step, after the forward pass and the loss, before the weights change.

    Attributes
    ----------
    J : ndarray, shape (S, S)
        ds/ds_prev.
    D : ndarray, shape (S, R)
        ds/dh; entries only where row and column belong to one unit.
    a_hat : ndarray, shape (m,); (R, m) of an element-wise cell
        The regressors ``[a_prev, x, 1]``; one set a row where a row sees the state of its own unit only.
    q : ndarray, shape (S,)
        dL/ds; zero where there is no target.
    leak : ndarray, shape (S, S), or None
        ds/ds_prev at fixed h. None if the learner is driven by hand and it was not given, as for those below.
    noise : ndarray, shape (n_noise,), or None
        The learner's random numbers of this step.
    state : ndarray, shape (S,), or None
        s after the step.
    y : ndarray, shape (n_out,), or None
        The target; None where there is none.
    """

    J: FloatArray
    D: FloatArray
    a_hat: FloatArray
    q: FloatArray
    leak: FloatArray | None = None
    noise: FloatArray | None = None
    state: FloatArray | None = None
    y: FloatArray | None = None

    @property
    def M_bar(self) -> FloatArray:
        """The immediate influence ``D[k,i] a_hat[j]``, or ``D[k,i] a_hat[i,j]``, shape (S, R, m)."""
        M_bar: FloatArray = self.D[:, :, None] * self.a_hat
        return M_bar

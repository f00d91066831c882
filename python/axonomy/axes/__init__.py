"""The four axes of Marschall, Cho & Savin (JMLR 2020, section 3), one module each.

==========  =======================================  ==========================================
axis        choices                                  what it decides
==========  =======================================  ==========================================
facing      ``past``, ``future``                     influence of past weights on the present
                                                     state, or credit of the present state for
                                                     losses to come
tensor      how influence or credit is stored        memory and time, and what is lost
randomness  ``stochastic``, ``deterministic``        noise without bias, or bias without noise
solution    ``closed-form``, ``numerical``           one formula a step, or a computation that
                                                     searches: a decomposition, a gradient
==========  =======================================  ==========================================
"""

from __future__ import annotations

from axonomy.axes.facing import FACINGS
from axonomy.axes.randomness import RANDOMNESS
from axonomy.axes.solution import SOLUTIONS
from axonomy.axes.tensor import TENSORS, Tensor, tensor_named

__all__ = ["FACINGS", "RANDOMNESS", "SOLUTIONS", "TENSORS", "Tensor", "tensor_named"]

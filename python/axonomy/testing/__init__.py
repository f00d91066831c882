"""For authors of new rules: what has to hold of one, tried on small networks.

:func:`check_rule` goes through all laws; :func:`assert_unbiased`, :func:`assert_exact` and
:func:`assert_resumes` take one each, and harder. What they raise has the smallest case they found. Needs
nothing but numpy.
"""

from __future__ import annotations

from axonomy.testing.bias import assert_exact, assert_unbiased
from axonomy.testing.check import check_rule
from axonomy.testing.report import Failure, Report
from axonomy.testing.resume import assert_resumes

__all__ = ["Failure", "Report", "assert_exact", "assert_resumes", "assert_unbiased", "check_rule"]

"""The report of a study: its statistics and figures on one page. It needs ``axonomy[study]``."""

from axonomy.studies.report.analysis import Analysis, Tables, analyse
from axonomy.studies.report.write import write

__all__ = ["Analysis", "Tables", "analyse", "write"]

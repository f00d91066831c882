"""Figures. They need matplotlib: ``pip install "axonomy[cli]"``."""

from axonomy.plots.learning_curves import learning_curves
from axonomy.plots.roofline import roofline

__all__ = ["learning_curves", "roofline"]

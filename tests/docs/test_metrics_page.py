"""What docs/metrics.md shows is what happens."""

import re

import axonomy as ax
from axonomy.studies.metrics import Trajectory, measure
from axonomy.tasks import Add
from programs import ROOT, assert_named_files_exist, run_in_order

PAGE = ROOT / "docs" / "metrics.md"
TEXT = PAGE.read_text(encoding="utf-8")


def test_program() -> None:
    blocks = re.findall(r"```python\n(.*?)```(?:\n\n```text\n(.*?)```)?", TEXT, flags=re.DOTALL)
    assert len(blocks) == 1
    run_in_order(blocks, PAGE)


def test_every_number_is_explained() -> None:
    trajectory = Trajectory(ax.LeakyRNN.random(2, 4, 2), "rflo", ax.SGD(0.01))
    found = measure(trajectory, Add().generate(200), ["rflo"])
    rest = {"step", "loss", "window", "diverged_at", "exact_loss_decrease", "exact_loss_decrease_2"}
    assert set(re.findall(r"^\| `(\w+)`", TEXT, flags=re.MULTILINE)) == set(found) - rest


def test_files_that_are_named_exist() -> None:
    assert_named_files_exist(PAGE)

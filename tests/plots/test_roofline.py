"""The roofline: every rule below the machine's roofs, and what the command draws."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from axonomy.machine import Level, Machine
from axonomy.plots.roofline import Point, roofline
from command_line import axonomy

MACHINE = Machine(60e9, 50e9, (Level("L1", 32768, 200e9), Level("memory", float("inf"), 20e9)))
POINTS = [Point("RFLO", 32, 0.25, 4e9), Point("RFLO", 128, 0.25, 3e9), Point("KF-RTRL", 32, 8.0, 40e9)]


def test_what_is_drawn() -> None:
    figure = roofline(POINTS, MACHINE, "here")
    axes = figure.axes[0]
    assert axes.get_title(loc="left") == "here"
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["RFLO", "KF-RTRL"]
    words = " ".join(text.get_text() for text in axes.texts)
    assert all(word in words for word in ("L1", "memory", "registers", "matrix products", "32, 128"))
    low, high = axes.get_ylim()
    assert all(low < point.flops / 1e9 < high for point in POINTS)
    assert high > MACHINE.flops / 1e9
    figure.savefig(io.BytesIO(), format="svg")


def test_roofs_that_are_near_share_a_name() -> None:
    machine = Machine(51e9, 50e9, MACHINE.levels)
    words = [text.get_text() for text in roofline(POINTS, machine, "here").axes[0].texts]
    assert "matrix products, registers" in words
    assert "registers" not in words


def test_of_nothing() -> None:
    with pytest.raises(ValueError, match="points"):
        roofline([], MACHINE)


@pytest.mark.parametrize("more", [[], ["--peers", "numpy"]])
def test_by_command(more: list[str], tmp_path: Path) -> None:
    path = tmp_path / "roofline.png"
    arguments = [
        "--rule",
        "rflo",
        "--rule",
        "kf_rtrl",
        "--hidden",
        "4,8",
        "--seconds",
        "0.001",
        "--turns",
        "1",
    ]
    axonomy("bench", *arguments, "--figure", path, *more)
    assert path.read_bytes().startswith(b"\x89PNG")

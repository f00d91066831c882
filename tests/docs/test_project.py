"""Names that documents give: paths in the map and in the guide, the version, the extension's description."""

from __future__ import annotations

import hashlib
import re
import tomllib
from pathlib import Path

import pytest

import axonomy as ax

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("page", ["docs/architecture.md", "CONTRIBUTING.md"])
def test_paths_exist(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    named = re.findall(r"`((?:docs|tests|cpp|bench|python|\.ci)/[^`<>]*)`", text)
    assert named
    for path in named:
        assert (ROOT / path).exists(), f"{page} names {path}"


def test_one_version() -> None:
    with (ROOT / "pyproject.toml").open("rb") as file:
        assert tomllib.load(file)["project"]["version"] == ax.__version__
    assert f"version: {ax.__version__}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"## {ax.__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def digest_of_sources() -> str:
    """As cmake/digest.cmake has it."""
    paths = sorted(
        path.relative_to(ROOT).as_posix() for end in ("cpp", "hpp") for path in ROOT.glob(f"cpp/**/*.{end}")
    )
    lines = [f"{hashlib.sha256((ROOT / path).read_bytes()).hexdigest()} {path}\n" for path in paths]
    return hashlib.sha256("".join(lines).encode()).hexdigest()[:16]


def test_build_info() -> None:
    info = ax.build_info()
    assert {"compiler", "flags", "build_type", "simd", "simd_bytes", "eigen", "pybind11"} <= set(info)
    assert "-O" in str(info["flags"])
    assert info["sources"] == digest_of_sources()
    assert re.fullmatch(r"\d+\.\d+\.\d+", str(info["eigen"]))


def test_only_numpy_is_needed() -> None:
    """The library imports without any of the extras."""
    import subprocess
    import sys

    program = (
        "import sys\n"
        "for name in ('typer', 'rich', 'matplotlib', 'pandas', 'scipy', 'torch', 'onnx', 'jax'):\n"
        "    sys.modules[name] = None\n"
        "import axonomy as ax\n"
        "stream = ax.tasks.Add().generate(20)\n"
        "rnn = ax.LeakyRNN.random(n_in=2, n_hidden=3, n_out=2)\n"
        "print(ax.Trainer(rnn, 'rtrl', ax.SGD(0.1)).run(stream.X, stream.Y).loss.shape)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "(20,)\n"

"""CONTRIBUTING.md: one part of each kind, added by its steps alone.

Parts in Python go all the way. Those of the core are added to a copy of the headers and sources, and the
compiler looks at them.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

import axonomy as ax
import numpy_cells
from axonomy import credit, influence, registry
from axonomy.axes import TENSORS
from axonomy.cells import CELLS
from axonomy.influence.reductions import REDUCTIONS
from axonomy.influence.splits import SPLITS
from axonomy.tasks import Stream

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## (.*)\n\n((?:.+\n)+)", TEXT, flags=re.MULTILINE))


# ---------------------------------------------------------------------------------------- the lists


@pytest.mark.parametrize("section", SECTIONS)
def test_at_most_six_steps(section: str) -> None:
    steps = [int(number) for number in re.findall(r"^(\d+)\. ", SECTIONS[section], flags=re.MULTILINE)]
    assert steps == list(range(1, len(steps) + 1))
    assert 2 <= len(steps) <= 6


def test_sections() -> None:
    assert set(SECTIONS) == {
        "A reduction in Python", "A past-facing rule in Python", "A credit rule in Python",
        "A task in Python", "A reduction", "A split", "Another cell of the table", "A network", "A task",
    }  # fmt: skip


def test_names_exist() -> None:
    for name in re.findall(r"`ax\.([\w.]+)", TEXT):
        found: object = ax
        for part in name.split("."):
            found = getattr(found, part)
    for name in ("n_noise", "mix", "options"):
        assert hasattr(ax.Reduction, name)
    for name in ("reset", "step", "carries", "n_noise", "influence", "lag", "lag_steps", "period", "credit"):
        assert hasattr(ax.Learner, name)


def test_registries_are_what_the_steps_take_them_for() -> None:
    assert all(issubclass(reduction, ax.Reduction) for reduction in REDUCTIONS)
    assert {split.tensor for split in SPLITS} <= {tensor.name for tensor in TENSORS}
    for folder in (influence, credit):
        assert all(component in registry.components() for component in folder.COMPONENTS)
    assert CELLS["leaky_rnn"] is ax.LeakyRNN
    for kind, cell in CELLS.items():
        assert getattr(ax, cell.__name__) is cell
        assert (ROOT / "python" / "axonomy" / "cells" / f"{kind}.py").is_file()
        assert (ROOT / "cpp" / "include" / "axonomy" / "cell" / f"{kind}.hpp").is_file()
        assert "settings" in vars(cell) or issubclass(cell, ax.GatedCell)
        assert len(cell.sees or cell.gates) == len(cell.gates)
    assert {*numpy_cells.KINDS} == {*CELLS}
    assert ax.tasks.registry["add"] is ax.tasks.Add


# ----------------------------------------------------------------------------------------- in Python


class Fake(ax.Reduction):
    """All terms into each of r columns, with signs."""

    solver, title = "fake", "a fake"
    randomness, solution, bias = "stochastic", "closed-form", "none"

    def n_noise(self, n_terms: int, rank: int) -> int:
        return n_terms * rank

    def mix(self, gram_left: np.ndarray, gram_right: np.ndarray, rank: int, noise: np.ndarray) -> tuple:
        C = noise.reshape(rank, -1).T / np.sqrt(rank)
        return C, C


@dataclass(frozen=True)
class Scaled(ax.Reduction):
    """The same, with a setting."""

    scale: float = 1.0

    solver: ClassVar[str] = "scaled"
    title: ClassVar[str] = "a fake with a setting"
    randomness: ClassVar[str] = "stochastic"
    solution: ClassVar[str] = "closed-form"
    bias: ClassVar[str] = "none"
    options: ClassVar[dict] = {"scale": ax.Option(1.0, lambda name, value: float(value), "of the left")}

    def n_noise(self, n_terms: int, rank: int) -> int:
        return n_terms * rank

    def mix(self, gram_left: np.ndarray, gram_right: np.ndarray, rank: int, noise: np.ndarray) -> tuple:
        C = noise.reshape(rank, -1).T / np.sqrt(rank)
        return C * self.scale, C / self.scale


def test_a_reduction_in_python() -> None:
    ax.testing.assert_unbiased(Fake())
    ax.testing.assert_unbiased(Scaled(2.0))
    with ax.registered(Fake, Scaled):
        for split in SPLITS:
            rule = ax.compose("past", split.tensor, "stochastic", "closed-form", solver="fake")
            laws = None if split.tensor == "ki|j" else ["bias as declared", "written and read again"]
            ax.testing.check_rule(rule, laws=laws)
        rule = ax.compose("past", "ki|j", "stochastic", "closed-form", solver="scaled", scale=2.0)
        ax.testing.check_rule(rule, laws=["bias as declared", "written and read again"])
        assert [cell.tensor for cell in ax.table() if cell.solver == "fake"] == [s.tensor for s in SPLITS]


class Immediate(ax.Learner):
    """The immediate influence, alone."""

    facing, tensor, randomness, solution = "past", "k=i", "deterministic", "closed-form"
    solver, title, bias = "immediate", "no past at all", "biased"
    memory, time = ax.Order(2), ax.Order(2)
    carries = ("D_a_hat",)

    def reset(self, state: np.ndarray) -> None:
        self.D_a_hat = np.zeros((self.shape.R, self.shape.m))

    def step(self, step: ax.Step) -> np.ndarray:
        self.D_a_hat = (step.q @ step.D)[:, None] * step.a_hat  # of one set of regressors, or one a row
        return self.D_a_hat


def test_a_past_facing_rule_in_python() -> None:
    with ax.registered(Immediate):
        rule = ax.compose("past", "k=i", "deterministic", "closed-form", solver="immediate")
        ax.testing.check_rule(rule)
        assert [cell.name for cell in ax.table() if cell.solver == "immediate"] == ["no past at all"]


class Delayed(ax.Learner):
    """F-BPTT with a window of two."""

    facing, tensor, randomness, solution = "future", "c_i", "deterministic", "closed-form"
    solver, title, bias = "delayed", "credit of two losses", "biased"
    memory, time = ax.Order(2), ax.Order(2)
    lag = "1"
    needs_shared = True
    carries = ("q", "D", "a_hat", "c", "begun")

    @staticmethod
    def lag_steps(options: Mapping[str, object]) -> int:
        return 1

    def reset(self, state: np.ndarray) -> None:
        S, R, m = self.shape.S, self.shape.R, self.shape.m
        self.q, self.D, self.a_hat, self.c = np.zeros(S), np.zeros((S, R)), np.zeros(m), np.zeros(S)
        self.begun = np.ones(())

    def new_sequence(self, state: np.ndarray) -> None:
        self.begun = np.ones(())

    def step(self, step: ax.Step) -> np.ndarray:
        self.c = self.q + (0 if self.begun else step.q @ step.J)
        gradient = np.outer(self.c @ self.D, self.a_hat)
        self.q, self.D, self.a_hat, self.begun = step.q, step.D, step.a_hat, np.zeros(())
        return gradient

    def credit(self) -> np.ndarray:
        return self.c


def test_a_credit_rule_in_python() -> None:
    with ax.registered(Delayed):
        rule = ax.compose("future", "c_i", "deterministic", "closed-form", solver="delayed")
        assert rule.lag == 1
        ax.testing.check_rule(rule)
        ax.testing.assert_exact(rule)
        assert [cell.lag for cell in ax.table() if cell.solver == "delayed"] == ["1"]


@dataclass(frozen=True)
class Echo(ax.tasks.Task):
    """Say again what was said some steps ago."""

    delay: int = 1

    name: ClassVar[str] = "echo"
    n_in: ClassVar[int] = 1
    n_out: ClassVar[int] = 1
    loss: ClassVar[str] = "mse"
    floors: ClassVar[dict] = {}

    def generate(self, n_steps: int, seed: int = 0) -> Stream:
        X = np.random.default_rng(seed).normal(size=(n_steps + self.delay, 1))
        return Stream(X[self.delay :], X[: -self.delay])


def test_a_task_in_python() -> None:
    with ax.registered(Echo):
        task = ax.tasks.make("echo", delay=2)
        assert ax.tasks.from_dict(task.to_dict()) == task
        short, long = task.generate(5, seed=1), task.generate(9, seed=1)
        np.testing.assert_array_equal(short.X, long.X[:5])
        np.testing.assert_array_equal(short.Y, long.Y[:5])
        rnn = ax.LeakyRNN.random(n_in=task.n_in, n_hidden=4, n_out=task.n_out, loss=task.loss)
        ax.Trainer(rnn, "rflo", ax.SGD(0.01)).run(long.X, long.Y)


# --------------------------------------------------------------------------------------- in the core

LEARNER = """// Never a gradient.
#pragma once
#include "../learner.hpp"

namespace axonomy {
template <class T>
class Fake%(kind)s final : public Learner<T> {
 public:
  explicit Fake%(kind)s(const Shape& shape) : kept_(Vector<T>::Zero(shape.S())) {}
  void reset(const T*) override { kept_.setZero(); }
  bool looks_ahead() const override { return %(ahead)s; }
  void step(const Step<T>& step, const T*, T scale, T* target) override {
    kept_ = Eigen::Map<const Vector<T>>(step.q, kept_.size());
    if (target != nullptr) target[0] += scale * step.a_hat[0] * kept_[0];
  }
  void visit(StateVisitor<T>& v) override { v.vector("kept", kept_); }

 private:
  Vector<T> kept_;
};
}  // namespace axonomy
"""
NETWORK = """// a = W a_hat
#pragma once
#include "cell.hpp"

namespace axonomy {
template <class T>
class FakeCell final : public Cell<T> {
 public:
  using Cell<T>::Cell;
  std::shared_ptr<Cell<T>> sibling() const override { return std::make_shared<FakeCell>(*this); }

 protected:
  void respond(const T*, T* h, T* next, BlockDiagonal<T>&, BlockDiagonal<T>& D) const override {
    D.entries().setOnes();
    std::copy_n(h, D.n(), next);
  }
};
}  // namespace axonomy
"""
PROGRAM = """#include "axonomy/cell/fake.hpp"
#include "axonomy/credit/fake.hpp"
#include "axonomy/influence/fake.hpp"
#include "axonomy/influence/make_factored.hpp"
#include "axonomy/influence/splits/fake.hpp"

namespace axonomy {
template class FakePast<double>;
template class FakeCredit<double>;
template class FakeCell<double>;

std::unique_ptr<Learner<double>> combined(const Shape& shape) {
  using Combined = FactoredInfluence<double, SplitFake<double>, FakeReduction<double>>;
  SplitFake<double> split(shape, 1, ImmediateBy::row);
  return std::make_unique<Combined>(shape, split, FakeReduction<double>(), Current::exact);
}
std::unique_ptr<Learner<double>> made(const Shape& shape, const LearnerSpec& spec) {
  return make_fake<double>(shape, spec);
}
}  // namespace axonomy
"""


def copied_line(path: Path, has: str, **changes: str) -> None:
    """Beside the one line that has `has`, the same for the fake."""
    lines = path.read_text(encoding="utf-8").splitlines()
    (at,) = (i for i, line in enumerate(lines) if has in line)
    new = lines[at]
    for old, fake in changes.items():
        new = new.replace(old.replace("_OR_", "|"), fake)
    assert new != lines[at]
    lines.insert(at, new)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def compiler() -> list[str]:
    """A C++ compiler with Eigen, or skip."""
    found = next(filter(None, map(shutil.which, ("c++", "g++", "clang++"))), None)
    if found is None:
        pytest.skip("no C++ compiler")
    eigen = Path(sysconfig.get_path("purelib")) / "cmeel.prefix" / "include" / "eigen3"
    if not eigen.is_dir():
        pytest.skip("no Eigen")
    return [found, "-std=c++17", "-fsyntax-only", "-isystem", str(eigen)]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of what the steps touch."""
    shutil.copytree(ROOT / "cpp", tmp_path / "cpp")
    shutil.copytree(ROOT / "python" / "axonomy", tmp_path / "axonomy", ignore=shutil.ignore_patterns("*.so"))
    shutil.copy(ROOT / "CMakeLists.txt", tmp_path)
    shutil.copy(ROOT / "tests" / "numpy_cells.py", tmp_path)
    return tmp_path


def test_parts_of_the_core(tree: Path) -> None:
    headers, sources = tree / "cpp" / "include" / "axonomy", tree / "cpp" / "src"

    # A reduction
    text = (headers / "influence" / "reductions" / "truncated_svd.hpp").read_text(encoding="utf-8")
    fake = text.replace("TruncatedSVD", "FakeReduction")
    (headers / "influence" / "reductions" / "fake.hpp").write_text(fake, encoding="utf-8")
    make = headers / "influence" / "make_factored.hpp"
    copied_line(make, "reductions/truncated_svd.hpp", truncated_svd="fake")
    copied_line(make, '"svd"', svd="fake", TruncatedSVD="FakeReduction")
    assert '(solver == "svd")' in (tree / "cpp" / "bindings" / "reductions.cpp").read_text(encoding="utf-8")

    # A split
    text = (headers / "influence" / "splits" / "kj_i.hpp").read_text(encoding="utf-8")
    (headers / "influence" / "splits" / "fake.hpp").write_text(
        text.replace("SplitKJI", "SplitFake"), encoding="utf-8"
    )
    text = (sources / "split_kj_i.cpp").read_text(encoding="utf-8")
    (sources / "split_fake.cpp").write_text(
        text.replace("SplitKJI", "SplitFake").replace("kj_i", "fake"), encoding="utf-8"
    )
    copied_line(tree / "CMakeLists.txt", "split_kj_i.cpp", kj_i="fake")
    registered = headers / "registry.hpp"
    lines = registered.read_text(encoding="utf-8").replace(
        "}  // namespace axonomy",
        "template <class T>\n"
        "std::unique_ptr<Learner<T>> make_fake(const Shape& shape, const LearnerSpec& spec);\n\n"
        "}  // namespace axonomy",
    )
    assert lines.count("make_fake") == 1
    registered.write_text(lines, encoding="utf-8")
    copied_line(sources / "learners.cpp", "make_kj_i<T>", kj_OR_i="fake", kj_i="fake")

    # Other cells, past- and future-facing
    for folder, kind, ahead in (("influence", "Past", "false"), ("credit", "Credit", "true")):
        text = LEARNER % {"kind": kind, "ahead": ahead}
        (headers / folder / "fake.hpp").write_text(text, encoding="utf-8")
    copied_line(sources / "learners.cpp", '"kij/window"', window="fake", WindowedInfluence="FakePast")

    # A network
    (headers / "cell" / "fake.hpp").write_text(NETWORK, encoding="utf-8")

    program = tree / "program.cpp"
    program.write_text(PROGRAM, encoding="utf-8")
    command = [*compiler(), f"-I{headers.parent}", f"-I{sources}", str(program)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_lines_in_python(tree: Path) -> None:
    """Where the steps say `its line`, there is one for each member, of one form."""
    package = tree / "axonomy"
    copied_line(
        package / "influence" / "reductions" / "__init__.py", "import TruncatedSVD", truncated_svd="fake",
        TruncatedSVD="Fake",
    )  # fmt: skip
    copied_line(package / "influence" / "splits" / "__init__.py", "kj_i import", kj_i="fake", KJ_I="FAKE")
    copied_line(package / "axes" / "tensor.py", 'Tensor("kj|i"', kj_OR_i="fake")
    copied_line(package / "influence" / "__init__.py", "    unit_diagonal.LEAK,", LEAK="FAKE")
    copied_line(package / "credit" / "__init__.py", "    synthetic.DNI,", DNI="FAKE")
    copied_line(package / "rules" / "__init__.py", "        rflo,", rflo="fake")
    copied_line(package / "cells" / "__init__.py", "leaky_rnn import", leaky_rnn="fake", LeakyRNN="Fake")
    copied_line(tree / "numpy_cells.py", '"mgu": Kind(mgu', mgu="fake")
    copied_line(package / "tasks" / "__init__.py", "tasks.add import", add="fake", Add="Fake")
    for name in ("make_gru32", "make_gru64"):
        copied_line(package / "_core.pyi", f"def {name}", gru="fake")
    copied_line(tree / "cpp" / "bindings" / "cells.cpp", 'make("gru"', gru="fake", Gru="Fake")
    copied_line(tree / "cpp" / "bindings" / "cells.cpp", "cell/gru.hpp", gru="fake")

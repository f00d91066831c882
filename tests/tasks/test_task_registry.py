"""Laws of every task in the registry."""

import dataclasses

import numpy as np
import pytest

from axonomy import tasks
from axonomy.tasks import Add, Copy, Digits, FileStream, Lorenz, Mimic, Stream, Task

ARRAYS = ("X", "Y", "mask", "reset")


@pytest.fixture(
    params=[
        *tasks.registry,
        "add, held",
        "copy, many",
        "copy, growing",
        "lorenz, all",
        "digits, pixels",
        "file, repeated",
    ]
)
def task(request: pytest.FixtureRequest, tmp_path) -> Task:
    path = tmp_path / "data.csv"
    rng = np.random.default_rng(3)
    lines = [f"{a},{b},{c}" for a, b, c in rng.random((70, 3))]
    path.write_text("\n".join(["a,b,c", *lines]) + "\n")
    members = {
        "add": Add(),
        "add, held": Add((3, 5), hold=3),
        "copy, many": Copy(5, 2, symbols=4),
        "copy, growing": Copy(4, grow=20),
        "lorenz, all": Lorenz(ahead=4, observe="xyz", interval=0.02),
        "digits, pixels": Digits(by="pixel"),
        "mimic": Mimic(n_in=3, n_hidden=5, n_out=2, alpha=0.5),
        "file": FileStream(str(path), ["a", "b"], ["c"]),
        "file, repeated": FileStream(str(path), ["a"], ["b", "c"], repeat=True),
    }
    name = request.param  # a new task is tested as it is by default
    return members[name] if name in members else tasks.registry[name]()


def test_shapes_and_types(task: Task) -> None:
    stream = task.generate(50, seed=1)
    assert stream.X.shape == (50, task.n_in)
    assert stream.X.dtype == np.float64
    if stream.Y.ndim == 1:  # class indices
        assert stream.Y.shape == (50,)
        assert stream.Y.dtype == np.int64
        assert set(stream.Y) <= set(range(task.n_out))
    else:
        assert stream.Y.shape == (50, task.n_out)
        assert stream.Y.dtype == np.float64
    for flags in (stream.mask, stream.reset):
        assert flags is None or (flags.shape, flags.dtype) == ((50,), np.bool_)
    assert len(stream) == 50


def test_the_floor_is_the_lowest(task: Task) -> None:
    assert isinstance(task.floor, float)
    assert all(task.floor <= floor + 1e-12 for floor in task.floors.values()) or np.isnan(task.floor)
    assert list(task.floors.values()) == sorted(task.floors.values(), reverse=True)


def test_real_data_are_marked() -> None:
    assert {name for name, kind in tasks.registry.items() if kind.real} == {"digits", "text", "file"}


def assert_same(one: Stream, other: Stream) -> None:
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)


def test_same_seed_same_stream(task: Task) -> None:
    assert_same(task.generate(50, seed=1), task.generate(50, seed=1))


def test_a_shorter_stream_is_the_beginning_of_a_longer_one(task: Task) -> None:
    assert_same(task.generate(37, seed=1), task.generate(64, seed=1).part(0, 37))


def test_the_seed_matters_unless_the_order_is_given(task: Task) -> None:
    same = np.array_equal(task.generate(64, seed=1).X, task.generate(64, seed=2).X)
    assert same == isinstance(task, FileStream)


def test_is_a_frozen_value_that_survives_its_dict(task: Task) -> None:
    again = tasks.from_dict(task.to_dict())
    assert again == task
    assert hash(again) == hash(task)
    with pytest.raises(dataclasses.FrozenInstanceError):
        task.name = "other"  # type: ignore[misc]


@pytest.mark.parametrize("n_steps", [0, -1, 2.5, True, "10"])
def test_bad_n_steps(task: Task, n_steps: object) -> None:
    with pytest.raises(ValueError, match="n_steps: expected a whole number at least 1, got"):
        task.generate(n_steps, seed=0)  # type: ignore[arg-type]


def test_bad_seed() -> None:
    with pytest.raises(ValueError, match=r"seed: expected a whole number from 0 to .*, got -1"):
        Add().generate(10, seed=-1)


def test_make_names_what_is_wrong() -> None:
    with pytest.raises(ValueError, match=r"task: expected one of add, mimic, copy, .*, file, got 'sub'"):
        tasks.make("sub")
    with pytest.raises(ValueError, match="task 'add' does not take 'n_in'; it takes lags, hold"):
        tasks.make("add", n_in=3)
    with pytest.raises(ValueError, match="task 'file' needs 'inputs'"):
        tasks.make("file", path="x.csv")


def test_part_of_a_stream() -> None:
    stream = tasks.Stream(np.ones((5, 2)), np.arange(5), reset=np.arange(5) == 3)
    part = stream.part(2, 4)
    np.testing.assert_array_equal(part.Y, [2, 3])
    np.testing.assert_array_equal(part.reset, [False, True])
    assert part.mask is None

"""The Mimic task and its teacher."""

import numpy as np
import pytest

from axonomy.tasks import Mimic


def test_teacher_has_the_stated_distribution() -> None:
    teacher = Mimic(n_in=25, n_hidden=200, n_out=100, teacher_seed=4).teacher
    np.testing.assert_allclose(teacher.W_rec.T @ teacher.W_rec, np.eye(200), atol=1e-12)
    for W, std in [
        (teacher.W_in, 1 / 5),
        (teacher.W_out, 200**-0.5),
        (np.r_[teacher.b_rec, teacher.b_out], 0.1),
    ]:
        assert abs(W.mean()) < 4 * std / np.sqrt(W.size)
        assert abs(W.std() / std - 1) < 4 / np.sqrt(2 * W.size)


def test_targets_are_those_of_the_recurrence() -> None:
    task = Mimic(n_in=3, n_hidden=6, n_out=2, alpha=0.3)
    stream, w = task.generate(20, seed=1), task.teacher
    W = np.hstack([w.W_rec, w.W_in, w.b_rec[:, None]])  # (n, n + n_in + 1)
    a = np.zeros(6)
    for x, y in zip(stream.X, stream.Y, strict=True):
        a = 0.7 * a + 0.3 * np.tanh(W @ np.r_[a, x, 1.0])
        np.testing.assert_allclose(y, w.W_out @ a + w.b_out, rtol=1e-12)


def test_inputs_are_fair_and_independent_coins() -> None:
    X = Mimic(n_in=4).generate(20_000, seed=0).X
    assert set(np.unique(X)) == {0.0, 1.0}
    covariance = np.cov(X, rowvar=False)
    np.testing.assert_allclose(X.mean(axis=0), 0.5, atol=0.02)
    np.testing.assert_allclose(covariance, np.eye(4) / 4, atol=0.01)


def test_the_teacher_belongs_to_the_task_not_to_the_stream() -> None:
    task = Mimic(n_in=3, n_hidden=6, n_out=2)
    other = Mimic(n_in=3, n_hidden=6, n_out=2, teacher_seed=1)
    one = task.generate(50, seed=0)
    assert np.array_equal(task.teacher.run(one.X, 1.0), one.Y)
    assert not np.array_equal(task.generate(50, seed=1).X, one.X)
    assert np.array_equal(other.generate(50, seed=0).X, one.X)
    assert not np.array_equal(other.generate(50, seed=0).Y, one.Y)


def test_a_student_of_the_same_seed_does_not_start_as_the_teacher() -> None:
    """A network drawn from `default_rng(seed)` shares no numbers with the teacher of that seed."""
    n = 8
    drawn, _ = np.linalg.qr(np.random.default_rng(0).standard_normal((n, n)))
    teacher = Mimic(n_in=2, n_hidden=n, n_out=2, teacher_seed=0).teacher
    assert np.abs(np.abs(drawn) - np.abs(teacher.W_rec)).max() > 0.1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_in": 0}, "n_in: expected a whole number at least 1, got 0"),
        ({"n_hidden": 2.0}, "n_hidden: expected a whole number at least 1, got 2.0"),
        ({"teacher_seed": -1}, "teacher_seed: expected a whole number from 0 to .*, got -1"),
        ({"alpha": 0.0}, r"alpha: expected a finite real number above 0 and at most 1, got 0"),
        ({"alpha": 1.1}, r"alpha: expected a finite real number above 0 and at most 1, got 1.1"),
        (
            {"alpha": float("nan")},
            r"alpha: expected a finite real number above 0 and at most 1, got nan",
        ),
    ],
)
def test_bad_arguments(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Mimic(**options)

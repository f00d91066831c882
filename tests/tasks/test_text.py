"""Character prediction against the text itself."""

import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from axonomy import tasks
from axonomy.tasks import Text
from tasks.learning import reached

WORDS = "Round and round the rugged rock the ragged rascal ran.\n"


@pytest.fixture
def path(tmp_path: Path) -> str:
    file = tmp_path / "words.txt"
    file.write_text(WORDS, encoding="utf-8")
    return str(file)


def said(task: Text, classes: np.ndarray) -> str:
    return "".join(task.alphabet[i] for i in classes)


def test_the_text_comes_back_round_and_round(path: str) -> None:
    task = Text(path, symbols=60, fold=False)
    stream = task.generate(3 * len(WORDS), seed=2)
    read = said(task, stream.X.argmax(axis=1))
    assert WORDS * 2 in read + read
    start = (WORDS * 2).index(read[: len(WORDS)])
    assert read == (WORDS * 5)[start : start + len(read)]
    assert said(task, stream.Y) == (WORDS * 5)[start + 1 : start + 1 + len(read)]
    begins = [0, *((len(WORDS) - start) % len(WORDS) + len(WORDS) * np.arange(3))]
    assert set(np.flatnonzero(stream.reset)) == set(begins)


def test_the_alphabet_is_of_the_commonest(path: str) -> None:
    folded = WORDS.lower()
    task = Text(path, symbols=5)
    common = [c for c, _ in sorted(Counter(folded).items(), key=lambda item: (-item[1], item[0]))]
    assert task.alphabet == (*common[:4], "")
    assert task.n_in == task.n_out == 5
    stream = task.generate(len(WORDS), seed=0)
    others = sum(c not in common[:4] for c in folded)
    assert (stream.Y == 4).sum() == others
    assert Text(path, symbols=len(common)).alphabet == tuple(common)
    assert "R" in Text(path, symbols=60, fold=False).alphabet


def test_seeds_begin_at_different_places() -> None:
    task = Text()
    starts = {said(task, task.generate(30, seed=seed).Y) for seed in range(20)}
    assert len(starts) == 20


def test_the_default_is_there_and_is_english() -> None:
    task = Text()
    assert task.n_in == 32
    assert task.generate(300_000).Y.shape == (300_000,)
    read = said(task, task.generate(200_000, seed=1).Y)
    assert len(re.findall(r"\bthe\b", read)) > 1000


def test_floors_are_entropies_of_the_text(path: str) -> None:
    task = Text(path)
    text = WORDS.lower()
    pairs = Counter(zip(text, text[1:] + text[0], strict=True))
    single = Counter(text)
    alone = -sum(n / len(text) * np.log(n / len(text)) for n in single.values())
    given = -sum(n / len(text) * np.log(n / single[a]) for (a, _), n in pairs.items())
    assert task.floors["nothing seen"] == pytest.approx(alone)
    assert task.floors["no memory"] == pytest.approx(given)
    assert np.isnan(task.floor)


def test_a_network_learns_a_short_text_beyond_what_one_character_tells(path: str) -> None:
    task = Text(path)
    assert reached(task, 6000, 5e-3, n=24) < task.floors["no memory"]


def test_the_dict_of_a_task_refuses_another_text(path: str) -> None:
    values = Text(path).to_dict()
    Path(path).write_text(WORDS + "Once more.")
    tasks.text._read.cache_clear()
    with pytest.raises(ValueError, match=r"digest: expected the text of .*as it is another text"):
        tasks.from_dict(values)


def test_files_that_are_no_texts(tmp_path: Path) -> None:
    bad = tmp_path / "bad.txt"
    bad.write_bytes(b"\xff\xfe\x00abc\xff")
    with pytest.raises(ValueError, match="is not a text file in UTF-8"):
        Text(str(bad))
    for content, message in (("", "at least 2 characters, got 0"), ("aaa", "several characters, got only")):
        other = tmp_path / f"{len(content)}.txt"
        other.write_text(content)
        with pytest.raises(ValueError, match=message):
            Text(str(other))
    with pytest.raises(ValueError, match="path: expected a file, got 'nowhere"):
        Text("nowhere.txt")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"symbols": 1}, "symbols: expected a whole number at least 2, got 1"),
        ({"fold": 1}, "fold: expected True or False, got 1"),
        ({"path": 3}, "path: expected a path, got 3"),
    ],
)
def test_bad_arguments(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Text(**options)

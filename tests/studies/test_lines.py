"""Lines of keys and elements, which the reader of TOML does not tell."""

from __future__ import annotations

import tomllib

import pytest

from axonomy.studies.lines import Lines

TEXT = '''# [study] is not here
name = "a # b"

[study]
steps = 1_000 # ] }
"quoted key" = 'single " \\'
long = """
steps = 3
["""
rules = [
  "one", # two = "x"
  { tensor = "k|ij", rank = 2 },
  [1,
   2],
  "last" ]
dotted.key = 2
end = """x"""""

[study.inner]
a = {b = [1, {c = 3}]}
[[many]]
x = 1
[[many]]
x = 2
[many.sub]
y = 3
'''


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("name",), 2),
        (("study",), 4),
        (("study", "steps"), 5),
        (("study", "quoted key"), 6),
        (("study", "long"), 7),
        (("study", "rules"), 10),
        (("study", "rules", 0), 11),
        (("study", "rules", 1), 12),
        (("study", "rules", 1, "rank"), 12),
        (("study", "rules", 2), 13),
        (("study", "rules", 2, 1), 14),
        (("study", "rules", 3), 15),
        (("study", "dotted", "key"), 16),
        (("study", "end"), 17),
        (("study", "inner"), 19),
        (("study", "inner", "a", "b", 1, "c"), 20),
        (("many", 0, "x"), 22),
        (("many", 1, "x"), 24),
        (("many", 1, "sub", "y"), 26),
        (("study", "rules", 9), 10),  # of the longest beginning that there is
        (("nothing",), 1),
    ],
)
def test_lines(path: tuple[str | int, ...], line: int) -> None:
    tomllib.loads(TEXT)
    assert Lines(TEXT).of(path) == line


@pytest.mark.parametrize("text", ["", "#", "\r\n", "a = 1", "a = [\n]", "a = []\r\nb = {}"])
def test_short_texts(text: str) -> None:
    tomllib.loads(text)
    assert Lines(text).of(("b",)) == (2 if "b =" in text else 1)

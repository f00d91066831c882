"""Where in a TOML text a key or a list's element stands; the standard library's reader does not say.

The text must be one that `tomllib` has read: what is wrong with it is no business of this module.
"""

from __future__ import annotations

import tomllib
from typing import Any

Path = tuple[str | int, ...]


class Lines:
    """The lines of all keys and elements, by the path to them.

    >>> Lines('[study]\\nrules = [\\n  "rflo",\\n  "uoro",\\n]').of(("study", "rules", 1))
    4
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._line: dict[Path, int] = {(): 1}
        table: Path = ()
        counts: dict[Path, int] = {}
        while self._skip(" \t\r\n"):
            start = self._at
            if self._text.startswith("[[", self._at):
                name = self._header(2)
                counts[name] = counts.get(name, -1) + 1
                self._note(name, start)
                table = (*name, counts[name])
            elif self._text[self._at] == "[":
                name = self._header(1)
                # [a.b] after [[a]] belongs to the last of a.
                table = self._within(name, counts)
            else:
                self._pair(table)
                continue
            self._note(table, start)

    def of(self, path: Path) -> int:
        """The line, counted from 1, of the longest beginning of `path` that the text has."""
        while path not in self._line:
            path = path[:-1]
        return self._line[path]

    def _note(self, path: Path, at: int) -> None:
        self._line.setdefault(path, self._text.count("\n", 0, at) + 1)

    def _skip(self, blank: str) -> bool:
        """Go past blanks and comments; False at the end of the text."""
        while self._at < len(self._text):
            if self._text[self._at] == "#":
                end = self._text.find("\n", self._at)
                self._at = len(self._text) if end < 0 else end
            elif self._text[self._at] in blank:
                self._at += 1
            else:
                return True
        return False

    def _header(self, brackets: int) -> Path:
        self._at += brackets
        name = self._key("]")
        self._at += brackets
        return name

    @staticmethod
    def _within(name: Path, counts: dict[Path, int]) -> Path:
        for length in range(len(name) - 1, 0, -1):
            if name[:length] in counts:
                return (*name[:length], counts[name[:length]], *name[length:])
        return name

    def _key(self, end: str) -> Path:
        """The parts of a dotted key, up to the character after it."""
        start = self._at
        while self._text[self._at] != end:
            if self._text[self._at] in "\"'":
                self._string()
            else:
                self._at += 1
        parts: list[str | int] = []
        value: Any = tomllib.loads(f"{self._text[start : self._at]} = 0")
        while isinstance(value, dict):
            ((part, value),) = value.items()
            parts.append(part)
        return tuple(parts)

    def _pair(self, table: Path) -> None:
        start = self._at
        key = (*table, *self._key("="))
        self._note(key, start)
        self._at += 1
        self._skip(" \t")
        self._value(key)

    def _value(self, path: Path) -> None:
        first = self._text[self._at]
        if first == "[":
            self._at += 1
            count = 0
            while self._skip(" \t\r\n,") and self._text[self._at] != "]":
                self._note((*path, count), self._at)
                self._value((*path, count))
                count += 1
            self._at += 1
        elif first == "{":
            self._at += 1
            while self._skip(" \t\r\n,") and self._text[self._at] != "}":
                self._pair(path)
            self._at += 1
        elif first in "\"'":
            self._string()
        else:
            while self._at < len(self._text) and self._text[self._at] not in ",]}\n#":
                self._at += 1

    def _string(self) -> None:
        quote = self._text[self._at]
        if self._text.startswith(quote * 3, self._at):
            quote *= 3
        self._at += len(quote)
        while not self._text.startswith(quote, self._at):
            # A backslash escapes in "basic" strings only.
            self._at += 2 if quote[0] == '"' and self._text[self._at] == "\\" else 1
        self._at += len(quote)
        while len(quote) == 3 and self._at < len(self._text) and self._text[self._at] == quote[0]:
            self._at += 1  # up to two quotes may stand before the closing three

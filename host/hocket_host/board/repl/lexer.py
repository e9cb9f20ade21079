# SPDX-License-Identifier: Apache-2.0
"""Text of a ``.repl`` file as tokens; indentation counts, except inside braces and brackets."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .errors import Place, ReplError

#: Attributes whose indented lines are commands of Renode's Monitor and are kept as they are.
RAW_BLOCKS = ("init", "preinit", "reset")

_TOKEN = re.compile(
    r"""
      (?P<space>[ \t]+)
    | (?P<text>"(?:[^"\\\n]|\\.)*")
    | (?P<number>-?0[xX][0-9A-Fa-f_]+ | -?[0-9][0-9_]*)(?![A-Za-z0-9.])
    | (?P<name>[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*)
    | (?P<sign>->|[:@<>{}\[\],;+|-])
    """,
    re.VERBOSE,
)


@dataclass(frozen=True)
class Token:
    """A token; ``kind`` is text, number, name, sign, raw, newline, indent, dedent or end."""

    kind: str
    text: str
    place: Place

    def __str__(self) -> str:
        words = {
            "newline": "the end of the line",
            "indent": "an indented line",
            "dedent": "the end of the indented lines",
            "end": "the end of the file",
        }
        return words.get(self.kind) or repr(self.text)


class _Lexer:
    def __init__(self, text: str, path: str) -> None:
        self._path = path
        self._lines = _blank_comments(text, path).split("\n")
        self._row = 0
        self._depth = 0
        self._indents = [0]
        self.tokens: list[Token] = []

    def place(self, column: int) -> Place:
        return Place(self._path, self._row + 1, column + 1)

    def add(self, kind: str, text: str, column: int) -> None:
        self.tokens.append(Token(kind, text, self.place(column)))

    def run(self) -> list[Token]:
        while self._row < len(self._lines):
            line = self._lines[self._row]
            if line.strip():
                if self._depth == 0:
                    self._indentation(line)
                start = len(self.tokens)
                self._tokens_of(line)
                if self._depth == 0:
                    self.add("newline", "", len(line))
                    self._raw_block(self.tokens[start:], _indent_of(line))
            self._row += 1
        self._row = max(len(self._lines) - 1, 0)
        end = len(self._lines[self._row])
        for _ in self._indents[1:]:
            self.add("dedent", "", end)
        self.add("end", "", end)
        return self.tokens

    def _indentation(self, line: str) -> None:
        width = _indent_of(line)
        if "\t" in line[:width]:
            raise ReplError(
                "a tab in the indentation",
                where=self.place(line.index("\t")),
                found="a tab",
                expected="spaces",
                try_="indent with four spaces",
            )
        if width > self._indents[-1]:
            self._indents.append(width)
            self.add("indent", "", 0)
        while width < self._indents[-1]:
            self._indents.pop()
            self.add("dedent", "", 0)
        if width != self._indents[-1]:
            raise ReplError(
                "indentation matches no line above",
                where=self.place(width),
                found=f"{width} spaces",
                expected=f"{self._indents[-1]} spaces or a deeper level's",
                try_="align the line with its neighbours",
            )

    def _tokens_of(self, line: str) -> None:
        at = 0
        while at < len(line):
            if line.startswith("'''", at):
                at = self._long_text(line, at)
                line = self._lines[self._row]
                continue
            match = _TOKEN.match(line, at)
            if match is None:
                raise ReplError(
                    "not a word of the language",
                    where=self.place(at),
                    found=repr(line[at:].split()[0][:20]),
                    expected="a name, a number, a text in double quotes, or one of "
                    ": @ -> < > { } [ ] , ; + |",
                    try_="look for a text that is not closed, or a number with a unit",
                )
            kind, text = str(match.lastgroup), match.group()
            if kind != "space":
                self.add(kind, text, at)
            if kind == "sign":
                self._depth += (text in "{[<") - (text in "}]>")
                self._depth = max(self._depth, 0)
            at = match.end()

    def _long_text(self, line: str, at: int) -> int:
        """Read a text in three quotes; it may run over lines."""
        place = self.place(at)
        parts: list[str] = []
        begin = at + 3
        while True:
            end = line.find("'''", begin)
            if end >= 0:
                parts.append(line[begin:end])
                self.tokens.append(Token("text", '"' + "\n".join(parts) + '"', place))
                return end + 3
            parts.append(line[begin:])
            self._row += 1
            begin = 0
            if self._row >= len(self._lines):
                self._row -= 1
                raise ReplError(
                    "a text is not closed",
                    where=place,
                    found="the end of the file",
                    expected="'''",
                    try_="close the text with three quotes",
                )
            line = self._lines[self._row]

    def _raw_block(self, tokens: list[Token], indent: int) -> None:
        names = [t for t in tokens if t.kind not in ("indent", "dedent", "newline")]
        if not (
            names
            and names[0].text in RAW_BLOCKS
            and names[-1].text == ":"
            and len(names) <= 3
            and indent > 0
        ):
            return
        while self._row + 1 < len(self._lines):
            line = self._lines[self._row + 1]
            if line.strip() and _indent_of(line) <= indent:
                return
            self._row += 1
            if line.strip():
                self.add("raw", line.strip(), _indent_of(line))


def _indent_of(line: str) -> int:
    return len(line) - len(line.lstrip())


def _blank_comments(text: str, path: str) -> str:
    """Replace comments by spaces, so that lines and columns stay."""
    out: list[str] = []
    at = 0
    pattern = re.compile(r"'''.*?'''|\"(?:[^\"\\\n]|\\.)*\"|//[^\n]*|/\*.*?\*/|/\*", re.DOTALL)
    for match in pattern.finditer(text):
        found = match.group()
        out.append(text[at : match.start()])
        if found == "/*":
            line = text.count("\n", 0, match.start())
            column = match.start() - (text.rfind("\n", 0, match.start()) + 1)
            raise ReplError(
                "a comment is not closed",
                where=Place(path, line + 1, column + 1),
                found="the end of the file",
                expected="*/",
                try_="close the comment",
            )
        if found.startswith("/"):
            out.append(re.sub(r"[^\n]", " ", found))
        else:
            out.append(found)
        at = match.end()
    out.append(text[at:])
    return "".join(out)


def tokens(text: str, path: str) -> list[Token]:
    """Split a description into tokens.

    Raises
    ------
    ReplError
        A character, text, comment or indentation that the language does not have.
    """
    return _Lexer(text.replace("\r\n", "\n"), path).run()

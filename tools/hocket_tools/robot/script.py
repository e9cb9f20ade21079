# SPDX-License-Identifier: Apache-2.0
"""The part of Renode's Monitor language that our scripts and suites use.

Statements end at a line end or a semicolon; `#` begins a comment; `$name=value` sets a variable and
`$name?=value` its default; `@path` is a file; `$ORIGIN` is the folder of the script.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path

from hocket_host.errors import HocketError

_ASSIGNMENT = re.compile(r"\$(\w+)\s*(\??)=\s*(.+)")
_VARIABLE = re.compile(r"\$(\w+)")
_MACRO = re.compile(r'^macro\s+(\w+)\s*\n\s*"""\n(.*?)\n\s*"""\s*$', re.M | re.S)
#: Commands that only matter to Renode itself.
_NO_EFFECT = frozenset(
    {"using", "mach", "showAnalyzer", "logLevel", "machine PyDevFromFile", "cpu VectorTableOffset"}
)

Action = Callable[[list[str]], str]


class MonitorError(HocketError):
    """A Monitor command that this emulation does not know, or that failed."""


class Monitor:
    """Runs commands and scripts.

    Parameters
    ----------
    actions
        What to do for each command, by its first one or two words; called with the other words,
        returns what the command prints.
    """

    def __init__(self, actions: dict[str, Action]) -> None:
        self._actions = actions
        self.variables: dict[str, str] = {}
        self._macros: dict[str, str] = {}

    def reset(self) -> None:
        """Forget variables and macros."""
        self.variables.clear()
        self._macros.clear()

    def script(self, path: Path) -> None:
        """Run a .resc file.

        Raises
        ------
        MonitorError
            It cannot be read, or a command in it is unknown or fails.
        """
        try:
            text = path.read_text(encoding="utf-8")
        except OSError as error:
            raise MonitorError(
                "cannot read the script", where=path, found=error.strerror, expected="a .resc file"
            ) from error
        before = self.variables.get("ORIGIN")
        self.variables["ORIGIN"] = str(path.resolve().parent)
        for name, body in _MACRO.findall(text):
            self._macros[name] = body
        self._lines(_MACRO.sub("", text))
        if before is not None:
            self.variables["ORIGIN"] = before

    def _lines(self, text: str) -> str:
        said = []
        for line in text.splitlines():
            for statement in line.split("#", 1)[0].split(";"):
                if statement.strip():
                    said.append(self.command(statement.strip()))
        return "\n".join(filter(None, said))

    def command(self, statement: str) -> str:
        """Run one command and return what it prints.

        Raises
        ------
        MonitorError
            It is unknown.
        """
        assignment = _ASSIGNMENT.fullmatch(statement)
        if assignment:
            name, default, value = assignment.groups()
            if not default or name not in self.variables:
                self.variables[name] = self._value(value.strip())
            return ""
        words = [self._value(word) for word in shlex.split(statement)]
        if words[0] in ("include", "i"):
            self.script(Path(words[1]))
            return ""
        if words[0] == "runMacro":
            return self._lines(self._macros[statement.split("$", 1)[1].strip()])
        for length in (2, 1):
            name = " ".join(words[:length])
            if name in _NO_EFFECT:
                return ""
            if name in self._actions:
                return self._actions[name](words[length:])
        raise MonitorError(
            "unknown Monitor command",
            found=statement,
            expected=", ".join(sorted(self._actions)),
            try_="run this suite in Renode",
        )

    def _value(self, word: str) -> str:
        def replaced(match: re.Match[str]) -> str:
            name = match.group(1)
            if name not in self.variables:
                # A macro's name, or a variable that was never set.
                return match.group(0)
            return self.variables[name]

        return _VARIABLE.sub(replaced, word.removeprefix("@"))

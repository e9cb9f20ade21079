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
_COMMENT = re.compile(r"""((?:"[^"]*"|[^"#])*)#.*""")
#: Commands that only matter to Renode itself.
_NO_EFFECT = frozenset(
    {"using", "mach", "showAnalyzer", "logLevel", "machine PyDevFromFile", "cpu VectorTableOffset"}
)

Action = Callable[[list[str]], str]


class MonitorError(HocketError):
    """A Monitor command that this emulation does not know, or that failed."""


def bad_argument(words: list[str], index: int, expected: str) -> MonitorError:
    """The error of a command whose argument is missing or wrong."""
    found = words[index] if index < len(words) else "nothing"
    return MonitorError(
        f"argument {index + 1} of a Monitor command", found=found, expected=expected
    )


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

    def run_file(self, name: str) -> None:
        """Run a .resc file, named as a suite or a script names it.

        Raises
        ------
        MonitorError
            It cannot be read, or a command in it is unknown or fails.
        """
        path = Path(self._value(name))
        try:
            text = path.read_text(encoding="utf-8")
        except OSError as error:
            raise MonitorError(
                "cannot read the script", where=path, found=error.strerror, expected="a .resc file"
            ) from error
        before = self.variables.get("ORIGIN")
        self.variables["ORIGIN"] = str(path.resolve().parent)
        self._macros.update(_MACRO.findall(text))
        try:
            self._lines(_MACRO.sub("", text))
        except MonitorError as error:
            error.where = path if error.where is None else error.where
            raise
        finally:
            if before is not None:
                self.variables["ORIGIN"] = before

    def _lines(self, text: str) -> str:
        said = []
        for line in text.splitlines():
            for statement in _COMMENT.sub(r"\1", line).split(";"):
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
        try:
            given = shlex.split(statement)
        except ValueError as error:
            raise MonitorError(
                "a Monitor command that does not end", found=statement, expected=str(error)
            ) from None
        if given[0] == "runMacro":
            return self._lines(self._macro(given))
        words = [self._value(word) for word in given]
        if words[0] in ("include", "i"):
            if len(words) != 2:
                raise bad_argument(words[1:], 0, "a .resc file")
            self.run_file(words[1])
            return ""
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

    def _macro(self, given: list[str]) -> str:
        name = given[1].removeprefix("$") if len(given) == 2 else ""
        if name not in self._macros:
            raise MonitorError(
                "no such macro", found=" ".join(given),
                expected=", ".join(f"runMacro ${n}" for n in sorted(self._macros)) or "a macro",
            )  # fmt: skip
        return self._macros[name]

    def _value(self, word: str) -> str:
        def replaced(match: re.Match[str]) -> str:
            name = match.group(1)
            if name not in self.variables:
                raise MonitorError(
                    "a variable that was never set", found=match.group(0),
                    expected=", ".join(f"${n}" for n in sorted(self.variables)) or "none is set",
                    try_=f"Execute Command  ${name}=@path, before the script",
                )  # fmt: skip
            return self.variables[name]

        return _VARIABLE.sub(replaced, word.removeprefix("@"))

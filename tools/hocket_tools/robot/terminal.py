# SPDX-License-Identifier: Apache-2.0
"""What a UART says, as lines with the virtual time at which each ended.

Waiting means what it means in Renode: lines that came before are looked at first, a match takes
itself and all lines before it, and a wait that ends without a match takes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from hocket_host.errors import HocketError
from hocket_host.units import format_ns

_CARRIAGE_RETURN, _LINE_FEED = 0x0D, 0x0A
#: Lines that a message shows.
_SHOWN = 12


class WaitError(HocketError):
    """What a suite waited for did not come, or what it forbade did."""


@dataclass(frozen=True)
class Line:
    """As Renode's TerminalTesterResult."""

    Line: str
    Timestamp: float
    """Milliseconds of virtual time."""
    Groups: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Wanted:
    """What a wait is for."""

    content: str
    regex: bool = False
    """``content`` is a regular expression, to be found in the line."""
    unfinished: bool = False
    """A line that has not ended will do, such as a prompt."""
    only_next: bool = False
    """It must be the next line."""

    def found(self, text: str) -> list[str] | None:
        """Groups of the match in a line; None if there is none."""
        if not self.regex:
            return [] if self.content in text else None
        match = re.search(self.content, text)
        return None if match is None else [group or "" for group in match.groups()]


class Terminal:
    """A tester of one UART.

    Parameters
    ----------
    now_ns
        Virtual time.
    advance
        Lets the machine run for so many ns, or until `pause` is called; returns False when it
        never will run again.
    pause
        Makes ``advance`` return.
    timeout_ns
        How long to wait by default, in virtual time.
    """

    def __init__(
        self,
        now_ns: Callable[[], int],
        advance: Callable[[int], bool],
        pause: Callable[[], None],
        timeout_ns: int,
    ) -> None:
        self._now_ns = now_ns
        self._advance = advance
        self._pause = pause
        self.timeout_ns = timeout_ns
        self._lines: list[tuple[str, int]] = []
        self._partial = bytearray()
        self._seen = 0
        """Lines that the present wait has looked at."""
        self._wanted: Wanted | None = None
        self._found: Line | None = None
        # Raised by who waits: `receive` is called from inside the emulator.
        self._problem: WaitError | None = None
        self._failing: list[Wanted] = []

    def forbid(self, failing: Wanted) -> None:
        """Let every wait fail that meets such a line."""
        self._failing.append(failing)

    def receive(self, data: bytes) -> None:
        """Take bytes that the UART sent."""
        for byte in data:
            if byte == _CARRIAGE_RETURN:
                continue
            if byte == _LINE_FEED:
                self._lines.append((self._unfinished(), self._now_ns()))
                self._partial.clear()
            else:
                self._partial.append(byte)
            if self._wanted is not None and self._look(self._wanted):
                self._wanted = None
                self._pause()

    def wait(self, wanted: Wanted, timeout_ns: int | None = None) -> Line:
        """Let the machine run until a line comes, or find it among those that did.

        Raises
        ------
        WaitError
            It did not come in time, or a forbidden one came.
        """
        timeout = self.timeout_ns if timeout_ns is None else timeout_ns
        found, alive = self._run_until(wanted, timeout)
        if found is None:
            raise WaitError(
                "the UART did not say it" if alive else "the machine ended before the UART said it",
                found=self._recent(),
                expected=f"{wanted.content!r} within {format_ns(timeout)} of virtual time",
                try_="see all that the UART said: uart/, beside output.xml, has a log a test",
            )
        return found

    def must_not_come(self, wanted: Wanted, timeout_ns: int | None = None) -> None:
        """Let the machine run for a while in which a line must not come.

        Raises
        ------
        WaitError
            It came.
        """
        timeout = self.timeout_ns if timeout_ns is None else timeout_ns
        found, _ = self._run_until(wanted, timeout)
        if found is not None:
            raise WaitError(
                "a line that must not come", found=found.Line, expected=f"no {wanted.content!r}"
            )

    def _run_until(self, wanted: Wanted, timeout_ns: int) -> tuple[Line | None, bool]:
        end_ns = self._now_ns() + timeout_ns
        self._seen, self._found, self._problem = 0, None, None
        alive = True
        if not self._look(wanted):
            self._wanted = wanted
            while alive and self._wanted is not None and (left := end_ns - self._now_ns()) > 0:
                alive = self._advance(left)
            self._wanted = None
        if self._problem is not None:
            raise self._problem
        return self._found, alive

    def _look(self, wanted: Wanted) -> bool:
        """Whether the wait is over: what came since the last look has it."""
        while self._seen < len(self._lines):
            text, at_ns = self._lines[self._seen]
            self._seen += 1
            for failing in self._failing:
                if failing.found(text) is not None:
                    self._problem = WaitError(
                        "a line that must not come at all", found=text,
                        expected=f"no {failing.content!r}",
                    )  # fmt: skip
                    return True
            groups = wanted.found(text)
            if groups is not None:
                del self._lines[: self._seen]
                self._found = Line(text, at_ns / 1e6, groups)
                return True
            if wanted.only_next:
                self._problem = WaitError(
                    "the next line is another", found=text, expected=wanted.content
                )
                return True
        if wanted.unfinished and self._partial:
            text = self._unfinished()
            groups = wanted.found(text)
            if groups is not None:
                self._lines.clear()
                self._partial.clear()
                self._found = Line(text, self._now_ns() / 1e6, groups)
                return True
        return False

    def _unfinished(self) -> str:
        return self._partial.decode("utf-8", "replace")

    def _recent(self) -> str:
        lines = [text for text, _ in self._lines[-_SHOWN:]]
        if self._partial:
            lines.append(self._unfinished())
        return " | ".join(lines) or "nothing"

# SPDX-License-Identifier: Apache-2.0
"""What a UART says, as lines with the virtual time at which each ended."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from hocket_host.errors import HocketError
from hocket_host.units import format_ns

_STEP_NS = 1_000_000


class WaitError(HocketError):
    """What a suite waited for did not come, or what it forbade did."""


@dataclass(frozen=True)
class Line:
    """As Renode's TerminalTesterResult."""

    Line: str
    Timestamp: float
    """Milliseconds of virtual time."""
    Groups: list[str] = field(default_factory=list)


class Terminal:
    """A tester of one UART.

    Parameters
    ----------
    now_ns
        Virtual time.
    advance
        Lets the machine run for so many ns; returns False when it never will again.
    timeout_ns
        How long to wait by default, in virtual time.
    """

    def __init__(
        self, now_ns: Callable[[], int], advance: Callable[[int], bool], timeout_ns: int
    ) -> None:
        self._now_ns = now_ns
        self._advance = advance
        self.timeout_ns = timeout_ns
        self._lines: deque[tuple[str, int]] = deque()
        self._partial = bytearray()
        self._recent: deque[str] = deque(maxlen=12)

    def receive(self, data: bytes) -> None:
        """Take bytes that the UART sent."""
        for byte in data:
            if byte == ord("\n"):
                text = self._partial.decode("utf-8", "replace").rstrip("\r")
                self._lines.append((text, self._now_ns()))
                self._recent.append(text)
                self._partial.clear()
            else:
                self._partial.append(byte)

    def wait_line(
        self, content: str, timeout_ns: int | None, regex: bool, unfinished: bool, only_next: bool
    ) -> Line:
        """The next line that contains a text, or matches; lines before it are gone.

        Raises
        ------
        WaitError
            It did not come in time.
        """

        def look() -> Line | None:
            while self._lines:
                text, at = self._lines.popleft()
                match = re.search(content, text) if regex else None
                if match or (not regex and content in text):
                    return Line(text, at / 1e6, list(match.groups()) if match else [])
                if only_next:
                    raise WaitError("the next line is another", found=text, expected=content)
            text = self._partial.decode("utf-8", "replace")
            if unfinished and content in text:
                self._partial.clear()
                return Line(text, self._now_ns() / 1e6)
            return None

        return self._wait(look, timeout_ns, content)

    def wait_prompt(self, prompt: str, timeout_ns: int | None) -> Line:
        """Until the line under way ends with a prompt."""

        def look() -> Line | None:
            text = self._partial.decode("utf-8", "replace")
            if prompt not in text:
                return None
            self._lines.clear()
            self._partial.clear()
            return Line(text, self._now_ns() / 1e6)

        return self._wait(look, timeout_ns, prompt)

    def must_not_come(self, content: str, timeout_ns: int | None) -> None:
        """Run for a while in which a text must not come.

        Raises
        ------
        WaitError
            It came.
        """
        try:
            found = self.wait_line(content, timeout_ns, False, True, False)
        except WaitError:
            return
        raise WaitError("a line that must not come", found=found.Line, expected=f"no {content!r}")

    def _wait(self, look: Callable[[], Line | None], timeout_ns: int | None, wanted: str) -> Line:
        timeout = self.timeout_ns if timeout_ns is None else timeout_ns
        end = self._now_ns() + timeout
        alive = True
        while True:
            found = look()
            if found is not None:
                return found
            left = end - self._now_ns()
            if left <= 0 or not alive:
                break
            alive = self._advance(min(_STEP_NS, left))
        raise WaitError(
            "the UART did not say it" if alive else "the machine stopped before the UART said it",
            found=" | ".join(self._recent) or "nothing",
            expected=f"{wanted!r} within {format_ns(timeout)} of virtual time",
        )

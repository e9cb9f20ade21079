# SPDX-License-Identifier: Apache-2.0
"""MicroPython's prompt on a device's UART, in raw mode: a script goes in, what it says comes out.

Raw mode echoes nothing. Behind the prompt come the script and `RUN`; the answer is ``OK``, what the
script prints, `END`, its traceback, and `END` again.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from .emulated_machine import EmulatedMachine
from .errors import MachineError

ENTER_RAW, RUN, _INTERRUPT = b"\x01", b"\x04", b"\x03"
_READY, _ACCEPTED, _END = b"raw REPL; CTRL-B to exit\r\n>", b"OK", b"\x04"
_MS = 1_000_000
_SLICE_NS = 10 * _MS
#: Until the prompt is there, and for an answer; a character takes 0.1 ms at 115200 baud.
_BOOT_NS, _ANSWER_NS, _CHARACTER_NS = 2_000 * _MS, 2_000 * _MS, _MS // 10


class Said(NamedTuple):
    """What a script said."""

    output: str
    """What it printed."""
    error: str
    """Its traceback; empty if it came to its end."""


class PromptError(MachineError):
    """A device that does not answer at its prompt as it should."""


def device_program(file: Path, call: str) -> str:
    """A script: the definitions of a file, and a call of one of them."""
    return f"{file.read_text(encoding='utf-8')}\n{call}\n"


def printed(console: bytes) -> str | None:
    """What the first script printed so far, from all that the UART sent; None if none began."""
    _, accepted, answer = console.partition(_READY + _ACCEPTED)
    return _text(answer.partition(_END)[0]) if accepted else None


def said(console: bytes) -> Said | None:
    """What the first script said; None unless it is over."""
    parts = console.partition(_READY + _ACCEPTED)[2].split(_END, 2)
    return Said(_text(parts[0]), _text(parts[1])) if len(parts) == 3 else None


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace").replace("\r\n", "\n")


class Prompt:
    """Types at a machine; it runs only while something is waited for.

    Parameters
    ----------
    machine
        With a MicroPython on its first UART.
    console
        Holds all that this UART sends (the machine's ``uart_output`` extends it).
    """

    def __init__(self, machine: EmulatedMachine, console: bytearray) -> None:
        self._machine = machine
        self._console = console
        self._seen = 0

    def start(self, script: str) -> None:
        """Wait for the prompt of a machine that boots, and have it accept a script.

        Raises
        ------
        PromptError
            It does neither.
        """
        self._machine.feed(ENTER_RAW)
        self.wait(re.escape(_READY), _BOOT_NS)
        self._machine.feed(script.encode() + RUN)
        typing_ns = len(script) * _CHARACTER_NS
        self.wait(re.escape(_READY + _ACCEPTED), _ANSWER_NS + typing_ns)
        self._seen = len(self._console)

    def lines(self) -> list[str]:
        """Whole lines that the script printed since the last call."""
        end = self._console.rfind(b"\n") + 1
        new = self._console[self._seen : end].decode("utf-8", "replace")
        self._seen = max(self._seen, end)
        return new.splitlines()

    def finish(self, limit_ns: int) -> Said:
        """Run the machine until the script is over.

        Raises
        ------
        PromptError
            It takes longer, or the machine ends.
        """
        end_ns = self._machine.now_ns + limit_ns
        while (result := said(bytes(self._console))) is None:
            self._advance("the end of the script", end_ns)
        return result

    def ask(self, line: bytes, answer: bytes) -> re.Match[bytes]:
        """Interrupt what runs, type a line at the prompt for people, and wait for a pattern.

        Raises
        ------
        PromptError
            It does not come.
        """
        self._machine.feed(_INTERRUPT)
        self.wait(rb">>> ", _ANSWER_NS)
        self._machine.feed(line + b"\r\n")
        return self.wait(answer, _ANSWER_NS)

    def wait(self, pattern: bytes, limit_ns: int) -> re.Match[bytes]:
        """Run the machine until the console has a match of a regular expression.

        Raises
        ------
        PromptError
            It takes longer, or the machine ends.
        """
        end_ns = self._machine.now_ns + limit_ns
        while (found := re.search(pattern, self._console, re.MULTILINE)) is None:
            self._advance(repr(pattern), end_ns)
        return found

    def _advance(self, expected: str, end_ns: int) -> None:
        now_ns = self._machine.now_ns
        if now_ns > end_ns or self._machine.run_for(_SLICE_NS).reason == "exit":
            raise PromptError(
                "the image hangs or ended", where=f"{now_ns} ns",
                found=repr(bytes(self._console[-800:])), expected=expected,
                try_="hocket emulate, to see its console",
            )  # fmt: skip

# SPDX-License-Identifier: Apache-2.0
"""Renode's keywords, with its names, arguments and meaning of timeouts, on Hocket's emulators.

A suite that imports ``Resource  ${RENODEKEYWORDS}`` runs unchanged under ``renode-test`` and under
plain ``robot``; timeouts are in virtual time. Only what our suites need is here.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

from ..emulate.machines import Machine, create, open_guest
from .script import Monitor, MonitorError
from .terminal import Line, Terminal

_DEFAULT_TIMEOUT_S = 8.0


class RenodeKeywords:
    """Keywords over one emulated machine.

    Parameters
    ----------
    back_end
        ``unicorn`` or ``qemu``.
    """

    ROBOT_LIBRARY_SCOPE = "SUITE"

    def __init__(self, back_end: str = "unicorn") -> None:
        self._back_end = back_end
        self._machine: Machine | None = None
        self._platform: Path | None = None
        self._elf: Path | None = None
        self._container: Path | None = None
        self._writes: list[tuple[int, int]] = []
        self._terminals: list[Terminal] = []
        self._stopped = False
        self._monitor = Monitor(
            {
                "machine LoadPlatformDescription": self._load_platform,
                "machine Reset": lambda words: self._restart(),
                "sysbus LoadELF": self._load_elf,
                "sysbus LoadBinary": self._load_binary,
                "sysbus ReadDoubleWord": self._read_word,
                "sysbus WriteDoubleWord": self._write_word,
                "emulation RunFor": self._run_for,
                "start": lambda words: "",
                "pause": lambda words: "",
            }
        )

    # Monitor -------------------------------------------------------------------------------------

    def _load_platform(self, words: list[str]) -> str:
        self._platform = Path(words[0])
        return ""

    def _load_elf(self, words: list[str]) -> str:
        self._elf = Path(words[0])
        return ""

    def _load_binary(self, words: list[str]) -> str:
        self._container = Path(words[0]) if Path(words[0]).is_file() else None
        return ""

    def _read_word(self, words: list[str]) -> str:
        (value,) = struct.unpack("<I", self._running().read_memory(int(words[0], 0), 4))
        return f"0x{value:08X}\n"

    def _write_word(self, words: list[str]) -> str:
        address, value = int(words[0], 0), int(words[1], 0)
        self._running().write_memory(address, struct.pack("<I", value))
        return ""

    def _run_for(self, words: list[str]) -> str:
        self._advance(round(float(words[0].strip('"')) * 1e9))
        return ""

    def _restart(self) -> str:
        self._close()
        return ""

    # The machine ---------------------------------------------------------------------------------

    def _running(self) -> Machine:
        if self._machine is None:
            if self._platform is None or self._elf is None:
                raise MonitorError(
                    "there is no machine yet",
                    found="neither platform nor image",
                    expected="Execute Script of a .resc file first",
                )
            self._stopped = False
            guest = open_guest(self._elf, self._container, self._platform)
            self._machine = create(self._back_end, guest, self._heard)
        return self._machine

    def _heard(self, data: bytes) -> None:
        for terminal in self._terminals:
            terminal.receive(data)

    def _now_ns(self) -> int:
        return 0 if self._machine is None else self._machine.now_ns

    def _advance(self, ns: int) -> bool:
        machine = self._running()
        if self._stopped:
            return False
        stop = machine.run_for(ns)
        self._stopped = stop.reason == "exit"
        return not self._stopped

    def _close(self) -> None:
        close = getattr(self._machine, "close", None)
        if close is not None:
            close()
        self._machine = None
        self._stopped = False

    def _terminal(self, tester: int | None) -> Terminal:
        if not self._terminals:
            raise MonitorError(
                "there is no terminal tester",
                found="none",
                expected="Create Terminal Tester  sysbus.uart0 before",
            )
        return self._terminals[-1 if tester is None else int(tester)]

    # Keywords ------------------------------------------------------------------------------------

    def setup(self) -> None:
        """Suite setup."""

    def teardown(self) -> None:
        """Suite teardown."""
        self._close()

    def reset_emulation(self) -> None:
        """Forget the machine, its testers and all variables."""
        self._close()
        self._terminals.clear()
        self._monitor.reset()
        self._platform = self._elf = self._container = None

    def test_teardown(self) -> None:
        """Test teardown."""
        self.reset_emulation()

    def execute_command(self, command: str, machine: str | None = None) -> str:
        """Run a Monitor command and return what it prints."""
        return self._monitor.command(command)

    def execute_script(self, path: str) -> None:
        """Run a .resc file."""
        self._monitor.script(Path(path.removeprefix("@")))

    def start_emulation(self) -> None:
        """Power the machine on; time passes while a keyword waits."""
        self._running()

    def create_terminal_tester(
        self, uart: str, timeout: float | None = None, *ignored: Any, **options: Any
    ) -> int:
        """Listen to a UART; returns the tester's number."""
        seconds = _DEFAULT_TIMEOUT_S if timeout is None else float(timeout)
        self._terminals.append(Terminal(self._now_ns, self._advance, round(seconds * 1e9)))
        return len(self._terminals) - 1

    def wait_for_line_on_uart(
        self,
        content: str,
        timeout: float | None = None,
        testerId: int | None = None,  # noqa: N803 - Renode's names
        treatAsRegex: bool = False,  # noqa: N803
        includeUnfinishedLine: bool = False,  # noqa: N803
        pauseEmulation: bool = False,  # noqa: N803
        matchNextLine: bool = False,  # noqa: N803
    ) -> Line:
        """The next line that contains, or matches, a text."""
        return self._terminal(testerId).wait_line(
            content, _ns(timeout), treatAsRegex, includeUnfinishedLine, matchNextLine
        )

    def wait_for_next_line_on_uart(
        self,
        timeout: float | None = None,
        testerId: int | None = None,  # noqa: N803
    ) -> Line:
        """The next line, whatever it says."""
        return self._terminal(testerId).wait_line("", _ns(timeout), False, False, True)

    def wait_for_prompt_on_uart(
        self,
        prompt: str,
        timeout: float | None = None,
        testerId: int | None = None,  # noqa: N803
    ) -> Line:
        """Until the UART shows a prompt."""
        return self._terminal(testerId).wait_prompt(prompt, _ns(timeout))

    def should_not_be_on_uart(
        self,
        content: str,
        timeout: float | None = None,
        testerId: int | None = None,  # noqa: N803
    ) -> None:
        """Run for the timeout, in which a text must not come."""
        self._terminal(testerId).must_not_come(content, _ns(timeout))

    def write_line_to_uart(
        self,
        content: str = "",
        testerId: int | None = None,  # noqa: N803
        waitForEcho: bool = True,  # noqa: N803
        pauseEmulation: bool = False,  # noqa: N803
    ) -> None:
        """Type a line."""
        self._running().feed(content.encode() + b"\r")
        if waitForEcho and content:
            self._terminal(testerId).wait_line(content, None, False, True, False)

    def write_to_uart(self, content: str, testerId: int | None = None) -> None:  # noqa: N803
        """Type characters."""
        self._running().feed(content.encode())


def _ns(seconds: float | None) -> int | None:
    return None if seconds is None else round(float(seconds) * 1e9)

# SPDX-License-Identifier: Apache-2.0
"""Renode's keywords, with its names, arguments and meaning of timeouts, on Hocket's emulators.

A suite that imports ``Resource  ${RENODEKEYWORDS}`` runs unchanged under ``renode-test`` and under
plain ``robot``; timeouts are in virtual time. Only what our suites need is here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from robot.libraries.BuiltIn import BuiltIn

from .guest_speed import PROCESS
from .rig import Rig
from .script import Monitor, MonitorError
from .terminal import Line, Terminal, Wanted
from .uart_log import UartLog

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
        self._log = UartLog()
        self._terminals: list[Terminal] = []
        self._timeout_s = _DEFAULT_TIMEOUT_S
        self._rig = self._make_rig(back_end)
        self._monitor = Monitor(self._rig.actions())

    def _make_rig(self, back_end: str) -> Rig:
        return Rig(back_end, self._heard, PROCESS)

    def _heard(self, data: bytes) -> None:
        self._log.heard(data, self._rig.now_ns)
        for terminal in self._terminals:
            terminal.receive(data)

    def _terminal(self, tester: int | None) -> Terminal:
        if tester is None and len(self._terminals) == 1:
            return self._terminals[0]
        if tester is not None and 0 <= int(tester) < len(self._terminals):
            return self._terminals[int(tester)]
        raise MonitorError(
            "there is no such terminal tester", found=f"testerId={tester}",
            expected=f"one of {len(self._terminals)}", try_="Create Terminal Tester  sysbus.uart0",
        )  # fmt: skip

    # Suites and tests ----------------------------------------------------------------------------

    def setup(self) -> None:
        """Suite setup."""

    def teardown(self) -> None:
        """Suite teardown."""
        self._rig.clear()

    def reset_emulation(self) -> None:
        """Forget the machine, its testers and all variables."""
        self._rig.clear()
        self._terminals.clear()
        self._monitor.reset()

    def test_teardown(self) -> None:
        """Test teardown: all that the UART said goes beside the results."""
        self.reset_emulation()
        robot = BuiltIn()
        suite, test, folder = (
            str(robot.get_variable_value(name))
            for name in ("${SUITE_NAME}", "${TEST_NAME}", "${OUTPUT_DIR}")
        )
        self._log.write(Path(folder) / "uart", f"{suite}.{test}")
        PROCESS.write(Path(folder))

    # Monitor and machine -------------------------------------------------------------------------

    def execute_command(self, command: str, machine: str | None = None) -> str:
        """Run a Monitor command and return what it prints."""
        return self._monitor.command(command)

    def execute_script(self, path: str) -> None:
        """Run a .resc file."""
        self._monitor.run_file(path)

    def start_emulation(self) -> None:
        """Power the machine on; time passes while a keyword waits."""
        self._rig.power_on()

    # UART ----------------------------------------------------------------------------------------

    def set_default_uart_timeout(self, timeout: float) -> None:
        """For testers that are made without a timeout; seconds of virtual time."""
        self._timeout_s = timeout

    def create_terminal_tester(
        self, uart: str, timeout: float | None = None, *ignored: Any, **options: Any
    ) -> int:
        """Listen to a UART; returns the tester's number."""
        seconds = self._timeout_s if timeout is None else timeout
        rig = self._rig
        timeout_ns = round(seconds * 1e9)
        # Asked each time, because the clock starts anew with each machine.
        self._terminals.append(Terminal(lambda: rig.now_ns, rig.advance, rig.pause, timeout_ns))
        return len(self._terminals) - 1

    def register_failing_uart_string(
        self,
        pattern: str,
        treatAsRegex: bool = False,  # noqa: N803 - Renode's names
        testerId: int | None = None,  # noqa: N803
    ) -> None:
        """Let every wait fail that meets a line with this text."""
        self._terminal(testerId).forbid(Wanted(pattern, treatAsRegex))

    def wait_for_line_on_uart(
        self,
        content: str,
        timeout: float | None = None,
        testerId: int | None = None,  # noqa: N803
        treatAsRegex: bool = False,  # noqa: N803
        includeUnfinishedLine: bool = False,  # noqa: N803
        pauseEmulation: bool = False,  # noqa: N803
        matchNextLine: bool = False,  # noqa: N803
    ) -> Line:
        """The next line that contains, or matches, a text."""
        wanted = Wanted(content, treatAsRegex, includeUnfinishedLine, matchNextLine)
        return self._terminal(testerId).wait(wanted, _ns(timeout))

    def wait_for_next_line_on_uart(
        self,
        timeout: float | None = None,
        testerId: int | None = None,  # noqa: N803
        pauseEmulation: bool = False,  # noqa: N803
    ) -> Line:
        """The next line, whatever it says."""
        return self._terminal(testerId).wait(Wanted("", only_next=True), _ns(timeout))

    def wait_for_prompt_on_uart(
        self,
        prompt: str,
        testerId: int | None = None,  # noqa: N803
        timeout: float | None = None,
        treatAsRegex: bool = False,  # noqa: N803
        pauseEmulation: bool = False,  # noqa: N803
    ) -> Line:
        """A line with the text, ended or not."""
        wanted = Wanted(prompt, treatAsRegex, unfinished=True)
        return self._terminal(testerId).wait(wanted, _ns(timeout))

    def should_not_be_on_uart(
        self,
        content: str,
        timeout: float | None = None,
        testerId: int | None = None,  # noqa: N803
        treatAsRegex: bool = False,  # noqa: N803
        includeUnfinishedLine: bool = False,  # noqa: N803
    ) -> None:
        """Run for the timeout, in which a text must not come."""
        wanted = Wanted(content, treatAsRegex, includeUnfinishedLine)
        self._terminal(testerId).must_not_come(wanted, _ns(timeout))

    def write_line_to_uart(
        self,
        content: str = "",
        testerId: int | None = None,  # noqa: N803
        waitForEcho: bool = True,  # noqa: N803
        pauseEmulation: bool = False,  # noqa: N803
    ) -> None:
        """Type a line."""
        terminal = self._terminal(testerId)
        self._rig.feed(content.encode() + b"\r")
        if waitForEcho:
            terminal.wait(Wanted(content, unfinished=True))

    def write_to_uart(self, content: str, testerId: int | None = None) -> None:  # noqa: N803
        """Type characters."""
        self._rig.feed(content.encode())

    def send_key_to_uart(self, c: str, testerId: int | None = None) -> None:  # noqa: N803
        """Type one character, given by its number."""
        self._rig.feed(bytes([int(c, 0)]))


def _ns(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1e9)

# SPDX-License-Identifier: Apache-2.0
"""The machine of a test, as Monitor commands put it together: platform, image, files in memory."""

from __future__ import annotations

import struct
import time
from collections.abc import Callable
from pathlib import Path

from hocket_host.board.repl import load as load_platform
from hocket_host.machines.common import EmulatedMachine

from ..run.machines import Guest, create, open_guest
from .guest_speed import Speed
from .script import Action, MonitorError, bad_argument


class Rig:
    """One machine, built when it is first needed.

    Parameters
    ----------
    back_end
        As of `create`.
    heard
        Called with what the first UART sends.
    speed
        Where instructions and the host's time are booked.
    """

    def __init__(self, back_end: str, heard: Callable[[bytes], None], speed: Speed) -> None:
        self._back_end = back_end
        self._heard = heard
        self._speed = speed
        self._platform: Path | None = None
        self._elf: Path | None = None
        self._files: dict[int, Path] = {}
        self._machine: EmulatedMachine | None = None
        self._ended = False

    def actions(self) -> dict[str, Action]:
        """Monitor commands."""
        return {
            "machine LoadPlatformDescription": self._load_platform,
            "machine Reset": self._reset,
            "sysbus LoadELF": self._load_elf,
            "sysbus LoadBinary": self._load_binary,
            "sysbus ReadDoubleWord": self._read_word,
            "sysbus WriteDoubleWord": self._write_word,
            "emulation RunFor": self._run_for,
            "start": self._start,
            "pause": lambda words: "",
        }

    # Commands ------------------------------------------------------------------------------------

    def _load_platform(self, words: list[str]) -> str:
        self._platform = _existing(words, 0, "a .repl file")
        return ""

    def _load_elf(self, words: list[str]) -> str:
        self._elf = _existing(words, 0, "a firmware image", "build it: make firmware")
        return ""

    def _load_binary(self, words: list[str]) -> str:
        path, address = _existing(words, 0, "a file"), _number(words, 1)
        self._files[address] = path
        if self._machine is not None:
            self._machine.write_memory(address, path.read_bytes())
        return ""

    def _read_word(self, words: list[str]) -> str:
        address = _number(words, 0)
        (value,) = struct.unpack("<I", self.power_on().read_memory(address, 4))
        return f"0x{value:08X}\n"

    def _write_word(self, words: list[str]) -> str:
        address, value = _number(words, 0), _number(words, 1)
        self.power_on().write_memory(address, struct.pack("<I", value))
        return ""

    def _run_for(self, words: list[str]) -> str:
        try:
            seconds = float(words[0].strip('"'))
        except (IndexError, ValueError):
            raise bad_argument(words, 0, 'seconds, such as "0.5"') from None
        end_ns = self.now_ns + round(seconds * 1e9)
        while self.now_ns < end_ns and self.advance(end_ns - self.now_ns):
            pass
        return ""

    def _start(self, words: list[str]) -> str:
        self.power_on()
        return ""

    def _reset(self, words: list[str]) -> str:
        # The same image and files, as the script's `reset` macro has it.
        self._close()
        return ""

    # The machine ---------------------------------------------------------------------------------

    def power_on(self) -> EmulatedMachine:
        """The machine, made now if there is none.

        Raises
        ------
        MonitorError
            No script has said of what.
        HocketError
            It cannot be made.
        """
        if self._machine is None:
            if self._platform is None or self._elf is None:
                raise MonitorError(
                    "there is no machine yet", found="neither platform nor image",
                    expected="a script that loads both", try_="Execute Script  x.resc",
                )  # fmt: skip
            flash = [m.base for m in load_platform(self._platform).memories if m.name == "flash"]
            container = self._files.get(flash[0]) if flash else None
            guest = open_guest(self._elf, container, self._platform)
            self._machine = self._create(guest)
            for address, path in self._files.items():
                if path is not container:
                    self._machine.write_memory(address, path.read_bytes())
            # An emulator that is a process starts here, which is no part of its speed.
            self._machine.run_until(0)
        return self._machine

    def _create(self, guest: Guest) -> EmulatedMachine:
        return create(self._back_end, guest, self._heard)

    @property
    def now_ns(self) -> int:
        """Virtual time; 0 without a machine."""
        return 0 if self._machine is None else self._machine.now_ns

    def advance(self, ns: int) -> bool:
        """Let the machine run for so long, or until `pause`; False when it has ended."""
        machine = self.power_on()
        if self._ended:
            return False
        begin, before = time.perf_counter(), machine.instructions
        stop = machine.run_for(ns)
        after, wall_s = machine.instructions, time.perf_counter() - begin
        executed = None if before is None or after is None else after - before
        self._speed.add(executed, wall_s)
        self._ended = stop.reason == "exit"
        return not self._ended

    def pause(self) -> None:
        """Make `advance` return; for callbacks of the machine."""
        self.power_on().stop()

    def feed(self, data: bytes) -> None:
        """Type."""
        self.power_on().feed(data)

    def _close(self) -> None:
        if self._machine is not None:
            self._machine.close()
        self._machine = None
        self._ended = False

    def clear(self) -> None:
        """No machine, and nothing to make one of."""
        self._close()
        self._platform = self._elf = None
        self._files.clear()


def _existing(words: list[str], index: int, what: str, try_: str = "check the path") -> Path:
    if index >= len(words):
        raise bad_argument(words, index, what)
    path = Path(words[index])
    if not path.is_file():
        raise MonitorError("no such file", found=str(path), expected=what, try_=try_)
    return path


def _number(words: list[str], index: int) -> int:
    try:
        return int(words[index], 0)
    except (IndexError, ValueError):
        raise bad_argument(words, index, "a number, such as 0x70000000") from None

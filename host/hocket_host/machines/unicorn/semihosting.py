# SPDX-License-Identifier: Apache-2.0
"""Arm semihosting: console and end of the run; no files of the host.

Source: Arm, Semihosting for AArch32 and AArch64, release 3.0.
"""

from __future__ import annotations

from collections.abc import Callable

from hocket_host.units import NS_PER_S

from .engine import Engine

BREAKPOINT = 0xBEAB
"""``BKPT 0xAB``."""

_OPEN, _CLOSE, _WRITEC, _WRITE0, _WRITE, _READ, _READC = 1, 2, 3, 4, 5, 6, 7
_ISERROR, _ISTTY, _CLOCK, _TIME, _ERRNO, _CMDLINE, _HEAPINFO = 8, 9, 0x10, 0x11, 0x13, 0x15, 0x16
_EXIT, _EXIT_EXTENDED, _ELAPSED, _TICK_HZ = 0x18, 0x20, 0x30, 0x31
_APPLICATION_EXIT = 0x2_0026
_ERROR = 0xFFFF_FFFF
_CONSOLE = 1


class Semihosting:
    """Serves the operations that an image asks for.

    Parameters
    ----------
    engine
        Registers of the guest.
    load, store
        The guest's memory.
    now_ns
        Virtual time.
    output
        Called with console bytes.
    """

    def __init__(
        self,
        engine: Engine,
        load: Callable[[int, int], bytes],
        store: Callable[[int, bytes], bool],
        now_ns: Callable[[], int],
        output: Callable[[bytes], None],
    ) -> None:
        self._engine = engine
        self._load = load
        self._store = store
        self._now_ns = now_ns
        self._output = output

    def call(self) -> int | None:
        """Serve the operation in r0; an exit code ends the run."""
        operation, argument = self._engine.get("r0"), self._engine.get("r1")
        if operation == _EXIT:
            return 0 if argument == _APPLICATION_EXIT else 1
        if operation == _EXIT_EXTENDED:
            reason, status = self._words(argument, 2)
            return status & 0xFF if reason == _APPLICATION_EXIT else 1
        self._engine.set("r0", self._serve(operation, argument))
        return None

    def _words(self, address: int, count: int) -> list[int]:
        raw = self._load(address, 4 * count).ljust(4 * count, b"\0")
        return [int.from_bytes(raw[i : i + 4], "little") for i in range(0, 4 * count, 4)]

    def _serve(self, operation: int, argument: int) -> int:
        if operation == _OPEN:
            name, _, length = self._words(argument, 3)
            return _CONSOLE if self._load(name, length) == b":tt" else _ERROR
        if operation == _CLOSE:
            return 0
        if operation == _WRITEC:
            self._output(self._load(argument, 1))
            return 0
        if operation == _WRITE0:
            self._output(self._text(argument))
            return 0
        if operation == _WRITE:
            handle, address, length = self._words(argument, 3)
            if handle != _CONSOLE:
                return length
            self._output(self._load(address, length))
            return 0
        if operation == _READ:
            return self._words(argument, 3)[2]  # nothing was read: the end of the input
        if operation == _ISTTY:
            return int(self._words(argument, 1)[0] == _CONSOLE)
        if operation == _ISERROR:
            return int(self._words(argument, 1)[0] >= 0x8000_0000)
        if operation == _CLOCK:
            return self._now_ns() // (NS_PER_S // 100) & 0xFFFF_FFFF
        if operation == _TIME:
            return self._now_ns() // NS_PER_S & 0xFFFF_FFFF
        if operation == _ELAPSED:
            self._store(argument, (self._now_ns() & (1 << 64) - 1).to_bytes(8, "little"))
            return 0
        if operation == _TICK_HZ:
            return NS_PER_S
        if operation == _HEAPINFO:
            # Zeros: the image is to use what its linker script says.
            self._store(self._words(argument, 1)[0], bytes(16))
            return 0
        if operation == _ERRNO:
            return 0
        return _ERROR

    def _text(self, address: int) -> bytes:
        text = bytearray()
        while len(text) < 1 << 16:
            chunk = self._load(address + len(text), 64)
            end = chunk.find(0)
            if end >= 0:
                return bytes(text + chunk[:end])
            if not chunk:
                break
            text += chunk
        return bytes(text)

# SPDX-License-Identifier: Apache-2.0
"""What the UART said, with virtual times, as a file a test.

Two runs of one suite on one back end give the same bytes.
"""

from __future__ import annotations

import re
from pathlib import Path

from hocket_host.units import NS_PER_S

_LINE_FEED = 0x0A


class UartLog:
    """Lines of one test."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._line = bytearray()
        self._begun_ns = 0

    def heard(self, data: bytes, now_ns: int) -> None:
        """Take what the UART sent."""
        for byte in data:
            if not self._line:
                self._begun_ns = now_ns
            self._line.append(byte)
            if byte == _LINE_FEED:
                self._end_line()

    def _end_line(self) -> None:
        text = self._line.decode("utf-8", "backslashreplace").rstrip("\r\n")
        seconds, ns = divmod(self._begun_ns, NS_PER_S)
        self._lines.append(f"{seconds:>4}.{ns:09} s  {text}\n")
        self._line.clear()

    def take(self) -> str:
        """All of it, an unfinished line too; the next test begins with nothing."""
        if self._line:
            self._end_line()
        text = "".join(self._lines)
        self._lines.clear()
        return text

    def write(self, folder: Path, test: str) -> None:
        """Write the log of a test that ends."""
        folder.mkdir(parents=True, exist_ok=True)
        name = re.sub(r"[^\w.]+", "_", test)
        (folder / f"{name}.log").write_text(self.take(), encoding="utf-8")

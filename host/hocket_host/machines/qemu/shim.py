# SPDX-License-Identifier: Apache-2.0
"""Builds ``shim.S`` with the cross compiler, once for each version of the two."""

from __future__ import annotations

import struct
import subprocess
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from .cache import cached
from .errors import QemuError

COMPILER = "arm-none-eabi-gcc"
_OBJCOPY = "arm-none-eabi-objcopy"
_SOURCE = Path(__file__).with_name("shim.S")

#: Where the guest sees it: the first page of the DDR, which no board of ours maps.
ADDRESS = 0x6000_0000


@dataclass(frozen=True)
class Shim:
    """Code for `ADDRESS`, and the addresses in it."""

    code: bytes
    reset: int
    fault: int
    timer: int
    nmi: int
    mailbox: int


def _run(*command: str) -> str:
    try:
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    except FileNotFoundError as error:
        raise QemuError(
            "the Arm cross compiler is not installed", found=f"no {command[0]} on the path",
            expected=f"{COMPILER}, which builds what QEMU's NPU needs",
            try_="apt-get install gcc-arm-none-eabi",
        ) from error  # fmt: skip
    except subprocess.CalledProcessError as error:
        raise QemuError(
            f"{command[0]} failed", where=_SOURCE, found=error.stderr.strip(),
            expected="a build without errors", try_="install GCC 10 or later for Arm",
        ) from error  # fmt: skip
    return done.stdout


def _build(file: Path) -> None:
    linked = file.with_suffix(".elf")
    _run(
        COMPILER, "-mcpu=cortex-m33", "-mthumb", "-nostdlib", "-Wl,--build-id=none",
        f"-Wl,-Ttext={ADDRESS:#x}", "-Wl,-e,on_reset", "-x", "assembler", str(_SOURCE),
        "-o", str(linked),
    )  # fmt: skip
    _run(_OBJCOPY, "-O", "binary", "-j", ".text", str(linked), str(file))


@lru_cache(maxsize=1)
def build() -> Shim:
    """The shim, from the cache if this source was built by this compiler before.

    Raises
    ------
    QemuError
        The cross compiler is not installed or fails.
    """
    version = _run(COMPILER, "--version")
    code = cached("shim", ".bin", version.encode() + _SOURCE.read_bytes(), _build).read_bytes()
    words = struct.unpack_from("<5I", code)
    return Shim(code, *words)

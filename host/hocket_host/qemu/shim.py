# SPDX-License-Identifier: Apache-2.0
"""Builds ``shim.S`` with the cross compiler, once for each version of the two."""

from __future__ import annotations

import hashlib
import os
import shutil
import struct
import subprocess
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

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


def _cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "hocket" / "qemu"


def _run(*command: str) -> str:
    try:
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    except FileNotFoundError as error:
        raise QemuError(
            "the Arm cross compiler is missing", found=f"no {command[0]} on the path",
            expected=f"{COMPILER}, which builds what QEMU's NPU needs",
            try_="apt-get install gcc-arm-none-eabi",
        ) from error  # fmt: skip
    except subprocess.CalledProcessError as error:
        raise QemuError(
            f"{command[0]} failed", where=_SOURCE, found=error.stderr.strip(),
            expected="a build without errors", try_="install GCC 10 or later for Arm",
        ) from error  # fmt: skip
    return done.stdout


@lru_cache(maxsize=1)
def build() -> Shim:
    """The shim, from the cache if this source was built by this compiler before.

    Raises
    ------
    QemuError
        The cross compiler is missing or fails.
    """
    version = _run(COMPILER, "--version")
    key = hashlib.sha256(version.encode() + _SOURCE.read_bytes()).hexdigest()[:16]
    cached = _cache() / f"shim-{key}.bin"
    if not cached.is_file():
        with tempfile.TemporaryDirectory() as folder:
            linked, plain = f"{folder}/shim.elf", f"{folder}/shim.bin"
            _run(
                COMPILER, "-mcpu=cortex-m33", "-mthumb", "-nostdlib", "-Wl,--build-id=none",
                f"-Wl,-Ttext={ADDRESS:#x}", "-Wl,-e,on_reset", "-x", "assembler", str(_SOURCE),
                "-o", linked,
            )  # fmt: skip
            _run(_OBJCOPY, "-O", "binary", "-j", ".text", linked, plain)
            cached.parent.mkdir(parents=True, exist_ok=True)
            # Renamed into place, for others may build it at the same time.
            with tempfile.NamedTemporaryFile(dir=cached.parent, delete=False) as file:
                file.write(Path(plain).read_bytes())
            shutil.move(file.name, cached)
    code = cached.read_bytes()
    words = struct.unpack_from("<5I", code)
    return Shim(code, *words)

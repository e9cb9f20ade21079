# SPDX-License-Identifier: Apache-2.0
"""Run a script on an image through its raw REPL, under QEMU's Cortex-M55 in virtual time.

QEMU's machine has no Ethos-U, so this is for what needs none: the interpreter, footprints, and
code that drives registers which it has put into memory itself.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hocket_tools.image.errors import FirmwareError

QEMU = "qemu-system-arm"
_MACHINE = (
    *("-machine", "mps3-an547", "-display", "none", "-monitor", "none", "-serial", "stdio"),
    *("-semihosting-config", "enable=on,target=native", "-icount"),
)

_ENTER_RAW, _RUN, _EXIT = "\x01", "\x04", "import machine\nmachine.exit()\x04"


def available() -> bool:
    """Whether this machine has QEMU for ARM."""
    return shutil.which(QEMU) is not None


@dataclass(frozen=True)
class Run:
    """What an image said."""

    console: str
    """All of it."""
    output: str
    """What the script printed."""
    error: str
    """Traceback of the script, empty if it came to its end."""
    status: int
    """With which the machine was stopped."""


def run_script(
    elf: Path,
    script: str,
    *,
    files: Mapping[int, Path] | None = None,
    timeout_s: int = 120,
    exact: bool = False,
) -> Run:
    """Boot an image, run a script in its raw REPL, stop.

    Parameters
    ----------
    elf
        The image.
    script
        MicroPython source.
    files
        Files to lie in memory, by address.
    timeout_s
        Wall-clock seconds after which the run counts as stuck.
    exact
        Let waits take their time on the wall, too. Without, QEMU passes over them at once, but
        goes on to the timer's next period before the processor wakes: what the image sees of time
        is right in itself, but not against other counters of the machine.

    Raises
    ------
    FirmwareError
        There is no QEMU, the image is stuck, or it does not speak the raw REPL's protocol.
    """
    if not available():
        raise FirmwareError(
            "QEMU for ARM is missing", expected=QEMU, try_="apt-get install qemu-system-arm"
        )
    sleep = "on" if exact else "off"
    command = [QEMU, *_MACHINE, f"shift=5,sleep={sleep}", "-kernel", str(elf)]
    for address, file in (files or {}).items():
        command += ["-device", f"loader,file={file},addr={address:#x},force-raw=on"]
    try:
        process = subprocess.run(
            command,
            input=(_ENTER_RAW + script + _RUN + _EXIT).encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired as stuck:
        raise FirmwareError(
            "the image does not come to its end",
            where=elf,
            found=repr((stuck.stdout or b"")[-500:].decode(errors="replace")),
            expected=f"an exit within {timeout_s} s",
        ) from stuck
    console = process.stdout.decode(errors="replace").replace("\r\n", "\n")
    _, ready, rest = console.partition("raw REPL; CTRL-B to exit\n>OK")
    parts = rest.split("\x04")
    if not ready or len(parts) < 2:
        if process.returncode and ready:
            return Run(console, parts[0], "", process.returncode)
        raise FirmwareError(
            "the image does not speak the raw REPL's protocol",
            where=elf,
            found=repr(console[-500:]),
            expected="a prompt, and two ends of transmission",
        )
    return Run(console, parts[0], parts[1], process.returncode)

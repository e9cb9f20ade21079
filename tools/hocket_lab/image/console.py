# SPDX-License-Identifier: Apache-2.0
"""Run a script on an image at its raw prompt, under QEMU's Cortex-M55 in virtual time.

QEMU's machine has no Ethos-U, so this is for what needs none: the interpreter, footprints, and
code that drives registers which it has put into memory itself.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hocket_host.machines.common.prompt import ENTER_RAW, RUN, Said, printed, said
from hocket_tools.image.errors import FirmwareError

QEMU = "qemu-system-arm"
_MACHINE = (
    *("-machine", "mps3-an547", "-display", "none", "-monitor", "none", "-serial", "stdio"),
    *("-semihosting-config", "enable=on,target=native", "-icount"),
)

_EXIT = b"import machine\nmachine.exit()"


def available() -> bool:
    """Whether this machine has QEMU for ARM."""
    return shutil.which(QEMU) is not None


@dataclass(frozen=True)
class ScriptResult:
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
) -> ScriptResult:
    """Boot an image, run a script at its raw prompt, stop.

    Parameters
    ----------
    elf
        The image.
    script
        MicroPython source.
    files
        Files to lie in memory, by address.
    timeout_s
        Wall-clock seconds after which the run counts as hung.
    exact
        Let waits take their time on the wall, too. Without, QEMU passes over them at once, but
        goes on to the timer's next period before the CPU wakes: what the image sees of time
        is right in itself, but not against other counters of the machine.

    Raises
    ------
    FirmwareError
        There is no QEMU, the image hangs, or it does not speak the raw prompt's protocol.
    """
    if not available():
        raise FirmwareError(
            "QEMU for ARM is not installed", expected=QEMU, try_="apt-get install qemu-system-arm"
        )
    sleep = "on" if exact else "off"
    command = [QEMU, *_MACHINE, f"shift=5,sleep={sleep}", "-kernel", str(elf)]
    for address, file in (files or {}).items():
        command += ["-device", f"loader,file={file},addr={address:#x},force-raw=on"]
    try:
        process = subprocess.run(
            command,
            input=ENTER_RAW + script.encode() + RUN + _EXIT + RUN,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired as stuck:
        raise FirmwareError(
            "the image hangs",
            where=elf,
            found=repr((stuck.stdout or b"")[-500:].decode(errors="replace")),
            expected=f"an exit within {timeout_s} s",
        ) from stuck
    console = process.stdout.decode(errors="replace").replace("\r\n", "\n")
    answer = said(process.stdout)
    output = printed(process.stdout)
    if answer is None and output is not None and process.returncode:
        answer = Said(output, "")
    if answer is None:
        raise FirmwareError(
            "the image does not speak the raw prompt's protocol",
            where=elf,
            found=repr(console[-500:]),
            expected="a prompt, and two ends of transmission",
        )
    return ScriptResult(console, *answer, process.returncode)

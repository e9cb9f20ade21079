# SPDX-License-Identifier: Apache-2.0
"""The tools that the build needs, each with the package that brings it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from .errors import FirmwareError

_PROGRAMS = {
    "make": "make",
    "cc": "gcc",
    "arm-none-eabi-gcc": "gcc-arm-none-eabi",
    "arm-none-eabi-nm": "binutils-arm-none-eabi",
}
_NEWLIB = "libnewlib-arm-none-eabi"


def _newlib_is_there() -> bool:
    found = subprocess.run(
        ["arm-none-eabi-gcc", "-print-file-name=libc_nano.a"],
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()
    # The compiler answers with the bare name when it has no such file.
    return Path(found).is_absolute()


def missing_packages() -> list[str]:
    """Packages of Debian that would bring what is missing, none if all is there."""
    packages = [package for name, package in _PROGRAMS.items() if shutil.which(name) is None]
    if shutil.which("arm-none-eabi-gcc") is None or not _newlib_is_there():
        packages.append(_NEWLIB)
    return packages


def require() -> None:
    """Check for all tools.

    Raises
    ------
    FirmwareError
        With the one command that installs all that is missing.
    """
    packages = missing_packages()
    if packages:
        raise FirmwareError(
            "tools for building the ARM image are missing",
            found=f"nothing from {', '.join(packages)}",
            expected=", ".join(sorted({*_PROGRAMS, "newlib for Arm"})),
            try_=f"apt-get install {' '.join(packages)}",
        )

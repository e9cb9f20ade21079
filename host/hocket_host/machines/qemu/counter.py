# SPDX-License-Identifier: Apache-2.0
"""How many instructions the guest has executed: a plugin of QEMU counts them (``counter.c``).

Those of the shim are among them. Virtual time says nothing of it, as it passes over sleep. Counting
is for measurements only, so where QEMU or the host's compiler cannot, nothing is counted.
"""

from __future__ import annotations

import mmap
import os
import re
import shutil
import subprocess
from functools import lru_cache
from pathlib import Path

from .cache import cached

COMPILER = "cc"
_SOURCE = Path(__file__).with_name("counter.c")
#: Versions of QEMU with the plugin interface that the source is written for.
_MAJORS = range(7, 9)


class Counter:
    """A word that QEMU's process adds to and this one reads.

    Parameters
    ----------
    plugin
        Built for the QEMU that will count.
    """

    def __init__(self, plugin: Path) -> None:
        self.descriptor = os.memfd_create("hocket-instructions")
        """To be inherited by QEMU."""
        self.options = ("-plugin", f"{plugin},into=/proc/self/fd/{self.descriptor}")
        """For QEMU's command line."""
        os.ftruncate(self.descriptor, mmap.PAGESIZE)
        shared = mmap.mmap(self.descriptor, mmap.PAGESIZE)
        self._word = memoryview(shared)[:8].cast("Q")

    @classmethod
    def open(cls, qemu: str) -> Counter | None:
        """A counter for a QEMU; None where nothing can count."""
        plugin = _plugin(qemu)
        return None if plugin is None else cls(plugin)

    def handed_on(self) -> None:
        """QEMU has started: the word stays, the descriptor goes."""
        os.close(self.descriptor)

    @property
    def value(self) -> int:
        """Instructions so far."""
        return self._word[0]


@lru_cache(maxsize=4)
def _plugin(qemu: str) -> Path | None:
    """The plugin for a QEMU, built once; None where it cannot be built or loaded."""
    compiler = shutil.which(COMPILER)
    if compiler is None or not _takes_it(qemu):
        return None

    def build(file: Path) -> None:
        subprocess.run(
            [compiler, "-shared", "-fPIC", "-O2", "-fvisibility=hidden", "-o", file, _SOURCE],
            check=True, capture_output=True,
        )  # fmt: skip

    try:
        version = subprocess.run([compiler, "--version"], check=True, capture_output=True).stdout
        return cached("counter", ".so", version + _SOURCE.read_bytes(), build)
    except (OSError, subprocess.CalledProcessError):
        return None


def _takes_it(qemu: str) -> bool:
    """Whether a QEMU has plugins at all (not every build), and this interface to them."""
    told = [
        subprocess.run([qemu, option], check=False, capture_output=True, text=True).stdout
        for option in ("-version", "-help")
    ]
    major = re.search(r"version (\d+)\.", told[0])
    return major is not None and int(major[1]) in _MAJORS and "\n-plugin " in told[1]

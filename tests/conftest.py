# SPDX-License-Identifier: Apache-2.0
"""The image that the tests run: built if all that it needs is here already, never fetched."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from commands import hocket  # noqa: F401
from hocket_lab.image import console
from hocket_tools.image import Image, build, source, toolchain
from paths import ROOT

OUTPUT = ROOT / "build" / "firmware"


@pytest.fixture(scope="session")
def images() -> list[Image]:
    missing = toolchain.missing_packages()
    if missing:
        pytest.skip(f"no ARM toolchain: apt-get install {' '.join(missing)}")
    if not console.available():
        pytest.skip("no QEMU for ARM: apt-get install qemu-system-arm")
    cached = source.cache_dir() / source.ARCHIVE
    if not os.environ.get("MICROPYTHON_DIR") and not cached.is_file():
        pytest.skip("MicroPython's source was not fetched yet: make firmware")
    return build(output=OUTPUT)


@pytest.fixture(scope="session")
def elf(images: list[Image]) -> Path:
    return images[0].elf

# SPDX-License-Identifier: Apache-2.0
"""A container as the device's own reader sees it."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from . import shims
from .process_memory import ProcessMemory


def read_container(container: bytes) -> Any:
    """The application in a container.

    Raises
    ------
    ValueError
        The device's reader refuses it.
    """
    space = np.zeros(len(container) + 16, np.uint8)
    start = -space.ctypes.data % 16
    space[start : start + len(container)] = np.frombuffer(container, np.uint8)
    with shims.installed(ProcessMemory()):
        return importlib.import_module("hocket").load(space[start : start + len(container)])


def container_layout() -> Any:
    """The constants of the container's layout, as the device has them."""
    with shims.installed(ProcessMemory()):
        return importlib.import_module("hocket._layout")

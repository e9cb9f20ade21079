# SPDX-License-Identifier: Apache-2.0
"""The firmware's tests on CPython: its modules are imported over the shims."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hocket_host.machines.cpython.process_memory import ProcessMemory
from hocket_host.machines.cpython.shims import install, installed, uninstall

# Once, so that the test modules find them loaded; the shims themselves are there in tests only.
install(ProcessMemory())
import hocket.features  # noqa: E402
import hocket.kernel  # noqa: E402
import hocket.ops.adapt  # noqa: E402
import hocket.port  # noqa: E402
import hocket.sync  # noqa: E402
import hocket.testing  # noqa: E402, F401

uninstall()


@pytest.fixture(autouse=True)
def process_machine() -> Iterator[None]:
    with installed(ProcessMemory()):
        yield

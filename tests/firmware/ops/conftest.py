# SPDX-License-Identifier: Apache-2.0
"""The operators on CPython, over the shims."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hocket_host.machines.cpython.process_memory import ProcessMemory
from hocket_host.machines.cpython.shims import installed


@pytest.fixture(autouse=True)
def process_machine() -> Iterator[None]:
    with installed(ProcessMemory()):
        yield

# SPDX-License-Identifier: Apache-2.0
import sys
from pathlib import Path

import pytest

from rigs.needs import need

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def build(tmp_path):
    """A function that makes an ELF file of C source."""
    from guest import compile_program

    def build(source, **options):
        return compile_program(source, tmp_path, **options)

    return build


@pytest.fixture
def run(build):
    """A function that builds and runs a program to its end."""
    need("unicorn")
    from guest import Guest

    def run(source, ns=1_000_000_000, uart_input=b"", **options):
        guest = Guest(build(source), **options)
        guest.machine.feed(uart_input)
        return guest.run(ns)

    return run

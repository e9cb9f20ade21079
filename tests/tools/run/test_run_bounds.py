# SPDX-License-Identifier: Apache-2.0
"""The demonstration on the ARM image: within its proved bounds, and as the host emulates it.

The NPU takes its worst-case cycles on either, and the image prints its table meanwhile.
"""

from functools import partial

import pytest

from hocket_host.board.repl import load as load_platform
from hocket_host.ethosu.config import npu_config
from hocket_host.ethosu.timing.timing import stream_cycles
from hocket_host.machines.common import NpuOptions
from hocket_host.machines.unicorn import UnicornMachine
from hocket_tools.app.application import load
from hocket_tools.pack.pack import pack
from hocket_tools.run.run import execute
from hocket_tools.zoo.application import APPLICATION

pytestmark = pytest.mark.needs("image", "unicorn")


@pytest.fixture(scope="module")
def packed():
    return pack(load(APPLICATION))


@pytest.fixture(scope="module")
def on_image(packed, elf):
    """Longest and shortest response of each task in us, by the image's own table."""
    npu, system = npu_config(packed.image.accelerator), packed.target.system
    timing = partial(stream_cycles, config=npu, system=system, worst=True)
    printed = bytearray()
    machine = UnicornMachine(
        load_platform("corstone300"),
        elf,
        packed.data,
        npu=NpuOptions(npu, system, timing=timing),
        uart_output=printed.extend,
    )
    # Two tables: what the first does to the jobs under way is in the second.
    machine.run_until(10_500_000_000)
    rows = [line.split() for line in printed.decode().splitlines()]
    names = [task.name for task in packed.image.tasks]
    found = {row[0]: (int(row[9]), int(row[7])) for row in rows if row and row[0] in names}
    assert [row[0] for row in rows].count(names[0]) == 2
    return found


def test_every_response_on_the_image_is_within_its_bound(packed, on_image):
    proof = packed.proof
    assert proof.schedulable
    for found in proof.tasks:
        longest_us, _ = on_image[found.task.name]
        assert longest_us * 1000 <= found.bound_ns


def test_the_host_emulates_no_shorter_responses_than_those_of_the_image(packed, on_image):
    for task in execute(packed, 3_000_000_000, worst=True).run.tasks:
        _, shortest_us = on_image[task.name]
        shortest_ns = min(task.responses_ns)
        assert shortest_us * 1000 <= shortest_ns <= shortest_us * 1200

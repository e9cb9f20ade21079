# SPDX-License-Identifier: Apache-2.0
"""Networks over both units on the ARM image: C and frozen operators, beside the NPU's model."""

from pathlib import Path

import pytest

from hocket_host.board.repl import load as load_platform
from hocket_host.ethosu.config import npu_config
from hocket_host.machines.common import NpuOptions
from hocket_host.machines.unicorn import UnicornMachine
from hocket_tools import container as hkt
from paths import ROOT
from rigs.mixed import ACCELERATOR, image, network, stream, system

pytestmark = pytest.mark.needs("unicorn")

MS = 1_000_000
FRAMES = 6

LOAD = """
import board, hocket, micropython, uctypes
app = hocket.load(board.CONTAINER_BASE + 16)
kernel = hocket.Kernel(app)
"""

STREAMED = (
    LOAD
    + """
size = app.net('stream').inputs[0].size
frames = uctypes.bytearray_at(board.CONTAINER_BASE + 16 + app.size, FRAMES * size)
done = []

@kernel.every('stream')
async def body(net):
    at = len(done) * size
    await net.infer(memoryview(frames)[at : at + size])
    done.append(net.output(0)[0])
    if len(done) == FRAMES:
        kernel.stop()

kernel.run()
print('answers', done, kernel.stats('sine').completed > 10)
""".replace("FRAMES", str(FRAMES))
)

LOCKED = (
    LOAD
    + """
kernel.run(200000)
before = kernel.stats('stream').completed
for task in kernel.tasks:
    if task.task.coro is None:
        task.prepare()
micropython.heap_lock()
kernel._running = True
kernel._loop(1000)
micropython.heap_unlock()
print('locked', kernel.stats('stream').completed - before > 1, kernel.net('stream').cpu_us > 1000)
"""
)


@pytest.fixture(scope="module")
def container() -> bytes:
    long = network("mww_alexa", name="stream")
    short = network("hello_world_int8", name="sine", arena_offset=long.arena_size, every=1)
    tasks = (
        hkt.Task("stream", 0, 150 * MS, 150 * MS, 0, 5),
        hkt.Task("sine", 1, 8 * MS, 8 * MS, 100_000, 0),
    )
    return hkt.build(image([long, short], tasks))


def told(elf: Path, container: bytes, script: str, word: str) -> str:
    """What a script prints behind a word at the prompt of the image."""
    uart = bytearray()
    m = UnicornMachine(
        load_platform(ROOT / "renode" / "corstone300.repl"), elf,
        npu=NpuOptions(npu_config(ACCELERATOR), system(), strict=True, scramble=True),
        uart_output=uart.extend,
    )  # fmt: skip
    frames = b"".join(given[0].tobytes() for given, _ in stream("mww_alexa", FRAMES))
    # Not where the image would start it by itself.
    m.bus.load(m.container_base + 16, container + frames)
    m.run_for(500 * MS)
    assert uart.endswith(b">>> ")
    uart.clear()
    m.feed(b"\x05" + script.replace("\n", "\r").encode() + b"\x04")
    for _ in range(400):
        m.run_for(10 * MS)
        *lines, last = uart.decode().split("\r\n")  # the last is still being written
        if "Traceback" in uart.decode() and last == ">>> ":
            raise AssertionError(uart.decode())
        found = [line for line in lines if line.startswith(word)]
        if found:
            assert m.faults == []
            return found[0].removeprefix(word).strip()
    raise AssertionError(uart.decode())


def test_a_stream_with_state_is_the_oracles_beside_another_network(
    elf: Path, container: bytes
) -> None:
    answers = [int(answer[0].reshape(-1)[0]) for _, answer in stream("mww_alexa", FRAMES)]
    assert told(elf, container, STREAMED, "answers") == f"{answers} True"


def test_inferences_over_both_units_allocate_nothing_on_the_image(
    elf: Path, container: bytes
) -> None:
    assert told(elf, container, LOCKED, "locked") == "True True"

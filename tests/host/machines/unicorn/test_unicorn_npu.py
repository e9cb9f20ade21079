# SPDX-License-Identifier: Apache-2.0
"""A program in C drives the NPU through the segments of a container, as a driver would."""

import numpy as np
import pytest
from guest import Guest, nothing

from hocket_host.ethosu.config import npu_config
from hocket_host.ethosu.device.registers import NpuProgrammingError
from hocket_host.machines.common import NpuOptions
from hocket_tools.app.application import load
from hocket_tools.container import RegionKind
from hocket_tools.pack.pack import pack
from hocket_tools.reference.oracle import Oracle
from paths import MODELS

pytestmark = pytest.mark.needs("unicorn")

MODEL = MODELS / "micro_speech.tflite"
FLASH, ARENA, JOBS = 0x7000_0000, 0x2110_0000, 0x7100_0000
NPU = 0x4810_2000
DRIVER = """
#define NPU(offset) REG(0x48102000 + (offset))
#define JOBS ((const volatile uint32_t *)0x71000000)
static volatile uint32_t step, cycles;
static void start(void) {
    const volatile uint32_t *job = JOBS + 1 + 10 * step;
    NPU(0x10) = job[0];
    NPU(0x14) = 0;
    NPU(0x20) = job[1];
    NPU(0x1C) = 2;
    NPU(0x3C) = 0x5553;
    for (int i = 0; i < 8; i++) {
        NPU(0x80 + 8 * i) = job[2 + i];
        NPU(0x84 + 8 * i) = 0;
    }
    NPU(0x08) = (NPU(0x08) & 0xC) | 1;
}
void irq56(void) {
    uint32_t status = NPU(0x04);
    NPU(0x08) = (NPU(0x08) & 0xC) | 2;
    if ((status & 0x3FF) != 0x22) note(status);
    step = step + 1;
    if (step < JOBS[0]) start();
}
int main(void) {
    NPU(0x0C) = 1;
    while (NPU(0x04) & 8) {}
    priority(56, 0x80);
    enable_irq(56);
    start();
    while (step < JOBS[0]) wfi();
    return 0;
}
"""


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    path = tmp_path_factory.mktemp("app") / "app.toml"
    path.write_text(
        '[npu]\naccelerator-config = "ethos-u55-128"\nclock = "50 MHz"\n'
        '[schedule]\ncut = "100 us"\n'
        f'[tasks.speech]\nmodel = "{MODEL}"\nperiod = "20 ms"\n'
    )
    return pack(load(path))


def jobs(packed):
    """The table that the driver reads, and the bytes that go into flash."""
    model = packed.image.models[0]
    flash, bases = bytearray(), []
    for region in model.regions:
        if region.kind is RegionKind.READ_ONLY:
            bases.append(FLASH + len(flash))
            flash += region.data + bytes(-len(region.data) % 16)
        else:
            bases.append(ARENA + region.offset)
    table = [len(model.steps)]
    for step in model.steps:
        table += [FLASH + len(flash), len(step.stream), *bases]
        flash += step.stream + bytes(-len(step.stream) % 16)
    return bytes(flash), np.array(table, "<u4").tobytes(), bases


def drive(elf, packed, values, events=None):
    flash, table, bases = jobs(packed)
    npu = NpuOptions(npu_config("ethos-u55-128"), packed.target.system, strict=True, scramble=True)
    guest = Guest(elf, npu=npu)
    guest.machine.write_memory(FLASH, flash)
    guest.machine.write_memory(JOBS, table)
    (source,), (result,) = packed.image.models[0].inputs, packed.image.models[0].outputs
    guest.machine.write_memory(bases[source.region] + source.offset, values.tobytes())
    if events is not None:
        guest.machine.npu.observers.append(events.append)
    guest.run()
    out = guest.machine.read_memory(bases[result.region] + result.offset, result.size)
    return guest, np.frombuffer(out, np.int8)


def frame(packed, seed=7):
    (source,) = packed.image.models[0].inputs
    return np.random.default_rng(seed).integers(-128, 128, source.shape, np.int8)


def test_a_network_in_segments_gives_the_references_output(build, packed):
    values = frame(packed)
    events = []
    guest, found = drive(build(DRIVER), packed, values, events)
    assert guest.stop.exit_code == 0
    assert guest.notes == []
    assert guest.machine.npu.problems == []
    assert len(packed.image.models[0].steps) > 1
    assert [e.kind for e in events] == ["start", "end"] * len(packed.image.models[0].steps)
    expected = Oracle(MODEL.read_bytes()).run([values])[0]
    assert np.array_equal(found, expected.ravel())


def test_the_interrupt_is_served_at_the_run_s_end_to_the_cycle(build, packed):
    events = []
    drive(build(DRIVER), packed, frame(packed), events)
    starts = [e.at_ns for e in events if e.kind == "start"]
    ends = [e.at_ns for e in events if e.kind == "end"]
    for start, end, event in zip(starts, ends, events[::2], strict=True):
        assert end - start == event.cycles * 20
    # The driver needs the same instructions for every segment.
    gaps = {start - end for start, end in zip(starts[1:], ends, strict=False)}
    assert max(gaps) - min(gaps) <= 32


def test_two_runs_are_the_same_to_the_byte(build, packed):
    elf = build(DRIVER)
    runs = []
    for _ in range(2):
        events = []
        guest, _ = drive(elf, packed, frame(packed), events)
        runs.append(
            (
                [(e.kind, e.at_ns) for e in events],
                guest.stop,
                guest.machine.instructions,
                guest.machine.bus.memory.tobytes(),
            )
        )
    assert runs[0] == runs[1]


def test_the_secure_alias_shows_the_same_registers(run):
    guest = run("int main(void) { note(REG(0x48102028)); note(REG(0x58102028)); return 0; }")
    assert guest.notes == [0x1807, 0x1807]


def test_a_strict_npu_ends_the_run_where_it_is_misused(build):
    guest = Guest(
        build(
            "int main(void) { while (REG(0x48102004) & 8) {} REG(0x48102010) = 0x70000008;"
            "REG(0x48102008) = 1; return 0; }"
        ),
        npu=nothing(strict=True),
    )
    with pytest.raises(NpuProgrammingError, match="not aligned"):
        guest.run()
    assert guest.machine.now_ns > 0

# SPDX-License-Identifier: Apache-2.0
"""The device's container reader on a real MicroPython virtual machine."""

import subprocess
import sys

import pytest

from hocket_tools.container import (
    DType,
    Image,
    Model,
    Overrun,
    PersistentRange,
    PlanEntry,
    Policy,
    Region,
    Step,
    Task,
    Tensor,
    build,
    region_slots,
)
from paths import FIRMWARE

PREAMBLE = """\
import sys
sys.path.insert(0, sys.argv[1])
path = sys.argv[2]
import micropython, uctypes
from hocket.container import load
"""

STREAMS = (bytes(range(20)), b"\xff\xff\x00\x00")


def image():
    network = Model(
        name="kws",
        regions=region_slots(Region.read_only(b"weights" * 9), Region.arena(32, 256)),
        inputs=(Tensor("x", (1, 49, 1), DType.INT8, 0.125, -7, 1, 16, 49),),
        outputs=(Tensor("y", (2,), DType.FLOAT32, 0.0, 0, 1, 80, 8),),
        steps=(
            Step("kws/first", STREAMS[0], 100, 2**31 + 5, 0, 3),
            Step("kws/last", STREAMS[1], 2**32 - 1, 2**32 - 1, 3, 1),
        ),
        arena_offset=32,
        arena_size=256,
        persistent=(PersistentRange(1, 96, 64, 0x80),),
    )
    return Image(
        accelerator="ethos-u55-128",
        npu_config=0x1807,
        npu_id=0x10066001,
        npu_hz=500_000_000,
        arena_size=512,
        policy=Policy.FP,
        models=(network,),
        tasks=(Task("listen", 0, 2**40, 2**40 - 1, 3, 9, Overrun.ABORT, 70_000),),
        plan=(PlanEntry(),),
    )


@pytest.fixture
def device(tmp_path):
    """Run lines on the virtual machine, where ``path`` is the container; return what it prints."""
    path = tmp_path / "app.hkt"
    path.write_bytes(build(image()))

    def run(lines):
        script = tmp_path / "script.py"
        script.write_text(PREAMBLE + lines)
        done = subprocess.run(
            [sys.executable, "-m", "micropython", str(script), str(FIRMWARE), str(path)],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.splitlines()

    return run


def test_the_header_is_read(device):
    told = device(
        "a = load(path)\n"
        "print(a.accelerator, a.npu_config, a.npu_id, a.npu_hz, a.arena_size, a.policy)\n"
        "print(a.size == len(a.buffer), len(a.nets), len(a.tasks), a.total_steps)\n"
    )
    assert told == [f"ethos-u55-128 {0x1807} {0x10066001} 500000000 512 1", "True 1 1 2"]


def test_a_net_is_read(device):
    told = device(
        "n = load(path).net('kws')\n"
        "print(n.name, n.first_step, n.steps, n.arena_offset, n.arena_size, n.shared_arena)\n"
        "print(len(n.regions), [r[0] for r in n.regions], n.regions[1], n.persistent)\n"
    )
    assert told == [
        "kws 0 2 32 256 False",
        "8 [1, 2, 0, 0, 0, 0, 0, 0] (2, 32, 256) [(1, 96, 64, 128, 0)]",
    ]


def test_tensors_are_read(device):
    told = device(
        "n = load(path).nets[0]\n"
        "for t in n.inputs + n.outputs:\n"
        "    print(t.name, t.shape, t.dtype, t.typecode, t.scale, t.zero_point, t.region,\n"
        "          t.offset, t.size)\n"
    )
    assert told == ["x (1, 49, 1) int8 b 0.125 -7 1 16 49", "y (2,) float32 f 0.0 0 1 80 8"]


def test_a_task_is_read(device):
    told = device(
        "t = load(path).task('listen')\n"
        "print(t.name, t.net, t.period_ns, t.deadline_ns, t.offset_ns, t.priority, t.overrun,\n"
        "      t.cpu_ns)\n"
    )
    assert told == [f"listen 0 {2**40} {2**40 - 1} 3 9 2 70000"]


def test_steps_lead_to_their_streams_in_place(device):
    told = device(
        "a = load(path)\n"
        "for i in range(2):\n"
        "    at = a.step_offset(i)\n"
        "    print(bytes(a.buffer[at : at + a.step_size(i)]), at % 16)\n"
        "    print(a.step_cycles(i), a.step_worst_cycles(i), a.step_name(i))\n"
    )
    assert told == [
        f"{STREAMS[0]!r} 0",
        f"100 {2**31 + 5} kws/first",
        f"{STREAMS[1]!r} 0",
        f"{2**32 - 1} {2**32 - 1} kws/last",
    ]


def test_the_step_table_can_be_indexed_as_words(device):
    told = device(
        "a = load(path)\n"
        "row = uctypes.struct(a.address + a.step_table + a.step_record_size,\n"
        "                     {'offset': uctypes.UINT32, 'size': 4 | uctypes.UINT32})\n"
        "print(row.offset == a.step_offset(1), row.size == a.step_size(1))\n"
    )
    assert told == ["True True"]


def test_a_step_beyond_the_table_is_an_index_error(device):
    told = device(
        "a = load(path)\n"
        "for i in (-1, 2):\n"
        "    try:\n"
        "        a.step_offset(i)\n"
        "    except IndexError:\n"
        "        print('refused')\n"
    )
    assert told == ["refused", "refused"]


def test_looking_up_steps_allocates_nothing(device):
    told = device(
        "a = load(path)\n"
        "def look_up():\n"
        "    micropython.heap_lock()\n"
        "    for i in range(2):\n"
        "        a.step_offset(i); a.step_size(i); a.step_cycles(i)\n"
        "    micropython.heap_unlock()\n"
        "look_up()\n"
        "print('done')\n"
    )
    assert told == ["done"]


def test_an_address_is_read_where_it_is(device):
    told = device(
        "held = load(path).buffer\n"
        "a = load(uctypes.addressof(held))\n"
        "print(a.address == uctypes.addressof(a.buffer) == uctypes.addressof(held))\n"
    )
    assert told == ["True"]


def test_a_buffer_is_not_copied(device):
    told = device(
        "data = bytearray(open(path, 'rb').read())\n"
        "a = load(data)\n"
        "print(a.address == uctypes.addressof(data))\n"
        "data[-1] ^= 1\n"
        "print(a.buffer[len(data) - 1] == data[-1])\n"
    )
    assert told == ["True", "True"]


def test_a_container_off_a_multiple_of_sixteen_is_refused(device):
    told = device(
        "data = bytearray(8) + open(path, 'rb').read()\n"
        "for source in (memoryview(data)[8:], uctypes.addressof(data) + 8):\n"
        "    try:\n"
        "        load(source)\n"
        "    except ValueError as error:\n"
        "        print('16-byte aligned' in str(error))\n"
    )
    assert told == ["True", "True"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("npu_config=0x1808", "CONFIG 0x00001807), this NPU has 0x00001808"),
        ("npu_id=0x20066001", "ID 0x10066001), this NPU has 0x20066001"),
        ("npu_id=0x10064001", "ID 0x10066001), this NPU has 0x10064001"),
    ],
)
def test_another_npu_is_refused(device, arguments, said):
    told = device(
        f"try:\n    load(path, {arguments})\nexcept ValueError as error:\n    print(error)\n"
    )
    assert len(told) == 1
    assert said in told[0]


def test_another_revision_of_the_same_npu_is_accepted(device):
    assert device("print(load(path, npu_config=0x1807, npu_id=0x10076102).size > 0)\n") == ["True"]


def test_names_that_are_not_there_are_key_errors(device):
    told = device(
        "a = load(path)\n"
        "for find in (a.net, a.task):\n"
        "    try:\n"
        "        find('none')\n"
        "    except KeyError as error:\n"
        "        print(error)\n"
    )
    assert told == ["none", "none"]


def test_a_damaged_container_at_an_address_is_refused_before_its_size_is_believed(device):
    told = device(
        "data = bytearray(open(path, 'rb').read())\n"
        "data[16:20] = b'\\xff\\xff\\xff\\x3f'\n"
        "try:\n"
        "    load(uctypes.addressof(data))\n"
        "except ValueError as error:\n"
        "    print(error)\n"
    )
    assert told == ["container, byte 12: header is corrupt (CRC)"]

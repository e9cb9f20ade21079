# SPDX-License-Identifier: Apache-2.0
"""State that an operator writes in place lies where it may be written."""

from dataclasses import replace

import pytest
from device import load_under_cpython
from images import example, field_at, offset_in, poke

from hocket_tools.container import ContainerError, CpuProgram, Operand, Step, build, read
from hocket_tools.container import format as fmt
from hocket_tools.container.format import SectionKind
from hocket_tools.container.programs import IN_PLACE
from hocket_tools.cpu.packing import MODULES

load = load_under_cpython()

ARENA = Operand(1, 0, 32)
READ_ONLY = Operand(0, 8, 32)
#: In the example, the first step of the processor.
STEP = 5


def container(code):
    """The example with an operator whose states lie in its arena."""
    inputs = tuple(ARENA if i in IN_PLACE[code] else READ_ONLY for i in range(11))
    program = CpuProgram(code, b"", inputs, (Operand(2, 100, 7),))
    image = example()
    model = image.models[2]
    steps = tuple(
        Step.cpu("gather", program, 0, 0) if step.name == "gather" else step for step in model.steps
    )
    return build(replace(image, models=(*image.models[:2], replace(model, steps=steps))))


def made_read_only(data, index):
    """The container with an input of its first program in read-only data."""
    place = field_at(data, SectionKind.STEPS, STEP, "stream_offset")
    program = int.from_bytes(data[place : place + 4], "little")
    at = program + fmt.CPU_PROGRAM.sizeof() + index * fmt.OPERAND.sizeof()
    return poke(data, at + offset_in(fmt.OPERAND, "region"), "I", READ_ONLY.region)


@pytest.mark.parametrize(("code", "at"), [(code, at) for code in IN_PLACE for at in IN_PLACE[code]])
def test_state_in_read_only_data_is_refused(code, at):
    data = container(code)
    read(data)
    load(data)
    data = made_read_only(data, at)
    with pytest.raises(ContainerError, match="state of a program"):
        read(data)
    with pytest.raises(ValueError, match="no arena"):
        load(data)


def test_device_and_host_know_the_same_operators_with_state():
    from hocket.ops import IN_PLACE as DEVICE

    assert DEVICE == IN_PLACE
    assert [MODULES[code] for code in IN_PLACE] == ["svdf", "lstm"]

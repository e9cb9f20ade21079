# SPDX-License-Identifier: Apache-2.0
# Programs for the CPU, as steps of a container have them: read in place, and checked.
# hocket_tools.container.programs makes the same checks, written a second time on purpose.
import struct

import hocket._layout as layout  # "from . import" would ask the lazy loader

from .ops import IN_PLACE


# inputs, outputs and scratch are tuples (region, offset in it, size); params counts from the
# start of the container.
class Program:
    __slots__ = (
        "code", "inputs", "outputs", "params", "params_size", "step_cycles", "steps", "runs_on",
        "scratch",
    )  # fmt: skip


# The program at an offset, which has been checked.
def read(buffer, at):
    fields = struct.unpack_from(layout.FORMAT_CPU_PROGRAM, buffer, at)
    code, flags, inputs, outputs, _, cycles, steps, region, offset, size, params_size = fields
    program = Program()
    program.code = code
    program.runs_on = bool(flags & layout.PROGRAM_FLAG_RUN_ON)
    program.step_cycles = cycles
    program.steps = steps
    at += layout.SIZEOF_CPU_PROGRAM
    operands = []
    for _ in range(inputs + outputs):
        operands.append(struct.unpack_from(layout.FORMAT_OPERAND, buffer, at))
        at += layout.SIZEOF_OPERAND
    program.inputs = operands[:inputs]
    program.outputs = operands[inputs:]
    program.scratch = (region, offset, size)
    program.params = at
    program.params_size = params_size
    return program


# Checks the program of a step: its place, how long it is, and the cycles of the step.
def check(reader, at, size, worst, net):
    if size < layout.SIZEOF_CPU_PROGRAM:
        reader.fail(at, "program of %d bytes" % size)
    fields = struct.unpack_from(layout.FORMAT_CPU_PROGRAM, reader.buffer, at)
    count = fields[2] + fields[3]
    whole = layout.SIZEOF_CPU_PROGRAM + count * layout.SIZEOF_OPERAND + (fields[10] + 3) // 4 * 4
    if size != whole:
        reader.fail(at, "program of %d bytes, must be %d" % (size, whole))
    reader.reserved(at, fields[4])
    if fields[1] & ~layout.PROGRAM_FLAG_RUN_ON:
        reader.fail(at, "program with unknown flags %d" % fields[1])
    program = read(reader.buffer, at)
    longest = program.step_cycles
    if not program.steps or longest > worst or worst > program.steps * longest:
        reader.fail(at, "%d CPU steps of %d cycles in %d" % (program.steps, longest, worst))
    states = IN_PLACE.get(program.code, ())
    for index in range(len(program.inputs)):
        _place(reader, at, program.inputs[index], net, index in states)
    for operand in program.outputs:
        _place(reader, at, operand, net, True)
    if any(program.scratch):
        scratch = _place(reader, at, program.scratch, net, True)
        if program.scratch[1] & 3:
            reader.fail(at, "scratch memory of a program must be aligned to 4 bytes")
        for operand in program.inputs + program.outputs:
            if net.regions[operand[0]][0] == layout.REGION_KIND_ARENA:
                start = net.regions[operand[0]][1] + operand[1]
                if scratch < start + operand[2] and start < scratch + program.scratch[2]:
                    reader.fail(at, "scratch memory of a program overlaps its operands")


# Where an operand begins; what is written lies in the net's own arena.
def _place(reader, at, operand, net, written):
    region, offset, size = operand
    if region >= layout.REGION_SLOTS:
        reader.fail(at, "operand of a program in region %d" % region)
    kind, start, extent = net.regions[region]
    if kind != layout.REGION_KIND_ARENA and (written or kind == layout.REGION_KIND_UNUSED):
        reader.fail(at, "operand of a program in region %d, which is no arena" % region)
    if not size or offset + size > extent:
        reader.fail(at, "operand of a program: %d bytes at %d do not fit" % (size, offset))
    return start + offset

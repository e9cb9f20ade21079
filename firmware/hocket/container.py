# SPDX-License-Identifier: Apache-2.0
# The container, read in place: checked wholly before anything of it is used.
#
# Nothing is copied: streams and read-only data stay where the container lies, and the step table
# is indexed there. Whatever does not hold is a ValueError with one line that says what.
import uctypes

import hocket._layout as layout  # "from . import" would ask the lazy loader

from ._reader import Reader, check_magic, fail


# An application whose container has passed every check.
class App:
    __slots__ = (
        "accelerator", "address", "arena_size", "buffer", "nets", "npu_config", "npu_hz", "npu_id",
        "policy", "size", "step_record_size", "step_table", "strings", "tasks", "total_steps",
    )  # fmt: skip

    # The net of a name; KeyError if there is none.
    def net(self, name):
        for net in self.nets:
            if net.name == name:
                return net
        raise KeyError(name)

    # The task of a name; KeyError if there is none.
    def task(self, name):
        for task in self.tasks:
            if task.name == name:
                return task
        raise KeyError(name)

    # Byte offset of a step's stream from the start of the container.
    def step_offset(self, index):
        return self._step_word(index, layout.STEP_STREAM_OFFSET)

    # Bytes of a step's stream.
    def step_size(self, index):
        return self._step_word(index, layout.STEP_STREAM_SIZE)

    # Whether a step is the CPU's; its stream is a program then.
    def step_is_cpu(self, index):
        return self._step_word(index, layout.STEP_KIND) & 0xFF == layout.STEP_KIND_CPU

    # Nominal cycles of a step, of the unit that executes it.
    def step_cycles(self, index):
        return self._step_word(index, layout.STEP_NOMINAL_CYCLES)

    # Worst-case cycles of a step.
    def step_worst_cycles(self, index):
        return self._step_word(index, layout.STEP_WORST_CYCLES)

    # Cycles of the longest CPU step of an operator.
    def cpu_step_cycles(self, index):
        return self._word(self.step_offset(index) + layout.CPU_PROGRAM_STEP_CYCLES)

    # Name of a step; allocates, so for reports only.
    def step_name(self, index):
        at = self.strings + self._step_word(index, layout.STEP_NAME)
        length = self.buffer[at] | self.buffer[at + 1] << 8
        return str(bytes(memoryview(self.buffer)[at + 2 : at + 2 + length]), "utf-8")

    def _step_word(self, index, field):
        if not 0 <= index < self.total_steps:
            raise IndexError("step")
        return self._word(self.step_table + index * self.step_record_size + field)

    # Composed from bytes because a struct.unpack would allocate a tuple in the interrupt path.
    def _word(self, at):
        b = self.buffer
        return b[at] | b[at + 1] << 8 | b[at + 2] << 16 | b[at + 3] << 24


# Where a buffer lies; None for one that is not in the machine's memory, which only the emulation
# on CPython knows, with an error of its own.
def _address(buffer):
    try:
        return uctypes.addressof(buffer)
    except Exception:
        return None


# A ROM file system hands out its files in place; any other file is read into memory.
def _open(path):
    with open(path, "rb") as file:
        try:
            view = memoryview(file)
            if _address(view) & 15 == 0:
                return view
        except TypeError:  # not such a file, or no address to speak of
            pass
        return bytearray(file.read())


# Check a container and return its App. `source` is a buffer, the address of one in memory, or
# a path; it must lie on a multiple of 16, for the NPU reads it there. With the values of the
# NPU's own registers, a container for another NPU is refused.
def load(source, *, npu_config=None, npu_id=None):
    if isinstance(source, str):
        source = _open(source)
    if isinstance(source, int):
        address = source
        length = None
        reader = Reader(uctypes.bytearray_at(source, layout.SIZEOF_HEADER))
    else:
        address = _address(source)
        length = len(source)
        reader = Reader(memoryview(source))
    if address is not None and address & 15:
        raise ValueError("container at 0x%x, must be 16-byte aligned" % address)
    reader.address = address
    if length is not None and length < layout.SIZEOF_HEADER:
        fail(length, "truncated, or not a Hocket container")
    check_magic(bytes(memoryview(reader.buffer)[:8]))
    reader.envelope(length)
    if npu_config is not None and npu_config != reader.config:
        fail(
            layout.HEADER_NPU_CONFIG,
            "for %s (CONFIG 0x%08x), this NPU has 0x%08x"
            % (reader.accelerator, reader.config, npu_config),
        )
    if npu_id is not None and (npu_id ^ reader.npu_id) & layout.NPU_ID_MASK:
        fail(
            layout.HEADER_NPU_ID,
            "for %s (ID 0x%08x), this NPU has 0x%08x" % (reader.accelerator, reader.npu_id, npu_id),
        )
    app = App()
    app.nets = reader.nets()
    app.tasks = reader.tasks(app.nets)
    app.buffer = reader.buffer
    app.address = address
    app.size = reader.total
    app.accelerator = reader.accelerator
    app.npu_config = reader.config
    app.npu_id = reader.npu_id
    app.npu_hz = reader.hz
    app.arena_size = reader.arena
    app.policy = reader.policy
    app.strings = reader.sections[layout.SECTION_KIND_STRINGS][0]
    steps = reader.sections[layout.SECTION_KIND_STEPS]
    app.step_table, _, app.step_record_size, app.total_steps = steps
    return app

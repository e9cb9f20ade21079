# SPDX-License-Identifier: Apache-2.0
# Every check that a container must pass. hocket_tools.container.reader makes the same ones, written
# a second time on purpose: the two are fuzzed against each other.
import binascii
import struct

import uctypes

import hocket._layout as layout  # "from . import" would ask the lazy loader


# A tensor of a net; offset counts from the start of its region, size is in bytes.
class TensorInfo:
    __slots__ = (
        "dtype", "name", "offset", "region", "scale", "shape", "size", "typecode", "zero_point",
    )  # fmt: skip


# A model: regions are 8 tuples (kind, offset, size), where the offset of read-only data counts
# from the start of the container and that of an arena from the start of the pool; persistent
# ranges are tuples (region, offset in it, size, fill byte, offset of the initial content or 0).
class NetInfo:
    __slots__ = (
        "arena_offset", "arena_size", "first_step", "inputs", "name", "outputs", "persistent",
        "regions", "shared_arena", "steps",
    )  # fmt: skip


# A periodic job; net is an index of App.nets.
class TaskInfo:
    __slots__ = (
        "cpu_ns", "deadline_ns", "name", "net", "offset_ns", "overrun", "period_ns", "priority",
    )  # fmt: skip


def fail(at, text):
    raise ValueError("container, byte %d: %s" % (at, text))


# Checks in the order of the file; every bound is compared before it is used.
class Reader:
    fail = staticmethod(fail)  # as the checks of programs have it

    def __init__(self, buffer):
        self.buffer = buffer

    # Fields of record `index` of a table, and where it lies.
    def record(self, kind, layout_format, index):
        offset, _, record_size, count = self.sections[kind]
        if index >= count:
            fail(offset, "record %d of %d in section %d" % (index, count, kind))
        at = offset + index * record_size
        return at, struct.unpack_from(layout_format, self.buffer, at)

    def reserved(self, at, value):
        if not self.newer:
            for byte in value:
                if byte:
                    fail(at, "reserved bytes in use")

    # Header and section table; `length` is what there is to read, or None at a bare address.
    def envelope(self, length):
        b = self.buffer
        fields = struct.unpack_from(layout.FORMAT_HEADER, b, 0)
        (_, major, minor, crc, total, count, config, npu_id, hz, arena, name, policy, rest) = fields
        if major == layout.VERSION_MAJOR << 8:
            fail(8, "big-endian, must be little-endian")
        if major != layout.VERSION_MAJOR:
            fail(8, "format version %d.%d, must be %d" % (major, minor, layout.VERSION_MAJOR))
        self.minor = minor
        self.newer = minor > layout.VERSION_MINOR
        known = len(layout.RECORD_SIZES) - 1
        if count < known or count > (layout.SECTION_LIMIT if self.newer else known):
            fail(layout.HEADER_SECTION_COUNT, "%d sections, must be %d" % (count, known))
        self.header_size = layout.SIZEOF_HEADER + count * layout.SIZEOF_SECTION
        if length is not None and length < self.header_size:
            fail(length, "truncated in the header")
        if length is None:
            b = self.buffer = uctypes.bytearray_at(self.address, self.header_size)
        view = memoryview(b)
        at = layout.HEADER_HEADER_CRC
        found = binascii.crc32(view[at + 4 : self.header_size], binascii.crc32(view[:at]))
        if found & 0xFFFFFFFF != crc:
            fail(at, "header is corrupt (CRC)")
        if length is not None and length != total:
            fail(min(length, total), "%d bytes, must be %d" % (length, total))
        if total >= layout.SIZE_LIMIT or total < self.header_size or arena >= layout.SIZE_LIMIT:
            fail(layout.HEADER_TOTAL_SIZE, "impossible size %d or arena %d" % (total, arena))
        if not hz:
            fail(layout.HEADER_NPU_HZ, "NPU clock of 0 Hz")
        if policy > layout.POLICY_RR:
            fail(layout.HEADER_POLICY, "unknown NPU policy %d" % policy)
        self.reserved(layout.HEADER_POLICY, rest)
        self.section_count, self.total, self.arena = count, total, arena
        self.policy, self.config, self.npu_id, self.hz = policy, config, npu_id, hz
        if length is None:
            self.buffer = uctypes.bytearray_at(self.address, total)
        self.read_sections()
        self.accelerator = self.string(name)

    def read_sections(self):
        view = memoryview(self.buffer)
        known = len(layout.RECORD_SIZES) - 1
        self.sections = [None] * (known + 1)
        end = self.header_size
        previous = 0
        for index in range(self.section_count):
            at = layout.SIZEOF_HEADER + index * layout.SIZEOF_SECTION
            fields = struct.unpack_from(layout.FORMAT_SECTION, self.buffer, at)
            kind, offset, size, record_size, count, crc, rest = fields
            if kind <= previous or (index < known and kind != index + 1):
                fail(at, "section %d out of order" % kind)
            if offset != end or size & 15 or size > self.total - end:
                fail(at, "section %d: %d bytes at %d do not fit" % (kind, size, offset))
            if kind <= known:
                ours = layout.RECORD_SIZES[kind]
                if self.minor == 0 and kind == layout.SECTION_KIND_PERSISTENT:
                    ours = layout.PERSISTENT_SIZE_1_0
                grown = record_size > ours and not record_size & 3
                if record_size != ours and not (
                    self.newer and grown and kind in layout.TABLE_KINDS
                ):
                    fail(at, "section %d: records of %d bytes" % (kind, record_size))
                if (record_size * count + 15) // 16 * 16 != size:
                    fail(at, "section %d: %d records in %d bytes" % (kind, count, size))
                self.sections[kind] = (offset, size, record_size, count)
            self.reserved(at, rest)
            if binascii.crc32(view[offset : offset + size]) & 0xFFFFFFFF != crc:
                fail(offset, "section %d is corrupt (CRC)" % kind)
            previous = kind
            end = offset + size
        if end != self.total:
            fail(end, "bytes in no section")
        if (
            self.sections[layout.SECTION_KIND_MODELS][3] > layout.MODEL_LIMIT
            or self.sections[layout.SECTION_KIND_TASKS][3] > layout.TASK_LIMIT
        ):
            fail(0, "too many models or tasks")

    # The string at an offset of the strings section. MicroPython's own decoder lets overlong
    # forms and surrogates pass, so the length is counted again from the characters.
    def string(self, offset):
        start, _, _, used = self.sections[layout.SECTION_KIND_STRINGS]
        if offset > used - 2:
            fail(start, "string at %d outside %d bytes" % (offset, used))
        at = start + offset
        length = self.buffer[at] | self.buffer[at + 1] << 8
        if length > used - offset - 2:
            fail(at, "string of %d bytes ends outside" % length)
        raw = bytes(memoryview(self.buffer)[at + 2 : at + 2 + length])
        try:
            text = str(raw, "utf-8")
        except ValueError:  # UnicodeError is one
            fail(at, "string is not UTF-8")
        counted = 0
        for character in text:
            c = ord(character)
            if c < 0x20 or 0x7F <= c < 0xA0:
                fail(at, "control character in a string")
            if 0xD800 <= c < 0xE000 or c > 0x10FFFF:
                fail(at, "string is not UTF-8")
            counted += 1 if c < 0x80 else 2 if c < 0x800 else 3 if c < 0x10000 else 4
        if counted != length:
            fail(at, "string is not UTF-8")
        return text

    # Models own their records in order, so the next free record is all there is to remember.
    def take(self, at, kind, first, count):
        if first != self.owned[kind] or count > self.sections[kind][3] - first:
            fail(at, "records %d to %d of section %d" % (first, first + count, kind))
        self.owned[kind] = first + count
        return range(first, first + count)

    def nets(self):
        self.owned = [0] * len(layout.RECORD_SIZES)
        nets = []
        for index in range(self.sections[layout.SECTION_KIND_MODELS][3]):
            net = self.net(index)
            for other in nets:
                if other.name == net.name:
                    fail(0, "two models named %s" % net.name)
                if other.shared_arena and net.shared_arena:
                    continue
                start = max(other.arena_offset, net.arena_offset)
                end = min(other.arena_offset + other.arena_size, net.arena_offset + net.arena_size)
                if start < end:
                    fail(0, "arenas of %s and %s overlap" % (other.name, net.name))
            nets.append(net)
        for kind in (
            layout.SECTION_KIND_REGIONS,
            layout.SECTION_KIND_TENSORS,
            layout.SECTION_KIND_STEPS,
            layout.SECTION_KIND_PERSISTENT,
        ):
            if self.owned[kind] != self.sections[kind][3]:
                fail(0, "records of section %d that no model owns" % kind)
        return nets

    def net(self, index):
        at, fields = self.record(layout.SECTION_KIND_MODELS, layout.FORMAT_MODEL, index)
        (name, flags, region, tensor, inputs, outputs, step, steps, held, n_held, offset, size) = (
            fields
        )
        net = NetInfo()
        net.name = self.string(name)
        if not net.name or flags & ~layout.MODEL_FLAG_SHARED_ARENA:
            fail(at, "model without a name or with unknown flags %d" % flags)
        net.shared_arena = bool(flags & layout.MODEL_FLAG_SHARED_ARENA)
        if offset & 15 or offset + size > self.arena:
            fail(at, "arena of %s: %d bytes at %d do not fit" % (net.name, size, offset))
        net.arena_offset = offset
        net.arena_size = size
        slots = self.take(at, layout.SECTION_KIND_REGIONS, region, layout.REGION_SLOTS)
        net.regions = [self.region(i, net) for i in slots]
        taken = self.take(at, layout.SECTION_KIND_TENSORS, tensor, inputs + outputs)
        net.inputs = [self.tensor(i, net, True) for i in taken[:inputs]]
        net.outputs = [self.tensor(i, net, False) for i in taken[inputs:]]
        if not steps:
            fail(at, "model %s has no steps" % net.name)
        for i in self.take(at, layout.SECTION_KIND_STEPS, step, steps):
            self.check_step(i, net)
        net.first_step = step
        net.steps = steps
        if net.shared_arena and n_held:
            fail(at, "model %s keeps state in a shared arena" % net.name)
        taken = self.take(at, layout.SECTION_KIND_PERSISTENT, held, n_held)
        net.persistent = [self.persistent(i, index, net) for i in taken]
        return net

    def region(self, index, net):
        at, (offset, size, kind, rest) = self.record(
            layout.SECTION_KIND_REGIONS, layout.FORMAT_REGION, index
        )
        self.reserved(at, rest)
        if kind == layout.REGION_KIND_UNUSED:
            start = end = 0
        elif kind == layout.REGION_KIND_READ_ONLY:
            start, end, _, _ = self.sections[layout.SECTION_KIND_DATA]
            end += start
        elif kind == layout.REGION_KIND_ARENA:
            start = net.arena_offset
            end = start + net.arena_size
        else:
            fail(at, "unknown kind of region %d" % kind)
        if offset & 15 or offset < start or offset + size > end:
            fail(at, "region of %d bytes at %d is out of bounds" % (size, offset))
        return (kind, offset, size)

    def tensor(self, index, net, is_input):
        at, fields = self.record(layout.SECTION_KIND_TENSORS, layout.FORMAT_TENSOR, index)
        name, dtype, rank, region, rest = fields[:5]
        scale, zero_point, offset, size = fields[5 + layout.MAX_RANK :]
        shape = fields[5 : 5 + layout.MAX_RANK]
        self.reserved(at, rest)
        tensor = TensorInfo()
        tensor.name = self.string(name)
        if not 0 < dtype < len(layout.DTYPE_NAMES) or rank > layout.MAX_RANK:
            fail(at, "tensor %s: dtype %d, rank %d" % (tensor.name, dtype, rank))
        expected = layout.DTYPE_SIZES[dtype]
        for axis in range(layout.MAX_RANK):
            if (shape[axis] == 0) == (axis < rank):
                fail(at, "tensor %s: shape of rank %d" % (tensor.name, rank))
            if axis < rank:
                expected *= shape[axis]
        if size != expected:
            fail(at, "tensor %s: %d bytes, must be %d" % (tensor.name, size, expected))
        # From the bits: a NaN cannot be found by comparing, and small floats drop bits.
        (bits,) = struct.unpack_from("<L", self.buffer, at + layout.TENSOR_SCALE)
        if bits >= 0x7F800000:
            fail(at, "tensor %s: scale must be finite and not negative" % tensor.name)
        if region >= layout.REGION_SLOTS:
            fail(at, "tensor %s: region %d" % (tensor.name, region))
        kind, _, extent = net.regions[region]
        if kind != layout.REGION_KIND_ARENA and (is_input or kind == layout.REGION_KIND_UNUSED):
            fail(at, "tensor %s in region %d, which is no arena" % (tensor.name, region))
        if offset + size > extent:
            fail(at, "tensor %s: %d bytes at %d do not fit" % (tensor.name, size, offset))
        tensor.dtype = layout.DTYPE_NAMES[dtype]
        tensor.typecode = layout.DTYPE_TYPECODES[dtype]
        tensor.shape = tuple(shape[:rank])
        tensor.scale = scale
        tensor.zero_point = zero_point
        tensor.region = region
        tensor.offset = offset
        tensor.size = size
        return tensor

    def check_step(self, index, net):
        at, fields = self.record(layout.SECTION_KIND_STEPS, layout.FORMAT_STEP, index)
        offset, size, nominal, worst, _, _, name, kind, rest = fields
        self.reserved(at, rest)
        self.string(name)
        if kind > layout.STEP_KIND_CPU:
            fail(at, "step of kind %d" % kind)
        start, extent, _, _ = self.sections[layout.SECTION_KIND_STREAMS]
        if offset & 15 or offset < start or offset + size > start + extent or size & 3 or not size:
            fail(at, "command stream of %d bytes at %d" % (size, offset))
        if nominal > worst:
            fail(at, "nominal cycles %d above the worst case %d" % (nominal, worst))
        if kind == layout.STEP_KIND_CPU:
            try:  # here, because most applications can do without
                from .programs import check
            except ImportError:
                fail(at, "step for the CPU, and this firmware has no operators")
            check(self, offset, size, worst, net)

    def persistent(self, index, model, net):
        at, (owner, offset, size, region, fill, rest, initial) = self.record(
            layout.SECTION_KIND_PERSISTENT, layout.FORMAT_PERSISTENT, index
        )
        if not self.minor:
            initial = 0  # the format had no such field yet
        self.reserved(at, rest)
        if owner != model or region >= layout.REGION_SLOTS or not size:
            fail(at, "persistent range of model %d, region %d" % (owner, region))
        kind, _, extent = net.regions[region]
        if kind != layout.REGION_KIND_ARENA or offset + size > extent:
            fail(at, "persistent range of %d bytes at %d" % (size, offset))
        start, extent, _, _ = self.sections[layout.SECTION_KIND_DATA]
        if initial and (initial < start or initial + size > start + extent):
            fail(at, "initial content of %d bytes at %d" % (size, initial))
        return (region, offset, size, fill, initial)

    def tasks(self, nets):
        tasks = []
        count = self.sections[layout.SECTION_KIND_TASKS][3]
        if self.sections[layout.SECTION_KIND_PLAN][3] != count:
            fail(0, "not one plan entry a task")
        for index in range(count):
            task = self.task(index, nets)
            for other in tasks:
                if other.name == task.name:
                    fail(0, "two tasks named %s" % task.name)
            tasks.append(task)
            at, fields = self.record(layout.SECTION_KIND_PLAN, layout.FORMAT_PLAN, index)
            if fields[1] > fields[2]:
                fail(at, "longest segment above the job's cycles")
        return tasks

    def task(self, index, nets):
        at, fields = self.record(layout.SECTION_KIND_TASKS, layout.FORMAT_TASK, index)
        name, net, period, deadline, offset, cpu, priority, overrun, rest = fields
        self.reserved(at, rest)
        task = TaskInfo()
        task.name = self.string(name)
        if not task.name or net >= len(nets):
            fail(at, "task without a name, or model %d of %d" % (net, len(nets)))
        if not period or not deadline or overrun > layout.OVERRUN_ABORT:
            fail(at, "task %s: period, deadline or overrun policy" % task.name)
        task.net = net
        task.period_ns = period
        task.deadline_ns = deadline
        task.offset_ns = offset
        task.cpu_ns = cpu
        task.priority = priority
        task.overrun = overrun
        return task


# The first bytes of a foreign file say most about what happened to it.
def check_magic(head):
    magic = layout.MAGIC
    if head == magic:
        return
    for width in (2, 4, 8):
        swapped = bytes([magic[i ^ (width - 1)] for i in range(8)])
        if head == swapped:
            fail(0, "byte-swapped, must be little-endian")
    if head[1:4] == magic[1:4]:
        fail(0, "damaged by a text-mode copy, copy it as binary")
    fail(0, "not a Hocket container")

# SPDX-License-Identifier: Apache-2.0
"""The only definition of the container's layout (``.hkt``, version 1).

A container is a header, a section table and the sections, in the order of their kinds and
without gaps. Every section is padded to 16 bytes, and the padding belongs to the section, so
each byte of the file lies under exactly one CRC. All numbers are little-endian. Tables are
tiled by the models: the regions, tensors, steps and persistent ranges of model 1 follow those
of model 0 immediately, so a record that no model owns cannot exist.

The device reader's constants are generated from here (`hocket lab generate`).
"""

from __future__ import annotations

import binascii
import struct
from enum import IntEnum, IntFlag

from construct import (
    Array,
    Bytes,
    Float32l,
    Int8ul,
    Int16ul,
    Int32sl,
    Int32ul,
    Int64ul,
    Struct,
)

#: The high bit catches 7-bit transfers, CR LF and the lone LF catch line-end conversion either
#: way, and 0x1A stops a console listing.
MAGIC = b"\x89HKT\r\n\x1a\n"
VERSION_MAJOR = 1
VERSION_MINOR = 1

#: The NPU fetches command streams and weights in 16-byte bursts.
ALIGNMENT = 16
#: Every offset and size stays below this, so that it is a small integer (and indexing with it
#: allocates nothing) on a 32-bit MicroPython.
SIZE_LIMIT = 1 << 30
#: A newer minor version may append sections, up to this many.
SECTION_LIMIT = 32
#: Models and tasks, each; keeps pairwise checks on the device short.
MODEL_LIMIT = 256
TASK_LIMIT = 256

REGION_SLOTS = 8
MAX_RANK = 6

#: Fields of the ID register that must agree between a container and an NPU: architecture major
#: [31:28] and minor [27:20] revision and product [15:12]. Patch and RTL revisions may differ.
NPU_ID_MASK = 0xFFF0F000


class SectionKind(IntEnum):
    """What a section holds; also the order of the sections in the file."""

    MODELS = 1
    REGIONS = 2
    TENSORS = 3
    STEPS = 4
    PERSISTENT = 5
    TASKS = 6
    PLAN = 7
    STRINGS = 8
    STREAMS = 9
    DATA = 10
    #: For the host only; a device checks its CRC and reads no further.
    NOTES = 11


class RegionKind(IntEnum):
    """What one of the NPU's eight base pointers refers to."""

    UNUSED = 0
    READ_ONLY = 1
    ARENA = 2


class StepKind(IntEnum):
    """Who executes a step: its stream is an NPU's, or a `CPU_PROGRAM` for the CPU.

    Readers of version 1.0 refuse the second kind.
    """

    NPU = 0
    CPU = 1


class ProgramFlag(IntFlag):
    """Properties of a program for the CPU."""

    NONE = 0
    #: The next step is the CPU's, too, and follows without letting other tasks go first.
    RUN_ON = 1


class Policy(IntEnum):
    """How the NPU is handed from one job to the next."""

    FIFO = 0
    FP = 1
    EDF = 2
    RR = 3


class Overrun(IntEnum):
    """What becomes of a release whose predecessor has not finished."""

    SKIP = 0
    QUEUE = 1
    ABORT = 2


class ModelFlag(IntFlag):
    """Properties of a model."""

    NONE = 0
    #: Other models that say the same may use the same arena bytes (they never run interleaved).
    SHARED_ARENA = 1


class DType(IntEnum):
    """Element type of a tensor."""

    INT8 = 1
    UINT8 = 2
    INT16 = 3
    UINT16 = 4
    INT32 = 5
    UINT32 = 6
    INT64 = 7
    FLOAT32 = 8
    BOOL = 9

    @property
    def label(self) -> str:
        """Name as numpy spells it."""
        return self.name.lower()

    @property
    def size(self) -> int:
        """Bytes of one element."""
        return struct.calcsize(f"<{self.typecode}")

    @property
    def typecode(self) -> str:
        """Type code of Python's ``array`` and ``struct`` modules."""
        return _TYPECODES[self - 1]


#: In the order of the types.
_TYPECODES = "bBhHiIqfB"

# A field called "reserved" is zero in this minor version and ignored from a newer one. A field
# that is a string holds an offset into the strings section: 16-bit length, then UTF-8.

HEADER = Struct(
    "magic" / Bytes(len(MAGIC)),
    "version_major" / Int16ul,
    "version_minor" / Int16ul,
    "header_crc" / Int32ul,  # of header and section table, without this field
    "total_size" / Int32ul,
    "section_count" / Int32ul,
    "npu_config" / Int32ul,
    "npu_id" / Int32ul,
    "npu_hz" / Int32ul,
    "arena_size" / Int32ul,
    "accelerator" / Int32ul,  # string
    "policy" / Int8ul,
    "reserved" / Bytes(19),
)

SECTION = Struct(
    "kind" / Int32ul,
    "offset" / Int32ul,
    "size" / Int32ul,  # with padding
    "record_size" / Int32ul,
    "count" / Int32ul,
    "crc" / Int32ul,  # of all `size` bytes
    "reserved" / Bytes(8),
)

MODEL = Struct(
    "name" / Int32ul,  # string
    "flags" / Int32ul,
    "first_region" / Int32ul,
    "first_tensor" / Int32ul,  # inputs, then outputs
    "inputs" / Int32ul,
    "outputs" / Int32ul,
    "first_step" / Int32ul,
    "steps" / Int32ul,
    "first_persistent" / Int32ul,
    "persistent" / Int32ul,
    "arena_offset" / Int32ul,  # from the start of the pool
    "arena_size" / Int32ul,
)

REGION = Struct(
    "offset" / Int32ul,  # read-only: from the start of the container; arena: of the pool
    "size" / Int32ul,
    "kind" / Int8ul,
    "reserved" / Bytes(3),
)

TENSOR = Struct(
    "name" / Int32ul,  # string
    "dtype" / Int8ul,
    "rank" / Int8ul,
    "region" / Int8ul,
    "reserved" / Bytes(1),
    "shape" / Array(MAX_RANK, Int32ul),  # zero past the rank
    "scale" / Float32l,  # 0 for a tensor that is not quantised
    "zero_point" / Int32sl,
    "offset" / Int32ul,  # from the start of the region
    "size" / Int32ul,
)

# The stream's place comes first: a dispatcher indexes this table as 32-bit words. Cycles are those
# of the unit that executes the step.
STEP = Struct(
    "stream_offset" / Int32ul,  # from the start of the container
    "stream_size" / Int32ul,
    "nominal_cycles" / Int32ul,
    "worst_cycles" / Int32ul,
    "first_operation" / Int32ul,
    "operations" / Int32ul,
    "name" / Int32ul,  # string
    "kind" / Int8ul,
    "reserved" / Bytes(3),
)

PERSISTENT = Struct(
    "model" / Int32ul,
    "offset" / Int32ul,  # from the start of the region
    "size" / Int32ul,
    "region" / Int8ul,
    "fill" / Int8ul,  # byte that the range holds before the first inference
    "reserved" / Bytes(2),
    # From the start of the container: what the range holds instead; 0 for none. Since 1.1.
    "initial" / Int32ul,
)

# Lies among the streams, 16-byte aligned. Operands follow it, inputs first, then the parameters,
# filled up to whole 32-bit words.
CPU_PROGRAM = Struct(
    "code" / Int16ul,  # of the operator; 128 and more for an application's own
    "flags" / Int8ul,
    "inputs" / Int8ul,
    "outputs" / Int8ul,
    "reserved" / Bytes(3),
    "step_cycles" / Int32ul,  # CPU cycles of the longest CPU step
    "steps" / Int32ul,  # CPU steps
    "scratch_region" / Int32ul,  # memory that nothing outlives the step in; all zero for none
    "scratch_offset" / Int32ul,
    "scratch_size" / Int32ul,
    "params_size" / Int32ul,
)

OPERAND = Struct(
    "region" / Int32ul,
    "offset" / Int32ul,  # from the start of the region
    "size" / Int32ul,
)

TASK = Struct(
    "name" / Int32ul,  # string
    "model" / Int32ul,
    "period_ns" / Int64ul,
    "deadline_ns" / Int64ul,
    "offset_ns" / Int64ul,
    "cpu_ns" / Int32ul,
    "priority" / Int8ul,  # 0 is the most urgent
    "overrun" / Int8ul,
    "reserved" / Bytes(2),
)

# Record i belongs to task i.
PLAN = Struct(
    "segments" / Int32ul,
    "longest_segment_cycles" / Int32ul,
    "total_cycles" / Int64ul,
    "blocking_cycles" / Int64ul,
    "response_bound_ns" / Int64ul,  # 0: not analysed
)

STRING_LENGTH = Int16ul

#: Record structure of each section that is a table.
TABLES = {
    SectionKind.MODELS: MODEL,
    SectionKind.REGIONS: REGION,
    SectionKind.TENSORS: TENSOR,
    SectionKind.STEPS: STEP,
    SectionKind.PERSISTENT: PERSISTENT,
    SectionKind.TASKS: TASK,
    SectionKind.PLAN: PLAN,
}

#: Record size of every section in this minor version.
RECORD_SIZES: dict[SectionKind, int] = {
    **{kind: struct.sizeof() for kind, struct in TABLES.items()},
    SectionKind.STRINGS: 1,
    SectionKind.STREAMS: ALIGNMENT,
    SectionKind.DATA: ALIGNMENT,
    SectionKind.NOTES: 1,
}

#: Records of version 1.0 that have grown since; a reader takes their new fields for zero.
RECORD_SIZES_1_0 = {SectionKind.PERSISTENT: 16}

HEADER_CRC_OFFSET = 12


def align(size: int) -> int:
    """Round ``size`` up to the container's alignment."""
    return -(-size // ALIGNMENT) * ALIGNMENT


def record_size(kind: SectionKind, minor: int) -> int:
    """Bytes of a record that a container of this minor version, at most ours, must have."""
    return RECORD_SIZES_1_0.get(kind, RECORD_SIZES[kind]) if minor == 0 else RECORD_SIZES[kind]


def program_size(operands: int, params: int) -> int:
    """Bytes of a program for the CPU with so many operands and bytes of parameters."""
    return int(CPU_PROGRAM.sizeof() + operands * OPERAND.sizeof() + -(-params // 4) * 4)


def header_crc(header: bytes | memoryview) -> int:
    """CRC-32 of header and section table, skipping the field that holds it."""
    first = binascii.crc32(header[:HEADER_CRC_OFFSET])
    return binascii.crc32(header[HEADER_CRC_OFFSET + 4 :], first)

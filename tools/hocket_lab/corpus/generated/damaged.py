# SPDX-License-Identifier: Apache-2.0
"""Damaged files: cut short, with bytes changed, with everything referring to everything."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import flatbuffers

from .example import Example, network, random, refused

#: Bytes that lengths, offsets and signs turn on.
_BYTES = (0, 1, 4, 0x7F, 0x80, 0xFF)


def examples() -> Iterator[Example]:
    """None of them ends in anything but a refusal."""
    whole = network()
    for share in (1, 3, 7):
        data = whole[: len(whole) * share // 8]
        yield Example(f"cut-{share}-eighths.tflite", data, refused("damaged"))
    yield Example("tables-without-end.tflite", _entangled(), refused("damaged"))
    yield Example("no-graph.tflite", struct.pack("<I", 8) + b"TFL3", refused("damaged"))


def mutants(data: bytes, count: int, name: str = "") -> Iterator[bytes]:
    """A model with a few bytes changed, most of them in its tables."""
    draw = random(f"mutants {name}")
    for _ in range(count):
        mutant = bytearray(data)
        for _ in range(int(draw.integers(1, 5))):
            at = int(draw.integers(0, len(mutant)))
            mutant[at] = _BYTES[int(draw.integers(len(_BYTES)))] ^ int(
                draw.integers(2) * draw.integers(256)
            )
        yield bytes(mutant)


def _entangled(count: int = 4000) -> bytes:
    """Thousands of references to one subgraph, which has thousands to one tensor."""
    builder = flatbuffers.Builder(1024)

    def same(offset: int) -> int:
        builder.StartVector(4, count, 4)
        for _ in range(count):
            builder.PrependUOffsetTRelative(offset)
        return int(builder.EndVector())

    builder.StartObject(1)
    tensors = same(builder.EndObject())
    builder.StartObject(1)
    builder.PrependUOffsetTRelativeSlot(0, tensors, 0)
    graphs = same(builder.EndObject())
    builder.StartObject(3)
    builder.PrependUint32Slot(0, 3, 0)
    builder.PrependUOffsetTRelativeSlot(2, graphs, 0)
    builder.Finish(builder.EndObject(), file_identifier=b"TFL3")
    return bytes(builder.Output())

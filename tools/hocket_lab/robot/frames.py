# SPDX-License-Identifier: Apache-2.0
"""Frames for an application's networks with the outputs that tflite_micro has for them.

One file for the device to read in place, little-endian: number of tasks; a row a task, in the order
of the container's (offset of its frames, their number, bytes of its inputs, bytes of its outputs);
then frame by frame all inputs and all outputs.
"""

from __future__ import annotations

import struct
from itertools import islice

from hocket_tools.app.inputs import open_inputs
from hocket_tools.pack.packed import Packed
from hocket_tools.reference.oracle import Oracle

_COUNT = struct.Struct("<I")
_ROW = struct.Struct("<4I")
_ALIGN = 16


def build_frames(packed: Packed, count: int) -> bytes:
    """Frames from the application's own inputs.

    Parameters
    ----------
    packed
        The application.
    count
        Frames a task.

    Raises
    ------
    HocketError
        An input cannot be read, or tflite_micro refuses a network.
    """
    application, image = packed.application, packed.image
    sources = open_inputs(application, image)
    rows, body = [], b""
    at = _aligned(_COUNT.size + _ROW.size * len(image.tasks))
    for task in image.tasks:
        oracle = Oracle(application.model(task.name).read())
        content = b""
        sizes = 0, 0
        for inputs in islice(sources[task.name], count):
            given = b"".join(part.tobytes() for part in inputs)
            wanted = b"".join(part.tobytes() for part in oracle.run(inputs))
            sizes = len(given), len(wanted)
            content += given + wanted
        rows.append((at + len(body), count, *sizes))
        body += content + bytes(-len(content) % _ALIGN)
    head = _COUNT.pack(len(rows)) + b"".join(_ROW.pack(*row) for row in rows)
    return head.ljust(at, b"\0") + body


def _aligned(size: int) -> int:
    return -(-size // _ALIGN) * _ALIGN

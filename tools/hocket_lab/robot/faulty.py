# SPDX-License-Identifier: Apache-2.0
"""Sound containers with one command stream that an NPU cannot run to its end.

The device's reader cannot see it: it checks that a stream is where it should be, not what it says.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from hocket_host.ethosu.stream.isa import PAYLOAD, Cmd
from hocket_tools import container as hkt

_UNKNOWN_COMMAND = 0x3FF
_OUTSIDE = 0x00FF_FFF0


def _parse_error(words: list[int]) -> list[int]:
    """No Ethos-U has this command."""
    return [_UNKNOWN_COMMAND, *words]


def _bus_abort(words: list[int]) -> list[int]:
    """Every feature map lies far outside its region."""
    changed = list(words)
    at = 0
    while at < len(words):
        key = words[at] & 0xFFFF
        if key in (Cmd.IFM_BASE0, Cmd.OFM_BASE0):
            changed[at + 1] = _OUTSIDE
        at += 2 if words[at] & PAYLOAD else 1
    return changed


def _hang(words: list[int]) -> list[int]:
    """Without NPU_OP_STOP there is no interrupt at its end."""
    return words[:-1]


FAULTS: dict[str, Callable[[list[int]], list[int]]] = {
    "parse_error": _parse_error,
    "bus_abort": _bus_abort,
    "hang": _hang,
}
"""What is done to the words of a stream, by the container's name."""


def with_fault(image: hkt.Image, name: str) -> hkt.Image:
    """An image whose second task fails in its shortest segment.

    The shortest, because a hang holds the NPU for several times its worst case.
    """
    index = image.tasks[1].model
    model = image.models[index]
    step = min(model.steps, key=lambda each: each.worst_cycles)
    words = np.frombuffer(step.stream, dtype="<u4").tolist()
    broken = replace(step, stream=np.array(FAULTS[name](words), dtype="<u4").tobytes())
    steps = tuple(broken if each is step else each for each in model.steps)
    models = list(image.models)
    models[index] = replace(model, steps=steps)
    return replace(image, models=tuple(models))

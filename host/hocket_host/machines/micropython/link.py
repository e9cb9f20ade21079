# SPDX-License-Identifier: Apache-2.0
"""What the two processes say to each other; ``guest.py`` has the other half.

The guest asks and waits for an answer. Before the answer it may be notified of interrupts, one at a
time, and asks on from inside its handlers.
"""

from __future__ import annotations

import struct
from enum import IntEnum

REQUEST = struct.Struct("<BxxxIqq")
"""Request, length of the data that follow, two arguments."""
ANSWER = struct.Struct("<Bxxxi")
"""Reply, and a value: the result, or the number of an interrupt."""


class Request(IntEnum):
    """What the guest asks for."""

    READ = 0
    """Address, size."""
    WRITE = 1
    """Address, value; always a word."""
    NOW = 2
    """Ticks in us, wrapping at 2**30."""
    ADVANCE = 3
    """Nanoseconds."""
    IDLE = 4
    """Tick to wait for, or -1."""
    HOOK = 5
    """Number of an interrupt, 1 to enable and 0 to disable."""
    DISABLE = 6
    ENABLE = 7
    """State."""
    SERVED = 8
    """An interrupt's handler has returned; there is no answer."""
    FRAME = 9
    """Task; answered with the length of the data that follow."""
    OUTPUT = 10
    """Task; with data."""
    REPORT = 11
    """With text."""
    STEP = 12
    """Network << 16 | step of which a CPU step was done, 1 for its last; its time passes."""


class Reply(IntEnum):
    """What the guest receives."""

    RESULT = 0
    INTERRUPT = 1

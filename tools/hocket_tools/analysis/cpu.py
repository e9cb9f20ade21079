# SPDX-License-Identifier: Apache-2.0
"""Delay of one piece on the CPU: cooperative pieces by priority, dispatches on top of all.

A piece waits for one less urgent piece under way, for the pieces of tasks as urgent or more, and
for the dispatches in all that time: the response time of non-preemptive fixed priorities (George,
Rivierre and Spuri, 1996) without self-interference, since a task's pieces follow one another.
"""

from __future__ import annotations

from collections.abc import Sequence

from .dispatches import Dispatches
from .stages import INFINITE, Stage, fixed_point
from .taskset import TICK_NS


def cpu_blocking_ns(stages: Sequence[Stage], me: int) -> int:
    """Longest piece of a less urgent task.

    At least what is left of a tick: releases count from the tick in which the kernel's loop begins.
    """
    own = stages[me].task.priority
    pieces = [s.last_piece_ns for s in stages if s.task.priority > own]
    return max(TICK_NS - 1, *pieces, 0)


def cpu_delay_ns(
    stages: Sequence[Stage], me: int, piece_ns: int, dispatches: Dispatches, horizon_ns: int
) -> int:
    """Longest time from the arrival of a piece to its end; `INFINITE` beyond the horizon."""
    own = stages[me]
    rivals = [
        s for index, s in enumerate(stages) if index != me and s.task.priority <= own.task.priority
    ]
    if any(s.unbounded() for s in rivals):
        return INFINITE
    blocking = cpu_blocking_ns(stages, me)

    def busy_ns(window: int) -> int:
        work = sum(s.cpu_pieces_ns(window) for s in (own, *rivals))
        return blocking + work + dispatches.stolen_ns(window)

    def delay_ns(window: int) -> int:
        work = sum(s.cpu_pieces_ns(window - piece_ns) for s in rivals)
        return blocking + piece_ns + work + dispatches.stolen_ns(window)

    # A busy period with more than one own piece can push rivals from one to the next; its whole
    # length is then the bound.
    busy = fixed_point(busy_ns, horizon_ns)
    if busy >= INFINITE or not own.one_piece_in(busy):
        return busy
    return fixed_point(delay_ns, horizon_ns)

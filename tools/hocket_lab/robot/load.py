# SPDX-License-Identifier: Apache-2.0
"""The demonstration's networks with more work than the NPU has time for, and with very little."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hocket_tools import container as hkt

_MS = 1_000_000


@dataclass(frozen=True)
class Load:
    """What becomes of the three tasks; periods are deadlines, too."""

    periods_ms: tuple[int, int, int]
    policy: hkt.Policy = hkt.Policy.FP
    priorities: tuple[int, int, int] = (0, 1, 2)
    overrun: hkt.Overrun = hkt.Overrun.SKIP


LOADS = {
    "overload": Load((20, 50, 35)),
    "overload_abort": Load((20, 50, 35), overrun=hkt.Overrun.ABORT),
    "overload_queue": Load((20, 50, 35), overrun=hkt.Overrun.QUEUE),
    "reversed": Load((20, 50, 50), priorities=(2, 1, 0)),
    "reversed_edf": Load((20, 50, 50), priorities=(2, 1, 0), policy=hkt.Policy.EDF),
    "turns": Load((30, 60, 90), priorities=(2, 1, 0), policy=hkt.Policy.RR),
    "sparse": Load((1000, 2000, 5000)),
}
"""By the container's name."""


def loads(image: hkt.Image, name: str) -> hkt.Image:
    """The image under a load."""
    load = LOADS[name]
    tasks = tuple(
        replace(
            task, period_ns=period * _MS, deadline_ns=period * _MS, priority=priority,
            overrun=load.overrun,
        )
        for task, period, priority in zip(
            image.tasks, load.periods_ms, load.priorities, strict=True
        )
    )  # fmt: skip
    return replace(image, policy=load.policy, tasks=tasks)

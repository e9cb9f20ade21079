# SPDX-License-Identifier: Apache-2.0
"""The plan of an application: its tasks, its board's costs and its compiled networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from hocket_host.ethosu.timing.system_config import SystemConfig

from ..prove import TaskSet, Work
from ..prove.steps import CpuRun, Cycles
from ..segment import Segment
from ..segment.network import Compiled
from .network import CompiledNetwork
from .parted import PartedChoices, PartedNetwork
from .placement import Choices, Fixed, Placement
from .plan import CutPlan, plan


class Planner:
    """Plans one application.

    Parameters
    ----------
    taskset
        Tasks and policy, the networks still without a length.
    system
        The NPU's clock and memories.
    cycles
        Which NPU cycles deadlines are proved with.
    compiled
        NPU parts of the networks to be cut, by task: one, unless operators on the CPU lie between.
    given
        Networks whose cuts are given, by task.
    runs
        What the CPU does of the networks to be cut, by task; ``before`` counts parts.
    """

    def __init__(
        self,
        taskset: TaskSet,
        system: SystemConfig,
        cycles: Cycles,
        compiled: Mapping[str, Sequence[Compiled]],
        given: Mapping[str, Placement],
        runs: Mapping[str, tuple[CpuRun, ...]],
    ) -> None:
        self.taskset = taskset
        self._system = system
        self._cycles = cycles
        self._compiled = compiled
        self._given = given
        self._runs = runs
        self._networks: dict[int, dict[str, PartedNetwork]] = {}
        self._names = [task.name for task in taskset.tasks]

    @property
    def npu_hz(self) -> int:
        """The NPU's clock."""
        return self._system.clock_hz

    def plan(
        self,
        taskset: TaskSet | None = None,
        npu_hz: int | None = None,
        work: Work | None = None,
    ) -> CutPlan:
        """Cuts for the application, or for it with other timing or at another clock."""
        hz = self._system.clock_hz if npu_hz is None else npu_hz
        wanted = self.taskset if taskset is None else taskset
        networks = self._at(hz)
        choices: list[Choices] = []
        for name in self._names:
            if name in networks:
                choices.append(PartedChoices(networks[name], wanted.dispatch_ns))
            else:
                given = self._given[name]
                now = self._system.clock_hz
                longest = tuple(-(-e * now // hz) for e in given.segments_ns)
                least = tuple(e * now // hz for e in given.least_ns)
                choices.append(Fixed(replace(given, segments_ns=longest, least_ns=least)))
        return plan(wanted, choices, work)

    def split(self, found: CutPlan, name: str) -> list[list[Segment]]:
        """Segments of each NPU part of a network as planned."""
        placement = found.placements[self._names.index(name)]
        return self._at(self._system.clock_hz)[name].split(placement.cuts)

    def _at(self, hz: int) -> dict[str, PartedNetwork]:
        if hz not in self._networks:
            system = self._system.with_clock(hz)
            self._networks[hz] = {
                name: PartedNetwork(
                    [CompiledNetwork(part, system, self._cycles) for part in parts],
                    self._runs.get(name, ()),
                )
                for name, parts in self._compiled.items()
            }
        return self._networks[hz]

    def stretched(self, index: int, percent: int) -> TaskSet:
        """The tasks with one period, and nothing else, longer by so many percent."""
        tasks = list(self.taskset.tasks)
        longer = -(-tasks[index].period_ns * (100 + percent) // 100)
        tasks[index] = replace(tasks[index], period_ns=longer)
        return replace(self.taskset, tasks=tuple(tasks))

# SPDX-License-Identifier: Apache-2.0
"""Fourth stage of packing: where each network is cut, by its file or by the deadlines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from hocket_host.units import cycles_to_ns

from ..plan import CutPlan, Obstacle, Planner
from ..plan.plan import SEARCH
from ..prove.steps import Cycles
from ..prove.taskset import TaskModel, TaskSet
from ..prove.work import Work
from .place import PlacedNetwork
from .progress import Progress, silent
from .segmented import SegmentedNetwork, segment_network
from .target import Target

#: NPU cycles below which tiles are not worth their dispatch.
_SHORTEST_TILE = 1000


def cut_networks(
    target: Target,
    networks: Mapping[str, PlacedNetwork],
    cut: str | int | None = None,
    progress: Progress = silent,
) -> dict[str, SegmentedNetwork]:
    """Every network in segments: as the file asks, or as few as the deadlines need.

    Parameters
    ----------
    target, networks
        What the stages before came to.
    cut
        Replaces every cut that the file asks for.
    progress
        Called with a line about what is being done.
    """
    wanted = _Wanted.of(target, networks, cut, progress)
    segmented = dict(wanted.given)
    if wanted.free:
        progress("planning cuts")
        planned = _plan(target, wanted)
        for name, network in planned.networks.items():
            parts = tuple(tuple(part) for part in planned.planner.split(planned.plan, name))
            segmented[name] = SegmentedNetwork(network, parts)
    return {name: segmented[name] for name in networks}


def planner_of(
    target: Target,
    networks: Mapping[str, PlacedNetwork],
    cut: str | int | None = None,
    cycles: Cycles | None = None,
) -> Planner:
    """What plans an application's cuts, those that the file gives left as they are.

    ``cycles`` replaces the figures that the file asks for.
    """
    wanted = _Wanted.of(target, networks, cut)
    if cycles is None:
        return _plan(target, wanted).planner
    return _planner(target, wanted.free, wanted.given, cycles)


@dataclass(frozen=True)
class _Wanted:
    """Networks whose cuts are given, and those that the planner is free to cut."""

    given: Mapping[str, SegmentedNetwork]
    free: Mapping[str, PlacedNetwork]

    @classmethod
    def of(
        cls,
        target: Target,
        networks: Mapping[str, PlacedNetwork],
        cut: str | int | None,
        progress: Progress = silent,
    ) -> _Wanted:
        given, free = {}, {}
        for name, placed in networks.items():
            how = target.application.cut(name) if cut is None else cut
            if how == "auto" and placed.network.npu_parts:
                free[name] = placed
            else:
                progress(f"cutting {name}")
                given[name] = segment_network(placed, "none" if how == "auto" else how)
        return cls(given, free)


@dataclass(frozen=True)
class _Planned:
    """A plan, who made it, and the networks that it cuts."""

    planner: Planner
    plan: CutPlan
    networks: Mapping[str, PlacedNetwork]


def _plan(target: Target, wanted: _Wanted) -> _Planned:
    """Plan the cuts.

    Where no cut between operations will do, long operations of the networks that are in the way
    are tiled too, into ever shorter tiles until a plan is found: the longer the tiles, the less
    they cost.
    """
    work = Work(SEARCH)
    tiled = dict(wanted.free)
    untried = {name: tile_bounds(placed) for name, placed in wanted.free.items()}
    planner = _planner(target, tiled, wanted.given)
    first = found = _Planned(planner, planner.plan(work=work), wanted.free)
    while (obstacle := found.plan.obstacle) is not None and not obstacle.alone:
        name = _in_the_way(list(target.application.tasks), obstacle, tiled)
        bound = None if name is None else _next_bound(untried[name], obstacle, planner.npu_hz)
        if name is None or bound is None:
            break
        tiled[name] = wanted.free[name].tiled(bound)
        planner = _planner(target, tiled, wanted.given)
        found = _Planned(planner, planner.plan(work=work), dict(tiled))
    return first if found.plan.obstacle is not None else found


def _in_the_way(
    names: list[str], obstacle: Obstacle, networks: Mapping[str, PlacedNetwork]
) -> str | None:
    """Whose operations to shorten: the blocker's, or the longest where nobody is to blame."""
    if obstacle.blocker is None:
        return max(networks, key=lambda name: networks[name].longest_operation, default=None)
    name = names[obstacle.blocker]
    return name if name in networks else None


def _next_bound(untried: Iterator[int], obstacle: Obstacle, npu_hz: int) -> int | None:
    """The next length of tiles worth trying, in NPU cycles."""
    tolerance_ns = obstacle.tolerance_ns
    for bound in untried:
        # Tiles far beyond the tolerance are not. What comes out is often little more
        # than half as long as the bound.
        if tolerance_ns is None or cycles_to_ns(bound, npu_hz) <= 2 * tolerance_ns:
            return bound
    return None


def tile_bounds(placed: PlacedNetwork) -> Iterator[int]:
    """Lengths of tiles in NPU cycles, from long to short, that packing tries on a network."""
    bound = placed.longest_operation
    while bound > 2 * _SHORTEST_TILE:
        bound //= 2
        yield bound


def _planner(
    target: Target,
    free: Mapping[str, PlacedNetwork],
    given: Mapping[str, SegmentedNetwork],
    cycles: Cycles | None = None,
) -> Planner:
    cycles, cpu_hz = cycles or target.application.schedule.cycles, target.cpu_hz
    return Planner(
        timing_of(target),
        target.system,
        cycles,
        {name: placed.network.npu_parts for name, placed in free.items()},
        {name: network.placement(cpu_hz, cycles) for name, network in given.items()},
        {
            name: placed.cpu_runs(target.system.clock_hz, cpu_hz, cycles)
            for name, placed in free.items()
        },
    )


def timing_of(target: Target) -> TaskSet:
    """The application's tasks, their networks still without a length."""
    application = target.application
    return TaskSet(
        tasks=tuple(
            TaskModel(
                name=name,
                period_ns=task.period,
                deadline_ns=task.deadline_ns,
                segments_ns=(1,),
                cpu_ns=task.cpu,
                offset_ns=task.offset,
                jitter_ns=task.jitter,
                priority=application.priorities[name],
                overrun=task.overrun,
            )
            for name, task in application.tasks.items()
        ),
        policy=application.schedule.policy,
        npu_hz=target.system.clock_hz,
        **target.kernel_costs.by_name,
    )

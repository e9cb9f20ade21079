# SPDX-License-Identifier: Apache-2.0
"""From an application file to the image of a container: compile, split, lay out, describe."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

import numpy as np

from hocket_host.errors import HocketError
from hocket_host.ethosu.system import SystemConfig, parse_system_config
from hocket_host.ethosu.timing import stream_cycles
from hocket_host.soc import board as boards
from hocket_host.units import cycles_to_ns, format_size, ns_to_cycles

from . import container as hkt
from .analysis import Proof, TaskSet, analyse
from .application import Application, Task
from .notes import Notes
from .pieces import bound_pieces
from .planner import Plan, Planner
from .splitter import Segment, choose, split
from .vela import CompiledModel, VelaOptions, compile_model
from .vela.options import resolve, vela_ini
from .vela.result import Tensor

Report = Callable[[str], None]

_ALIGN = 16
#: NPU cycles below which pieces are not worth their dispatch.
_SHORTEST_PIECE = 1000


class PackError(HocketError):
    """An application whose networks do not fit the board."""


@dataclass(frozen=True)
class _Network:
    """A task's network, compiled and cut."""

    compiled: CompiledModel
    segments: tuple[Segment, ...]
    system: SystemConfig


def build_image(
    application: Application,
    *,
    cut: str | int | None = None,
    folder: Path | None = None,
    report: Report = lambda text: None,
) -> hkt.Image:
    """Compile and cut every network of an application and place them on the board.

    Parameters
    ----------
    application
        Checked application file.
    cut
        Replaces every cut that the file asks for.
    folder
        Where the container is to lie, to add notes that lead the host back to models and inputs;
        None adds none.
    report
        Called with a line about what is being done.

    Raises
    ------
    HocketError
        Vela refuses a model, or the networks do not fit the board.
    """
    networks = _cut_networks(application, cut, report)
    system = next(iter(networks.values())).system
    report("laying out memory")
    models, arena_size = _lay_out(application, networks)
    tasks = tuple(
        hkt.Task(
            name=name,
            model=index,
            period_ns=task.period,
            deadline_ns=task.deadline_ns,
            offset_ns=task.offset,
            priority=application.priorities[name],
            overrun=hkt.Overrun[task.overrun.upper()],
            cpu_ns=task.cpu,
        )
        for index, (name, task) in enumerate(application.tasks.items())
    )
    npu = next(iter(networks.values())).compiled.npu
    image = hkt.Image(
        accelerator=npu.name,
        npu_config=npu.config_register,
        npu_id=npu.id_register,
        npu_hz=system.clock_hz,
        arena_size=arena_size,
        policy=hkt.Policy[application.schedule.policy.upper()],
        models=models,
        tasks=tasks,
        notes=b"" if folder is None else Notes.of(application, folder).to_bytes(),
    )
    report("proving deadlines")
    return replace(image, plan=_plan(prove(application, image), image))


def taskset_of(application: Application, image: hkt.Image) -> TaskSet:
    """Tasks of a packed application, with its board's costs and the cycles it is proved with."""
    board = load_board(application)
    return TaskSet.from_image(
        image,
        dispatch_cpu_cycles=board.dispatch_cpu_cycles,
        resume_cpu_cycles=board.resume_cpu_cycles,
        release_cpu_cycles=board.release_cpu_cycles,
        completion_cpu_cycles=board.completion_cpu_cycles,
        cpu_hz=application.board.cpu_clock or board.cpu_hz,
        cycles=application.schedule.cycles,
    )


def prove(application: Application, image: hkt.Image) -> Proof:
    """Bounds on the response times of a packed application."""
    return analyse(taskset_of(application, image))


def planner_of(
    application: Application, *, cut: str | int | None = None, report: Report = lambda text: None
) -> Planner:
    """What plans an application's cuts, those that the file gives left as they are."""
    system = system_config(application)
    free: dict[str, CompiledModel] = {}
    given: dict[str, _Network] = {}
    for name, compiled in _compile(application, report):
        wanted = application.cut(name) if cut is None else cut
        if wanted == "auto":
            free[name] = compiled
        else:
            given[name] = _split(compiled, system, wanted)
    return _planned(application, system, free, given)[0]


def _planned(
    application: Application,
    system: SystemConfig,
    free: dict[str, CompiledModel],
    given: dict[str, _Network],
) -> tuple[Planner, Plan, dict[str, CompiledModel]]:
    """The plan, who made it, and the networks that it cuts.

    Where no cut between operations will do, long operations are cut into pieces too, into ever
    shorter ones until a plan is found: the longer the pieces, the less they cost.
    """
    planner = _planner(application, system, free, given)
    found = planner.plan()
    bound = max((_longest_operation(compiled, system) for compiled in free.values()), default=0)
    while found.obstacle is not None and bound > 2 * _SHORTEST_PIECE:
        bound //= 2
        pieces = {name: bound_pieces(compiled, bound, system) for name, compiled in free.items()}
        closer = _planner(application, system, pieces, given)
        attempt = closer.plan()
        if attempt.obstacle is None:
            return closer, attempt, pieces
    return planner, found, free


def _longest_operation(compiled: CompiledModel, system: SystemConfig) -> int:
    timing = stream_cycles(compiled.stream.operations, compiled.npu, system)
    return max(operation.cycles for operation in timing.operations)


def _planner(
    application: Application,
    system: SystemConfig,
    free: dict[str, CompiledModel],
    given: dict[str, _Network],
) -> Planner:
    def lengths(network: _Network) -> tuple[int, ...]:
        steps = [_timed(segment, network) for segment in network.segments]
        worst = application.schedule.cycles == "worst"
        return tuple(
            cycles_to_ns(s.worst_cycles if worst else s.nominal_cycles, system.clock_hz)
            for s in steps
        )

    segments = {name: lengths(network) for name, network in given.items()}
    return Planner(application, load_board(application), system, free, segments)


def _cut_networks(
    application: Application, cut: str | int | None, report: Report
) -> dict[str, _Network]:
    """Every network, compiled and cut as the file asks, or as the deadlines need."""
    system = system_config(application)
    networks: dict[str, _Network] = {}
    free: dict[str, CompiledModel] = {}
    for name, compiled in _compile(application, report):
        wanted = application.cut(name) if cut is None else cut
        if wanted == "auto":
            free[name] = compiled
        else:
            report(f"splitting {name}")
            networks[name] = _split(compiled, system, wanted)
    if free:
        report("planning cuts")
        planner, found, cuttable = _planned(application, system, free, networks)
        for name, compiled in cuttable.items():
            networks[name] = _Network(compiled, tuple(planner.split(found, name)), system)
    return {name: networks[name] for name in application.tasks}


def vela_options(application: Application, task: Task) -> VelaOptions:
    """Vela's options for one task."""
    npu = application.npu
    return VelaOptions(
        accelerator_config=npu.accelerator_config,
        system_config=npu.system_config,
        memory_mode=npu.memory_mode,
        config=tuple(str(_config_path(application, path)) for path in npu.config),
        optimise=task.optimise or npu.optimise,
        arena_cache_size=task.arena_cache_size,
    )


def _config_path(application: Application, path: Path) -> Path:
    """As Vela resolves it: a file of the user's, else one of Vela's own (`Arm/vela.ini`)."""
    resolved = application.resolve(path)
    own = vela_ini().parent.parent / path
    return resolved if resolved.is_file() or not own.is_file() else own


def system_config(application: Application) -> SystemConfig:
    """Memories and clock of the NPU, with the application's own clock if it names one."""
    first = next(iter(application.tasks.values()))
    resolved = resolve(vela_options(application, first))
    return parse_system_config(
        resolved.config_text,
        resolved.npu,
        system_config=resolved.system_config,
        memory_mode=resolved.memory_mode,
        clock_hz=application.npu.clock,
    )


def _compile(application: Application, report: Report) -> Iterator[tuple[str, CompiledModel]]:
    """Each task's compiled model; those to come are compiled while one is split."""
    wanted = {
        name: (application.resolve(task.model), vela_options(application, task))
        for name, task in application.tasks.items()
    }
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        pending = {key: pool.submit(compile_model, *key) for key in dict.fromkeys(wanted.values())}
        for name, key in wanted.items():
            report(f"compiling {key[0].name} for {name}")
            yield name, pending[key].result()


def _split(compiled: CompiledModel, system: SystemConfig, cut: str | int) -> _Network:
    timing = stream_cycles(compiled.stream.operations, compiled.npu, system)
    mode = cut if isinstance(cut, str) else max(ns_to_cycles(cut, system.clock_hz), 1)
    points = choose(compiled, mode, lambda index: timing.operations[index].cycles)
    return _Network(compiled, tuple(split(compiled, points)), system)


def load_board(application: Application) -> boards.Board:
    """The board of an application: one of Hocket's by its name, or a file of the user's."""
    path = application.resolve(Path(application.board.name))
    return boards.load(path if path.exists() else application.board.name)


def _lay_out(
    application: Application, networks: dict[str, _Network]
) -> tuple[tuple[hkt.Model, ...], int]:
    """Give every network its own part of the arena pool, one after the other."""
    models = []
    at = 0
    for name, network in networks.items():
        model, size = _model(name, network, at)
        models.append(model)
        at += size
    available = load_board(application).arena_size
    if at > available:
        parts = ", ".join(f"{m.name} {format_size(m.arena_size)}" for m in models)
        raise PackError(
            "the networks' arenas do not fit the board",
            where=application.path,
            found=f"{format_size(at)} ({parts})",
            expected=f"at most {format_size(available)} on {application.board.name}",
            try_='optimise = "Size" or a smaller arena-cache-size for the largest',
        )
    return tuple(models), at


def _model(name: str, network: _Network, arena_offset: int) -> tuple[hkt.Model, int]:
    compiled = network.compiled
    regions = [hkt.Region() for _ in range(8)]
    regions[compiled.flash_region] = hkt.Region.read_only(compiled.read_only)
    size = 0
    for region, length in compiled.regions.items():
        if region != compiled.flash_region and length:
            regions[region] = hkt.Region.arena(arena_offset + size, length)
            size += -(-length // _ALIGN) * _ALIGN
    timed = [_timed(segment, network) for segment in network.segments]
    model = hkt.Model(
        name=name,
        regions=tuple(regions),
        inputs=tuple(_tensor(t) for t in compiled.inputs),
        outputs=tuple(_tensor(t) for t in compiled.outputs),
        steps=tuple(timed),
        arena_offset=arena_offset,
        arena_size=size,
        persistent=tuple(
            part
            for state in compiled.state
            for part in _persistent(state.region, state.offset, state.initial)
        ),
    )
    return model, size


def _timed(segment: Segment, network: _Network) -> hkt.Step:
    """A segment with the cycles of what it really holds: prologue, reloads and its own waits."""
    arguments = segment.stream.operations, network.compiled.npu, network.system
    return hkt.Step(
        name=segment.name,
        stream=segment.data,
        nominal_cycles=stream_cycles(*arguments).total_cycles,
        worst_cycles=stream_cycles(*arguments, worst=True).total_cycles,
        first_operation=segment.first,
        operations=segment.last - segment.first,
    )


def _tensor(tensor: Tensor) -> hkt.Tensor:
    return hkt.Tensor(
        name=tensor.name,
        shape=tensor.shape,
        dtype=hkt.DType[tensor.dtype.upper()],
        scale=float(np.float32(tensor.scale or 0.0)),
        zero_point=tensor.zero_point,
        region=tensor.region,
        offset=tensor.offset,
        size=tensor.size,
    )


def _persistent(region: int, offset: int, initial: bytes) -> list[hkt.PersistentRange]:
    """Ranges of one fill byte each."""
    ranges = []
    for fill, run in groupby(initial):
        length = len(list(run))
        ranges.append(hkt.PersistentRange(region, offset, length, fill))
        offset += length
    return ranges


def _plan(proof: Proof, image: hkt.Image) -> tuple[hkt.PlanEntry, ...]:
    """Lengths of segments, blocking, and bounds on response times."""
    entries = []
    for found, task in zip(proof.tasks, image.tasks, strict=True):
        steps = image.models[task.model].steps
        entries.append(
            hkt.PlanEntry(
                segments=len(steps),
                longest_segment_cycles=max(step.worst_cycles for step in steps),
                total_cycles=sum(step.worst_cycles for step in steps),
                blocking_cycles=ns_to_cycles(found.blocking_ns, image.npu_hz),
                response_bound_ns=found.bound_ns or 0,
            )
        )
    return tuple(entries)

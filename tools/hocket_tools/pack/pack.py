# SPDX-License-Identifier: Apache-2.0
"""From an application file to the image of a container: compile, split, lay out, describe."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from hocket_host.board import board as boards
from hocket_host.errors import HocketError
from hocket_host.ethosu.timing.system import SystemConfig, parse_system_config
from hocket_host.units import cycles_to_ns, format_size, ns_to_cycles

from .. import container as hkt
from ..app.application import Application, Task
from ..app.notes import Notes
from ..cpu import costs
from ..plan import CutPlan, Obstacle, Planner
from ..prove import Proof, TaskSet, analyse
from ..vela import Network, VelaOptions, compile_network
from ..vela.options import resolve, vela_ini
from .cut import CutNetwork, Prepared
from .own_operators import load_operators
from .primitives import choose_primitives

Report = Callable[[str], None]

#: NPU cycles below which pieces are not worth their dispatch.
_SHORTEST_PIECE = 1000


class PackError(HocketError):
    """An application whose networks do not fit the board."""


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
    first = next(iter(networks.values())).prepared
    system = first.system
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
    npu = first.network.npu
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
        jitter_ns={name: task.jitter for name, task in application.tasks.items()},
    )


def prove(application: Application, image: hkt.Image) -> Proof:
    """Bounds on the response times of a packed application."""
    return analyse(taskset_of(application, image))


def planner_of(
    application: Application, *, cut: str | int | None = None, report: Report = lambda text: None
) -> Planner:
    """What plans an application's cuts, those that the file gives left as they are."""
    free: dict[str, Prepared] = {}
    given: dict[str, CutNetwork] = {}
    for name, prepared in _prepare(application, report):
        wanted = application.cut(name) if cut is None else cut
        if wanted == "auto" and prepared.network.npu_parts:
            free[name] = prepared
        else:
            given[name] = prepared.cut(wanted if wanted != "auto" else "none")
    return _planned(application, free, given)[0]


def _planned(
    application: Application, free: dict[str, Prepared], given: dict[str, CutNetwork]
) -> tuple[Planner, CutPlan, dict[str, Prepared]]:
    """The plan, who made it, and the networks that it cuts.

    Where no cut between operations will do, long operations of the networks that are in the way
    are cut into pieces too, into ever shorter ones until a plan is found: the longer the pieces,
    the less they cost.
    """
    pieces = dict(free)
    untried = {name: tile_bounds(prepared) for name, prepared in free.items()}
    whole = planner = _planner(application, free, given)
    first = found = planner.plan()
    while found.obstacle is not None and not found.obstacle.alone:
        name = _in_the_way(application, found.obstacle, pieces)
        bound = None if name is None else _next_bound(untried[name], found.obstacle, planner.npu_hz)
        if name is None or bound is None:
            break
        pieces[name] = free[name].bounded(bound)
        planner = _planner(application, pieces, given)
        found = planner.plan()
    if found.obstacle is not None:
        return whole, first, free
    return planner, found, pieces


def _in_the_way(
    application: Application, obstacle: Obstacle, pieces: dict[str, Prepared]
) -> str | None:
    """Whose operations to shorten: the blocker's, or the longest where nobody is to blame."""
    if obstacle.blocker is None:
        return max(pieces, key=lambda name: pieces[name].longest_operation(), default=None)
    name = list(application.tasks)[obstacle.blocker]
    return name if name in pieces else None


def _next_bound(untried: Iterator[int], obstacle: Obstacle, npu_hz: int) -> int | None:
    """The next length of pieces worth trying, in NPU cycles."""
    borne_ns = obstacle.tolerance_ns
    for bound in untried:
        # Far longer ones than the task can wait for are not. What comes out is often little more
        # than half as long as the bound.
        if borne_ns is None or cycles_to_ns(bound, npu_hz) <= 2 * borne_ns:
            return bound
    return None


def tile_bounds(prepared: Prepared) -> Iterator[int]:
    """Lengths of pieces in NPU cycles, from long to short, that packing tries on a network."""
    bound = prepared.longest_operation()
    while bound > 2 * _SHORTEST_PIECE:
        bound //= 2
        yield bound


def _planner(
    application: Application, free: dict[str, Prepared], given: dict[str, CutNetwork]
) -> Planner:
    board = load_board(application)
    system = system_config(application)
    cpu_hz = application.board.cpu_clock or board.cpu_hz
    cycles = application.schedule.cycles
    return Planner(
        application,
        board,
        system,
        {name: prepared.network.npu_parts for name, prepared in free.items()},
        {name: network.placement(cpu_hz, cycles) for name, network in given.items()},
        {
            name: prepared.cpu_runs(system.clock_hz, cpu_hz, cycles)
            for name, prepared in free.items()
        },
    )


def _cut_networks(
    application: Application, cut: str | int | None, report: Report
) -> dict[str, CutNetwork]:
    """Every network, compiled and cut as the file asks, or as the deadlines need."""
    networks: dict[str, CutNetwork] = {}
    free: dict[str, Prepared] = {}
    for name, prepared in _prepare(application, report):
        wanted = application.cut(name) if cut is None else cut
        if wanted == "auto" and prepared.network.npu_parts:
            free[name] = prepared
        else:
            report(f"splitting {name}")
            networks[name] = prepared.cut(wanted if wanted != "auto" else "none")
    if free:
        report("planning cuts")
        planner, found, cuttable = _planned(application, free, networks)
        for name, prepared in cuttable.items():
            parts = tuple(tuple(part) for part in planner.split(found, name))
            networks[name] = CutNetwork(prepared, parts)
    return {name: networks[name] for name in application.tasks}


def prepare(
    application: Application, name: str, network: Network, system: SystemConfig
) -> Prepared:
    """A task's compiled network with primitives for what the processor does of it.

    Raises
    ------
    PrimitiveError
        They do not fit the task's SRAM budget.
    """
    sram = application.tasks[name].sram
    where = f"{application.path}: tasks.{name}.sram"
    with costs.using(_costs(application)):
        choices = choose_primitives(network, sram_bytes=sram, where=where)
    return Prepared(network, choices, system)


def _costs(application: Application) -> costs.Costs:
    """What operators cost on the application's board; a board without figures is like Hocket's."""
    own = costs.path_of(load_board(application).path)
    return costs.load(own if own.is_file() else costs.path_of())


def _prepare(application: Application, report: Report) -> Iterator[tuple[str, Prepared]]:
    system = system_config(application)
    for name, network in compile_networks(application, report):
        yield name, prepare(application, name, network, system)


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


def compile_networks(
    application: Application, report: Report = lambda text: None
) -> Iterator[tuple[str, Network]]:
    """Each task's compiled network; those to come are compiled while one is split."""
    load_operators(application)
    wanted = {
        name: (application.resolve(task.model), vela_options(application, task), task.on_cpu)
        for name, task in application.tasks.items()
    }
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        keys = dict.fromkeys(wanted.values())
        pending = {key: pool.submit(compile_network, *key) for key in keys}
        for name, key in wanted.items():
            report(f"compiling {key[0].name} for {name}")
            yield name, pending[key].result()


def load_board(application: Application) -> boards.Board:
    """The board of an application: one of Hocket's by its name, or a file of the user's."""
    path = application.resolve(Path(application.board.name))
    return boards.load(path if path.exists() else application.board.name)


def _lay_out(
    application: Application, networks: dict[str, CutNetwork]
) -> tuple[tuple[hkt.Model, ...], int]:
    """Give every network its own part of the arena pool, one after the other."""
    models = []
    at = 0
    for name, network in networks.items():
        model, size = network.model(name, at)
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


def _plan(proof: Proof, image: hkt.Image) -> tuple[hkt.PlanEntry, ...]:
    """Lengths of segments, blocking, and bounds on response times."""
    entries = []
    for found, task in zip(proof.tasks, image.tasks, strict=True):
        every = image.models[task.model].steps
        steps = [step for step in every if step.kind == hkt.StepKind.NPU]
        entries.append(
            hkt.PlanEntry(
                segments=len(steps),
                longest_segment_cycles=max((step.worst_cycles for step in steps), default=0),
                total_cycles=sum(step.worst_cycles for step in steps),
                blocking_cycles=ns_to_cycles(found.blocking_ns, image.npu_hz),
                response_bound_ns=found.bound_ns or 0,
            )
        )
    return tuple(entries)

# SPDX-License-Identifier: Apache-2.0
"""First stage of packing: what an application's names stand for, resolved once for all others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hocket_host.board import board as boards
from hocket_host.board.board import Board
from hocket_host.ethosu.config import NpuConfig
from hocket_host.ethosu.timing.system_config import SystemConfig, parse_system_config

from ..app.application import Application, TaskSection
from ..cpu import costs
from ..prove.taskset import KernelCosts
from ..tflite.file import ModelFile
from ..vela.options import ResolvedOptions, VelaOptions, resolve, vela_ini
from .own_operators import load_operators


@dataclass(frozen=True)
class Target:
    """An application and all that it names: every stage of packing and running reads it here."""

    application: Application
    board: Board
    npu: NpuConfig
    system: SystemConfig
    """Memories and clock of the NPU, with the application's own clock if it names one."""
    cpu_hz: int
    """The CPU's clock: the application's own, or else the board's."""
    vela: Mapping[str, ResolvedOptions]
    """Vela's options, by task."""
    operator_costs: costs.Costs
    """What operators cost on the board's CPU."""

    @property
    def kernel_costs(self) -> KernelCosts:
        """CPU time of the kernel's own work."""
        return KernelCosts.of(self.board, self.cpu_hz)

    def model(self, task: str) -> ModelFile:
        """The model of a task."""
        return self.application.model(task)


def resolve_target(application: Application) -> Target:
    """Find board, costs, and Vela's options, and load the application's own operators.

    Raises
    ------
    HocketError
        A board, a configuration of Vela's, or a file of operators is not what it should be.
    """
    load_operators(application)
    board = _board(application)
    vela = {name: resolve(_options(application, task)) for name, task in application.tasks.items()}
    first = next(iter(vela.values()))
    own_costs = costs.path_of(board.path)
    return Target(
        application=application,
        board=board,
        npu=first.npu,
        system=parse_system_config(
            first.config_text,
            first.npu,
            system_config=first.system_config,
            memory_mode=first.memory_mode,
            clock_hz=application.npu.clock,
        ),
        cpu_hz=application.board.cpu_clock or board.cpu_hz,
        vela=vela,
        # A board without figures is taken to be like Hocket's own.
        operator_costs=costs.load(own_costs if own_costs.is_file() else costs.path_of()),
    )


def _board(application: Application) -> Board:
    """One of Hocket's boards by its name, or a file of the user's."""
    path = application.resolve(Path(application.board.name))
    return boards.load(path if path.exists() else application.board.name)


def _options(application: Application, task: TaskSection) -> VelaOptions:
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

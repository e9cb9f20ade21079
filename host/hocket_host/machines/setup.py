# SPDX-License-Identifier: Apache-2.0
"""What an interpreter of this computer, CPython or MicroPython, runs, and on which board."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial

from hocket_host.board.board import Board
from hocket_host.ethosu.config import NpuConfig
from hocket_host.ethosu.device.interfaces import FunctionalModel
from hocket_host.ethosu.timing.system_config import SystemConfig
from hocket_host.ethosu.timing.timing import stream_cycles
from hocket_host.sim.bus import Bus

from .common.npu_options import NpuOptions
from .hosted import HostedBoard
from .results import Frame


@dataclass(frozen=True)
class Setup:
    """A container, its inputs and the board; the same setup gives the same run."""

    container: bytes
    """Bytes of the .hkt file."""
    board: Board
    """Memory map, clocks and CPU costs."""
    npu: NpuConfig
    system: SystemConfig
    """The NPU's clock and the memories behind it."""
    sources: Mapping[str, Iterator[Frame]] = field(default_factory=dict)
    """Successive input frames by task. A task without any infers on what its arena holds."""
    policy: str | None = None
    """NPU policy; the container's own when None."""
    cpu_hz: int | None = None
    """CPU clock; the board's when None."""
    worst: bool = False
    """Let every segment take its worst-case cycles instead of the nominal ones."""

    def power_on(self, model: Callable[[Bus], FunctionalModel] | None = None) -> HostedBoard:
        """The board, with the container in its flash; ``model`` as of `NpuOptions`."""
        timing = partial(stream_cycles, config=self.npu, system=self.system, worst=self.worst)
        options = NpuOptions(self.npu, self.system, strict=True, model=model, timing=timing)
        board = HostedBoard(self.board, options, cpu_hz=self.cpu_hz)
        board.bus.load(self.board.flash_base, self.container)
        return board

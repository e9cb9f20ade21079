# SPDX-License-Identifier: Apache-2.0
"""What cutting long operations into tiles gives and costs, for one network and for a folder."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from hocket_host.ethosu.timing.system_config import SystemConfig, parse_system_config
from hocket_host.ethosu.timing.timing import (
    STOP_CYCLES,
    StreamTiming,
    operation_cycles,
    stream_cycles,
)
from hocket_tools.segment import cut_points, split
from hocket_tools.tile.bound import bound_tiles
from hocket_tools.vela import CompiledModel, VelaError, VelaOptions, compile_model
from hocket_tools.vela.options import vela_ini

from ..progress import Report, silent
from .mobilenet import mobilenet

#: The generated network, and by how much longer than the others its tiles may be.
GENERATED = "mobilenet_v2_random"
_GENERATED_FACTOR = 2


@dataclass(frozen=True)
class Figures:
    """One network before and after; cycles are nominal."""

    bound_cycles: int
    """What was asked for."""
    operations_before: int
    operations: int
    longest_operation_before: int
    max_piece_cycles: int
    """Of the longest operation afterwards, on its own."""
    max_segment_cycles: int
    """Of the longest segment when the stream is cut wherever it may be, with its prologue."""
    cycles_before: int
    """Of the whole stream, uncut."""
    cycles: int
    extra_cycles_ratio: float
    """How much longer the uncut stream takes."""
    cycle_model_error: float
    """The timing model's operations against Vela's own estimate for them, before cutting."""
    read_only_before: int
    """Bytes of read-only data."""
    read_only: int

    def as_dict(self) -> dict[str, int | float]:
        """By name, for JSON."""
        return asdict(self)


def _span(timing: StreamTiming) -> int:
    """From the start of the first operation to the end of the last."""
    return timing.total_cycles - timing.startup_cycles - STOP_CYCLES


def measure(compiled: CompiledModel, bound: int, system: SystemConfig) -> Figures:
    """Cut a network into tiles and time it before and after.

    Parameters
    ----------
    compiled
        The network.
    bound
        NPU cycles that no operation should exceed.
    system
        Clock and memories.

    Raises
    ------
    TileError
        As `bound_tiles`.
    """
    tiled = bound_tiles(compiled, bound, system)
    before = stream_cycles(compiled.stream.operations, compiled.npu, system)
    after = stream_cycles(tiled.stream.operations, tiled.npu, system)

    def longest(model: CompiledModel) -> int:
        operations = model.stream.operations
        return max(operation_cycles(op, model.npu, system).nominal for op in operations)

    segments = split(tiled, cut_points(tiled))
    return Figures(
        bound_cycles=bound,
        operations_before=len(compiled.operations),
        operations=len(tiled.operations),
        longest_operation_before=longest(compiled),
        max_piece_cycles=longest(tiled),
        max_segment_cycles=max(
            stream_cycles(s.stream.operations, tiled.npu, system).total_cycles for s in segments
        ),
        cycles_before=before.total_cycles,
        cycles=after.total_cycles,
        extra_cycles_ratio=after.total_cycles / before.total_cycles - 1,
        cycle_model_error=_span(before) / compiled.vela_cycles - 1,
        read_only_before=len(compiled.read_only),
        read_only=len(tiled.read_only),
    )


def system_of(compiled: CompiledModel) -> SystemConfig:
    """The system that a network was compiled for, as Vela's own configuration file has it."""
    return parse_system_config(
        vela_ini().read_text(encoding="utf-8"),
        compiled.npu,
        system_config=compiled.system_config,
        memory_mode=compiled.memory_mode,
    )


def sweep(
    models: Path, bound: int, accelerator: str, *, generated: bool = True, report: Report = silent
) -> tuple[dict[str, Figures], dict[str, str]]:
    """Measure every network of a folder.

    Parameters
    ----------
    models
        Folder of .tflite files.
    bound
        NPU cycles that no operation should exceed.
    accelerator
        As Vela's ``--accelerator-config``.
    generated
        Add a large network of MobileNetV2's shape, at twice the bound.
    report
        Told of each network.

    Returns
    -------
    tuple
        Figures by network, and by network the reason why it does not go onto the NPU as a whole.
    """
    found: dict[str, Figures] = {}
    refused: dict[str, str] = {}
    networks = list(_networks(models, bound, generated))
    for done, (name, source, limit) in enumerate(networks):
        report(name, done, len(networks))
        try:
            compiled = compile_model(source, VelaOptions(accelerator))
        except VelaError as error:
            if isinstance(source, bytes):
                raise
            refused[name] = error.message
            continue
        found[name] = measure(compiled, limit, system_of(compiled))
    return found, refused


def _networks(models: Path, bound: int, generated: bool) -> Iterator[tuple[str, Path | bytes, int]]:
    for path in sorted(models.glob("*.tflite")):
        yield path.stem, path, bound
    if generated:
        yield GENERATED, mobilenet(), _GENERATED_FACTOR * bound

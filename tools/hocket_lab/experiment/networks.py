# SPDX-License-Identifier: Apache-2.0
"""The networks that task sets are drawn from: real models, and what each way of running costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hocket_host.ethosu.timing.system_config import SystemConfig
from hocket_tools.plan import Choices, CompiledNetwork
from hocket_tools.prove.steps import Cycles
from hocket_tools.tile import bound_tiles
from hocket_tools.vela import VelaError, VelaOptions, compile_model

#: Kernels beyond which a network is left out: an unrolled LSTM's 647 make planning slow, and its
#: segments are so short that it blocks nobody anyway.
_MOST_OPERATIONS = 200


@dataclass(frozen=True)
class ExperimentNetwork:
    """One network, compiled once; times in ns of worst-case cycles."""

    name: str
    whole_ns: int
    """Uncut, as one segment."""
    choices: Choices
    """Placements of cuts, for the planner."""


def load_networks(
    folders: Sequence[Path],
    accelerator: str,
    system: SystemConfig,
    dispatch_ns: int,
    *,
    least_ns: int,
    tile_cycles: int,
    cycles: Cycles = "worst",
) -> list[ExperimentNetwork]:
    """Every model of some folders that fits the NPU wholly.

    Parameters
    ----------
    folders
        Where to look for .tflite files.
    accelerator, system, dispatch_ns
        What they run on.
    least_ns
        Shorter networks are left out: they load the CPU, not the NPU.
    tile_cycles
        NPU cycles that no operation should exceed, before the planner chooses cuts.
    cycles
        Worst-case or nominal.
    """
    networks = []
    for path in sorted(path for folder in folders for path in folder.glob("*.tflite")):
        try:
            compiled = compile_model(path, VelaOptions(accelerator))
        except VelaError:
            continue
        if len(compiled.operations) > _MOST_OPERATIONS:
            continue
        whole = CompiledNetwork(compiled, system, cycles).measure(())[0]
        tiled = CompiledNetwork(bound_tiles(compiled, tile_cycles, system), system, cycles)
        if whole >= least_ns:
            networks.append(ExperimentNetwork(path.stem, whole, Choices(tiled, dispatch_ns)))
    return networks

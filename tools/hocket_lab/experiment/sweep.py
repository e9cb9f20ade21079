# SPDX-License-Identifier: Apache-2.0
"""Draws task sets at each utilisation, judges each, and counts what every method accepts."""

from __future__ import annotations

import os
import random
import statistics
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

from hocket_host.board import board as boards
from hocket_host.ethosu.config import npu_config
from hocket_host.ethosu.timing.system_config import parse_system_config
from hocket_host.units import cycles_to_ns
from hocket_tools.prove.response import analyse
from hocket_tools.zoo.application import APPLICATION

from ..progress import Report, silent
from .adversary import observe
from .draw import draw_set
from .judge import METHODS, Costs, Method, Verdict, judge
from .networks import ExperimentNetwork, load_networks
from .points import Point
from .tightness import tightness

ACCELERATOR = "ethos-u55-128"
NPU_HZ = 50_000_000
#: Of a fast Cortex-M55: the question is about the NPU, and Python on a slow CPU hides it.
CPU_HZ = 400_000_000
TILE_CYCLES = 20_000
#: A network counts if its job takes the NPU at least this many times what it takes the CPU.
_JOBS_OF_CPU = 5
#: Sets on both units, for each that is drawn at a utilisation.
_MIXED = 4
UTILISATIONS = tuple(percent / 100 for percent in range(5, 101, 5))
_ZOO = APPLICATION.parent / "data"


@cache
def _setting(folder: Path) -> tuple[list[ExperimentNetwork], Costs]:
    """Networks and costs; compiled once a process."""
    from hocket_tools.vela.options import vela_ini

    board = boards.load("corstone300")
    npu = npu_config(ACCELERATOR)
    system = parse_system_config(vela_ini().read_text(), npu, clock_hz=NPU_HZ)
    costs = Costs(
        cycles_to_ns(board.dispatch_cpu_cycles, CPU_HZ),
        cycles_to_ns(board.resume_cpu_cycles, CPU_HZ),
        cycles_to_ns(board.release_cpu_cycles, CPU_HZ),
        cycles_to_ns(board.completion_cpu_cycles, CPU_HZ),
    )
    networks = load_networks(
        [folder, _ZOO],
        ACCELERATOR,
        system,
        costs.dispatch_ns,
        least_ns=_JOBS_OF_CPU * (2 * costs.resume_ns + costs.dispatch_ns),
        tile_cycles=TILE_CYCLES,
    )
    return networks, costs


def _one(job: tuple[Path, int, float, int]) -> Verdict:
    """One set, drawn from a seed of its own so that it can be drawn again."""
    folder, seed, utilisation, tasks = job
    networks, costs = _setting(folder)
    return judge(draw_set(random.Random(seed), networks, tasks, utilisation), costs)


def sweep(folder: Path, sets: int, seed: int, report: Report = silent) -> list[Point]:
    """Judge ``sets`` task sets of 2 to 6 tasks at each utilisation."""
    jobs = [
        (folder, seed * 1_000_003 + index, utilisation, 2 + index % 5)
        for at, utilisation in enumerate(UTILISATIONS)
        for index in range(at * sets, (at + 1) * sets)
    ]
    verdicts = []
    with ProcessPoolExecutor(max_workers=os.cpu_count()) as pool:
        for done, verdict in enumerate(pool.map(_one, jobs, chunksize=4)):
            report("task sets", done, len(jobs))
            verdicts.append(verdict)
    return [
        Point(utilisation, tuple(verdicts[at * sets : (at + 1) * sets]))
        for at, utilisation in enumerate(UTILISATIONS)
    ]


def _demo_bound_over_observed() -> float:
    """The demo's bounds over what its constructed worst cases reach, the largest of all tasks."""
    from hocket_tools.app.application import load
    from hocket_tools.pack.pack import pack
    from hocket_tools.zoo.application import APPLICATION

    packed = pack(load(APPLICATION))
    taskset = packed.proof.taskset
    bounds = [task.bound_ns for task in analyse(taskset).tasks]
    seen = observe(taskset)
    return max((bound or 0) / worst for bound, worst in zip(bounds, seen, strict=True))


def run(
    folder: Path, sets: int, seed: int, report: Report = silent
) -> tuple[list[Point], dict[str, Any]]:
    """The whole experiment.

    Parameters
    ----------
    folder
        Of the .tflite files that task sets are drawn from, beside those of the zoo.
    sets
        Task sets at each utilisation.
    seed
        Of the draws.
    report
        Told of each step.

    Returns
    -------
    tuple
        Verdicts by utilisation, and the figures as plain values.
    """
    points = sweep(folder, sets, seed, report)
    report("bounds of the demonstration")
    setting = {"accelerator": ACCELERATOR, "npu_hz": NPU_HZ, "cpu_hz": CPU_HZ}
    return points, {
        **figures(points),
        "bound_over_observed_max": _demo_bound_over_observed(),
        **tightness(_MIXED * sets, seed, report),
        **setting,
        **vars(_setting(folder)[1]),
    }


def figures(points: Sequence[Point]) -> dict[str, Any]:
    """The numbers that the experiment is about."""
    every = [verdict for point in points for verdict in point.verdicts]

    def accepted(method: Method) -> int:
        return sum(method in verdict.accepted for verdict in every)

    ratios = [v.blocking_ratio for v in every if v.blocking_ratio is not None]
    overheads = [v.overhead for v in every if "hocket_fp" in v.accepted]
    return {
        "task_sets": len(every),
        "accepted": {method: accepted(method) for method in METHODS},
        "accepted_over_np_fp": accepted("hocket_fp") / max(accepted("np_fp"), 1),
        "accepted_over_np_edf": accepted("hocket_edf") / max(accepted("np_edf"), 1),
        "accepted_over_ideal": accepted("hocket_fp") / max(accepted("ideal_fp"), 1),
        "accepted_edf_over_ideal": accepted("hocket_edf") / max(accepted("ideal_edf"), 1),
        "bound_violations": sum(v.violations for v in every),
        "simulated_runs": sum(v.runs for v in every),
        "top_task_blocking_ratio": statistics.mean(ratios) if ratios else None,
        "overhead": statistics.mean(overheads) if overheads else None,
    }


def table_rows(points: Sequence[Point]) -> Iterator[list[str]]:
    """Shares of accepted sets by utilisation and method, a row of titles first."""
    yield ["utilisation", *METHODS]
    for point in points:
        yield [f"{point.utilisation:.2f}", *(f"{point.ratio(m):.4f}" for m in METHODS)]

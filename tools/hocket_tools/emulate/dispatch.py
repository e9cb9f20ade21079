# SPDX-License-Identifier: Apache-2.0
"""``python -m hocket_tools.emulate.dispatch``: what Hocket itself costs on the ARM image.

The image runs four tasks cut at every place, on the bundled emulator: instructions from the NPU's
interrupt to the start of the next segment, and those that surround a job. One instruction takes one
cycle there; a real Cortex-M55 takes more or less, by its memories.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from rich.console import Console

from hocket_host.cortexm import DispatchMeter, Machine
from hocket_host.emulator import JobWatcher, NpuOptions
from hocket_host.errors import HocketError
from hocket_host.ethosu.config import npu_config
from hocket_host.repl import load as load_platform
from hocket_host.units import parse_duration

from ..application import loads
from ..demo import APPLICATION
from ..pack import load_board, system_config
from ..run import Packed, pack
from ..tables import plain_table
from .machines import BackEndError, require
from .meters import AllocationMeter, ResumeMeter, percentile

FIRMWARE = Path("build/firmware/corstone300/firmware.elf")
_PERIOD_MS, _OFFSET_MS = 200, 50
_MODELS = (("a", "keyword"), ("b", "digits"), ("c", "detector"), ("d", "keyword"))
_PERCENTILES = {"p50": 50, "p99": 99, "max": 100}


def four_tasks() -> Packed:
    """The zoo's networks as four tasks that never wait for each other, cut wherever it goes."""
    text = '[npu]\nclock = "32 MHz"\n[schedule]\npolicy = "fp"\ncut = "all"\n'
    for index, (name, model) in enumerate(_MODELS):
        text += (
            f'[tasks.{name}]\nmodel = "data/{model}.tflite"\n'
            f'period = "{_PERIOD_MS} ms"\noffset = "{_OFFSET_MS * index} ms"\n'
            f'input = {{ generator = "hocket_tools.zoo.inputs:{model}" }}\n'
        )
    return pack(loads(text, APPLICATION))


def measure(elf: Path, duration_ns: int) -> dict[str, Any]:
    """Costs on an image, in instructions.

    Parameters
    ----------
    elf
        The firmware image.
    duration_ns
        Virtual time to run, the boot included.

    Raises
    ------
    HocketError
        The image or the back end is missing, or nothing was measured.
    """
    require("unicorn")
    if not elf.is_file():
        raise BackEndError(
            "there is no firmware image", where=elf, found="no such file", expected="an ELF file",
            try_="make firmware",
        )  # fmt: skip
    packed = four_tasks()
    machine = Machine(
        load_platform("corstone300"),
        elf,
        packed.data,
        npu=NpuOptions(npu_config(packed.image.accelerator), system_config(packed.application)),
    )
    dispatches = DispatchMeter(machine)
    heap = AllocationMeter(machine)
    board = load_board(packed.application)
    watcher = JobWatcher(machine, packed.data, arena_base=board.arena_base)
    resumes = ResumeMeter(machine, watcher)
    machine.run_until(duration_ns)
    return {
        "instructions": _distribution(dispatches.instructions),
        "dispatches": len(dispatches.instructions),
        "allocations": heap.allocating,
        "interrupts": heap.interrupts,
        "tasks": len(_MODELS),
        "back_end": "unicorn",
        "release_to_submit": _distribution(resumes.submits),
        "interrupt_to_completion": _distribution(resumes.completions),
        "resumes": len(resumes.submits) + len(resumes.completions),
    }


def _distribution(counts: list[int]) -> dict[str, int]:
    return {name: percentile(counts, percent) for name, percent in _PERCENTILES.items()}


def show(report: dict[str, Any], console: Console) -> None:
    """The figures as a table."""
    table = plain_table("instructions", *_PERCENTILES, "counted")
    for label, key, counted in (
        ("interrupt to next start", "instructions", report["dispatches"]),
        ("release to first start", "release_to_submit", None),
        ("last interrupt to body's end", "interrupt_to_completion", report["resumes"]),
    ):
        row = [str(report[key][name]) for name in _PERCENTILES]
        table.add_row(label, *row, "" if counted is None else str(counted))
    console.print(table)
    console.print(
        f"{report['allocations']} of {report['interrupts']} interrupts of the NPU allocated; "
        f"{report['tasks']} tasks, {report['back_end']}"
    )


def main() -> int:
    """Measure, print, write; 1 if an interrupt allocated."""
    parser = argparse.ArgumentParser(
        prog="python -m hocket_tools.emulate.dispatch", description="Costs on the ARM image."
    )
    parser.add_argument("--firmware", type=Path, default=FIRMWARE, metavar="ELF")
    parser.add_argument("--time", default="5 s", help="virtual time, boot included")
    parser.add_argument("--output", type=Path, metavar="FILE")
    arguments = parser.parse_args()
    try:
        report = measure(arguments.firmware, parse_duration(arguments.time))
    except HocketError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    show(report, Console(highlight=False))
    if arguments.output is not None:
        arguments.output.parent.mkdir(parents=True, exist_ok=True)
        arguments.output.write_text(json.dumps(report, indent=2) + "\n")
    return 1 if report["allocations"] else 0


if __name__ == "__main__":
    sys.exit(main())

# SPDX-License-Identifier: Apache-2.0
"""``python -m hocket_lab.image.dispatch``: what Hocket itself costs on the ARM image.

The image runs four tasks cut at every place, on the bundled emulator, by priority and by deadline:
instructions from the NPU's interrupt to the start of the next segment, and of the kernel's work.
One instruction takes one cycle there; a real Cortex-M55 takes more or less, by its memories. What
they come to as constants of ``board.py`` is part of the output.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from hocket_host.board.repl import load as load_platform
from hocket_host.errors import HocketError
from hocket_host.ethosu.config import npu_config
from hocket_host.machines.common import NpuOptions
from hocket_host.machines.unicorn import DispatchMeter, Machine
from hocket_host.units import parse_duration
from hocket_tools.app.application import loads
from hocket_tools.pack.pack import pack
from hocket_tools.pack.packed import Packed
from hocket_tools.run.machines import BackEndError, require
from hocket_tools.text.tables import plain_table
from hocket_tools.zoo.application import APPLICATION

from .meters import AllocationMeter, KernelMeter, percentile

FIRMWARE = Path("build/firmware/corstone300/firmware.elf")
_PERIOD_MS = 200
#: Name, model and offset in ms: three are released at once, one by itself.
_TASKS = (("a", "keyword", 0), ("b", "digits", 0), ("c", "detector", 0), ("d", "keyword", 120))
_POLICIES = ("fp", "edf")
_KERNEL = ("releases", "resumes", "completions", "turns")
_PERCENTILES = {"p50": 50, "p99": 99, "max": 100}


def four_tasks(policy: str = "fp") -> Packed:
    """The zoo's networks as four tasks, cut wherever it goes."""
    text = f'[npu]\nclock = "32 MHz"\n[schedule]\npolicy = "{policy}"\ncut = "all"\n'
    for name, model, offset_ms in _TASKS:
        text += (
            f'[tasks.{name}]\nmodel = "data/{model}.tflite"\n'
            f'period = "{_PERIOD_MS} ms"\noffset = "{offset_ms} ms"\n'
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
    runs = [_Run.of(elf, policy, duration_ns) for policy in _POLICIES]

    def counted(name: str) -> list[int]:
        return [count for run in runs for count in getattr(run.kernel, name)]

    dispatches = [count for run in runs for count in run.dispatches.instructions]
    report = {
        "instructions": _distribution(dispatches),
        "dispatches": len(dispatches),
        "allocations": sum(run.heap.allocating for run in runs),
        "interrupts": sum(run.heap.interrupts for run in runs),
        "tasks": len(_TASKS),
        "policies": list(_POLICIES),
        "back_end": "unicorn",
    }
    for name in _KERNEL:
        report[name] = _distribution(counted(name)) | {"counted": len(counted(name))}
    report["spawned_max"] = max(counted("spawned"), default=0)
    return report | {"profile": _profile(report)}


def _profile(report: dict[str, Any]) -> dict[str, int]:
    """Least cycles of a board's constants that cover all that was counted.

    A turn of the loop may be under way when something comes due, so each resume has one more.
    """
    most = {name: int(report[name]["max"]) for name in _KERNEL}
    return {
        "DISPATCH_CPU_CYCLES": int(report["instructions"]["max"]),
        "RELEASE_CPU_CYCLES": most["releases"],
        "RESUME_CPU_CYCLES": most["resumes"] + most["turns"],
        "COMPLETION_CPU_CYCLES": max(most["completions"] - most["resumes"], 0),
    }


@dataclass(frozen=True)
class _Run:
    dispatches: DispatchMeter
    heap: AllocationMeter
    kernel: KernelMeter

    @classmethod
    def of(cls, elf: Path, policy: str, duration_ns: int) -> _Run:
        packed = four_tasks(policy)
        accelerator = npu_config(packed.image.accelerator)
        npu = NpuOptions(accelerator, packed.target.system)
        machine = Machine(load_platform("corstone300"), elf, packed.data, npu=npu)
        run = cls(DispatchMeter(machine), AllocationMeter(machine), KernelMeter(machine))
        machine.run_until(duration_ns)
        return run


def _distribution(counts: list[int]) -> dict[str, int]:
    return {name: percentile(counts, percent) for name, percent in _PERCENTILES.items()}


def show(report: dict[str, Any], console: Console) -> None:
    """The figures as a table."""
    table = plain_table("instructions", *_PERCENTILES, "counted")
    rows = {
        "interrupt to next start": report["instructions"] | {"counted": report["dispatches"]},
        "release": report["releases"],
        "resume that submits": report["resumes"],
        "resume that completes a job": report["completions"],
        "turn of the loop for nothing": report["turns"],
    }
    for label, figures in rows.items():
        table.add_row(label, *(str(figures[name]) for name in (*_PERCENTILES, "counted")))
    console.print(table)
    console.print(
        f"{report['allocations']} of {report['interrupts']} interrupts of the NPU allocated; "
        f"{report['tasks']} tasks, {report['back_end']}"
    )
    console.print(f"the table's task: {report['spawned_max']} at most in a resume")
    console.print("board.py must have at least:")
    for name, cycles in report["profile"].items():
        console.print(f"  {name} = {cycles}")


def main() -> int:
    """Measure, print, write; 1 if an interrupt allocated."""
    parser = argparse.ArgumentParser(
        prog="python -m hocket_lab.image.dispatch", description="Costs on the ARM image."
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

# SPDX-License-Identifier: Apache-2.0
"""What Hocket itself costs on the ARM image.

The image runs four tasks cut at every place, on the bundled emulator, by priority and by deadline:
instructions from the NPU's interrupt to the start of the next segment, and of the kernel's work.
One instruction takes one cycle there; a real Cortex-M55 takes more or less, by its memories. What
they come to as constants of ``board.py`` is part of the output.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hocket_host.board.repl import load as load_platform
from hocket_host.ethosu.config import npu_config
from hocket_host.machines.common import NpuOptions
from hocket_host.machines.unicorn import UnicornMachine
from hocket_tools.app.application import loads
from hocket_tools.pack.pack import pack
from hocket_tools.pack.packed import Packed
from hocket_tools.zoo.application import APPLICATION

from .meters import AllocationMeter, DispatchMeter, KernelMeter, percentile

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
        The image cannot be run, or nothing was measured.
    """
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
        machine = UnicornMachine(load_platform("corstone300"), elf, packed.data, npu=npu)
        run = cls(DispatchMeter(machine), AllocationMeter(machine), KernelMeter(machine))
        machine.run_until(duration_ns)
        return run


def _distribution(counts: list[int]) -> dict[str, int]:
    return {name: percentile(counts, percent) for name, percent in _PERCENTILES.items()}

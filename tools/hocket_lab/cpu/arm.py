# SPDX-License-Identifier: Apache-2.0
"""Runs packed operators on the ARM image, on the bundled emulator, and counts CPU cycles.

Jobs lie in the memory that is flash on the board, and tensors where arenas are (`device_operators`
is the device's part). Behind each tensor and scratch lies a guard that must not change: an operator
that writes beyond its memory is found even where its results are right.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from hocket_host.board import board as boards
from hocket_host.errors import HocketError
from hocket_host.machines.common.prompt import Prompt, device_program
from hocket_host.missing import Missing
from hocket_host.units import NS_PER_S
from hocket_tools.run import BackEndError, create, missing, open_guest

from .check import Job

#: Where the image's firmware is built.
FIRMWARE = Path("build/firmware/corstone300/firmware.elf")

_DEVICE = Path(__file__).with_name("device_operators.py")
_GUARD = bytes([0x5A]) * 64
_ALIGN = 16
_SLICE_NS = 20_000_000
_LIMIT_NS = 3600 * NS_PER_S


class ArmError(HocketError):
    """The comparison on the ARM image did not come to its end."""


def available(elf: Path = FIRMWARE) -> Missing | None:
    """What is missing to run on the ARM image; None if nothing."""
    lacking = missing("unicorn")
    if lacking is None and not elf.is_file():
        return Missing(f"no firmware image {elf}", "make firmware")
    return lacking


class _Layout:
    """Bytes in flash, and where tensors lie in SRAM."""

    def __init__(self, flash: int, sram: int, sram_size: int) -> None:
        self.flash = flash
        self.blob = bytearray()
        self.sram = sram
        self.end = sram + sram_size
        self.at = sram

    def put(self, data: bytes) -> int:
        self.blob += bytes(-len(self.blob) % _ALIGN)
        at = self.flash + len(self.blob)
        self.blob += data
        return at

    def reserve(self, size: int, name: str) -> int:
        at = self.at
        self.at = -(-(at + size + len(_GUARD)) // _ALIGN) * _ALIGN
        if self.at > self.end:
            raise ArmError(
                "a job does not fit the image's memory", where=name, found=f"{self.at - self.sram}",
                expected=f"at most {self.end - self.sram} bytes of tensors and scratch",
            )  # fmt: skip
        return at

    def forget(self) -> None:
        """Begin with the tensors of another job."""
        self.at = self.sram


def _words(*values: int) -> bytes:
    return struct.pack(f"<{len(values)}I", *values)


def _place(job: Job, layout: _Layout) -> int:
    """Put one job into the layout; its address."""
    layout.forget()
    index = {name: number for number, name in enumerate(job["tensors"])}
    tensors = [(layout.reserve(size, job["id"]), size) for size in job["tensors"].values()]
    words: list[int] = [w for tensor in tensors for w in tensor]

    def contents(values: dict[str, str]) -> Iterator[int]:
        for name, data in values.items():
            yield from (index[name], layout.put(bytes.fromhex(data)))

    words += contents(job["constants"])
    for described in job["operators"]:
        params = bytes.fromhex(described["params"])
        scratch = layout.reserve(described["scratch"], job["id"])
        words += [described["code"], layout.put(params), len(params), scratch]
        words += [described["scratch"], len(described["inputs"]), len(described["outputs"])]
        words += [index[str(i)] for i in (*described["inputs"], *described["outputs"])]
    for given, results in job["rounds"]:
        words += [len(given), len(results), *contents(given), *contents(results)]
    counts = (len(tensors), len(job["constants"]), len(job["operators"]), len(job["rounds"]))
    return layout.put(_words(*counts, *words))


def run_on_arm(jobs: Sequence[Job], elf: Path = FIRMWARE) -> list[dict[str, Any]]:
    """Run jobs on the ARM image, with the heap locked in each step.

    Parameters
    ----------
    jobs
        As `check.job_of` makes them.
    elf
        The image.

    Returns
    -------
    list of dict
        As of the other interpreters, and of the inferences of a job the greatest: ``cycles`` of one
        inference, ``step_cycles`` of one step, without those of the measurement; of the last
        inference ``every_step_cycles`` of its first steps.

    Raises
    ------
    ArmError
        The image ended or failed, or an operator wrote beyond its memory.
    BackEndError
        The emulator or the image is not there.
    """
    lacking = available(elf)
    if lacking is not None:
        lacking.raise_as(BackEndError, "the ARM image or its emulator")
    return list(_run(jobs, elf))


def _run(jobs: Sequence[Job], elf: Path) -> Iterator[dict[str, Any]]:
    guest = open_guest(elf, None)
    board = boards.load("corstone300")
    layout = _Layout(board.flash_base, board.arena_base, board.arena_size)
    # The number of jobs, the guard, and where jobs are.
    layout.put(bytes(4 * (len(jobs) + 2)))
    guard = layout.put(_GUARD)
    places = [_place(job, layout) for job in jobs]
    layout.blob[: 4 * (len(jobs) + 2)] = _words(len(jobs), guard, *places)
    console = bytearray()
    machine = create("unicorn", replace(guest, container=bytes(layout.blob)), console.extend)
    prompt = Prompt(machine, console)
    prompt.start(device_program(_DEVICE, f"main({layout.flash})"))
    done = -1
    overhead = 0
    while done < len(jobs):
        stop = machine.run_for(_SLICE_NS)
        for line in prompt.lines():
            if not line.startswith("# "):
                continue
            if done < 0:
                overhead = json.loads(line[2:])
            else:
                yield _result(jobs[done], json.loads(line[2:]), overhead)
            done += 1
        if done < len(jobs) and (stop.reason != "time" or machine.now_ns > _LIMIT_NS):
            raise ArmError(
                "the image did not finish",
                where=jobs[max(done, 0)]["id"],
                found=repr(bytes(console[-1500:])),
            )


def _result(job: Job, found: Any, overhead: int) -> dict[str, Any]:
    if isinstance(found, str):
        raise ArmError("an operator failed on the ARM image", where=job["id"], found=found)
    different, mismatches, (longest, total, steps), every = found
    return {
        "id": job["id"],
        "mismatches": mismatches,
        "elements": sum(len(v) // 2 for _, out in job["rounds"] for v in out.values()),
        "first": different[0][:4] if different else None,
        "steps": steps,
        "step_cycles": longest - overhead,
        "cycles": total - steps * overhead,
        "every_step_cycles": [taken - overhead for taken in every],
    }

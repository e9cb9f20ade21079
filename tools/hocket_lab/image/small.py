# SPDX-License-Identifier: Apache-2.0
"""The keyword spotter on the image with a small heap: outputs verified, and what is left over."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hocket_host.machines.common.prompt import Prompt
from hocket_tools.app.application import loads
from hocket_tools.image.errors import FirmwareError
from hocket_tools.pack.pack import pack
from hocket_tools.pack.packed import Packed
from hocket_tools.run import BACK_ENDS, Guest, Session, missing
from hocket_tools.verify.verifier import Verifier
from hocket_tools.zoo.application import APPLICATION

from ..needs import require

_MS = 1_000_000
_BOOT_MS, _RUN_MS = 200, 1000
_ASK = b"import gc; gc.collect(); print('heap', gc.mem_alloc(), gc.mem_free())"
_HEAP = rb"^heap (\d+) (\d+)\r"


@dataclass(frozen=True)
class SmallHeap:
    """What the keyword spotter leaves of a heap."""

    jobs: int
    """Completed, each with the reference's outputs."""
    used: int
    """Bytes with everything set up, after a collection."""
    free: int

    def __str__(self) -> str:
        return (
            f"keyword spotter on a heap of {self.used + self.free} bytes: {self.used} used, "
            f"{self.jobs} outputs as tflite_micro's"
        )


def keyword_spotter() -> Packed:
    """The demonstration's keyword spotter as an application of its own."""
    return pack(
        loads(
            '[npu]\nclock = "32 MHz"\n[tasks.keyword]\nmodel = "data/keyword.tflite"\n'
            'period = "20 ms"\ninput = { generator = "hocket_tools.zoo.inputs:keyword" }\n',
            APPLICATION,
        )
    )


def run_keyword_spotter(elf: Path) -> SmallHeap:
    """Run the keyword spotter on an image, on the first emulator that is installed.

    Raises
    ------
    HocketError
        There is no emulator, or the run is not as it should be.
    """
    reasons = {back_end: missing(back_end) for back_end in BACK_ENDS}
    require(any_of=reasons)
    emulator = next(back_end for back_end, reason in reasons.items() if reason is None)
    packed = keyword_spotter()
    app = packed.application
    verifier = Verifier({name: app.model(name) for name in app.tasks})
    console = bytearray()
    with Session(
        emulator,
        Guest.of(elf, packed),
        console.extend,
        packed=packed,
        on_job=verifier.on_job,
    ) as session:
        session.run((_BOOT_MS + _RUN_MS) * _MS)
        jobs = len(session.jobs)
        heap = Prompt(session.machine, console).ask(_ASK, _HEAP)
        problems = session.machine.problems
    if not jobs or verifier.mismatches or problems:
        raise FirmwareError(
            "the keyword spotter does not run as it should", where=elf,
            found=f"{jobs} jobs, {len(verifier.mismatches)} wrong, problems: {problems}",
            expected="jobs with the reference's outputs", try_="hocket emulate, with --verify",
        )  # fmt: skip
    return SmallHeap(jobs, int(heap[1]), int(heap[2]))

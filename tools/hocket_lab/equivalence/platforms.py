# SPDX-License-Identifier: Apache-2.0
"""The platforms: each runs the application for one report of the default application's kernel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from hocket_host.machines import micropython
from hocket_host.machines.results import Frame, OnJob, Run
from hocket_host.missing import Missing
from hocket_tools.pack.packed import Packed
from hocket_tools.run import BackEndError, Guest, Session, bodies
from hocket_tools.run import missing as lacking_here
from hocket_tools.run.run import execute, setup_of
from hocket_tools.verify.verifier import Verifier

from .result import Outputs, PlatformResult, Response, read_report

#: As the default application has it (REPORT_US), so that every kernel runs as long.
DURATION_NS = 5_000_000_000
#: For the image to boot, too.
_LIMIT_NS = 2 * DURATION_NS


@dataclass
class _Jobs:
    """What was heard of jobs, in order of completion."""

    heard: list[tuple[str, Frame, Frame]] = field(default_factory=list)
    """Task, inputs, outputs."""

    def on_job(self, task: str, inputs: Frame, outputs: Frame) -> None:
        self.heard.append((task, inputs, outputs))

    def outputs(self) -> Outputs:
        """By task, as bytes."""
        found: Outputs = {}
        for task, _, outputs in self.heard:
            joined = b"".join(np.ascontiguousarray(part).tobytes() for part in outputs)
            found.setdefault(task, []).append(joined)
        return found


_Platform = Callable[[Packed, Path, _Jobs], PlatformResult]


def _cpython(packed: Packed, firmware: Path, jobs: _Jobs) -> PlatformResult:
    del firmware
    run = execute(packed, DURATION_NS, on_job=jobs.on_job).run
    # Of each job in whole us, as the kernel's own clock has it.
    in_us = {task.name: [ns // 1000 for ns in task.responses_ns] for task in run.tasks}
    responses = {
        task: Response(min(us), sum(us) // len(us), max(us)) for task, us in in_us.items() if us
    }
    return PlatformResult(jobs.outputs(), run, responses, sum(task.misses for task in run.tasks))


def _micropython(packed: Packed, firmware: Path, jobs: _Jobs) -> PlatformResult:
    del firmware
    run = micropython.run(setup_of(packed), DURATION_NS, jobs.on_job)
    return PlatformResult(jobs.outputs(), run, *_measured(run.report, "micropython"))


def _image(back_end: str) -> _Platform:
    def run(packed: Packed, firmware: Path, jobs: _Jobs) -> PlatformResult:
        guest = Guest.of(firmware, packed)
        if bodies.needed(packed):
            done = bodies.run(back_end, guest, packed, DURATION_NS, jobs.on_job)
        else:
            done = _watched(back_end, guest, packed, jobs.on_job)
        if done.problems:
            raise BackEndError(
                "the run is not clean", where=back_end, found="\n".join(done.problems),
                expected="no misuse of the NPU and no fault", try_="hocket emulate --backend",
            )  # fmt: skip
        measured = _measured(done.report, back_end)
        return PlatformResult(jobs.outputs(), done, *measured)

    return run


def _watched(back_end: str, guest: Guest, packed: Packed, on_job: OnJob) -> Run:
    """The default application until its first report."""
    console = bytearray()
    last = packed.image.tasks[-1].name

    def reported(_: object) -> bool:
        table = read_report(console.decode("utf-8", "replace").rpartition("\n")[0])
        return table is not None and last in table[0]

    with Session(back_end, guest, console.extend, packed=packed, on_job=on_job) as session:
        run = session.run(_LIMIT_NS, reported)
    return replace(run, report=console.decode("utf-8", "replace"))


def _measured(text: str, platform: str) -> tuple[dict[str, Response], int]:
    found = read_report(text)
    if found is None:
        raise BackEndError(
            "the application reports nothing", where=platform, found=repr(text[-300:]),
            expected="a table of its tasks", try_="hocket emulate, to see the console",
        )  # fmt: skip
    return found


PLATFORMS: dict[str, _Platform] = {
    "cpython": _cpython,
    "micropython": _micropython,
    "unicorn": _image("unicorn"),
    "qemu": _image("qemu"),
}
"""By name: the firmware on CPython, on MicroPython, and as an ARM image on two emulators."""


def missing(platform: str, firmware: Path) -> Missing | None:
    """What a platform lacks here; None if nothing."""
    if platform == "cpython":
        return None
    if platform == "micropython":
        return micropython.missing()
    if not firmware.is_file():
        return Missing("no firmware image", "make firmware")
    return lacking_here(platform)


def run(platform: str, packed: Packed, firmware: Path, *, verify: bool = False) -> PlatformResult:
    """An application on a platform.

    Parameters
    ----------
    platform
        One of `PLATFORMS`.
    packed
        The application.
    firmware
        The ARM image, for its emulators.
    verify
        Compare every output with tflite_micro's, after the run.

    Raises
    ------
    HocketError
        The platform is missing, or the run fails.
    """
    jobs = _Jobs()
    result = PLATFORMS[platform](packed, firmware, jobs)
    if not verify:
        return result
    application = packed.application
    models = {name: application.model(name) for name in application.tasks}
    verifier = Verifier(models)
    for job in jobs.heard:
        verifier.on_job(*job)
    return replace(result, mismatched=tuple(sorted(m.task for m in verifier.mismatches)))

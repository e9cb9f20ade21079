# SPDX-License-Identifier: Apache-2.0
"""`hocket emulate`: a firmware image on an emulated board, on one of several emulators."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .options import Seconds, virtual_time

if TYPE_CHECKING:
    from hocket_host.machines.results import Run

    from ..run import Guest
    from ..verify.verifier import Verifier

_GDB_PORT = 3333


def emulate(
    elf: Annotated[Path, typer.Argument(help="The firmware image (make firmware).")],
    container: Annotated[
        Path | None,
        typer.Argument(help="The application (.hkt); none for the prompt.", show_default=False),
    ] = None,
    backend: Annotated[str, typer.Option(help="unicorn, qemu or renode.")] = "unicorn",
    seconds: Seconds = "1",
    verify: Annotated[
        bool,
        typer.Option(
            "--verify",
            help="Feed the application's inputs and compare every output with tflite_micro's.",
        ),
    ] = False,
    platform: Annotated[
        str, typer.Option(help="Name or .repl file of the platform.")
    ] = "corstone300",
    gdb: Annotated[
        int | None,
        typer.Option(help=f"Wait for a debugger on this port, such as {_GDB_PORT}."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Write the summary as JSON; the UART is not shown.")
    ] = False,
) -> None:
    """Run an ARM image on an emulated board."""
    from ..run import BACK_ENDS, BackEndError, open_guest

    duration_ns = virtual_time(seconds)
    if backend not in (*BACK_ENDS, "renode"):
        raise BackEndError(
            "unknown back end", where="--backend", found=repr(backend),
            expected=", ".join((*BACK_ENDS, "renode")),
        )  # fmt: skip
    if not elf.is_file():
        raise BackEndError(
            "there is no firmware image", where=elf,
            found="a folder" if elf.is_dir() else "no such file",
            expected="an ELF file", try_="build it (make firmware), or check the path",
        )  # fmt: skip
    guest = open_guest(elf, container, platform)
    if backend == "renode":
        _renode(guest, container, duration_ns, verify, gdb)
        return
    run, verifier = _run(guest, container, backend, duration_ns, verify, gdb, not as_json)
    report = _report(run, verifier)
    if container is not None and verifier is not None:
        report["explained"] = _explained(container, guest, verifier)
    if as_json:
        typer.echo(json.dumps(report, indent=2))
    else:
        _show(report)
    if run.problems or (verifier is not None and verifier.mismatches):
        raise typer.Exit(1)


def _renode(
    guest: Guest, container: Path | None, duration_ns: int, verify: bool, gdb: int | None
) -> None:
    from ..run import BackEndError, renode

    if verify:
        raise BackEndError(
            "Renode's memory is not watched from here", found="--verify with --backend renode",
            expected="--backend unicorn or --backend qemu", try_="change the back end",
        )  # fmt: skip
    code = renode.run(
        guest, container, duration_ns, lambda line: typer.echo(line, err=True), gdb_port=gdb
    )
    if code:
        raise typer.Exit(1)


def _run(
    guest: Guest,
    container: Path | None,
    back_end: str,
    duration_ns: int,
    verify: bool,
    gdb: int | None,
    shown: bool,
) -> tuple[Run, Verifier | None]:
    import sys

    from ..pack.packed import open_packed
    from ..run import BackEndError, Session, bodies
    from ..verify.verifier import Verifier

    packed = verifier = None
    if verify:
        if container is None or guest.container is None:
            raise BackEndError(
                "nothing to verify", found="no container", expected="an application (.hkt)",
                try_="hocket emulate fw.elf app.hkt --verify",
            )  # fmt: skip
        packed = open_packed(container, guest.container)
        tasks = packed.application.tasks
        verifier = Verifier({name: packed.application.model(name) for name in tasks})

    def heard(data: bytes) -> None:
        if shown:
            sys.stdout.write(data.decode("utf-8", "replace").replace("\r\n", "\n"))
            sys.stdout.flush()

    if packed is not None and verifier is not None and gdb is None and bodies.needed(packed):
        run = bodies.run(back_end, guest, packed, duration_ns, verifier.on_job)
        heard(run.report.encode())
        return run, verifier
    session = Session(
        back_end,
        guest,
        heard,
        packed=packed,
        on_job=None if verifier is None else verifier.on_job,
        gdb=None if gdb is None else f"tcp:127.0.0.1:{gdb}",
    )
    with session:
        return session.run(duration_ns), verifier


def _report(run: Run, verifier: Verifier | None) -> dict[str, Any]:
    """The summary as plain values."""
    report: dict[str, Any] = {
        "back_end": run.platform,
        "virtual_ns": run.duration_ns,
        "npu_runs": run.npu_runs,
        "jobs": dict(run.completed),
        "instructions": run.instructions,
        "guest_mips": None if run.guest_mips is None else round(run.guest_mips, 2),
        "exit_code": run.exit_code,
        "problems": list(run.problems),
    }
    if verifier is not None:
        report["verified"] = dict(verifier.checked)
        report["mismatches"] = [vars(mismatch) for mismatch in verifier.mismatches]
        report["other_oracles"] = verifier.judged
    return report


def _explained(container: Path, guest: Guest, verifier: Verifier) -> dict[str, list[str]]:
    """Of each task whose outputs differ, what may be why."""
    from ..pack.packed import open_packed
    from ..run.run import rounded_by_vela
    from ..verify.own_arithmetic import explained

    if not verifier.mismatches or guest.container is None:
        return {}
    packed = open_packed(container, guest.container)
    return {
        m.task: explained(rounded_by_vela(packed.application, packed.image, m.task))
        for m in verifier.mismatches
    }


def _show(report: dict[str, Any]) -> None:
    from rich.console import Console

    from hocket_host.units import format_ns

    from ..report.summary import other_oracles

    console = Console(highlight=False)
    console.rule(f"{report['back_end']}, {format_ns(report['virtual_ns'])} of virtual time")
    speed = "guest instructions are not counted"
    if report["instructions"] is not None:
        million = report["instructions"] / 1e6
        speed = f"{million:.1f} million guest instructions, {report['guest_mips']} million a second"
    console.print(f"{report['npu_runs']} runs of the NPU; {speed}", markup=False, soft_wrap=True)
    for task, jobs in report["jobs"].items():
        console.print(f"{task}: {jobs} jobs")
    for task, jobs in report.get("verified", {}).items():
        wrong = [m for m in report["mismatches"] if m["task"] == task]
        said = f"the first wrong one is {wrong[0]}" if wrong else "all as tflite_micro's"
        console.print(f"{task}: {jobs} outputs compared, {said}", markup=False, soft_wrap=True)
        for line in report["explained"].get(task, ()):
            console.print(f"  {line}", markup=False, soft_wrap=True)
    for line in other_oracles(report.get("other_oracles", {})):
        console.print(line, markup=False, soft_wrap=True)
    if report["exit_code"] is not None:
        console.print(f"the image ended with exit code {report['exit_code']}")
    for problem in report["problems"]:
        console.print(f"problem: {problem}", markup=False, soft_wrap=True)

# SPDX-License-Identifier: Apache-2.0
"""Renode as a child process, with the NPU's model served to it."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from hocket_host.board import board as boards
from hocket_host.board.repl import find
from hocket_host.machines.common import load_elf
from hocket_host.server import NpuServer, ServedNpu
from hocket_host.units import NS_PER_S

from .machines import Guest, require

PORT_VARIABLE = "HOCKET_NPU_PORT"


def statements(
    script: Path, elf: Path, container: Path | None, duration_ns: int, gdb_port: int | None
) -> list[str]:
    """What the Monitor is told: image, container, platform, and how long to run.

    With a debugger the machine waits for it, and runs until it is ended.
    """
    lines = [f"$bin=@{elf.resolve()}"]
    if container is not None:
        lines.append(f"$app=@{container.resolve()}")
    lines.append(f"include @{script.resolve()}")
    if gdb_port is not None:
        return [*lines, f"machine StartGdbServer {gdb_port}"]
    seconds = f"{duration_ns // NS_PER_S}.{duration_ns % NS_PER_S:09d}"
    return [*lines, f'emulation RunFor "{seconds}"', "quit"]


def command(told: Sequence[str]) -> list[str]:
    """The command line that starts Renode.

    Raises
    ------
    BackEndError
        It is not installed.
    """
    require("renode")
    plain = ["--console", "--plain", "-e", "; ".join(told)]
    return ["renode", *plain] if shutil.which("renode") else ["renode-run", "exec", "--", *plain]


def run(
    guest: Guest,
    container: Path | None,
    duration_ns: int,
    log: Callable[[str], None],
    *,
    gdb_port: int | None = None,
) -> int:
    """Run an image in Renode, its UART in Renode's log; returns Renode's exit code.

    Raises
    ------
    HocketError
        Renode is missing, or the image is no executable for this machine.
    """
    script = find(guest.platform).with_suffix(".resc")
    told = statements(script, guest.elf, container, duration_ns, gdb_port)
    arguments = command(told)
    load_elf(guest.elf, vectors=True)
    # The server knows the board by the platform's name.
    board = boards.load(script.stem)
    with NpuServer(ServedNpu(guest.npu, guest.system, board), port=0, log=log) as server:
        environment = {**os.environ, PORT_VARIABLE: str(server.port)}
        return subprocess.run(arguments, env=environment, check=False).returncode

# SPDX-License-Identifier: Apache-2.0
"""How fast the emulators are, with the NPU and without.

The interpreter at work on a loop shows the emulated CPU; the demonstration, where most of the time
goes into the NPU's model and the CPU mostly sleeps, shows all of it together.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from hocket_host.units import NS_PER_S
from hocket_tools.app.application import load
from hocket_tools.pack.pack import pack
from hocket_tools.pack.packed import Packed
from hocket_tools.run.machines import BACK_ENDS, Guest, create, missing, open_guest
from hocket_tools.run.session import Session
from hocket_tools.zoo.application import APPLICATION

from ..progress import Report, silent

_LOOP = b"while True: pass\r\n\r\n"
_BOOT_NS, _LOOP_NS = 300_000_000, NS_PER_S
_DEMO_NS = 2 * NS_PER_S
#: The host may be busy with other things; the best of some runs is its own speed.
_RUNS = 3


def loop(back_end: str, elf: Path) -> dict[str, float | None]:
    """The CPU alone, at work all the time."""
    with create(back_end, open_guest(elf, None), lambda data: None) as machine:
        machine.run_for(_BOOT_NS)
        machine.feed(_LOOP)
        machine.run_for(_BOOT_NS)
        before, begin_ns, begin = machine.instructions, machine.now_ns, time.perf_counter()
        machine.run_for(_LOOP_NS)
        wall_s = time.perf_counter() - begin
        return _speed(before, machine.instructions, machine.now_ns - begin_ns, wall_s)


def demo(back_end: str, elf: Path, packed: Packed) -> dict[str, float | None]:
    """The demonstration with the NPU's model; what is loaded once is not counted."""
    with Session(back_end, Guest.of(elf, packed), lambda data: None, packed=packed) as session:
        machine = session.machine
        session.run(_BOOT_NS)
        before, begin_ns, begin = machine.instructions, machine.now_ns, time.perf_counter()
        session.run(_DEMO_NS)
        wall_s = time.perf_counter() - begin
        return _speed(before, machine.instructions, machine.now_ns - begin_ns, wall_s)


def _speed(before: int | None, after: int | None, ns: int, wall_s: float) -> dict[str, Any]:
    counted = None if before is None or after is None else after - before
    return {
        "guest_mips": None if counted is None else round(counted / wall_s / 1e6, 2),
        "real_time": round(ns / NS_PER_S / wall_s, 2),
    }


def measure(elf: Path, report: Report = silent) -> dict[str, Any]:
    """Both loads on every emulator that is installed, by back end.

    Raises
    ------
    HocketError
        A run fails.
    """
    packed = pack(load(APPLICATION))
    found: dict[str, Any] = {}
    for back_end in BACK_ENDS:
        lacking = missing(back_end)
        if lacking is not None:
            found[back_end] = {"missing": lacking}
            continue
        report(back_end)
        loops = [loop(back_end, elf) for _ in range(_RUNS)]
        demos = [demo(back_end, elf, packed) for _ in range(_RUNS)]
        found[back_end] = {"loop": _best(loops), "demo": _best(demos), "missing": None}
    return found


def _best(runs: list[dict[str, float | None]]) -> dict[str, float | None]:
    return max(runs, key=lambda run: run["real_time"] or 0.0)

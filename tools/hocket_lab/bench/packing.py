# SPDX-License-Identifier: Apache-2.0
"""What packing costs beyond the Vela compilations inside it."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from hocket_tools.app.application import load
from hocket_tools.pack.pack import pack
from hocket_tools.pack.target import resolve_target
from hocket_tools.vela._process import run_compiler

_ROUNDS = 5


def pack_over_vela(path: Path) -> float:
    """Shortest time to pack an application, divided by the shortest of its compilations alone.

    Each packing happens in a process of its own, because compilations are kept by content; what
    counts is the time inside it, after everything is imported.
    """
    target = resolve_target(load(path))
    models = [(target.model(name).read(), vela) for name, vela in target.vela.items()]
    compiling, packing = [], []
    for _ in range(_ROUNDS):
        start = time.perf_counter_ns()
        for data, options in models:
            run_compiler(data, options)
        compiling.append(time.perf_counter_ns() - start)
        packing.append(_packed_in_process(path))
    return min(packing) / min(compiling)


def _packed_in_process(path: Path) -> int:
    answer = subprocess.run(
        [sys.executable, "-m", __name__, str(path)], check=True, capture_output=True, text=True
    )
    return int(answer.stdout)


def _pack(path: Path) -> int:
    start = time.perf_counter_ns()
    pack(load(path))
    return time.perf_counter_ns() - start


if __name__ == "__main__":
    print(_pack(Path(sys.argv[1])))

# SPDX-License-Identifier: Apache-2.0
"""The device's reader under CPython, and the same source on a MicroPython virtual machine."""

from __future__ import annotations

import importlib
import subprocess
import sys
import types
from pathlib import Path

FIRMWARE = Path(__file__).parents[3] / "firmware"

_DEVICE_MODULES = ("hocket", "micropython", "uctypes")

_VERDICTS = """\
import sys
sys.path.insert(0, sys.argv[1])
from hocket.container import load
with open(sys.argv[2], "rb") as file:
    while True:
        head = file.read(4)
        if len(head) < 4:
            break
        data = bytearray(file.read(int.from_bytes(head, "little")))
        try:
            load(data)
            print("accepted")
        except ValueError as error:
            print("refused", repr(error.args[0]))
"""


def run_micropython(script: Path, *arguments: object) -> list[str]:
    """Lines that a script prints on the MicroPython virtual machine."""
    done = subprocess.run(
        [sys.executable, "-m", "micropython", str(script), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()


def micropython_verdicts(containers: list[bytes], folder: Path) -> list[str]:
    """What the virtual machine says of each container: "accepted" or "refused" and why."""
    script, corpus = folder / "verdicts.py", folder / "corpus"
    script.write_text(_VERDICTS)
    corpus.write_bytes(b"".join(len(c).to_bytes(4, "little") + c for c in containers))
    return run_micropython(script, FIRMWARE, corpus)


def load_under_cpython():
    """``hocket.container.load`` with the least that it needs of MicroPython's modules.

    They and the package leave ``sys.modules`` again: other tests give the device code a machine.
    """
    own = [name for name in sys.modules if name.partition(".")[0] in _DEVICE_MODULES]
    held = {name: sys.modules.pop(name) for name in own}
    micropython = types.ModuleType("micropython")
    micropython.const = lambda value: value
    sys.modules.update(micropython=micropython, uctypes=types.ModuleType("uctypes"))
    try:
        return importlib.import_module("hocket.container").load
    finally:
        for name in list(sys.modules):
            if name.partition(".")[0] in _DEVICE_MODULES:
                del sys.modules[name]
        sys.modules.update(held)

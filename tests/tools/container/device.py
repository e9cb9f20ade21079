# SPDX-License-Identifier: Apache-2.0
"""The device's reader under CPython, and the same source on a MicroPython virtual machine."""

from __future__ import annotations

import contextlib
import importlib
import subprocess
import sys
from pathlib import Path

from hocket_host.machines.cpython import shims
from hocket_host.machines.cpython.process_memory import ProcessMemory
from paths import FIRMWARE

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
    """``hocket.container.load`` over the shims, for buffers of this process.

    The package is in ``sys.modules`` only while it is at work: other tests import it over a machine
    of their own.
    """
    modules = {}
    with _exchanged(modules), shims.installed(ProcessMemory()):
        module_load = importlib.import_module("hocket.container").load
        importlib.import_module("hocket.programs")
        modules.update((name, sys.modules[name]) for name in _firmware_modules())

    def load(data):
        with _exchanged(modules):
            return module_load(data)

    return load


@contextlib.contextmanager
def _exchanged(modules):
    """The package's modules, in place of those that others have imported."""
    held = {name: sys.modules.pop(name) for name in _firmware_modules()}
    sys.modules.update(modules)
    try:
        yield
    finally:
        for name in _firmware_modules():
            del sys.modules[name]
        sys.modules.update(held)


def _firmware_modules():
    return [name for name in sys.modules if name.partition(".")[0] == "hocket"]

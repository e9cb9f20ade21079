# SPDX-License-Identifier: Apache-2.0
"""The device's tests, and the import of every module, on a real MicroPython virtual machine."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
FIRMWARE = HERE.parents[1] / "firmware"
FILES = sorted(file.stem for file in HERE.glob("test_device_*.py"))
MODULES = sorted(
    ".".join(file.relative_to(FIRMWARE).with_suffix("").parts)
    for file in (FIRMWARE / "hocket").rglob("*.py")
    if file.stem != "__init__"
)


def micropython(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "micropython", *arguments],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def count_tests(file: Path) -> int:
    body = ast.parse(file.read_text()).body
    return sum(isinstance(n, ast.FunctionDef) and n.name.startswith("test_") for n in body)


@pytest.mark.parametrize("name", FILES)
def test_file_passes_on_the_virtual_machine(name: str) -> None:
    run = micropython(str(HERE / "run_on_vm.py"), str(FIRMWARE), str(HERE), name)
    assert (run.returncode, run.stdout.split()) == (
        0,
        ["passed", str(count_tests(HERE / f"{name}.py"))],
    ), run.stdout + run.stderr


@pytest.mark.parametrize("name", MODULES)
def test_module_imports_first_on_the_virtual_machine(name: str) -> None:
    script = f"import sys; sys.path.insert(0, {str(FIRMWARE)!r}); import {name}"
    run = micropython("-c", script)
    assert run.returncode == 0, run.stdout + run.stderr


SCENARIO = """
from hocket.kernel import Kernel
from hocket.sync import Event, sleep_us
from hocket.testing import FakeApp, FakePort
from hocket.trace import Trace

app = FakeApp("POLICY")
app.add("kws", [700, 900], 20000, priority=0, cpu_us=300)
app.add("detect", [5000, 4000, 6000], 50000, priority=2, overrun=2, period_ns=333)
app.add("wake", [150] * 6, 7000, priority=1, overrun=1, deadline_us=2000)
port = FakePort(app, start_us=(1 << 30) - 200000, dispatch_us=19, resume_us=63)
kernel = Kernel(app, port=port, trace=Trace(4000))
port.fault(3, 0x80)
port.hang(1)
heard = Event()

@kernel.every("wake")
async def listen(net):
    await net.infer()
    await sleep_us(100)
    heard.set()
    heard.clear()

async def follow():
    while True:
        await heard.wait()
        port.advance(50)

kernel.spawn(follow(), 3)
kernel.run(600000)
print(kernel.report())
print(kernel.trace.lost, list(kernel.trace.records()))
"""


@pytest.mark.parametrize("policy", ["fifo", "fp", "edf", "rr"])
def test_trace_is_the_same_as_on_cpython(
    policy: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script = tmp_path / "scenario.py"
    source = SCENARIO.replace("POLICY", policy)
    script.write_text(f"import sys; sys.path.insert(0, {str(FIRMWARE)!r})\n{source}")
    there = micropython(str(script))
    exec(source, {})
    here = capsys.readouterr().out
    assert there.stdout == here, there.stderr
    assert len(here) > 10_000


def test_every_lazy_export_is_there_on_the_virtual_machine() -> None:
    script = (
        f"import sys; sys.path.insert(0, {str(FIRMWARE)!r}); import hocket\n"
        "for name in hocket._attrs: getattr(hocket, name)"
    )
    run = micropython("-c", script)
    assert run.returncode == 0, run.stdout + run.stderr

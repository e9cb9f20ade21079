# SPDX-License-Identifier: Apache-2.0
"""Instructions of QEMU's guest, counted by a plugin; its virtual time (icount) is the oracle."""

import shutil

import pytest

from hocket_host.machines.qemu import counter
from hocket_host.machines.qemu.qemu_process import ICOUNT_SHIFT, QEMU

MS = 1_000_000


@pytest.fixture
def counted(start):
    if counter.Counter.open(shutil.which(QEMU)) is None:
        pytest.skip("this QEMU does not count")
    return start


def test_a_guest_at_work_executes_as_many_as_fit_into_its_time(counted):
    machine = counted("spin").machine
    assert machine.instructions == 0
    machine.run_until(10 * MS)
    before = machine.instructions
    machine.run_until(110 * MS)
    expected = 100 * MS >> ICOUNT_SHIFT
    assert machine.instructions - before == pytest.approx(expected, rel=1e-3)


def test_two_runs_count_the_same(counted):
    counts = []
    for _ in range(2):
        run = counted("copy")
        run.to_end()
        counts.append(run.machine.instructions)
    assert counts[0] == counts[1] > 1000


@pytest.mark.parametrize(
    ("version", "help_text"),
    [("QEMU emulator version 10.0.2", "\n-plugin x"), ("QEMU emulator version 7.2.1", "\n-pflash")],
)
def test_a_qemu_that_cannot_count_runs_without(version, help_text, tmp_path):
    program = tmp_path / "qemu"
    program.write_text(f"#!/bin/sh\n[ $1 = -help ] && printf '{help_text}\\n' || echo {version}\n")
    program.chmod(0o755)
    assert counter.Counter.open(str(program)) is None


@pytest.mark.needs("qemu-arm")
def test_without_a_compiler_of_the_host_nothing_is_counted(monkeypatch, tmp_path):
    qemu = shutil.which(QEMU)
    monkeypatch.setenv("PATH", str(tmp_path))
    counter._plugin.cache_clear()
    assert counter.Counter.open(qemu) is None
    counter._plugin.cache_clear()

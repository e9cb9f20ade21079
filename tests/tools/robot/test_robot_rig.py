# SPDX-License-Identifier: Apache-2.0
"""How Monitor commands put a machine together, and how its time and speed are kept."""

from collections import namedtuple

import pytest

from hocket_tools.robot.guest_speed import Speed
from hocket_tools.robot.rig import Rig
from hocket_tools.robot.script import MonitorError
from paths import PLATFORM

FLASH, BEHIND = 0x7000_0000, 0x7100_0000
Stop = namedtuple("Stop", "reason")


class Machine:
    """A guest of one instruction a nanosecond."""

    def __init__(self, guest, heard):
        self.guest, self.heard = guest, heard
        self.memory = {}
        self.now_ns = self.instructions = 0
        self.typed = b""
        self.reason = "time"
        self.closed = False

    def run_until(self, when_ns):
        self.run_for(when_ns - self.now_ns)

    def run_for(self, ns):
        self.now_ns += ns
        self.instructions += ns
        return Stop(self.reason)

    def write_memory(self, address, data):
        self.memory[address] = data

    def read_memory(self, address, length):
        return self.memory[address][:length]

    def feed(self, data):
        self.typed += data

    def close(self):
        self.closed = True


@pytest.fixture
def speed():
    return Speed()


@pytest.fixture
def rig(monkeypatch, speed):
    rig = Rig("none", lambda data: None, speed)
    monkeypatch.setattr(rig, "_create", lambda guest: Machine(guest, rig._heard))
    return rig


@pytest.fixture
def files(tmp_path):
    for name in ("a.elf", "a.hkt", "frames"):
        (tmp_path / name).write_bytes(name.encode())
    return tmp_path


def do(rig, command, *words):
    return rig.actions()[command](list(map(str, words)))


@pytest.fixture
def loaded(rig, files):
    do(rig, "machine LoadPlatformDescription", PLATFORM)
    do(rig, "sysbus LoadELF", files / "a.elf")
    do(rig, "sysbus LoadBinary", files / "a.hkt", hex(FLASH))
    do(rig, "sysbus LoadBinary", files / "frames", hex(BEHIND))
    return rig


def test_the_file_where_flash_begins_is_the_container(loaded):
    guest = loaded.power_on().guest
    assert guest.container == b"a.hkt"
    assert guest.elf.name == "a.elf"


def test_other_files_are_put_into_memory_before_it_runs(loaded):
    assert loaded.power_on().memory == {BEHIND: b"frames"}


def test_a_file_loaded_later_goes_into_memory_at_once(loaded, files):
    machine = loaded.power_on()
    do(loaded, "sysbus LoadBinary", files / "a.elf", "0x71000100")
    assert machine.memory[0x7100_0100] == b"a.elf"


def test_words_of_memory_are_written_and_read(loaded):
    do(loaded, "sysbus WriteDoubleWord", "0x71000000", "0x1234")
    assert do(loaded, "sysbus ReadDoubleWord", "0x71000000") == "0x00001234\n"


def test_it_runs_for_a_time_of_its_own(loaded):
    do(loaded, "emulation RunFor", '"0.25"')
    assert loaded.now_ns == 250_000_000


def test_a_machine_that_ended_runs_no_further(loaded):
    loaded.power_on().reason = "exit"
    assert loaded.advance(10) is False
    assert loaded.advance(10) is False
    assert loaded.now_ns == 10


def test_a_reset_makes_the_same_machine_anew(loaded):
    first = loaded.power_on()
    loaded.advance(10)
    do(loaded, "machine Reset")
    assert first.closed
    second = loaded.power_on()
    assert second is not first
    assert (second.guest.container, second.now_ns) == (b"a.hkt", 0)


def test_what_it_executed_is_booked_and_what_powering_on_takes_is_not(loaded, speed, tmp_path):
    loaded.power_on().instructions = 1_000
    loaded.advance(500)
    loaded.clear()
    speed.write(tmp_path)
    assert '"instructions": 500' in (tmp_path / "speed.json").read_text()


def test_what_one_machine_does_not_count_leaves_the_sum_unknown(tmp_path, speed):
    speed.add(100, 1.0)
    speed.add(None, 1.0)
    speed.add(100, 1.0)
    speed.write(tmp_path)
    assert '"instructions": null' in (tmp_path / "speed.json").read_text()


@pytest.mark.parametrize(
    ("command", "words", "said"),
    [
        ("sysbus LoadELF", ("none.elf",), "make firmware"),
        ("sysbus LoadBinary", ("none.hkt", "0x70000000"), "no such file"),
        ("sysbus LoadBinary", (__file__,), "a number"),
        ("sysbus LoadELF", (), "a firmware image"),
        ("sysbus ReadDoubleWord", ("far",), "a number"),
        ("emulation RunFor", ("long",), "seconds"),
        ("start", (), "there is no machine yet"),
    ],
)
def test_what_a_command_lacks_is_told(rig, command, words, said):
    with pytest.raises(MonitorError) as error:
        do(rig, command, *words)
    assert said in str(error.value)

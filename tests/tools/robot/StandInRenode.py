# SPDX-License-Identifier: Apache-2.0
"""Renode's keywords with an NPU as Renode has it: registers, interrupt, memory and time go through
``renode/ethos_u55.py`` to a server in another process. The processor is the bundled emulator's.
"""

import inspect
import re
import sys
from pathlib import Path
from types import SimpleNamespace

from hocket_tools.robot.guest_speed import Speed
from hocket_tools.robot.keywords import RenodeKeywords
from hocket_tools.robot.rig import Rig

ROOT = Path(__file__).resolve().parents[3]
sys.path.append(str(ROOT / "tests"))

from rigs.fake_renode import PythonPeripheral, TimeInterval  # noqa: E402


class RenodeMachine:
    """What the script asks of Renode's machine, over one of ours."""

    def __init__(self, machine):
        self._machine = machine
        self._irq = machine.npu._irq_line

    def GetSystemBus(self, peripheral):  # noqa: N802
        return SimpleNamespace(
            ReadBytes=self._machine.read_memory,
            WriteBytes=lambda data, address: self._machine.bus.load(address, data),
            TryGetCurrentCPU=lambda: (True, SimpleNamespace(SyncTime=lambda: None)),
        )

    @property
    def ElapsedVirtualTime(self):  # noqa: N802
        return SimpleNamespace(TimeElapsed=TimeInterval(self._machine.now_ns))

    def ScheduleAction(self, delay, action):  # noqa: N802
        clock = self._machine.clock
        at_ns = max(self._machine.now_ns, clock.now_ns) + delay.Ticks
        clock.at(at_ns, lambda: action(delay), "action of Renode")

    def __getitem__(self, name):
        assert name == "sysbus.npuIrq"
        return SimpleNamespace(OnGPIO=lambda number, value: self._irq(value))


class ServedRig(Rig):
    """The bundled emulator, its NPU's registers in the script's hands."""

    _script = None

    def _create(self, guest):
        machine = super()._create(guest)
        script = PythonPeripheral(RenodeMachine(machine), ROOT / "renode" / "ethos_u55.py")

        def read(offset, size):
            value = script._access("READ", offset, size, 0)
            assert not script.errors, script.errors
            return value

        def write(offset, size, value):
            script._access("WRITE", offset, size, value)
            assert not script.errors, script.errors

        machine.npu.read, machine.npu.write = read, write
        self._script = script
        return machine

    def _close(self):
        super()._close()
        script, self._script = self._script, None
        if script is not None and "npu" in script.scope:
            script.scope["npu"].close()


class ServedKeywords(RenodeKeywords):
    """The keywords."""

    def __init__(self):
        super().__init__("unicorn")

    def _make_rig(self, back_end):
        return ServedRig(back_end, self._heard, Speed())


class StandInRenode:
    """The library as Robot sees Renode's: any number of texts for every keyword, in which a word
    before an equals sign names a parameter, whether that was meant or not.
    """

    ROBOT_LIBRARY_SCOPE = "SUITE"

    def __init__(self):
        self._keywords = ServedKeywords()

    def get_keyword_names(self):
        return [name for name in vars(RenodeKeywords) if not name.startswith(("_", "ROBOT"))]

    def get_keyword_arguments(self, name):
        return ["*args"]

    def run_keyword(self, name, args):
        method = getattr(self._keywords, name)
        parameters = {p.name: p.annotation for p in inspect.signature(method).parameters.values()}
        positional, named = [], {}
        for argument in args:
            assert isinstance(argument, str), f"{name}: {argument!r} is no text"
            found = re.match(r"([a-zA-Z0-9_]+)=(.+)", argument)
            if found:
                assert found[1] in parameters, f"{name} has no parameter {found[1]}"
                named[found[1]] = _parsed(found[2], parameters[found[1]])
            else:
                assert not named, f"{name}: {argument!r} after a named argument"
                kind = list(parameters.values())[len(positional)]
                positional.append(_parsed(argument, kind))
        return method(*positional, **named)


def _parsed(text, kind):
    if kind.startswith("bool"):
        return {"true": True, "false": False}[text.lower()]
    if kind.startswith("float"):
        return float(text)
    return int(text) if kind.startswith("int") else text

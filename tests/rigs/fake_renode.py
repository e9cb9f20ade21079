# SPDX-License-Identifier: Apache-2.0
"""As much of Renode as its Python peripherals see, with its traps: one scope for ever, the whole
script at every access, delays in whole microseconds, values that must be unsigned.
"""

import heapq
from types import SimpleNamespace

NANOSECONDS = 1


class TimeInterval:
    TicksPerMicrosecond = 1000 * NANOSECONDS

    def __init__(self, ticks):
        self.Ticks = ticks

    @staticmethod
    def FromMicroseconds(count):  # noqa: N802
        if count != int(count) or count < 0:
            raise TypeError("UInt64 expected")
        return TimeInterval(count * TimeInterval.TicksPerMicrosecond)


ANTMICRO = SimpleNamespace(Renode=SimpleNamespace(Time=SimpleNamespace(TimeInterval=TimeInterval)))


class Bus:
    """System bus with mapped memories, which are bytearrays by their base."""

    def __init__(self, machine, memories):
        self.machine = machine
        self.memories = memories
        self.reads = []
        self.writes = []
        self.buffer = bytes

    def _find(self, address, count):
        for base, memory in self.memories.items():
            if base <= address and address + count <= base + len(memory):
                return memory, address - base
        raise LookupError(hex(address))

    def ReadBytes(self, address, count):  # noqa: N802
        self.reads.append((address, count))
        memory, at = self._find(address, count)
        return self.buffer(memory[at : at + count])

    def WriteBytes(self, data, address):  # noqa: N802
        self.writes.append((address, len(data)))
        memory, at = self._find(address, len(data))
        memory[at : at + len(data)] = data

    def TryGetCurrentCPU(self):  # noqa: N802
        return True, SimpleNamespace(SyncTime=self.machine.synchronise)


class Machine:
    """A machine whose time moves only in `run`; its processor is the test."""

    def __init__(self, memories):
        self.bus = Bus(self, memories)
        self.now_ns = 0
        self.synchronised = 0
        self.devices = {"sysbus.npuIrq": self}
        self.level = None
        self.edges = []
        self._actions = []
        self._order = 0

    def GetSystemBus(self, peripheral):  # noqa: N802
        return self.bus

    @property
    def ElapsedVirtualTime(self):  # noqa: N802
        return SimpleNamespace(TimeElapsed=TimeInterval(self.now_ns))

    def synchronise(self):
        self.synchronised += 1

    def ScheduleAction(self, delay, action):  # noqa: N802
        assert delay.Ticks > 0
        self._order += 1
        heapq.heappush(self._actions, (self.now_ns + delay.Ticks, self._order, action))

    def __getitem__(self, name):
        return self.devices[name]

    def OnGPIO(self, number, value):  # noqa: N802
        assert number == 0
        assert value in (True, False)
        self.level = value
        self.edges.append((self.now_ns, value))

    def run(self, ns):
        """Let virtual time pass."""
        end = self.now_ns + ns
        while self._actions and self._actions[0][0] <= end:
            self.now_ns, _, action = heapq.heappop(self._actions)
            action(TimeInterval(self.now_ns))
        self.now_ns = end


class Request:
    """PythonRequest; only the names that Renode has had since 1.16.1."""

    def __init__(self):
        self.kind = "INIT"
        self.Offset = 0
        self.Length = 4
        self._value = 0

    IsInit = property(lambda self: self.kind == "INIT")
    IsRead = property(lambda self: self.kind == "READ")
    IsWrite = property(lambda self: self.kind == "WRITE")

    @property
    def Value(self):  # noqa: N802
        return self._value

    @Value.setter
    def Value(self, value):  # noqa: N802
        if value != int(value) or not 0 <= value < 1 << 64:
            raise OverflowError("UInt64 expected")
        self._value = value


class PythonPeripheral:
    """`machine PyDevFromFile path address size true name`."""

    def __init__(self, machine, path, **names):
        self.machine = machine
        self.log = []
        self.request = Request()
        with open(str(path)) as file:
            self._code = compile(file.read(), str(path), "exec", dont_inherit=True)
        self.scope = {"self": self, "request": self.request, "Antmicro": ANTMICRO, "size": 0x1000}
        self.scope.update(names)
        self._initialised = False

    def GetMachine(self):  # noqa: N802
        return self.machine

    def InfoLog(self, text):  # noqa: N802
        self.log.append(("info", text))

    def WarningLog(self, text):  # noqa: N802
        self.log.append(("warning", text))

    def ErrorLog(self, text):  # noqa: N802
        self.log.append(("error", text))

    @property
    def errors(self):
        return [text for level, text in self.log if level == "error"]

    @property
    def warnings(self):
        return [text for level, text in self.log if level == "warning"]

    def Reset(self):  # noqa: N802
        self._initialised = False
        self._initialise()

    def _initialise(self):
        if not self._initialised:
            self._execute("INIT")
            self._initialised = True

    def _execute(self, kind):
        self.request.kind = kind
        exec(self._code, self.scope)

    def _access(self, kind, offset, length, value):
        self._initialise()
        self.request.Offset, self.request.Length = offset, length
        self.request.Value = value
        self._execute(kind)
        return self.request.Value

    def ReadDoubleWord(self, offset):  # noqa: N802
        return self._access("READ", offset, 4, 0) & 0xFFFFFFFF

    def WriteDoubleWord(self, offset, value):  # noqa: N802
        self._access("WRITE", offset, 4, value)

    def ReadByte(self, offset):  # noqa: N802
        return self._access("READ", offset, 1, 0) & 0xFF

    def WriteByte(self, offset, value):  # noqa: N802
        self._access("WRITE", offset, 1, value)

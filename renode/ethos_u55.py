# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: B018, E722, F821, RUF005, SIM105, UP004, UP031
#
# The Ethos-U55 for Renode: a Python peripheral that passes register accesses, memory and virtual
# time on to `hocket npu-server`, where the model of the NPU runs. corstone300.resc loads it; the
# protocol is that of hocket_host/server/protocol.py.
#
# Renode executes this whole file at every access, always in the same scope, with `request` and
# `self` set. So everything is defined when it initialises (at the first access and at each reset of
# the machine), and the last lines are all that runs otherwise. It must be Python 2.7 for IronPython
# and is tested on CPython 3. No exception may leave it: one on the CPU's thread ends Renode.

try:
    if request.IsInit:
        import sys

        try:
            clr
            DOTNET = True
        except NameError:
            DOTNET = False

        VERSION = 1
        MAGIC = "HOCKETNP"
        HOST = "127.0.0.1"
        PORT_VARIABLE = "HOCKET_NPU_PORT"
        DEFAULT_PORT = 8102
        NEVER = (1 << 64) - 1
        NO_DIGEST = [0] * 32
        # Long enough for the server to plan a stream that it has not seen.
        TIMEOUT_S = 120
        LONGEST_FRAME = 16 << 20
        MOST_ACTIONS = 256

        HELLO, ACCESS, DATA = 0x01, 0x02, 0x03
        WELCOME, REFUSED, FETCH, STORE, NOTE, DONE = 0x81, 0x82, 0x83, 0x84, 0x85, 0x86
        READ, WRITE, ADVANCE = 0, 1, 2

        # Registers that change the interrupt or what will happen next. Writes to others wait for
        # the next access that needs an answer.
        REG_CMD, REG_RESET = 0x08, 0x0C

        # Who is connected, by port; the interpreter and its sys are one for all of Renode. Nobody
        # tells a script that its emulation was cleared, so the next one hangs up for it.
        if not hasattr(sys, "hocket_npus"):
            sys.hocket_npus = {}

        class LinkError(Exception):
            pass

        def little_endian(value, count):
            return [int((value >> (8 * i)) & 255) for i in range(count)]

        def number(values, at, count):
            result = 0
            for i in range(at + count - 1, at - 1, -1):
                result = result * 256 + values[i]
            return result

        def text_of(values):
            return "".join([chr(value) for value in values])

        def problem():
            error = sys.exc_info()[1]
            return "%s: %s" % (type(error).__name__, error)

        # Bulk memory stays in the platform's own buffers: Byte[] on .NET, where turning a mebibyte
        # into Python's numbers and back would take a second.
        if DOTNET:
            for assembly in (
                "System.Net.Sockets",
                "System.Net.Primitives",
                "System.Security.Cryptography.Algorithms",
                "System",
            ):
                # Which of them exist, and are needed, depends on the version of .NET.
                try:
                    clr.AddReference(assembly)
                except:
                    pass

            def environment(name):
                return System.Environment.GetEnvironmentVariable(name)

            def to_buffer(values):
                return System.Array[System.Byte](bytearray(values))

            def to_values(buffer):
                return [int(value) for value in buffer]

            def length_of(buffer):
                return int(buffer.Length)

            def digest_of(buffer):
                try:
                    from System.Security.Cryptography import SHA256

                    return to_values(SHA256.Create().ComputeHash(buffer))
                except:
                    return None

            class Link(object):
                def __init__(self, port):
                    from System.Net.Sockets import TcpClient

                    self.client = TcpClient(HOST, port)
                    self.client.NoDelay = True
                    self.client.ReceiveTimeout = TIMEOUT_S * 1000
                    self.client.SendTimeout = TIMEOUT_S * 1000
                    self.stream = self.client.GetStream()

                def send(self, buffer):
                    self.stream.Write(buffer, 0, buffer.Length)

                def receive(self, count):
                    buffer = System.Array.CreateInstance(System.Byte, count)
                    at = 0
                    while at < count:
                        got = self.stream.Read(buffer, at, count - at)
                        if got <= 0:
                            raise LinkError("the server closed the connection")
                        at += got
                    return buffer

                def close(self):
                    self.client.Close()

        else:
            import hashlib
            import os
            import socket

            def environment(name):
                return os.environ.get(name)

            def to_buffer(values):
                return bytes(bytearray(values))

            def to_values(buffer):
                return list(bytearray(buffer))

            def length_of(buffer):
                return len(buffer)

            def digest_of(buffer):
                return to_values(hashlib.sha256(buffer).digest())

            class Link(object):
                def __init__(self, port):
                    self.socket = socket.create_connection((HOST, port), TIMEOUT_S)
                    self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

                def send(self, buffer):
                    self.socket.sendall(buffer)

                def receive(self, count):
                    parts = []
                    while count > 0:
                        part = self.socket.recv(min(count, 1 << 20))
                        if not part:
                            raise LinkError("the server closed the connection")
                        parts.append(part)
                        count -= len(part)
                    return to_buffer([]).join(parts)

                def close(self):
                    self.socket.close()

        class Npu(object):
            def __init__(self, peripheral):
                self.peripheral = peripheral
                self.machine = peripheral.GetMachine()
                self.bus = self.machine.GetSystemBus(peripheral)
                self.link = None
                self.lost = False
                self.posted = []
                self.level = None
                self.due = None
                self.order = 0
                self.latest = 0
                self.timeless = False

            # What Renode asks for -----------------------------------------------------------------

            def read(self, offset, length):
                if not self.usable(offset, length):
                    return 0
                return self.ask(READ, self.now(), offset, 0)

            def write(self, offset, length, value):
                if not self.usable(offset, length):
                    return
                now = self.now()
                if offset in (REG_CMD, REG_RESET) or len(self.posted) >= MOST_ACTIONS - 1:
                    self.ask(WRITE, now, offset, value)
                else:
                    self.posted.append((WRITE, now, offset, value))

            def usable(self, offset, length):
                if length != 4 or offset & 3:
                    self.peripheral.WarningLog(
                        "access of %d bytes at offset 0x%x ignored: registers are 32 bits wide"
                        % (length, offset)
                    )
                    return False
                return self.connect()

            # Whether the machine is gone.
            def orphaned(self):
                try:
                    return self.peripheral.GetMachine() is None
                except:
                    return True

            def close(self):
                self.order += 1
                self.lost = True
                if self.link is not None:
                    link, self.link = self.link, None
                    link.close()

            # Time ---------------------------------------------------------------------------------

            # Virtual time in nanoseconds. The CPU's share of it is brought up to date first,
            # where there is a CPU in this thread.
            def now(self):
                try:
                    found = self.bus.TryGetCurrentCPU()
                    if found[0]:
                        found[1].SyncTime()
                except:
                    self.without_time()
                return self.elapsed()

            def elapsed(self):
                try:
                    interval = Antmicro.Renode.Time.TimeInterval
                    ticks = int(self.machine.ElapsedVirtualTime.TimeElapsed.Ticks)
                    now = ticks * 1000 // int(interval.TicksPerMicrosecond)
                    self.latest = max(self.latest, now)
                except:
                    self.without_time()
                return self.latest

            # Runs still end on time then; only counters and QREAD stand still in between.
            def without_time(self):
                if not self.timeless:
                    self.timeless = True
                    self.peripheral.WarningLog(
                        "virtual time is not exact between the NPU's events (%s)" % problem()
                    )

            # Renode's delays are whole microseconds: what is due is announced up to 999 ns late,
            # and the server puts it at its own instant.
            def schedule(self, due):
                self.due = due
                self.order += 1
                if due == NEVER:
                    return
                order = self.order

                def arrive(elapsed):
                    if order == self.order:
                        self.arrive(due)

                delay = Antmicro.Renode.Time.TimeInterval.FromMicroseconds(
                    max(-((self.latest - due) // 1000), 1)
                )
                self.machine.ScheduleAction(delay, arrive)

            def arrive(self, due):
                try:
                    self.latest = max(self.elapsed(), due)
                    self.due = None
                    self.ask(ADVANCE, self.latest, 0, 0)
                except:
                    self.give_up(problem())

            # The server ---------------------------------------------------------------------------

            def connect(self):
                if self.link is not None or self.lost:
                    return self.link is not None
                port = DEFAULT_PORT
                try:
                    port = int(environment(PORT_VARIABLE) or DEFAULT_PORT)
                    previous = sys.hocket_npus.get(port)
                    if previous is not None and previous.orphaned():
                        previous.close()
                    self.link = Link(port)
                except:
                    self.give_up(
                        "no NPU server at %s:%s (%s). Start one with: hocket npu-server --port %s "
                        "(for another port, set %s). Then reset the machine: machine Reset"
                        % (HOST, port, problem(), port, PORT_VARIABLE)
                    )
                    return False
                try:
                    self.greet()
                    sys.hocket_npus[port] = self
                except:
                    self.give_up(problem())
                return self.link is not None

            def greet(self):
                magic = [ord(letter) for letter in MAGIC]
                self.send(HELLO, magic + little_endian(VERSION, 4) + little_endian(self.now(), 8))
                kind, count = self.header()
                values = to_values(self.link.receive(count))
                if kind == REFUSED:
                    raise LinkError("the server refuses: " + text_of(values))
                if kind != WELCOME or count < 12:
                    raise LinkError("no NPU server answers there")
                version = number(values, 0, 4)
                if version != VERSION:
                    raise LinkError(
                        "protocol version %d of the server, %d of ethos_u55.py" % (version, VERSION)
                    )
                self.peripheral.InfoLog(
                    "%s at %d Hz, by the NPU server" % (text_of(values[12:]), number(values, 4, 8))
                )

            def give_up(self, why):
                self.close()
                # Renode formats log messages; braces would be placeholders.
                why = why.replace("{", "(").replace("}", ")")
                self.peripheral.ErrorLog("the NPU is gone until the machine is reset: " + why)

            # Lets the server act, and then whatever is due already. Answers the value read.
            def ask(self, kind, now, offset, value):
                value = self.exchange(kind, now, offset, value)
                while self.due is not None and self.due <= self.latest:
                    self.exchange(ADVANCE, self.latest, 0, 0)
                return value

            def exchange(self, kind, now, offset, value):
                actions, self.posted = self.posted + [(kind, now, offset, value)], []
                payload = []
                for action in actions:
                    payload.append(action[0])
                    payload += little_endian(action[1], 8)
                    payload += little_endian(action[2], 4)
                    payload += little_endian(action[3], 4)
                self.send(ACCESS, payload)
                while True:
                    answer, count = self.header()
                    if answer == DONE and count == 13:
                        values = to_values(self.link.receive(count))
                        self.settle(values[4], number(values, 5, 8))
                        return number(values, 0, 4)
                    self.serve(answer, count)

            def settle(self, level, due):
                if level != self.level:
                    self.level = level
                    self.machine["sysbus.npuIrq"].OnGPIO(0, level == 1)
                if due <= self.latest:
                    self.order += 1
                    self.due = due
                elif due != self.due:
                    self.schedule(due)

            def serve(self, kind, count):
                if kind == FETCH and count % 44 == 0:
                    self.fetch(to_values(self.link.receive(count)))
                elif kind == STORE:
                    self.store(count)
                elif kind == NOTE and count > 0:
                    values = to_values(self.link.receive(count))
                    text = text_of(values[1:]).replace("{", "(").replace("}", ")")
                    if values[0] == 0:
                        self.peripheral.InfoLog(text)
                    elif values[0] == 1:
                        self.peripheral.WarningLog(text)
                    else:
                        self.peripheral.ErrorLog(text)
                elif kind == REFUSED:
                    values = to_values(self.link.receive(count))
                    raise LinkError("the server refuses: " + text_of(values))
                else:
                    raise LinkError("frame of kind 0x%02x with %d bytes" % (kind, count))

            def fetch(self, values):
                flags = []
                parts = []
                for at in range(0, len(values), 44):
                    count = number(values, at + 8, 4)
                    part = self.bus.ReadBytes(number(values, at, 8), count)
                    digest = values[at + 12 : at + 44]
                    if digest != NO_DIGEST and digest_of(part) == digest:
                        flags.append(1)
                    else:
                        flags.append(0)
                        parts.append(part)
                count = len(flags) + sum([length_of(part) for part in parts])
                self.link.send(to_buffer(little_endian(count + 1, 4) + [DATA] + flags))
                for part in parts:
                    self.link.send(part)

            def store(self, left):
                while left > 0:
                    head = to_values(self.link.receive(12))
                    count = number(head, 8, 4)
                    left -= 12 + count
                    if left < 0:
                        raise LinkError("a range longer than its frame")
                    self.bus.WriteBytes(self.link.receive(count), number(head, 0, 8))

            def header(self):
                values = to_values(self.link.receive(5))
                count = number(values, 0, 4)
                if count < 1 or count > LONGEST_FRAME:
                    raise LinkError("frame of %d bytes" % count)
                return values[4], count - 1

            def send(self, kind, payload):
                self.link.send(to_buffer(little_endian(len(payload) + 1, 4) + [kind] + payload))

        # After a reset of the machine, the NPU before it is still there and holds a connection.
        try:
            npu.close()
        except:
            pass
        npu = Npu(self)
    elif request.IsRead:
        request.Value = npu.read(int(request.Offset), int(request.Length))
    elif request.IsWrite:
        npu.write(int(request.Offset), int(request.Length), int(request.Value))
except:
    try:
        npu.give_up(problem())
    except:
        self.ErrorLog("ethos_u55.py could not be set up: is it loaded as corstone300.resc does?")

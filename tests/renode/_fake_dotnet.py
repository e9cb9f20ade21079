# SPDX-License-Identifier: Apache-2.0
"""What the script uses of .NET under IronPython: typed byte arrays, TcpClient, SHA256.

Byte arrays are no Python bytes: concatenating or slicing one, or sending a str, fails as it does
there.
"""

import hashlib
import os
import socket
import sys
from types import ModuleType, SimpleNamespace


class Byte(int):
    """System.Byte; as a type, what an array is of."""


class ByteArray:
    """Byte[]."""

    def __init__(self, data):
        self.data = bytearray(data)
        self.Length = len(self.data)

    def __iter__(self):
        return map(Byte, self.data)


class Array:
    """System.Array: ``Array[Byte](values)`` and ``Array.CreateInstance(Byte, n)``."""

    def __class_getitem__(cls, kind):
        assert kind is Byte
        return cls._of

    @staticmethod
    def _of(values):
        assert isinstance(values, bytearray)
        return ByteArray(values)

    @staticmethod
    def CreateInstance(kind, count):  # noqa: N802
        assert kind is Byte
        return ByteArray(bytes(count))


class NetworkStream:
    """Blocking, and as free as the real one to return less than was asked for."""

    def __init__(self, sock):
        self._socket = sock

    def Read(self, buffer, offset, count):  # noqa: N802
        data = self._socket.recv(min(count, 1000))
        buffer.data[offset : offset + len(data)] = data
        return len(data)

    def Write(self, buffer, offset, count):  # noqa: N802
        assert isinstance(buffer, ByteArray)
        self._socket.sendall(buffer.data[offset : offset + count])


class TcpClient:
    """System.Net.Sockets.TcpClient."""

    def __init__(self, host, port):
        self._socket = socket.create_connection((host, port), 20)
        self.NoDelay = False
        self.ReceiveTimeout = self.SendTimeout = 0

    def GetStream(self):  # noqa: N802
        return NetworkStream(self._socket)

    def Close(self):  # noqa: N802
        self._socket.close()


class SHA256:
    """System.Security.Cryptography.SHA256."""

    @staticmethod
    def Create():  # noqa: N802
        return SHA256()

    def ComputeHash(self, buffer):  # noqa: N802
        return ByteArray(hashlib.sha256(buffer.data).digest())


class Clr:
    """The clr module, on a .NET that lacks one of the assemblies."""

    def __init__(self):
        self.references = []

    def AddReference(self, name):  # noqa: N802
        if name == "System.Net.Primitives":
            raise OSError("Could not add reference to assembly " + name)
        self.references.append(name)


def install(monkeypatch):
    """Make .NET importable; answers the names that Renode puts into a script's scope."""
    for name, members in (
        ("System.Net.Sockets", {"TcpClient": TcpClient}),
        ("System.Security.Cryptography", {"SHA256": SHA256}),
    ):
        module = ModuleType(name)
        vars(module).update(members)
        monkeypatch.setitem(sys.modules, name, module)
    for name in ("System", "System.Net", "System.Security"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    environment = SimpleNamespace(GetEnvironmentVariable=os.environ.get)
    system = SimpleNamespace(Array=Array, Byte=Byte, Environment=environment, UInt32=int)
    return {"clr": Clr(), "System": system}

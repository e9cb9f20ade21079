# SPDX-License-Identifier: Apache-2.0
"""The Ethos-U model as a server, for emulators that can reach Python only through a socket.

The CPU, the memories and virtual time are the client's (Renode's, through
``renode/ethos_u55.py``); registers, functional model and timing are the ones that the emulated
board uses in process. `protocol` says how they talk.
"""

from .client_session import ServedNpu
from .protocol import DEFAULT_PORT, VERSION, ProtocolError
from .server import NpuServer, NpuServerError

__all__ = [
    "DEFAULT_PORT",
    "VERSION",
    "NpuServer",
    "NpuServerError",
    "ProtocolError",
    "ServedNpu",
]

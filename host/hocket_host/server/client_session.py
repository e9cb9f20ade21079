# SPDX-License-Identifier: Apache-2.0
"""One client's NPU: power-on at its HELLO, gone when it disconnects."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..board.board import Board
from ..ethosu.config import NpuConfig
from ..ethosu.device.engine import RunEvent
from ..ethosu.device.register_map import WINDOW_BYTES, Command
from ..ethosu.device.registers import EthosU, Reg
from ..ethosu.device.shadow import ShadowedModel
from ..ethosu.timing.system_config import SystemConfig
from ..machines.common.npu_options import NpuOptions
from ..sim.bus import Bus, BusFault, Memory
from ..sim.clock import Clock
from . import protocol
from .connection import Connection
from .mirror import Mirror
from .protocol import Action, ActionKind, Kind, Level, ProtocolError

Log = Callable[[str], None]


@dataclass(frozen=True)
class ServedNpu:
    """The NPU that is served, and the memories that it can reach."""

    config: NpuConfig
    system: SystemConfig
    """Its clock and the memories behind it, for timing."""
    board: Board
    """Memory map: flash is read-only to the NPU, SRAM is writable, there is nothing else."""


class ClientSession:
    """Serves one connected client from its HELLO on.

    Parameters
    ----------
    platform
        What is served.
    connection
        To the client.
    log
        Called with a line for each thing worth telling.
    """

    def __init__(self, platform: ServedNpu, connection: Connection, log: Log) -> None:
        self._connection = connection
        self._log = log
        self._platform = platform
        self._clock = Clock()
        self._irq = False
        self._notes: list[tuple[Level, str]] = []
        self._told = 0
        board = platform.board
        self._bus = Bus(
            [
                Memory("flash", board.flash_base, board.flash_size, writable=False),
                Memory("sram", board.sram_base, board.sram_size),
            ]
        )
        self._mirror = Mirror(self._bus, connection)

    def serve(self) -> None:
        """Shake hands, then answer until the client goes.

        Raises
        ------
        DisconnectedError
            It has gone.
        ProtocolError, ClientError
            It does not keep to the protocol.
        """
        payload = self._connection.receive(Kind.HELLO, 256, owed=True)
        # A client that resets its machine comes back in the middle of its virtual time.
        self._clock.move_to(protocol.parse_hello(payload))
        npu = self._power_on()
        config = self._platform.config
        self._connection.send(protocol.welcome(npu.hz, config.name))
        self._log(f"client connected at {self._clock.now_ns} ns of its virtual time")
        while True:
            payload = self._connection.receive(Kind.ACCESS, protocol.MAX_REQUEST, owed=False)
            value = 0
            for action in protocol.parse_access(payload):
                value = self._act(npu, action)
            self._answer(npu, value)

    def _power_on(self) -> EthosU:
        mirror, platform = self._mirror, self._platform
        npu = NpuOptions(platform.config, platform.system).build(
            platform.board.path, self._clock, self._bus, self._level,
            lambda model: ShadowedModel(model, mirror.fetch, mirror.store),
        )  # fmt: skip
        npu.observers.append(self._observe)
        return npu

    def _level(self, high: bool) -> None:
        self._irq = high

    def _observe(self, event: RunEvent) -> None:
        if event.kind != "fault" or event.ending is None:
            return
        why = "" if event.error is None else f": {event.error}"
        self._notes.append(
            (
                Level.WARNING,
                f"run {event.run} at QBASE {event.qbase:#010x} ends with {event.ending.value} "
                f"after {event.operations} operations{why}",
            )
        )

    def _act(self, npu: EthosU, action: Action) -> int:
        # The client's clock may stand a little before an event that it was late to announce.
        self._clock.run_until(max(action.now_ns, self._clock.now_ns))
        if action.kind is ActionKind.ADVANCE:
            return 0
        if action.offset % 4 or action.offset >= WINDOW_BYTES:
            raise ProtocolError(
                "no register there",
                where="ACCESS",
                found=f"{action.offset:#x}",
                expected=f"a multiple of 4 below {WINDOW_BYTES:#x}",
            )
        if action.kind is ActionKind.READ:
            return npu.read(action.offset, 4)
        if action.offset == Reg.CMD and action.value & Command.RUN and not npu.running:
            self._fetch_queue(npu)
        npu.write(action.offset, 4, action.value)
        return 0

    def _fetch_queue(self, npu: EthosU) -> None:
        """Bring what the queue registers point to; what is not memory is left to the NPU."""
        base = npu.read(Reg.QBASE, 4) | npu.read(Reg.QBASE_HI, 4) << 32
        progress = npu.read(Reg.QREAD, 4)
        start = (base & ~15) + progress
        size = (npu.read(Reg.QSIZE, 4) & ~3) - progress
        if size <= 0:
            return
        try:
            at = self._bus.offset_of(start, size)
        except BusFault:
            return
        self._mirror.fetch([(at, at + size)])

    def _answer(self, npu: EthosU, value: int) -> None:
        for problem in npu.problems[self._told :]:
            self._notes.append((Level.WARNING, problem))
        self._told = len(npu.problems)
        notes, self._notes = self._notes, []
        for _, text in notes:
            self._log(text)
        answer = b"".join(protocol.note(level, text) for level, text in notes)
        self._connection.send(answer + protocol.done(value, self._irq, self._clock.next_ns))

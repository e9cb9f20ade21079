# SPDX-License-Identifier: Apache-2.0
"""What every emulator of ARM images is to its user."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Literal, NamedTuple, TypeVar

from hocket_host.board.repl.platform import Platform
from hocket_host.ethosu.device.engine import RunEvent
from hocket_host.ethosu.device.registers import EthosU
from hocket_host.sim.bus import Bus, BusFault
from hocket_host.sim.clock import Clock

from .elf import ElfImage, load_elf
from .errors import MachineError
from .npu_options import NpuOptions

_Machine = TypeVar("_Machine", bound="EmulatedMachine")
StopReason = Literal["time", "exit", "idle", "request"]


class Stop(NamedTuple):
    """Why a run came back."""

    reason: StopReason
    """``time``: the asked-for instant; ``exit``: by semihosting; ``idle``: asleep for ever unless
    something is fed in; ``request``: `EmulatedMachine.stop` was called."""
    at_ns: int
    exit_code: int | None = None


class EmulatedMachine(ABC):
    """A platform that runs a firmware image in virtual time; a context manager.

    Parameters
    ----------
    platform
        Memory map, interrupts, clock (`hocket_host.board.repl.load`).
    elf
        The image, or its path.
    container
        Bytes of a .hkt file, put where the firmware reads it; None for none.
    npu
        How its NPU is modelled.
    container_base
        Where the container goes; by default the start of the memory named ``flash``.
    uart_output
        Called with what the first UART sends, in chunks of any size.

    Raises
    ------
    ElfError
        The image cannot run here.
    MachineError
        Image or container do not fit the platform's memories.
    """

    #: Whether it has the vector instructions of a true Cortex-M55.
    _VECTORS = False

    def __init__(
        self,
        platform: Platform,
        elf: ElfImage | str | Path,
        container: bytes | None = None,
        *,
        npu: NpuOptions = NpuOptions(),  # noqa: B008 - frozen
        container_base: int | None = None,
        uart_output: Callable[[bytes], None] | None = None,
    ) -> None:
        self._check(platform)
        self.platform = platform
        self.image = elf if isinstance(elf, ElfImage) else load_elf(elf, vectors=self._VECTORS)
        self.clock = Clock()
        self._stop_wanted = False
        self._build(npu, uart_output or (lambda data: None))
        self.npu_runs = 0
        """Runs of the NPU that ended regularly."""
        if self.npu is not None:
            self.npu.observers.append(self._count)
        if container is not None:
            self.load_container(container, container_base)
        self._power_on()

    def _check(self, platform: Platform) -> None:  # noqa: B027 - most take any
        """Whether the emulator can be this platform."""

    @abstractmethod
    def _build(self, npu: NpuOptions, uart_output: Callable[[bytes], None]) -> None:
        """Make all that the platform has, with the image in its memories."""

    def _power_on(self) -> None:  # noqa: B027 - some start with the first run
        """Bring the CPU to where it can run; the memories are filled."""

    def __enter__(self: _Machine) -> _Machine:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:  # noqa: B027 - most hold nothing
        """Release what the emulator holds; the machine cannot run any more."""

    def _count(self, event: RunEvent) -> None:
        self.npu_runs += event.kind == "end"

    # Parts ---------------------------------------------------------------------------------------

    @property
    @abstractmethod
    def npu(self) -> EthosU | None:
        """The accelerator; None if the platform has none."""

    @property
    @abstractmethod
    def bus(self) -> Bus:
        """The memories, as the NPU sees them."""

    @property
    def problems(self) -> list[str]:
        """What went wrong so far, in words: misuse of the NPU, faults of the CPU."""
        return [] if self.npu is None else [str(problem) for problem in self.npu.problems]

    # Memory of the guest -------------------------------------------------------------------------

    @abstractmethod
    def read_memory(self, address: int, length: int, /) -> bytes:
        """Bytes of plain memory, between two runs.

        Raises
        ------
        BusFault
            The range is not inside one memory.
        """

    @abstractmethod
    def write_memory(self, address: int, data: bytes, /) -> None:
        """Change plain memory between two runs; code, too.

        Raises
        ------
        BusFault
            The range is not inside one memory.
        """

    @property
    def container_base(self) -> int:
        """Where a container goes: the start of the memory named ``flash``.

        Raises
        ------
        MachineError
            There is none.
        """
        for memory in self.platform.memories:
            if memory.name == "flash":
                return memory.base
        raise MachineError(
            "nowhere to put the container", where=self.platform.path,
            found="no memory named flash", expected="flash, or container_base",
            try_="give container_base",
        )  # fmt: skip

    def load_container(self, container: bytes, base: int | None = None) -> None:
        """Put a container into memory, before the firmware looks for it.

        Raises
        ------
        MachineError
            It does not fit.
        """
        at = self.container_base if base is None else base
        try:
            self.write_memory(at, container)
        except BusFault as fault:
            raise does_not_fit(
                "the container", self.platform, at, len(container), self.platform.path,
                "pack fewer or smaller networks",
            ) from fault  # fmt: skip

    # Running -------------------------------------------------------------------------------------

    @property
    @abstractmethod
    def now_ns(self) -> int:
        """Virtual time."""

    @property
    @abstractmethod
    def instructions(self) -> int | None:
        """Instructions executed since power-on; None where they are not counted."""

    @abstractmethod
    def feed(self, data: bytes, /) -> None:
        """Type into the first UART."""

    def stop(self) -> None:
        """End the run that is under way; for callbacks."""
        self._stop_wanted = True

    def _stopped(self) -> bool:
        """Whether `stop` was called since it was last asked."""
        wanted, self._stop_wanted = self._stop_wanted, False
        return wanted

    def run_for(self, ns: int, /) -> Stop:
        """Run for a while of virtual time; see `run_until`."""
        return self.run_until(self.now_ns + ns)

    @abstractmethod
    def run_until(self, when_ns: int | None = None, /) -> Stop:
        """Run until an instant of virtual time or the end of the program; None sets no limit."""


def does_not_fit(
    what: str, platform: Platform, base: int, size: int, where: str, try_: str
) -> MachineError:
    """The error for something that no memory of a platform takes."""
    memories = ", ".join(
        f"{m.name} {m.base:#x}..{m.base + m.size - 1:#x}" for m in platform.memories
    )
    return MachineError(
        f"{what} does not fit the platform's memories", where=where,
        found=f"{size} bytes at {base:#x}", expected=f"inside one of {memories}", try_=try_,
    )  # fmt: skip

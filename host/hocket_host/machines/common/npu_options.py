# SPDX-License-Identifier: Apache-2.0
"""The NPU of an emulated machine, as its options ask for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from hocket_host.ethosu.config import NpuConfig
from hocket_host.ethosu.device.interfaces import FunctionalModel, TimingModel
from hocket_host.ethosu.device.queue import Programs
from hocket_host.ethosu.device.registers import EthosU
from hocket_host.ethosu.stream.operation import Operation
from hocket_host.ethosu.timing.system_config import SystemConfig
from hocket_host.ethosu.timing.timing import StreamTiming, stream_cycles
from hocket_host.sim.bus import Bus
from hocket_host.sim.clock import Clock

from .errors import MachineError


@dataclass(frozen=True)
class NpuOptions:
    """How the NPU of a platform is modelled."""

    config: NpuConfig | None = None
    """The accelerator; needed if the platform has one."""
    system: SystemConfig | None = None
    """The memories behind it; needed unless there is ``timing``, with ``hz``."""
    hz: int | None = None
    """Its clock; by default that of ``system``."""
    strict: bool = False
    """As of `EthosU`: a misuse ends the run."""
    scramble: bool = False
    """As of `EthosU`: nothing is left where nothing is promised."""
    model: Callable[[Bus], FunctionalModel] | None = None
    """Replacement of the functional model."""
    timing: TimingModel | None = None
    """Replacement of the timing model."""

    def build(
        self,
        where: object,
        clock: Clock,
        bus: Bus,
        irq: Callable[[bool], None],
        around: Callable[[FunctionalModel], FunctionalModel] = lambda model: model,
    ) -> EthosU:
        """The NPU.

        Parameters
        ----------
        where
            The platform, for messages.
        clock, bus
            Virtual time, and the memories that it reaches.
        irq
            Drives its interrupt.
        around
            Puts something between the registers and the functional model.

        Raises
        ------
        MachineError
            Accelerator, memories or clock are not given.
        """
        config, system = self.config, self.system
        hz = system.clock_hz if self.hz is None and system is not None else self.hz
        if config is None or hz is None or (system is None and self.timing is None):
            raise MachineError(
                "the platform's NPU is not configured", where=where,
                found="NpuOptions without config, or without system", expected="both",
                try_="NpuOptions(npu_config('ethos-u55-128'), parse_system_config(...))",
            )  # fmt: skip

        def stream_timing(operations: Sequence[Operation]) -> StreamTiming:
            assert system is not None
            return stream_cycles(operations, config, system)

        if self.model is None:
            # Compiled kernels take seconds to import; a replacement does without them.
            from hocket_host.ethosu.compute.model import NpuModel

            functional: FunctionalModel = NpuModel(config, bus.memory)
        else:
            functional = self.model(bus)
        timing = stream_timing if self.timing is None else self.timing
        programs = Programs(around(functional), timing, config)
        return EthosU(
            config, clock, bus, programs,
            hz=hz, irq=irq, strict=self.strict, scramble=self.scramble,
        )  # fmt: skip


class HasNpu(Protocol):
    """A machine, as far as its NPU goes."""

    @property
    def npu(self) -> EthosU | None:
        """The accelerator; None if it has none."""


def npu_of(machine: HasNpu) -> EthosU:
    """The NPU of a machine.

    Raises
    ------
    MachineError
        It has none.
    """
    if machine.npu is None:
        raise MachineError(
            "the machine has no NPU", found="none",
            expected="a Tag ETHOS_U55 in the platform description",
        )  # fmt: skip
    return machine.npu

# SPDX-License-Identifier: Apache-2.0
"""Machines that suites run on, by the name of the back end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from hocket_host.errors import HocketError
from hocket_host.ethosu.config import npu_config
from hocket_host.ethosu.system import SystemConfig, parse_system_config
from hocket_host.repl import load as load_platform

from .. import container as hkt
from ..notes import Notes, NotesError
from ..pack import system_config
from ..vela.options import vela_ini

BACK_ENDS = ("unicorn", "qemu")


class BackEndError(HocketError):
    """A back end that does not exist."""


class Machine(Protocol):
    """What both emulators offer."""

    @property
    def now_ns(self) -> int:
        """Virtual time."""

    def run_for(self, ns: int, /) -> Any:
        """Run for a while of virtual time; the result's ``reason`` is ``time`` if it goes on."""

    def feed(self, data: bytes, /) -> None:
        """Send bytes to the first UART."""

    def read_memory(self, address: int, length: int, /) -> bytes:
        """Bytes of the guest's memory."""

    def write_memory(self, address: int, data: bytes, /) -> None:
        """Change the guest's memory."""


def create(
    back_end: str,
    platform: Path,
    elf: Path,
    container: Path | None,
    uart_output: Callable[[bytes], None],
) -> Machine:
    """Build a machine.

    Raises
    ------
    HocketError
        An unknown back end, or platform, image or container that it cannot take.
    """
    options: dict[str, Any] = {"uart_output": uart_output}
    data = None if container is None else container.read_bytes()
    options.update(_npu(container, data))
    described = load_platform(platform)
    if back_end == "unicorn":
        from hocket_host.cortexm import Machine as UnicornMachine

        return UnicornMachine(described, elf, data, **options)
    if back_end == "qemu":
        from hocket_host.qemu import QemuMachine

        return QemuMachine(described, elf, data, **options)
    raise BackEndError("unknown back end", found=repr(back_end), expected=", ".join(BACK_ENDS))


def _npu(container: Path | None, data: bytes | None) -> dict[str, Any]:
    """The accelerator that a container was packed for, or u55-128 for none or a damaged one."""
    name, hz = "ethos-u55-128", None
    system: SystemConfig | None = None
    if container is not None and data is not None:
        try:
            image = hkt.read(data)
            name, hz = image.accelerator, image.npu_hz
            system = system_config(Notes.from_bytes(image.notes, container).application(container))
        except (hkt.ContainerError, NotesError):
            # What the device says of a damaged container is what the suite is about.
            pass
    config = npu_config(name)
    if system is None:
        system = parse_system_config(vela_ini().read_text(), config, clock_hz=hz or 50_000_000)
    return {"npu_config": config, "system_config": system}

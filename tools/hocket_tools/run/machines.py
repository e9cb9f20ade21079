# SPDX-License-Identifier: Apache-2.0
"""Machines that an image runs on, by the name of the back end."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hocket_host.board.repl import load as load_platform
from hocket_host.errors import HocketError
from hocket_host.ethosu.config import NpuConfig, npu_config
from hocket_host.ethosu.timing.system_config import SystemConfig, parse_system_config
from hocket_host.machines.common import EmulatedMachine, NpuOptions
from hocket_host.machines.qemu import missing as missing_qemu
from hocket_host.missing import Missing

from .. import container as hkt
from ..app.notes import Notes, NotesError
from ..pack.packed import Packed
from ..pack.target import resolve_target
from ..vela.options import vela_ini

BACK_ENDS = ("unicorn", "qemu")
"""Back ends that Hocket drives itself."""
_DEFAULT_NPU, _DEFAULT_HZ = "ethos-u55-128", 50_000_000


class BackEndError(HocketError):
    """A back end that does not exist, is not installed, or cannot do what is asked."""


@dataclass(frozen=True)
class Guest:
    """What a machine is made for.

    Parameters
    ----------
    elf
        The firmware image.
    container
        Bytes of the application, or None.
    npu, system
        The accelerator, its clock and the memories behind it.
    platform
        Name or path of the platform's description.
    """

    elf: Path
    container: bytes | None
    npu: NpuConfig
    system: SystemConfig
    platform: str | Path = "corstone300"

    @classmethod
    def of(cls, elf: Path, packed: Packed) -> Guest:
        """An image with a packed application, on the accelerator and memories that it is for."""
        accelerator = npu_config(packed.image.accelerator)
        return cls(elf, packed.data, accelerator, packed.target.system)


def open_guest(elf: Path, container: Path | None, platform: str | Path = "corstone300") -> Guest:
    """An image and a container file, on the accelerator that the container was packed for.

    Without a container, or with a damaged one, the board has an Ethos-U55 with 128 MACs: what the
    device says of a damaged container may be just what its user wants to see.

    Raises
    ------
    HocketError
        The container cannot be read.
    """
    if container is None:
        return Guest(elf, None, *_npu(None, container), platform)
    try:
        data = container.read_bytes()
    except OSError as error:
        raise BackEndError(
            "the container cannot be read", where=container, found=error.strerror,
            expected="a .hkt file", try_="pack one: hocket pack app.toml",
        ) from error  # fmt: skip
    return Guest(elf, data, *_npu(data, container), platform)


def missing(back_end: str) -> Missing | None:
    """What a back end lacks here; None if nothing."""
    if back_end == "unicorn" and importlib.util.find_spec("unicorn") is None:
        return Missing("no Unicorn", "pip install 'hocket[emulator]'")
    if back_end == "qemu":
        return missing_qemu()
    if back_end == "renode" and not any(map(shutil.which, ("renode", "renode-run"))):
        return Missing("no Renode", "pip install git+https://github.com/antmicro/renode-run")
    return None


def require(back_end: str) -> None:
    """Check for a back end.

    Raises
    ------
    BackEndError
        It is not installed; with how to install it.
    """
    lacking = missing(back_end)
    if lacking is not None:
        others = [name for name in BACK_ENDS if name != back_end and missing(name) is None]
        instead = f"use --backend {others[0]}" if others else ""
        lacking.raise_as(BackEndError, f"the back end {back_end}", instead)


def create(
    back_end: str,
    guest: Guest,
    uart_output: Callable[[bytes], None],
    *,
    gdb: str | None = None,
    strict: bool = False,
) -> EmulatedMachine:
    """Build a machine.

    Parameters
    ----------
    back_end
        One of `BACK_ENDS`.
    guest
        What runs on it.
    uart_output
        Called with what the first UART sends.
    gdb
        Where a debugger will connect, such as ``tcp:127.0.0.1:1234``; QEMU only.
    strict
        A misuse of the NPU ends the run.

    Raises
    ------
    HocketError
        The back end is unknown or not installed, or cannot take platform, image or container.
    """
    if back_end not in BACK_ENDS:
        raise BackEndError("unknown back end", found=repr(back_end), expected=", ".join(BACK_ENDS))
    require(back_end)
    npu = NpuOptions(guest.npu, guest.system, strict=strict)
    platform = load_platform(guest.platform)
    if back_end == "unicorn":
        from hocket_host.machines.unicorn import UnicornMachine

        if gdb is not None:
            raise BackEndError(
                "the bundled emulator takes no debugger", found=f"--gdb {gdb}",
                expected="--backend qemu or --backend renode", try_="change the back end",
            )  # fmt: skip
        return UnicornMachine(
            platform, guest.elf, guest.container, npu=npu, uart_output=uart_output
        )
    from hocket_host.machines.qemu import QemuMachine

    return QemuMachine(
        platform, guest.elf, guest.container, npu=npu, uart_output=uart_output, gdb=gdb
    )


def _npu(data: bytes | None, path: Path | None) -> tuple[NpuConfig, SystemConfig]:
    """The accelerator that a container was packed for, and its memories."""
    name, hz = _DEFAULT_NPU, _DEFAULT_HZ
    if data is not None and path is not None:
        try:
            image = hkt.read(data)
            name, hz = image.accelerator, image.npu_hz
            application = Notes.from_bytes(image.notes, path).application(path)
            return npu_config(name), resolve_target(application).system
        except (hkt.ContainerError, NotesError):
            # Damaged: the device will say so. Stripped: Vela's own memories are the best guess.
            pass
    config = npu_config(name)
    return config, parse_system_config(vela_ini().read_text(), config, clock_hz=hz)

# SPDX-License-Identifier: Apache-2.0
"""What is checked and changed so that a platform and an image fit QEMU's machine."""

from __future__ import annotations

from hocket_host.board import board as boards
from hocket_host.board.repl.platform import Platform

from ..common.elf import ElfImage
from . import image, shim
from .console import BASE as UART
from .errors import QemuError
from .qemu_process import MACHINE

_CPU_HZ = 32_000_000
#: Of the images that this machine is for.
_BOARD = "corstone300"
_TIMER_IRQ = 4


def note() -> tuple[int, int]:
    """Where images look for a note about their NPU, and the magic number that it begins with."""
    board = boards.load(_BOARD)
    assert board.note_base is not None
    assert board.note_magic is not None
    return board.note_base, board.note_magic


def handlers(firmware: ElfImage) -> tuple[int, int, int]:
    """The image's own handlers that the shim calls."""
    return (
        image.vector(firmware, image.RESET_VECTOR),
        image.vector(firmware, image.HARD_FAULT_VECTOR),
        image.vector(firmware, image.NMI_VECTOR),
    )


def redirected(firmware: ElfImage, built: shim.Shim) -> bytes:
    """The image with the shim's handlers."""
    words = {
        image.RESET_VECTOR: built.reset,
        image.HARD_FAULT_VECTOR: built.fault,
        image.NMI_VECTOR: built.nmi,
        image.FIRST_IRQ_VECTOR + _TIMER_IRQ: built.timer,
    }
    return image.patched(firmware, words)


def check(platform: Platform) -> None:
    """Whether QEMU's machine can pass for a platform.

    Raises
    ------
    QemuError
        It has another clock, lacks a timer, or has its UART elsewhere.
    """

    def refuse(message: str, found: str, expected: str) -> QemuError:
        return QemuError(
            message, where=platform.path, found=found, expected=f"{expected}, as {MACHINE} has it",
            try_="run this platform on the bundled emulator",
        )  # fmt: skip

    if platform.cpu_hz != _CPU_HZ:
        raise refuse("QEMU has another clock", f"{platform.cpu_hz} Hz", f"{_CPU_HZ} Hz")
    if platform.timers:
        raise refuse("QEMU lacks a timer", platform.timers[0].name, "no CMSDK timer")
    if platform.uarts and platform.uarts[0].base != UART:
        raise refuse("QEMU lacks a UART", f"{platform.uarts[0].base:#x}", f"{UART:#x}")

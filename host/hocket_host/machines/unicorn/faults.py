# SPDX-License-Identifier: Apache-2.0
"""Faults of the guest, reported with registers and a symbolised trace."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hocket_host.errors import HocketError

from ..common.elf import ElfImage

_STACK_WORDS = 4096
_TRACE_DEPTH = 24

GENERAL = (*(f"r{i}" for i in range(13)), "sp", "lr", "pc", "xpsr")


@dataclass(frozen=True)
class Cause:
    """Why an exception was raised by the instruction at hand.

    The bits are those of the configurable fault status register (CFSR).
    """

    exception: int
    bits: int
    text: str
    address: int | None = None


@dataclass(frozen=True)
class FaultReport:
    """A fault as it happened; ``str()`` of it is for people."""

    kind: str
    """Exception that was raised, such as ``BusFault``."""
    taken: str
    """Exception that was entered, ``HardFault`` after escalation, or ``lockup``."""
    cause: str
    at_ns: int
    registers: dict[str, int]
    address: int | None
    """Address of a faulting access."""
    trace: tuple[str, ...]
    """Functions, innermost first."""

    def __str__(self) -> str:
        head = f"{self.kind} at {self.at_ns} ns: {self.cause}"
        if self.taken != self.kind:
            head += f" (taken as {self.taken})"
        lines = [head]
        names = list(self.registers)
        for at in range(0, len(names), 4):
            lines.append(
                "  " + "  ".join(f"{n:>4} {self.registers[n]:#010x}" for n in names[at : at + 4])
            )
        lines.append("  trace (from return addresses on the stack):")
        lines += [f"    {entry}" for entry in self.trace]
        return "\n".join(lines)


class LockupError(HocketError):
    """A fault in the handler of faults: the CPU is locked up."""

    def __init__(self, report: FaultReport) -> None:
        super().__init__(
            "the CPU is locked up",
            found=str(report),
            expected="no fault inside HardFault or NMI, nor with interrupts masked by FAULTMASK",
            try_="look at the first fault of the run (Machine.faults), and at the stack's limits",
        )
        self.report = report


def backtrace(
    image: ElfImage, registers: dict[str, int], load: Callable[[int, int], bytes]
) -> tuple[str, ...]:
    """Functions that were probably called, innermost first.

    Without unwind tables every word of the stack that points behind a call is taken for a return
    address, so stale ones may appear.

    Parameters
    ----------
    image
        Symbols and code.
    registers
        pc, lr and sp.
    load
        Reads as much of the given number of bytes at an address as is memory.
    """
    code = _Code(image, load)
    stack = load(registers["sp"] & ~3, 4 * _STACK_WORDS)
    found = [image.locate(registers["pc"])]
    in_exception = False

    def follow(value: int) -> None:
        nonlocal in_exception
        if value >= 0xFFFF_FF80:
            in_exception = True
        elif code.after_call(value):
            found.append(image.locate((value & ~1) - 2))

    follow(registers["lr"])
    at = 0
    while at + 4 <= len(stack) and len(found) < _TRACE_DEPTH:
        if in_exception and (interrupted := code.frame(stack[at : at + 32])) is not None:
            in_exception = False
            lr, pc = interrupted
            found += ["<exception>", image.locate(pc)]
            follow(lr)
            at += 32
            continue
        follow(int.from_bytes(stack[at : at + 4], "little"))
        at += 4
    # One call appears twice when LR has been saved.
    return tuple(e for i, e in enumerate(found) if i == 0 or e != found[i - 1])


class _Code:
    """What a word of the stack may point to."""

    def __init__(self, image: ElfImage, load: Callable[[int, int], bytes]) -> None:
        self._load = load
        segments = [s for s in image.segments if s.executable]
        self._ranges = [(s.address, s.address + len(s.data)) for s in segments]

    def after_call(self, value: int) -> bool:
        """Whether it is the address behind a BL, or a BLX by a register."""
        at = value & ~1
        if not value & 1 or not any(start + 4 <= at <= end for start, end in self._ranges):
            return False
        before = self._load(at - 4, 4)
        if len(before) < 4:
            return False
        first, second = int.from_bytes(before[:2], "little"), int.from_bytes(before[2:], "little")
        return (first & 0xF800 == 0xF000 and second & 0xD000 == 0xD000) or (
            second & 0xFF87 == 0x4780
        )

    def frame(self, data: bytes) -> tuple[int, int] | None:
        """LR and PC of an exception frame, if one can begin here."""
        lr, pc, xpsr = (int.from_bytes(data[i : i + 4], "little") for i in (20, 24, 28))
        inside = not pc & 1 and any(start <= pc < end for start, end in self._ranges)
        return (lr, pc) if inside and xpsr & 0x0100_FC00 == 0x0100_0000 else None

# SPDX-License-Identifier: Apache-2.0
"""The private peripherals of the CPU, as software reads and writes them.

The system control space (NVIC, SysTick, system control block, floating point) and the cycle counter
of the DWT; the rest of the range reads zero. Offsets and bits: Armv8-M Architecture Reference
Manual. Not modelled: MPU and SAU (no regions), a disabled FPU (CPACR is kept, not obeyed), lazy
floating-point stacking (frames are stacked whole), breakpoint units.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from . import nvic as x
from .nvic import Nvic
from .systick import CALIB, CSR, SysTick

BASE, SIZE = 0xE000_0000, 0x10_0000
_SCS, _DWT = 0xE000, 0x1000

_CPUID = 0x410F_D213
"""Cortex-M33 r0p3: the instructions that the engine has."""
_ICTR, _ICSR, _VTOR, _AIRCR, _SCR, _CCR = 0x004, 0xD04, 0xD08, 0xD0C, 0xD10, 0xD14
_SHPR1, _SHCSR, _CFSR, _HFSR, _DFSR, _MMFAR, _BFAR = (
    0xD18, 0xD24, 0xD28, 0xD2C, 0xD30, 0xD34, 0xD38,
)  # fmt: skip
_CPACR, _STIR, _DEMCR, _FPCCR = 0xD88, 0xF00, 0xDFC, 0xF34
_CONSTANTS = {
    _ICTR: x.IRQS // 32 - 1, 0xD00: _CPUID,
    # Feature registers of a Cortex-M33 with single precision.
    0xD40: 0x30, 0xD44: 0x210, 0xD48: 0x20_0000, 0xD50: 0x10_1F40, 0xD58: 0x0100_0000,
    0xD60: 0x0110_1110, 0xD64: 0x0221_2000, 0xD68: 0x2023_2232, 0xD6C: 0x0111_1131,
    0xD70: 0x0131_0132, 0xF40: 0x1011_0021, 0xF44: 0x1100_0011, 0xF48: 0x40,
}  # fmt: skip
_AIRCR_KEY, _AIRCR_KEY_READ, _RESET_REQUEST = 0x05FA, 0xFA05, 1 << 2
_DWT_CTRL, _DWT_CYCCNT = 0x000, 0x004
_FAULT_ENABLES = {16: x.MEM_MANAGE, 17: x.BUS_FAULT, 18: x.USAGE_FAULT}
_SHCSR_ACTIVE = {0: x.MEM_MANAGE, 1: x.BUS_FAULT, 3: x.USAGE_FAULT, 7: x.SVCALL, 10: x.PEND_SV,
                 11: x.SYS_TICK}  # fmt: skip
_SHCSR_PENDING = {12: x.USAGE_FAULT, 13: x.MEM_MANAGE, 14: x.BUS_FAULT, 15: x.SVCALL}


@dataclass
class FaultStatus:
    """Sticky status of faults."""

    configurable: int = 0
    hard: int = 0
    memory_address: int = 0
    bus_address: int = 0


class SystemControl:
    """Register front end; a device of one megabyte.

    Parameters
    ----------
    nvic, systick
        What the registers show.
    cycles
        CPU cycles, for the cycle counter.
    exception
        Number of the exception that runs.
    reset_requested
        Called when software asks for a reset.
    """

    def __init__(
        self,
        nvic: Nvic,
        systick: SysTick,
        cycles: Callable[[], int],
        exception: Callable[[], int],
        reset_requested: Callable[[], None],
    ) -> None:
        self._nvic = nvic
        self._systick = systick
        self._cycles = cycles
        self._exception = exception
        self._reset_requested = reset_requested
        self.reset()

    def reset(self) -> None:
        """As after power-on."""
        self.vectors = 0
        """VTOR."""
        self.faults = FaultStatus()
        self._values = {_SCR: 0, _CCR: 0x201, _DFSR: 0, _CPACR: 0, _DEMCR: 0, _FPCCR: 0xC000_0004,
                        0xF38: 0, 0xF3C: 0}  # fmt: skip
        self._dwt_control = 0
        self._dwt_offset = 0

    @property
    def sleep_on_exit(self) -> bool:
        """SCR.SLEEPONEXIT."""
        return bool(self._values[_SCR] & 2)

    def read(self, offset: int, size: int) -> int:
        """Read 1, 2 or 4 bytes."""
        word = self._read_word(offset & ~3)
        return word >> 8 * (offset & 3) & (1 << 8 * size) - 1

    def write(self, offset: int, size: int, value: int) -> None:
        """Write 1, 2 or 4 bytes; bytes that are not written keep their meaning."""
        shift = 8 * (offset & 3)
        mask = ((1 << 8 * size) - 1) << shift
        self._write_word(offset & ~3, value << shift & mask, mask)

    # Words ---------------------------------------------------------------------------------------

    def _read_word(self, offset: int) -> int:
        if _DWT <= offset < _DWT + 0x1000:
            return self._read_dwt(offset - _DWT)
        at = offset - _SCS
        if not 0 <= at < 0x1000:
            return 0
        if CSR <= at <= CALIB:
            return self._systick.read(at)
        if 0x100 <= at < 0x400:
            return self._read_bits(at)
        if 0x400 <= at < 0x400 + x.IRQS:
            first = x.IRQ0 + at - 0x400
            return int.from_bytes(self._nvic.priorities[first : first + 4], "little")
        if _SHPR1 <= at < _SHPR1 + 12:
            first = 4 + at - _SHPR1
            return int.from_bytes(self._nvic.priorities[first : first + 4], "little")
        return self._read_block(at)

    def _read_bits(self, at: int) -> int:
        kind, first = at & 0x380, x.IRQ0 + 8 * (at & 0x7F)
        if at & 0x40:
            return 0
        found = {
            0x100: self._nvic.enabled, 0x180: self._nvic.enabled,
            0x200: self._nvic.pending, 0x280: self._nvic.pending,
            0x300: self._nvic.active,
        }.get(kind, set())  # fmt: skip
        return sum(1 << bit for bit in range(32) if first + bit in found)

    def _read_block(self, at: int) -> int:
        nvic, faults = self._nvic, self.faults
        if at == _ICSR:
            return self._icsr()
        if at == _VTOR:
            return self.vectors
        if at == _AIRCR:
            return _AIRCR_KEY_READ << 16 | nvic.group << 8
        if at == _SHCSR:
            bits = [(b, nvic.active) for b in _SHCSR_ACTIVE]
            value = sum(1 << b for b, found in bits if _SHCSR_ACTIVE[b] in found)
            value |= sum(1 << b for b, n in _SHCSR_PENDING.items() if n in nvic.pending)
            return value | sum(1 << b for b, n in _FAULT_ENABLES.items() if n in nvic.enabled)
        if at == _CFSR:
            return faults.configurable
        if at == _HFSR:
            return faults.hard
        if at == _MMFAR:
            return faults.memory_address
        if at == _BFAR:
            return faults.bus_address
        return self._values.get(at, _CONSTANTS.get(at, 0))

    def _icsr(self) -> int:
        nvic = self._nvic
        value = self._exception() & 0x1FF
        best = nvic.best()
        value |= (best or 0) << 12
        value |= (len(nvic.active) < 2) << 11
        value |= any(n >= x.IRQ0 for n in nvic.pending) << 22
        value |= (x.SYS_TICK in nvic.pending) << 26
        value |= (x.PEND_SV in nvic.pending) << 28
        return value | (x.NMI in nvic.pending) << 31

    def _write_word(self, offset: int, value: int, mask: int) -> None:
        if _DWT <= offset < _DWT + 0x1000:
            self._write_dwt(offset - _DWT, value)
            return
        at = offset - _SCS
        if not 0 <= at < 0x1000:
            return
        if CSR <= at <= CALIB:
            self._systick.write(at, value)
        elif 0x100 <= at < 0x300:
            self._write_bits(at, value)
        elif 0x400 <= at < 0x400 + x.IRQS:
            self._write_priorities(x.IRQ0 + at - 0x400, value, mask)
        elif _SHPR1 <= at < _SHPR1 + 12:
            self._write_priorities(4 + at - _SHPR1, value, mask)
        else:
            self._write_block(at, value, mask)

    def _write_bits(self, at: int, value: int) -> None:
        kind, first = at & 0x380, x.IRQ0 + 8 * (at & 0x7F)
        if at & 0x40:
            return
        for number in (first + bit for bit in range(32) if value >> bit & 1):
            if number >= x.COUNT:
                return
            if kind in (0x100, 0x180):
                self._nvic.enable(number, kind == 0x100)
            elif kind == 0x200:
                self._nvic.pend(number)
            else:
                self._nvic.unpend(number)

    def _write_priorities(self, first: int, value: int, mask: int) -> None:
        for lane in range(4):
            if mask >> 8 * lane & 0xFF:
                self._nvic.set_priority(first + lane, value >> 8 * lane & 0xFF)

    def _write_block(self, at: int, value: int, mask: int) -> None:
        nvic, faults = self._nvic, self.faults
        if at == _ICSR:
            if value >> 31 & 1:
                nvic.pend(x.NMI)
            for on, off, number in ((28, 27, x.PEND_SV), (26, 25, x.SYS_TICK)):
                if value >> on & 1:
                    nvic.pend(number)
                elif value >> off & 1:
                    nvic.unpend(number)
        elif at == _VTOR:
            self.vectors = value & 0xFFFF_FF80
        elif at == _AIRCR and value >> 16 == _AIRCR_KEY:
            nvic.group = value >> 8 & 7
            if value & _RESET_REQUEST:
                self._reset_requested()
        elif at == _SHCSR:
            for bit, number in _FAULT_ENABLES.items():
                if mask >> bit & 1:
                    nvic.enable(number, bool(value >> bit & 1))
        elif at == _CFSR:
            faults.configurable &= ~value
        elif at == _HFSR:
            faults.hard &= ~value
        elif at == _DFSR:
            self._values[at] &= ~value
        elif at == _STIR:
            nvic.pend(x.IRQ0 + (value & 0x1FF) % x.IRQS)
        elif at in self._values:
            self._values[at] = self._values[at] & ~mask | value

    # Cycle counter -------------------------------------------------------------------------------

    def _read_dwt(self, at: int) -> int:
        if at == _DWT_CTRL:
            return self._dwt_control
        if at == _DWT_CYCCNT:
            count = self._dwt_offset
            return (self._cycles() if self._dwt_control & 1 else 0) + count & 0xFFFF_FFFF
        return 0

    def _write_dwt(self, at: int, value: int) -> None:
        now = self._cycles()
        if at == _DWT_CTRL:
            count = self._read_dwt(_DWT_CYCCNT)
            self._dwt_control = value & 1
            self._dwt_offset = count - (now if value & 1 else 0)
        elif at == _DWT_CYCCNT:
            self._dwt_offset = value - (now if self._dwt_control & 1 else 0)

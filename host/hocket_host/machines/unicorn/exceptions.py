# SPDX-License-Identifier: Apache-2.0
"""Exception entry and return: stack frames, EXC_RETURN, modes, escalation of faults.

Armv8-M Architecture Reference Manual, "Exception handling". The CPU is in one security state,
the secure one, in which it boots. Floating-point registers are stacked at once rather than lazily:
the frame is the same and no later instruction has side effects.
"""

from __future__ import annotations

from collections.abc import Callable

from . import nvic as x
from .engine import Engine
from .faults import Cause
from .nvic import Nvic
from .scs import SystemControl

_BASIC, _EXTENDED = 0x20, 0x68
_FLAGS = 0xF80F_0000
_THUMB, _REALIGNED = 1 << 24, 1 << 9
_CONTROL_PSP, _CONTROL_FP, _CONTROL_SECURE_FP = 2, 4, 8
_RETURN = 0xFFFF_FFE1
"""Secure frame and handler, default stacking; bits 4 (no FP), 3 (Thread) and 2 (PSP) to be set."""

# Bits of CFSR.
IACCVIOL, IBUSERR, PRECISERR, UNSTKERR, STKERR = 1 << 0, 1 << 8, 1 << 9, 1 << 11, 1 << 12
BFARVALID, UNDEFINSTR, INVSTATE, INVPC, NOCP = 1 << 15, 1 << 16, 1 << 17, 1 << 18, 1 << 19
UNALIGNED, DIVBYZERO = 1 << 24, 1 << 25
# Bits of HFSR.
VECTTBL, FORCED, DEBUGEVT = 1 << 1, 1 << 30, 1 << 31

Load = Callable[[int, int], bytes]
Store = Callable[[int, bytes], bool]


class Lockup(Exception):  # noqa: N818 - a state of the CPU; the machine reports it
    """A fault that no handler can take."""


class Exceptions:
    """Takes exceptions and returns from them.

    Parameters
    ----------
    engine, nvic, scs
        Registers, states, vector table.
    load, store
        The guest's memory; ``load`` gives fewer bytes, ``store`` False where there is none.
    """

    def __init__(
        self, engine: Engine, nvic: Nvic, scs: SystemControl, load: Load, store: Store
    ) -> None:
        self._engine = engine
        self._nvic = nvic
        self._scs = scs
        self._load = load
        self._store = store
        self.current = 0
        """Number of the exception that runs, 0 in Thread mode."""

    def reset(self) -> None:
        """Forget the exception that runs."""
        self._engine.set_exception(0)
        self.current = 0

    def masks(self) -> tuple[int, int, int]:
        """PRIMASK, BASEPRI and FAULTMASK."""
        get = self._engine.get
        return get("primask"), get("basepri"), get("faultmask")

    def _switch(self, number: int, control: int, sp: int, other_sp: int | None) -> int:
        """Change the exception that runs, CONTROL and both stack pointers at once.

        Special registers are written in Handler mode, where nothing is refused for lack of
        privilege and the engine does not exchange stack pointers by itself: there its MSP is the
        stack pointer in use and its PSP the other. None keeps the other, which is returned.
        """
        engine = self._engine
        if self.current == 0:
            engine.set_exception(number)
        if other_sp is None:
            other_sp = engine.get("psp")
        engine.set("control", control)
        engine.set("msp", sp)
        engine.set("psp", other_sp)
        if self.current != 0:
            engine.set_exception(number)
        self.current = number
        return other_sp

    # Entry ---------------------------------------------------------------------------------------

    def take(self, number: int) -> None:
        """Enter an exception; the CPU stands at the instruction to return to.

        Raises
        ------
        Lockup
            The frame cannot be stacked, or there is no vector, while faults cannot be taken.
        """
        engine = self._engine
        control = engine.get("control")
        has_fp = bool(control & _CONTROL_FP)
        thread = self.current == 0
        on_psp = thread and bool(control & _CONTROL_PSP)
        sp = engine.get("sp")
        xpsr = engine.get("xpsr") | _THUMB
        frame = (sp - (_EXTENDED if has_fp else _BASIC)) & ~7
        if (sp - frame) % 8:
            xpsr |= _REALIGNED
        words = engine.get_all(("r0", "r1", "r2", "r3", "r12", "lr", "pc"))
        words.append(xpsr)
        if has_fp:
            words += engine.get_all([f"s{i}" for i in range(16)])
            words += [engine.get("fpscr"), 0]
        stored = self._store(frame, b"".join(w.to_bytes(4, "little") for w in words))
        control &= ~(_CONTROL_PSP | _CONTROL_FP | _CONTROL_SECURE_FP)
        other = self._switch(number, control, frame, None)
        if on_psp:
            self._switch(number, control, other, frame)
        engine.set("lr", _RETURN | (not has_fp) << 4 | thread << 3 | on_psp << 2)
        self._nvic.enter(number)
        if not stored:
            self._derived(x.BUS_FAULT, STKERR)
            return
        self._jump(number)

    def _jump(self, number: int) -> None:
        raw = self._load(self._scs.vectors + 4 * number, 4)
        vector = int.from_bytes(raw, "little")
        if len(raw) < 4 or not vector & 1:
            # No vector, or one without its Thumb bit.
            if number == x.HARD_FAULT or self._nvic.execution_priority(0, 0, 0) < -1:
                raise Lockup
            self._scs.faults.hard |= VECTTBL
            self._derived(x.HARD_FAULT, 0)
            return
        self._engine.set("pc", vector)

    def _derived(self, fault: int, bits: int) -> None:
        """A fault while an exception is entered: it is taken on top, or the CPU locks up."""
        self._scs.faults.configurable |= bits
        if self.current in (x.NMI, x.HARD_FAULT):
            raise Lockup
        if not self._nvic.can_take(fault, *self.masks()):
            self._scs.faults.hard |= FORCED
            fault = x.HARD_FAULT
        self._nvic.enter(fault)
        self._engine.set_exception(fault)
        self.current = fault
        self._jump(fault)

    # Faults --------------------------------------------------------------------------------------

    def raise_fault(self, cause: Cause) -> int:
        """Take a synchronous exception, escalated if need be; returns what was entered.

        Raises
        ------
        Lockup
            Not even HardFault can be taken.
        """
        faults = self._scs.faults
        faults.configurable |= cause.bits
        if cause.bits & BFARVALID and cause.address is not None:
            faults.bus_address = cause.address
        number = cause.exception
        masks = self.masks()
        if not self._nvic.can_take(number, *masks):
            if number == x.HARD_FAULT or not self._nvic.can_take(x.HARD_FAULT, *masks):
                raise Lockup
            number = x.HARD_FAULT
            faults.hard |= FORCED
        elif number == x.HARD_FAULT:
            faults.hard |= DEBUGEVT
        self.take(number)
        return number

    # Return --------------------------------------------------------------------------------------

    def leave(self, value: int) -> Cause | None:
        """Return from the exception that runs, by an EXC_RETURN value; the fault if it is wrong."""
        engine, nvic = self._engine, self._nvic
        number = self.current
        if number == 0 or number not in nvic.active:
            return self._bad_return(f"EXC_RETURN {value:#010x} outside an exception")
        if value & 0xFFFF_FF80 != 0xFFFF_FF80:
            return self._bad_return(f"EXC_RETURN {value:#010x} is none")
        thread, on_psp, has_fp = bool(value & 8), bool(value & 4), not value & 0x10
        nvic.leave(number)
        if number != x.NMI:
            engine.set("faultmask", 0)
        main, process = engine.get("msp"), engine.get("psp")
        sp = process if thread and on_psp else main
        size = _EXTENDED if has_fp else _BASIC
        raw = self._load(sp, size)
        if len(raw) < size:
            return Cause(
                x.BUS_FAULT, UNSTKERR, f"no memory for the frame to return from, at {sp:#010x}", sp
            )
        words = [int.from_bytes(raw[i : i + 4], "little") for i in range(0, size, 4)]
        xpsr = words[7]
        outer = xpsr & 0x1FF
        if (outer == 0) != thread or (outer and outer not in nvic.active):
            return self._bad_return(
                f"EXC_RETURN {value:#010x} to {x.name_of(outer)}, which is not active"
            )
        control = engine.get("control") & ~(_CONTROL_PSP | _CONTROL_FP | _CONTROL_SECURE_FP)
        control |= _CONTROL_FP | _CONTROL_SECURE_FP if has_fp else 0
        popped = sp + size + (4 if xpsr & _REALIGNED else 0)
        if thread and on_psp:
            self._switch(outer, control | _CONTROL_PSP, popped, main)
        else:
            self._switch(outer, control, popped, process)
        for name, word in zip(("r0", "r1", "r2", "r3", "r12", "lr", "pc"), words, strict=False):
            engine.set(name, word | 1 if name == "pc" else word)
        if has_fp:
            for index in range(16):
                engine.set(f"s{index}", words[8 + index])
            engine.set("fpscr", words[24])
        engine.set("xpsr_nzcvqg", xpsr & _FLAGS)
        if not xpsr & _THUMB:
            return Cause(x.USAGE_FAULT, INVSTATE, "return to a state that is not Thumb")
        return None

    @staticmethod
    def _bad_return(text: str) -> Cause:
        return Cause(x.USAGE_FAULT, INVPC, text)

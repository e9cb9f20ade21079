# SPDX-License-Identifier: Apache-2.0
"""The instruction set simulator (Unicorn) with what its interface lacks.

Three things are read or written in the engine's own structures: the count of executed instructions
while it runs, the limit of that count, and the number of the active exception. Their places are
found at start by experiment and proved before use, so another build of the engine is refused rather
than misread.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from hocket_host.errors import HocketError

#: Size of the engine's structure that is searched; the counters lie in its first half.
_SEARCH_BYTES = 4096
_FLAGS = 0xF000_0000

Read = Callable[[int, int], int]
Write = Callable[[int, int, int], None]
End = Literal["count", "halted", "failed"]
"""``halted`` by WFI or a trap, ``failed`` by an invalid instruction or access."""


class EngineError(HocketError):
    """The simulator is absent, or not the one that is known."""


def _import() -> tuple[Any, Any]:
    try:
        return import_module("unicorn"), import_module("unicorn.arm_const")
    except ImportError as error:
        raise EngineError(
            "the emulator's engine is not installed",
            found=str(error),
            expected="unicorn 2.1.4",
            try_="pip install 'hocket[emulator]', or use QEMU or Renode",
        ) from error


class Engine:
    """One core of Armv8-M with single-precision floating point.

    Parameters
    ----------
    trapped
        Called with the engine's number of an exception; execution stops after it.
    invalid
        Called with the address and kind (``read``, ``write``, ``fetch``) of an access that nothing
        answers; execution stops.
    """

    def __init__(self, trapped: Callable[[int], None], invalid: Callable[[int, str], None]) -> None:
        unicorn, arm = _import()
        self._arm = arm
        self._unicorn = unicorn
        uc = unicorn.Uc(unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB | unicorn.UC_MODE_MCLASS)
        uc.ctl_set_cpu_model(arm.UC_CPU_ARM_CORTEX_M33)
        self._uc = uc
        self._backings: list[NDArray[np.uint8]] = []
        self._value = ctypes.c_uint32()
        self._ref = ctypes.byref(self._value)
        library = unicorn.unicorn_py3.unicorn.uclib
        self._read = library.uc_reg_read
        self._write = library.uc_reg_write
        self._handle = uc._uch
        self.ids: dict[str, int] = {
            name: getattr(arm, f"UC_ARM_REG_{name.upper()}")
            for name in (
                *(f"r{i}" for i in range(13)), *(f"s{i}" for i in range(32)),
                "sp", "lr", "pc", "msp", "psp", "xpsr", "ipsr", "control", "primask", "basepri",
                "faultmask", "fpscr", "apsr_nzcv", "xpsr_nzcvqg",
            )
        }  # fmt: skip
        self._find_exception_number()
        self._find_counters()
        kinds = {
            unicorn.UC_MEM_READ_UNMAPPED: "read", unicorn.UC_MEM_READ_PROT: "read",
            unicorn.UC_MEM_WRITE_UNMAPPED: "write", unicorn.UC_MEM_WRITE_PROT: "write",
        }  # fmt: skip

        def on_invalid(
            _uc: Any, access: int, address: int, _size: int, _value: int, _data: Any
        ) -> bool:
            invalid(address, kinds.get(access, "fetch"))
            return False

        def on_trap(_uc: Any, number: int, _data: Any) -> None:
            trapped(number)
            uc.emu_stop()

        uc.hook_add(unicorn.UC_HOOK_MEM_INVALID, on_invalid)
        uc.hook_add(unicorn.UC_HOOK_INTR, on_trap)
        uc.ctl_flush_tb()

    # Memory --------------------------------------------------------------------------------------

    def map_memory(self, base: int, backing: NDArray[np.uint8]) -> None:
        """Map an array in place: both sides see each other's writes at once."""
        self._backings.append(backing)
        self._uc.mem_map_ptr(base, len(backing), self._unicorn.UC_PROT_ALL, backing.ctypes.data)

    def map_device(self, base: int, size: int, read: Read, write: Write) -> None:
        """Map registers, served by functions of an offset and a size."""

        def on_read(_uc: Any, offset: int, width: int, _data: Any) -> int:
            return read(offset, width)

        def on_write(_uc: Any, offset: int, width: int, value: int, _data: Any) -> None:
            write(offset, width, value)

        self._uc.mmio_map(base, size, on_read, None, on_write, None)

    def watch(self, address: int, reached: Callable[[], None]) -> None:
        """Call a function before the instruction at an address, as often as it is executed."""

        def on_code(_uc: Any, _address: int, _size: int, _data: Any) -> None:
            reached()

        self._uc.hook_add(self._unicorn.UC_HOOK_CODE, on_code, None, address, address)
        self.forget_code()

    def forget_code(self) -> None:
        """Translate anew: memory was changed from outside."""
        self._uc.ctl_flush_tb()

    # Registers -----------------------------------------------------------------------------------

    def get(self, name: str) -> int:
        """Value of a register, unsigned."""
        self._read(self._handle, self.ids[name], self._ref)
        return self._value.value

    def set(self, name: str, value: int) -> None:
        """Set a register."""
        self._value.value = value & 0xFFFF_FFFF
        self._write(self._handle, self.ids[name], self._ref)

    def get_all(self, names: Sequence[str]) -> list[int]:
        """Values of several registers."""
        return [self.get(name) for name in names]

    def set_exception(self, number: int) -> None:
        """Set IPSR, and with it Thread or Handler mode."""
        self._uc.context_update(self._context)
        self._exception.value = number
        self._uc.context_restore(self._context)
        # Writing the flags makes the engine look at its mode again.
        self.set("apsr_nzcv", self.get("xpsr") & _FLAGS)

    def _find_exception_number(self) -> None:
        uc = self._uc
        context = self._context = uc.context_save()
        before = bytes(context)
        self.set("primask", 1)
        uc.context_update(context)
        after = bytes(context)
        changed = [i for i in range(len(before)) if before[i] != after[i]]
        self.set("primask", 0)
        uc.context_update(context)
        # The exception number stands before the two banks of PRIMASK; the core boots in the second.
        if len(changed) == 1 and changed[0] >= 8:
            start = ctypes.cast(context.context, ctypes.c_void_p).value
            assert start is not None
            self._exception = ctypes.c_uint32.from_address(start + changed[0] - 8)
            for number in (37, 0):
                self._exception.value = number
                uc.context_restore(context)
                if self.get("ipsr") != number:
                    break
            else:
                return
        raise self._unknown("the exception number is not where it should be")

    def _find_counters(self) -> None:
        """Find (executed + 1, limit), a pair of words, by running known numbers of NOPs."""
        code = np.zeros(4096, np.uint8)
        code[:256:2], code[1:256:2] = 0x00, 0xBF
        uc = self._uc
        uc.mem_map_ptr(0, len(code), self._unicorn.UC_PROT_ALL, code.ctypes.data)
        found: set[int] = set()
        width = ctypes.sizeof(ctypes.c_size_t)
        start = self._handle.value
        for trial, count in enumerate((7, 29, 43)):
            uc.emu_start(1, 0xFFFF_FFFE, 0, count)
            raw = ctypes.string_at(start, _SEARCH_BYTES)
            pair = (count + 1).to_bytes(width, "little") + count.to_bytes(width, "little")
            places = {i for i in range(0, _SEARCH_BYTES, width) if raw.startswith(pair, i)}
            found = places if trial == 0 else found & places
        uc.mem_unmap(0, len(code))
        if len(found) != 1:
            raise self._unknown("the count of instructions is not where it should be")
        (place,) = found
        self._counter = ctypes.c_size_t.from_address(start + place)
        self._limit = ctypes.c_size_t.from_address(start + place + width)

    def _unknown(self, what: str) -> EngineError:
        return EngineError(
            f"this build of the emulator's engine is not known: {what}",
            found=f"unicorn {self._unicorn.__version__}",
            expected="unicorn 2.1.4",
            try_="pip install unicorn==2.1.4",
        )

    # Execution -----------------------------------------------------------------------------------

    @property
    def counter(self) -> int:
        """Instructions begun in the present or last `run`, the present one included."""
        return self._counter.value

    def shorten(self, count: int) -> None:
        """Let the present `run` end when ``count`` instructions are begun, if that is sooner."""
        self._limit.value = min(self._limit.value, count)

    def run(self, pc: int, count: int) -> tuple[int, End]:
        """Execute up to ``count`` instructions.

        Returns
        -------
        Instructions executed, a trapped one included, and what ended the run. An end by the count
        may come up to three instructions late, never inside an IT block; instructions that an IT
        block skips are not counted.
        """
        try:
            self._uc.emu_start(pc | 1, 0xFFFF_FFFE, 0, count)
        except self._unicorn.UcError:
            return self._counter.value, "failed"
        begun = self._counter.value
        # The limit is seen by the instruction after the last one, which is counted, not executed.
        if begun > self._limit.value:
            return begun - 1, "count"
        return begun, "halted"

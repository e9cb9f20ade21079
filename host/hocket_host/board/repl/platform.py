# SPDX-License-Identifier: Apache-2.0
"""A platform as the bundled emulator builds it, from its ``.repl`` description.

The NPU is no type of Renode: a ``Tag`` of ``sysbus`` whose name begins with ``ETHOS_U`` says where
its registers are (further ones are aliases), and the wire of ``npuIrq`` says which interrupt it
raises. In Renode a Python peripheral stands at the same address and drives the same wire.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from .errors import ReplError
from .files import find
from .parser import parse, parse_file
from .syntax import Description, Entry, Reference
from .types import Tag, check, tags

NPU_TAG = "ETHOS_U"
NPU_IRQ_ENTRY = "npuIrq"
_PAGE = 4096


@dataclass(frozen=True)
class MemoryRange:
    """A memory of the platform."""

    name: str
    base: int
    size: int


@dataclass(frozen=True)
class Cpu:
    """The CPU."""

    name: str
    type: str
    mips: int | None
    """Instructions in a microsecond of virtual time, in Renode."""


@dataclass(frozen=True)
class Nvic:
    """The interrupt controller."""

    name: str
    base: int
    systick_hz: int
    """Clock of SysTick, and of the CPU."""
    priority_mask: int
    """Bits of a priority that exist."""


@dataclass(frozen=True)
class UartPort:
    """A UART and its interrupts; None where not connected."""

    name: str
    base: int
    tx_irq: int | None
    rx_irq: int | None


@dataclass(frozen=True)
class TimerPort:
    """A timer."""

    name: str
    base: int
    hz: int
    irq: int | None


@dataclass(frozen=True)
class Npu:
    """Registers and interrupt of the NPU."""

    base: int
    size: int
    aliases: tuple[int, ...]
    irq: int


@dataclass(frozen=True)
class Platform:
    """A system on chip."""

    path: str
    cpu: Cpu
    nvic: Nvic
    memories: tuple[MemoryRange, ...]
    uarts: tuple[UartPort, ...]
    timers: tuple[TimerPort, ...]
    npu: Npu | None

    @property
    def cpu_hz(self) -> int:
        """Clock of the CPU."""
        return self.nvic.systick_hz


def load(name_or_path: str | Path) -> Platform:
    """Read a platform description, given by its path or by the name of one of Hocket's own.

    Raises
    ------
    ReplError
        The file is not understood, or the platform is not one that can be emulated.
    """
    return build(parse_file(find(name_or_path)))


def loads(text: str, path: str = "<text>") -> Platform:
    """Like `load`, from a text."""
    return build(parse(text, path))


def build(description: Description) -> Platform:
    """Make a platform of what was read.

    Raises
    ------
    ReplError
        As `load` does.
    """
    return _Builder(description).build()


class _Builder:
    def __init__(self, description: Description) -> None:
        self._description = description
        self._entries = {n: e for n, e in description.entries.items() if n != "sysbus"}
        declared = self._entries.__contains__
        for entry in self._entries.values():
            check(entry, declared)
        bus = description.entries.get("sysbus")
        self._tags = [] if bus is None else tags(bus)

    def build(self) -> Platform:
        cpu_entry = self._one("CPU.CortexM")
        nvic_entry = self._one("IRQControllers.NVIC")
        reference = cpu_entry.attributes["nvic"].value
        if not isinstance(reference, Reference) or reference.name != nvic_entry.name:
            raise ReplError(
                "the CPU's nvic is no interrupt controller",
                where=cpu_entry.attributes["nvic"].place, found=str(reference),
                expected=nvic_entry.name, try_=f"write nvic: {nvic_entry.name}",
            )  # fmt: skip
        self._nvic = nvic_entry.name
        cpu_type = str(cpu_entry.attributes["cpuType"].value)
        mips = cpu_entry.attributes.get("PerformanceInMips")
        platform = Platform(
            self._description.path,
            Cpu(
                cpu_entry.name, cpu_type, None if mips is None else self._int(cpu_entry, mips.name)
            ),
            Nvic(
                nvic_entry.name,
                self._base(nvic_entry),
                self._positive(nvic_entry, "systickFrequency"),
                self._int(nvic_entry, "priorityMask", 0xFF),
            ),
            tuple(self._memory(e) for e in self._all("Memory.MappedMemory")),
            tuple(self._uart(e) for e in self._all("UART.CMSDK_APB_UART")),
            tuple(
                TimerPort(
                    e.name, self._base(e), self._positive(e, "frequency"), self._wire(e, "IRQ")
                )
                for e in self._all("Timers.Arm_CMSDK_Timer")
            ),
            self._npu(),
        )
        self._check_overlap(platform)
        return platform

    def _all(self, kind: str) -> list[Entry]:
        return [e for e in self._entries.values() if e.type == kind]

    def _one(self, kind: str) -> Entry:
        found = self._all(kind)
        if len(found) == 1:
            return found[0]
        raise ReplError(
            f"a platform has one {kind}",
            where=found[1].place if found else self._description.path,
            found=", ".join(e.name for e in found) or "none",
            expected="exactly one",
            try_=f"remove all but one {kind}" if found else f"declare a {kind}",
        )

    def _int(self, entry: Entry, name: str, default: int = 0) -> int:
        attribute = entry.attributes.get(name)
        return default if attribute is None else int(attribute.value)  # type: ignore[arg-type]

    def _positive(self, entry: Entry, name: str) -> int:
        value = self._int(entry, name)
        if value <= 0:
            raise ReplError(
                f"{name} is not positive", where=entry.attributes[name].place, found=value,
                expected="1 or more", try_="write a frequency in hertz, or a size in bytes",
            )  # fmt: skip
        return value

    @staticmethod
    def _base(entry: Entry) -> int:
        """The only address of an entry, on a page of its own."""
        placed = [r for r in entry.registrations if r.address is not None]
        base = placed[0].address
        assert base is not None
        if len(placed) > 1 and entry.type != "Memory.MappedMemory":
            raise ReplError(
                f"{entry.name} has several addresses", where=placed[1].place,
                found=f"{len(placed)} registrations", expected="one",
                try_="leave aliases out: only the NPU's are emulated",
            )  # fmt: skip
        if base % _PAGE or base < 0:
            raise ReplError(
                f"{entry.name} is not aligned", where=placed[0].place, found=hex(base),
                expected="a multiple of 0x1000", try_="align the address",
            )  # fmt: skip
        return base

    def _memory(self, entry: Entry) -> MemoryRange:
        size = self._positive(entry, "size")
        if len(entry.registrations) > 1 or size % _PAGE:
            raise ReplError(
                f"{entry.name} cannot be placed", where=entry.place,
                found=f"{len(entry.registrations)} addresses, {size} bytes",
                expected="one address and a multiple of 0x1000 bytes",
                try_="leave aliases of memories out",
            )  # fmt: skip
        return MemoryRange(entry.name, self._base(entry), size)

    def _uart(self, entry: Entry) -> UartPort:
        return UartPort(
            entry.name,
            self._base(entry),
            self._wire(entry, "TxInterrupt"),
            self._wire(entry, "RxInterrupt"),
        )

    def _wire(self, entry: Entry, output: str) -> int | None:
        found = [w for w in entry.wires if w.source in (output, None) and w.target is not None]
        for wire in found:
            if wire.target != self._nvic or wire.number is None or not 0 <= wire.number < 480:
                raise ReplError(
                    f"{entry.name}'s interrupt does not reach the CPU", where=wire.place,
                    found=f"{wire.target}@{wire.number}",
                    expected=f"{self._nvic}@0 to {self._nvic}@479",
                    try_=f"write -> {self._nvic}@56",
                )  # fmt: skip
        if len(found) > 1:
            raise ReplError(
                f"{entry.name}'s interrupt is connected twice", where=found[1].place,
                found=f"{len(found)} wires", expected="one", try_="remove one",
            )  # fmt: skip
        return found[0].number if found else None

    def _npu(self) -> Npu | None:
        found = [t for t in self._tags if t.name.startswith(NPU_TAG)]
        if not found:
            return None
        entry = self._entries.get(NPU_IRQ_ENTRY)
        irq = None if entry is None else self._wire(entry, "OutputLine")
        if irq is None:
            raise ReplError(
                "the NPU has no interrupt",
                where=self._description.path if entry is None else entry.place,
                found=f"a Tag {found[0].name} without {NPU_IRQ_ENTRY}",
                expected=f"{NPU_IRQ_ENTRY}: Miscellaneous.CombinedInput with -> nvic@N",
                try_=f"declare {NPU_IRQ_ENTRY} and its wire",
            )
        first, rest = found[0], found[1:]
        for tag in found:
            self._check_tag(tag, first)
        return Npu(first.base, first.size, tuple(t.base for t in rest), irq)

    def _check_tag(self, tag: Tag, first: Tag) -> None:
        if tag.base % _PAGE or tag.size != first.size or tag.size != _PAGE:
            raise ReplError(
                "the NPU's registers are of another size or place",
                where=self._description.path,
                found=f"{tag.name} with {tag.size:#x} bytes at {tag.base:#x}",
                expected="0x1000 bytes at a multiple of 0x1000",
                try_="write Tag <0x48102000, 0x48102FFF>",
            )

    def _check_overlap(self, p: Platform) -> None:
        ranges = [(m.base, m.size, m.name) for m in p.memories]
        ranges += [(u.base, _PAGE, u.name) for u in p.uarts]
        ranges += [(t.base, _PAGE, t.name) for t in p.timers]
        ranges.append((p.nvic.base, _PAGE, p.nvic.name))
        if p.npu is not None:
            ranges += [(base, p.npu.size, NPU_TAG) for base in (p.npu.base, *p.npu.aliases)]
        ranges.sort()
        for (base, size, name), (other, _, second) in pairwise(ranges):
            if base + size > other:
                raise ReplError(
                    f"{name} and {second} overlap",
                    where=self._description.path,
                    found=f"{name} {base:#x}..{base + size - 1:#x}, {second} from {other:#x}",
                    expected="ranges that share no address",
                    try_="change the address or size of one of them",
                )
        if any(base + size > 1 << 32 for base, size, _ in ranges):
            raise ReplError(
                "a range ends beyond 32 bits of address", where=self._description.path,
                found=hex(max(b + s for b, s, _ in ranges)), expected="at most 0x100000000",
                try_="shrink it",
            )  # fmt: skip

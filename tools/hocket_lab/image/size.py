# SPDX-License-Identifier: Apache-2.0
"""Flash of the frozen package and heap of the kernel, measured on the image itself."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hocket_tools.image.build import ArmImage, sections
from hocket_tools.image.errors import FirmwareError

from . import console, probe

FLASH_BUDGET = 48 * 1024
HEAP_BUDGET = 16 * 1024

# Frozen beside the package; all else that the object file holds is counted as the package's.
_OTHERS = ("board", "main", "_boot", "_start")
# Parts of the package that only some applications use, and the modules whose names begin so; what
# loads operators and runs them is theirs.
_PARTS = {
    "operators": ("_hocket_ops_", "_hocket_mixed_", "_hocket_programs_"),
    "features": ("_hocket_features_",),
}

# In the source of the frozen modules.
_NAME_TABLE = re.compile(r"const_qstr_table_data_(\w+)\[\d+\] = \{(.*?)\};", re.DOTALL)
_NAME = re.compile(r"MP_QSTR_(\w+)")
_POOL = re.compile(r"enum \{.*?\};", re.DOTALL)
_NAME_BYTES = 2 + 1 + 4 + 1
# In its list of modules, each of which has a pointer besides.
_MODULE = re.compile(r'^    "([^"]+\.py)\\0"$', re.MULTILINE)
_POINTER = 4


@dataclass(frozen=True)
class SizeReport:
    """What Hocket takes of a board, in bytes."""

    flash_hocket_bytes: int
    """The frozen package without operators and features: code, constants, names."""
    heap_kernel_bytes: int
    """Modules, kernel and dispatcher with four tasks of eight segments each, without arenas."""
    text: int
    data: int
    bss: int
    flash_ops_bytes: int = 0
    """Operators for the CPU (``hocket.ops``), which only networks with such steps use."""
    flash_features_bytes: int = 0
    """The audio front end (``hocket.features``), which only networks for sound use."""
    heap_parts: Mapping[str, int] = field(default_factory=dict)
    """What `heap_kernel_bytes` is made of."""
    heap_64k_used_bytes: int | None = None
    """Of the image with a small heap, by the keyword spotter as an application."""
    heap_64k_free_bytes: int | None = None

    @property
    def over_budget(self) -> bool:
        """Whether one of the two is larger than promised."""
        return self.flash_hocket_bytes > FLASH_BUDGET or self.heap_kernel_bytes > HEAP_BUDGET

    def __str__(self) -> str:
        lines = [
            f"flash of the frozen package: {self.flash_hocket_bytes} of {FLASH_BUDGET} bytes",
            f"flash of the operators beside it: {self.flash_ops_bytes} bytes",
            f"flash of the features beside it: {self.flash_features_bytes} bytes",
            f"heap of kernel and dispatcher, four tasks: {self.heap_kernel_bytes} of "
            f"{HEAP_BUDGET} bytes",
        ]
        return "\n".join(
            [*lines, *(f"  {size:6} {part}" for part, size in self.heap_parts.items())]
        )


def flash_of_package(frozen: Path) -> tuple[int, int, int]:
    """Bytes of flash that the package takes of an image: of it, of its operators, its features.

    Parameters
    ----------
    frozen
        The object file of all frozen modules.

    Notes
    -----
    From above: everything in the object file but the symbols of the other modules. What the package
    would not be without, is the package's: constants that several use, and names in the pool. Names
    that only operators and features use are theirs, as are their entries in the list of modules.
    """
    total = sum(
        size
        for name, size in sections(frozen).items()
        if name.startswith((".text", ".rodata", ".data"))
    )
    run = subprocess.run(
        ["arm-none-eabi-nm", "-S", str(frozen)], capture_output=True, text=True, check=True
    )
    others = 0
    parts = _flash_of_names(frozen.with_suffix(".c"))
    for line in run.stdout.splitlines():
        fields = line.split()
        if len(fields) != 4:
            continue
        size, symbol = int(fields[1], 16), fields[3]
        part = _part(symbol)
        if part:
            parts[part] += size
        elif "hocket" not in symbol and any(
            symbol.endswith(f"_{module}") or f"_{module}_" in symbol for module in _OTHERS
        ):
            others += size
    operators, features = (parts[part] for part in _PARTS)
    return total - others - operators - features, operators, features


def _part(symbol: str) -> str:
    """The part that a symbol belongs to; empty for the rest of the package."""
    whole = f"{symbol}_"
    return next((part for part, names in _PARTS.items() if any(n in whole for n in names)), "")


def _flash_of_names(source: Path) -> dict[str, int]:
    """Bytes in the pool of names (hash, length, pointer, text) and in the list of modules."""
    used: dict[str, set[str]] = {part: set() for part in ("", *_PARTS)}
    text = source.read_text(encoding="utf-8")
    for module, names in _NAME_TABLE.findall(text):
        used[_part(f"_{module}")].update(_NAME.findall(names))
    pool = _POOL.search(text)
    pooled = set(_NAME.findall(pool[0])) if pool else set()
    found = dict.fromkeys(_PARTS, 0)
    counted = used[""]
    for part in _PARTS:
        found[part] = sum(_NAME_BYTES + len(n) for n in (used[part] - counted) & pooled)
        counted = counted | used[part]
    for path in _MODULE.findall(text):
        part = _part("_" + path.replace("/", "_").replace(".", "_"))
        if part:
            found[part] += _POINTER + len(path) + 1
    return found


def heap_of_kernel(elf: Path) -> dict[str, int]:
    """Bytes of heap for modules, kernel and dispatcher with four tasks by part, on QEMU.

    Raises
    ------
    FirmwareError
        The image cannot be run, or the measurement fails on it.
    """
    run = console.run_script(elf, probe.HEAP)
    rows = [line.rpartition(" ") for line in run.output.splitlines()]
    if run.error or not rows or not all(re.fullmatch(r"-?\d+", size) for _, _, size in rows):
        raise FirmwareError(
            "the heap could not be measured",
            where=elf,
            found=run.error or run.output,
            expected="a name and a figure in each line",
        )
    return {part: int(size) for part, _, size in rows}


def measure(image: ArmImage) -> SizeReport:
    """Measure an image, its heap on QEMU.

    Raises
    ------
    FirmwareError
        The measurement fails.
    """
    package, operators, features = flash_of_package(image.elf.parent / "frozen_content.o")
    parts = heap_of_kernel(image.elf)
    return SizeReport(
        flash_hocket_bytes=package,
        flash_ops_bytes=operators,
        flash_features_bytes=features,
        heap_kernel_bytes=sum(parts.values()),
        heap_parts=parts,
        text=image.text,
        data=image.data,
        bss=image.bss,
    )

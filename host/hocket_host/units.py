# SPDX-License-Identifier: Apache-2.0
"""Quantities with units: time in integer nanoseconds, frequency in hertz, size in bytes.

No quantity is ever a float: a text is read as an exact fraction and must come out whole.
"""

from __future__ import annotations

import re
from fractions import Fraction

from .errors import UnitError

NS_PER_S = 1_000_000_000

_DURATIONS = {"ns": 1, "us": 1_000, "µs": 1_000, "ms": 1_000_000, "s": NS_PER_S}
_FREQUENCIES = {"hz": 1, "khz": 1_000, "mhz": 1_000_000, "ghz": 1_000_000_000}
_SIZES = {"b": 1, "kb": 1_000, "mb": 1_000_000, "kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30}

_QUANTITY = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([A-Za-zµ]+)\s*")


def _parse(text: object, units: dict[str, int], what: str, example: str, fold: bool) -> int:
    hint = f'a {what} in quotes with its unit ({", ".join(units)}), such as "{example}"'
    if not isinstance(text, str):
        raise UnitError(f"not a {what}", found=repr(text), expected=hint, try_=f'write "{example}"')
    match = _QUANTITY.fullmatch(text)
    unit = match.group(2) if match else ""
    factor = units.get(unit.lower() if fold else unit)
    if match is None or factor is None:
        raise UnitError(f"not a {what}", found=repr(text), expected=hint, try_=f'write "{example}"')
    value = Fraction(match.group(1)) * factor
    if value.denominator != 1:
        raise UnitError(
            f"a {what} must be a whole number of the smallest unit",
            found=repr(text),
            expected=f"a multiple of 1 {next(iter(units))}",
            try_="round it",
        )
    return int(value)


def parse_duration(text: object) -> int:
    """Read a duration such as ``"20 ms"`` as integer nanoseconds."""
    return _parse(text, _DURATIONS, "duration", "20 ms", fold=False)


def parse_frequency(text: object) -> int:
    """Read a frequency such as ``"50 MHz"`` as integer hertz."""
    return _parse(text, _FREQUENCIES, "frequency", "50 MHz", fold=True)


def parse_size(text: object) -> int:
    """Read a size such as ``"48 KiB"`` as integer bytes."""
    return _parse(text, _SIZES, "size", "48 KiB", fold=True)


def cycles_to_ns(cycles: int, hz: int) -> int:
    """Duration of ``cycles`` at ``hz``, in nanoseconds, rounded up.

    The ceiling is used by emulation and analysis alike, so a bound on one is a bound on the other.
    """
    return -(-cycles * NS_PER_S // hz)


def ns_to_cycles(ns: int, hz: int) -> int:
    """Whole cycles at ``hz`` that fit into ``ns``, rounded down."""
    return ns * hz // NS_PER_S


def _scaled(value: int, unit: int) -> str:
    whole = Fraction(value, unit)
    digits = 0 if whole >= 1000 or whole.denominator == 1 else 3 - len(str(int(whole)))
    return f"{float(whole):.{max(digits, 0)}f}"


def format_ns(ns: int) -> str:
    """Write nanoseconds for a person, with three significant digits."""
    magnitude = abs(ns)
    for name, unit in (("s", NS_PER_S), ("ms", 1_000_000), ("µs", 1_000)):
        if magnitude >= unit:
            return f"{'-' if ns < 0 else ''}{_scaled(magnitude, unit)} {name}"
    return f"{ns} ns"


def format_size(size: int) -> str:
    """Write bytes for a person."""
    for name, unit in (("MiB", 1 << 20), ("KiB", 1 << 10)):
        if size >= unit:
            return f"{_scaled(size, unit)} {name}"
    return f"{size} B"


def format_hz(hz: int) -> str:
    """Write hertz for a person."""
    for name, unit in (("GHz", 1_000_000_000), ("MHz", 1_000_000), ("kHz", 1_000)):
        if hz >= unit:
            return f"{_scaled(hz, unit)} {name}"
    return f"{hz} Hz"

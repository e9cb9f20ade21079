# SPDX-License-Identifier: Apache-2.0
"""``utime`` of MicroPython: virtual time, in ticks that wrap as on a 32-bit board."""

from __future__ import annotations

from .state import current

TICKS_PERIOD = 1 << 30


def ticks_us() -> int:
    """Microseconds, wrapping."""
    return current().now_ns() // 1_000 % TICKS_PERIOD


def ticks_ms() -> int:
    """Milliseconds, wrapping."""
    return current().now_ns() // 1_000_000 % TICKS_PERIOD


def ticks_cpu() -> int:
    """The finest ticks there are: here nanoseconds, wrapping."""
    return current().now_ns() % TICKS_PERIOD


def ticks_add(ticks: int, delta: int) -> int:
    """Tick ``delta`` after ``ticks``."""
    return (ticks + delta) % TICKS_PERIOD


def ticks_diff(end: int, start: int) -> int:
    """Signed distance, right if it is less than half the period."""
    return (end - start + TICKS_PERIOD // 2) % TICKS_PERIOD - TICKS_PERIOD // 2


def instant_ns(ticks: int, now_ns: int) -> int | None:
    """The instant at which `ticks_us` will be ``ticks``; None if that is not ahead."""
    now_us = now_ns // 1_000
    ahead = ticks_diff(ticks, now_us)
    return (now_us + ahead) * 1_000 if ahead > 0 else None


def sleep_us(us: int) -> None:
    """Keep the CPU busy for a time, interrupts being served in it."""
    current().advance(us * 1_000)


def sleep_ms(ms: int) -> None:
    """Keep the CPU busy for a time, interrupts being served in it."""
    current().advance(ms * 1_000_000)


def sleep(seconds: float) -> None:
    """Keep the CPU busy for a time, interrupts being served in it."""
    current().advance(int(seconds * 1_000_000_000))


def time_ns() -> int:
    """Nanoseconds since the machine's start."""
    return current().now_ns()


def time() -> int:
    """Seconds since the machine's start."""
    return current().now_ns() // 1_000_000_000

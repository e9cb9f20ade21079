# SPDX-License-Identifier: Apache-2.0
"""The system around the NPU: its clock and the memories behind its two AXI ports.

Read from the text of a ``vela.ini``: a ``[System_Config.*]`` section describes the memories and a
``[Memory_Mode.*]`` section says which of them holds constants, the arena and the cache. Either may
``inherit`` another. Options and their meaning are those of Vela's documentation (``OPTIONS.md``);
bandwidths are exact fractions of a byte a cycle, never floats.
"""

from __future__ import annotations

from collections.abc import Callable
from configparser import ConfigParser
from configparser import Error as IniError
from dataclasses import dataclass, replace
from fractions import Fraction

from hocket_host.errors import HocketError

from ..config import NpuConfig

CONST_REGION, CACHE_REGION = 0, 2

_SYSTEM, _MODE = "System_Config.", "Memory_Mode."
_MEMORIES = ("Sram", "Dram", "OnChipFlash", "OffChipFlash")
_PORTS = ("Axi0", "Axi1")
_PORT_BYTES = {0: 8, 1: 16}


class SystemConfigError(HocketError):
    """A system configuration or memory mode that is missing, incomplete or contradictory."""


@dataclass(frozen=True)
class MemoryTiming:
    """One memory as the NPU's DMA engine sees it; latencies in NPU cycles."""

    name: str
    """Vela's name of the memory."""
    bandwidth: Fraction
    """Bytes a cycle: port width x clock scale x ports used."""
    burst_bytes: int
    """Longest burst, in bytes."""
    read_latency: int
    write_latency: int
    max_reads: int
    """Read bursts in flight."""
    max_writes: int
    """Write bursts in flight."""

    def transfer_cycles(self, size: int) -> int:
        """Cycles that ``size`` bytes take at full bandwidth, rounded down as Vela does."""
        return size * self.bandwidth.denominator // self.bandwidth.numerator

    def worst_cycles(self, size: int, *, write: bool) -> int:
        """Cycles that ``size`` bytes take when no burst's latency is hidden by its own data.

        Bursts in flight at once share one latency; each burst still takes its time on the port.
        """
        if size <= 0:
            return 0
        latency, flight = (
            (self.write_latency, self.max_writes) if write else (self.read_latency, self.max_reads)
        )
        bursts = -(-size // self.burst_bytes)
        waits = -(-bursts // max(flight, 1))
        data = -(-size * self.bandwidth.denominator // self.bandwidth.numerator)
        return data + waits * latency


@dataclass(frozen=True)
class SystemConfig:
    """Clock and memories of one system, under one memory mode."""

    name: str
    """Vela's ``--system-config``."""
    memory_mode: str
    """Vela's ``--memory-mode``."""
    clock_hz: int
    """NPU clock."""
    const: MemoryTiming
    """Region 0: read-only data; the command stream is fetched from here too."""
    arena: MemoryTiming
    """Region 1: tensors."""
    cache: MemoryTiming
    """Region 2: fast scratch; the arena's own memory unless the SRAM is dedicated."""
    arena_cache_size: int | None
    """Bytes of the cache, where the memory mode limits it."""

    def region(self, number: int) -> MemoryTiming:
        """MemoryTiming that a base pointer leads to; every region but 0 and 2 is in the arena's."""
        if number == CONST_REGION:
            return self.const
        return self.cache if number == CACHE_REGION else self.arena

    def with_clock(self, clock_hz: int) -> SystemConfig:
        """The same system at another NPU clock.

        Bandwidths and latencies stay what they are in cycles: ``vela.ini`` gives them relative to
        the core clock, and scales the memories with it.
        """
        return replace(self, clock_hz=clock_hz)


def default_names(npu: NpuConfig) -> tuple[str, str]:
    """System configuration and memory mode that Vela uses when it is given none."""
    if npu.product == 0:
        return "Ethos_U55_High_End_Embedded", "Shared_Sram"
    return "Ethos_U65_Client_Server", "Dedicated_Sram_384KB"


class _Ini:
    """Options of an ini text, found along ``inherit``."""

    def __init__(self, text: str) -> None:
        self.parser = ConfigParser(interpolation=None)
        try:
            self.parser.read_string(text, source="vela.ini")
        except IniError as error:
            raise SystemConfigError(
                "not a Vela configuration file",
                found=str(error).replace("\n", " "),
                expected="an ini file with System_Config and Memory_Mode sections",
            ) from None

    def names(self, prefix: str) -> list[str]:
        return [s.removeprefix(prefix) for s in self.parser.sections() if s.startswith(prefix)]

    def chain(self, prefix: str, name: str, option: str) -> list[str]:
        """Sections to search, the named one first."""
        section = prefix + name
        chain: list[str] = []
        while section not in chain:
            if not self.parser.has_section(section):
                valid = ", ".join(self.names(prefix)) or "none in this file"
                raise SystemConfigError(
                    f"unknown {option}",
                    where=f"vela.ini, inherited by [{chain[-1]}]" if chain else "vela.ini",
                    found=repr(section.removeprefix(prefix)),
                    expected=f"one of: {valid}",
                    try_=f"choose one of these, or pass the file that has [{section}]",
                )
            chain.append(section)
            parent = self.parser.get(section, "inherit", fallback=None)
            if parent is None:
                return chain
            section = parent.strip()
        raise SystemConfigError(
            "sections inherit each other in a circle",
            where="vela.ini",
            found=" -> ".join([*chain, section]),
            expected="an inherit chain that ends",
        )

    def get(self, chain: list[str], key: str, default: str | None) -> str:
        for section in chain:
            value = self.parser.get(section, key, fallback=None)
            if value is not None:
                return value.strip()
        if default is None:
            raise SystemConfigError(
                "an option is missing",
                where=f"vela.ini [{chain[0]}]",
                found=f"no {key}",
                expected=f"{key} in this section or one that it inherits",
            )
        return default


def _number(ini: _Ini, chain: list[str], key: str, default: str | None, *, whole: bool) -> Fraction:
    text = ini.get(chain, key, default)
    try:
        value = Fraction(text)
    except (ValueError, ZeroDivisionError):
        value = Fraction(-1)
    if value < 0 or (whole and value.denominator != 1):
        raise SystemConfigError(
            "not a number that makes sense here",
            where=f"vela.ini [{chain[0]}] {key}",
            found=repr(text),
            expected="a whole number, 0 or more" if whole else "a number, 0 or more",
        )
    return value


def _choice(
    ini: _Ini, chain: list[str], key: str, valid: tuple[str, ...], default: str | None
) -> str:
    text = ini.get(chain, key, default)
    if text not in valid:
        raise SystemConfigError(
            "unknown name",
            where=f"vela.ini [{chain[0]}] {key}",
            found=repr(text),
            expected="one of: " + ", ".join(valid),
        )
    return text


def _memory(name: str, number: Callable[[str, str], Fraction], port_bytes: int) -> MemoryTiming:
    ports = max(int(number("ports_used", "1")), 1)
    bandwidth = number("clock_scale", "1") * port_bytes * ports
    if bandwidth == 0:
        raise SystemConfigError(
            "a memory without bandwidth",
            where=f"vela.ini {name}_clock_scale",
            found="0",
            expected="a number above 0",
        )
    return MemoryTiming(
        name=name,
        bandwidth=bandwidth,
        burst_bytes=max(int(number("burst_length", "1")), 1),
        read_latency=int(number("read_latency", "0")),
        write_latency=int(number("write_latency", "0")),
        max_reads=int(number("max_reads", "1")),
        max_writes=int(number("max_writes", "1")),
    )


def parse_system_config(
    text: str,
    npu: NpuConfig,
    *,
    system_config: str | None = None,
    memory_mode: str | None = None,
    clock_hz: int | None = None,
) -> SystemConfig:
    """Read one system and memory mode from the text of a ``vela.ini``.

    Parameters
    ----------
    text
        Contents of the file.
    npu
        The accelerator: its AXI ports are 8 bytes wide on Ethos-U55 and 16 on Ethos-U65.
    system_config, memory_mode
        Names without their section prefix; None for Vela's default for the accelerator.
    clock_hz
        NPU clock in hertz, in place of the file's ``core_clock``.

    Raises
    ------
    SystemConfigError
        A section or option is unknown, missing or malformed, or the clock is not positive.
    """
    ini = _Ini(text)
    default_system, default_mode = default_names(npu)
    system_config = default_system if system_config is None else system_config
    memory_mode = default_mode if memory_mode is None else memory_mode
    system = ini.chain(_SYSTEM, system_config, "system configuration")
    mode = ini.chain(_MODE, memory_mode, "memory mode")

    ports = {port: _choice(ini, system, f"{port.lower()}_port", _MEMORIES, None) for port in _PORTS}
    const_port, arena_port, cache_port = (
        _choice(ini, mode, f"{area}_mem_area", _PORTS, None) for area in ("const", "arena", "cache")
    )
    memories = {}
    for name in ports.values():

        def number(key: str, default: str, name: str = name) -> Fraction:
            whole = key != "clock_scale"
            return _number(ini, system, f"{name}_{key}", default, whole=whole)

        memories[name] = _memory(name, number, _PORT_BYTES[npu.product])
    clock = _number(ini, system, "core_clock", None, whole=True) if clock_hz is None else clock_hz
    if clock <= 0:
        raise SystemConfigError(
            "the NPU clock must be positive", found=f"{clock} Hz", expected="1 Hz or more"
        )
    size = _number(ini, mode, "arena_cache_size", "0", whole=True)
    return SystemConfig(
        name=system_config,
        memory_mode=memory_mode,
        clock_hz=int(clock),
        const=memories[ports[const_port]],
        arena=memories[ports[arena_port]],
        cache=memories[ports[cache_port]],
        arena_cache_size=int(size) or None,
    )

# SPDX-License-Identifier: Apache-2.0
"""Vela's options under Vela's own names, checked before the compiler sees them."""

from __future__ import annotations

import importlib.util
from configparser import ConfigParser
from configparser import Error as ConfigParserError
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hocket_host.errors import HocketError
from hocket_host.ethosu.config import AcceleratorError, NpuConfig, npu_config

#: What Vela calls "internal-default": system configuration and memory mode by product.
_DEFAULTS = (
    ("Ethos_U55_High_End_Embedded", "Shared_Sram"),
    ("Ethos_U65_Client_Server", "Dedicated_Sram_384KB"),
)
#: Memories that each role accepts.
_ROLES = {
    "const_mem_area": ("Dram", "OnChipFlash", "OffChipFlash"),
    "arena_mem_area": ("Sram", "Dram"),
    "cache_mem_area": ("Sram",),
}


class VelaError(HocketError):
    """A model or an option that Vela cannot turn into a command stream for the NPU."""


def vela_ini() -> Path:
    """The configuration file that comes with Vela."""
    spec = importlib.util.find_spec("ethosu.regor")
    if spec is None or spec.origin is None:
        raise VelaError(
            "Vela is not installed", expected="the package ethos-u-vela",
            try_="pip install ethos-u-vela",
        )  # fmt: skip
    return Path(spec.origin).parent / "config_files" / "Arm" / "vela.ini"


@dataclass(frozen=True)
class VelaOptions:
    """Options of one compilation; None means what Vela takes for the accelerator."""

    accelerator_config: str = "ethos-u55-256"
    system_config: str | None = None
    memory_mode: str | None = None
    config: tuple[str, ...] = ()
    """Paths of vela.ini files; empty for the one that comes with Vela."""
    optimise: Literal["Performance", "Size"] = "Performance"
    arena_cache_size: int | None = None
    """Bytes; None for the memory mode's own."""


@dataclass(frozen=True)
class ResolvedOptions:
    """Options with every default filled in, and the texts that Vela's compiler core reads."""

    npu: NpuConfig
    system_config: str
    memory_mode: str
    config_text: str
    optimise: str
    arena_cache_size: int
    dedicated: bool
    """Whether the fast scratch is a memory of its own rather than part of the arena."""

    @property
    def accelerator(self) -> str:
        """The accelerator family as the compiler core spells it."""
        return ("EthosU55", "EthosU65")[self.npu.product]

    def architecture_text(self) -> str:
        """System configuration for the compiler core."""
        return (
            f"[architecture]\nmacs={self.npu.macs}\ncores=1\n"
            f"[vela]\nsystem_config_name={self.system_config}\n"
            f"memory_mode_name={self.memory_mode}\n{self.config_text}"
        )

    def compiler_text(self, output_format: str) -> str:
        """Compiler options for the compiler core; ``output_format`` is "Raw" or "TFLite"."""
        return (
            f"\n[compiler]\nenable_db=true\noutput_format={output_format}\ncop_format=COP1\n"
            f"\n[scheduler]\noptimize={self.optimise}\narena_size_limit={self.arena_cache_size}\n"
            "disable_feature=\ncpu_tensor_alignment=16\ntensor_allocator=HillClimb\n"
            "\n[graph]\nsoftmax_int16_neg_exp_range=10.0\n"
        )


def resolve(options: VelaOptions) -> ResolvedOptions:
    """Fill in the defaults and check every name.

    Raises
    ------
    VelaError
        An unknown accelerator, system configuration, memory mode or strategy (the valid ones are
        listed), an unreadable configuration file, or a memory mode that the system cannot serve.
    """
    try:
        npu = npu_config(options.accelerator_config)
    except AcceleratorError as error:
        raise VelaError(
            error.message, found=error.found, expected=error.expected, try_=error.try_
        ) from None
    if options.optimise not in ("Performance", "Size"):
        raise VelaError(
            "unknown strategy", where="optimise", found=repr(options.optimise),
            expected="Performance or Size",
        )  # fmt: skip
    text = "\n".join(_read(path) for path in options.config or (str(vela_ini()),))
    ini = _parsed(text)
    default_system, default_mode = _DEFAULTS[npu.product]
    system = _section(ini, "System_Config", options.system_config or default_system)
    mode = _section(ini, "Memory_Mode", options.memory_mode or default_mode)
    areas = {role: _area(system, mode, role) for role in _ROLES}
    for role, valid in _ROLES.items():
        if role == "const_mem_area" and len(set(areas.values())) == 1:
            continue  # all in one memory: Vela treats the constants' share of it as flash
        if areas[role] not in valid:
            raise VelaError(
                "the memory mode does not fit the system configuration",
                where=f"{mode['']} with {system['']}",
                found=f"{role} on {areas[role]}",
                expected=f"{role} on {' or '.join(valid)}",
                try_="choose another memory_mode or system_config",
            )
    limit = 1 << npu.address_bits
    arena = options.arena_cache_size
    if arena is None:
        arena = int(mode.get("arena_cache_size", limit))
    if not 0 < arena <= limit:
        raise VelaError(
            "arena cache size is out of range", where="arena_cache_size", found=f"{arena} bytes",
            expected=f"1 to {limit} bytes",
        )  # fmt: skip
    return ResolvedOptions(
        npu=npu,
        system_config=system[""],
        memory_mode=mode[""],
        config_text=text,
        optimise=options.optimise,
        arena_cache_size=arena,
        dedicated=areas["arena_mem_area"] != areas["cache_mem_area"],
    )


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise VelaError(
            "Vela configuration file cannot be read",
            where=path,
            found=getattr(error, "strerror", None) or "not a text file",
            expected="a vela.ini",
            try_="check the path given as config",
        ) from None


def _parsed(text: str) -> ConfigParser:
    ini = ConfigParser(strict=False)
    try:
        ini.read_string(text)
    except ConfigParserError as error:
        raise VelaError(
            "Vela configuration file cannot be parsed",
            found=str(error).splitlines()[0],
            expected="the syntax of Vela's own vela.ini",
        ) from None
    return ini


def _section(ini: ConfigParser, kind: str, name: str) -> dict[str, str]:
    """Options of a section with those it inherits; its own name is stored under ''."""
    found: dict[str, str] = {}
    seen: list[str] = []
    at: str | None = f"{kind}.{name}"
    while at is not None:
        if not ini.has_section(at) or at in seen:
            prefix = kind + "."
            valid = [s.removeprefix(prefix) for s in ini.sections() if s.startswith(prefix)]
            raise VelaError(
                f"unknown {'system configuration' if kind == 'System_Config' else 'memory mode'}"
                if at not in seen
                else "a section of the Vela configuration inherits from itself",
                where=kind.lower(),
                found=repr(at.removeprefix(prefix)),
                expected=", ".join(valid) or "a section in the Vela configuration file",
            )
        seen.append(at)
        section = dict(ini.items(at))
        found = {**section, **found}
        at = section.get("inherit")
    return {**found, "": name}


def _area(system: dict[str, str], mode: dict[str, str], role: str) -> str:
    port = mode.get(role, "Axi0")
    area = system.get(f"{port.lower()}_port")
    if area is None:
        raise VelaError(
            "the memory mode names a port that the system configuration does not have",
            where=f"{mode['']} with {system['']}",
            found=f"{role} = {port}",
            expected="Axi0 or Axi1, each with its memory in the system configuration",
        )
    return area

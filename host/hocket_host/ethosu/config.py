# SPDX-License-Identifier: Apache-2.0
"""The accelerator configurations: MACs a cycle, SHRAM and the registers that identify them.

Sources: Vela's architecture tables (``ethos_u55.cpp``, ``ethos_u65.cpp``) and the CONFIG and ID
words of the payloads that Vela writes.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import HocketError


class AcceleratorError(HocketError):
    """An accelerator configuration that does not exist or does not fit."""


@dataclass(frozen=True)
class NpuConfig:
    """One accelerator configuration, by Vela's name for it."""

    name: str
    """Vela's ``--accelerator-config``."""
    macs: int
    """8x8-bit multiply-accumulates a cycle."""
    shram_bytes: int
    """Internal memory in bytes, in banks of 1 KiB."""
    ofm_ublock: tuple[int, int, int]
    """Height, width, depth of the OFM micro-block."""
    ifm_ublock_depth: int
    """Depth of the IFM micro-block in 8-bit elements."""
    lut_banks: int
    """SHRAM banks reserved for look-up tables; 0: accumulators overwrite them."""
    product: int
    """Product field of the CONFIG register: 0 for Ethos-U55, 1 for Ethos-U65."""

    @property
    def config_register(self) -> int:
        """CONFIG: log2 of the MACs, command stream version 0, SHRAM in KiB, product."""
        return (self.macs.bit_length() - 1) | (self.shram_bytes >> 10) << 8 | self.product << 28

    @property
    def id_register(self) -> int:
        """ID: the value that Vela writes for every configuration (architecture 1.0.6)."""
        return 0x1006_6001

    @property
    def address_bits(self) -> int:
        """Width of the base pointers."""
        return 32 if self.product == 0 else 40


CONFIGS: dict[str, NpuConfig] = {
    c.name: c
    for c in (
        NpuConfig("ethos-u55-32", 32, 16 << 10, (1, 1, 4), 8, 0, 0),
        NpuConfig("ethos-u55-64", 64, 16 << 10, (1, 1, 8), 8, 0, 0),
        NpuConfig("ethos-u55-128", 128, 24 << 10, (1, 2, 8), 8, 2, 0),
        NpuConfig("ethos-u55-256", 256, 48 << 10, (2, 2, 8), 8, 2, 0),
        NpuConfig("ethos-u65-256", 256, 48 << 10, (2, 2, 8), 8, 2, 1),
    )
}


def npu_config(name: str) -> NpuConfig:
    """Look a configuration up by Vela's name.

    Raises
    ------
    AcceleratorError
        There is none of that name.
    """
    try:
        return CONFIGS[name]
    except KeyError:
        raise AcceleratorError(
            "unknown accelerator",
            found=repr(name),
            expected=", ".join(CONFIGS),
            try_="use one of Vela's --accelerator-config names for Ethos-U55, or ethos-u65-256",
        ) from None

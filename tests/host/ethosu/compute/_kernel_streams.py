# SPDX-License-Identifier: Apache-2.0
"""Small command streams written register by register, on a memory of two regions."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from hocket_host.ethosu.compute.model import BoundStream, Extent, NpuModel
from hocket_host.ethosu.config import npu_config
from hocket_host.ethosu.stream.isa import Cmd, Command, encode_all

FLASH, ARENA = 4096, 16384
"""Where regions 0 and 1 stand in the memory."""
SIZE = 65536
EXTENTS = (Extent(FLASH, 12288, False), Extent(ARENA, SIZE - ARENA, True))
BASES = (FLASH, ARENA, ARENA, ARENA, 0, 0, 0, 0)
SIGNED, UNSIGNED = 1, 0
GLOBAL = 1 << 8
NATURAL = 2 << 14

Registers = dict[Cmd, int]


def feature_map(
    prefix: str,
    shape: tuple[int, int, int],
    base: int,
    *,
    bits: int = 8,
    zero: int = 0,
    region: int = 1,
    precision: int = 0,
) -> Registers:
    """A dense signed NHWC map of one tile."""
    height, width, depth = shape
    size = bits // 8
    code = {8: 0, 16: 1, 32: 2}[bits] << (1 if prefix == "OFM" else 2)
    values = {
        "REGION": region, "BASE0": base, "BASE1": 0, "BASE2": 0, "BASE3": 0,
        "HEIGHT0_M1": height - 1, "HEIGHT1_M1": height - 1, "WIDTH0_M1": width - 1,
        "STRIDE_X": depth * size, "STRIDE_Y": width * depth * size, "STRIDE_C": size,
        "PRECISION": SIGNED | code | precision, "ZERO_POINT": zero & 0xFFFF,
    }  # fmt: skip
    if prefix == "OFM":
        values |= {"HEIGHT_M1": height - 1, "WIDTH_M1": width - 1, "DEPTH_M1": depth - 1}
    elif prefix == "IFM":
        values["DEPTH_M1"] = depth - 1
    return {Cmd[f"{prefix}_{name}"]: value for name, value in values.items()}


def common(low: int = -128, high: int = 127) -> Registers:
    """Registers that every kernel needs, and that do not change its result."""
    return {
        Cmd.IFM_UPSCALE: 0, Cmd.IFM_IB_END: 14, Cmd.AB_START: 14, Cmd.ACC_FORMAT: 0,
        Cmd.OFM_BLK_WIDTH_M1: 1, Cmd.OFM_BLK_HEIGHT_M1: 1, Cmd.OFM_BLK_DEPTH_M1: 15,
        Cmd.BLOCKDEP: 0, Cmd.ACTIVATION: 0,
        Cmd.ACTIVATION_MIN: low & 0xFFFF, Cmd.ACTIVATION_MAX: high & 0xFFFF,
    }  # fmt: skip


def window(
    height: int = 1,
    width: int = 1,
    *,
    stride: tuple[int, int] = (1, 1),
    dilation: tuple[int, int] = (1, 1),
    padding: tuple[int, int, int, int] = (0, 0, 0, 0),
    part_kernel: bool = False,
) -> Registers:
    """Window of ``height`` x ``width`` taps; padding is top, left, bottom, right."""
    sy, sx = stride[0] - 1, stride[1] - 1
    return {
        Cmd.KERNEL_HEIGHT_M1: (height - 1) * dilation[0],
        Cmd.KERNEL_WIDTH_M1: (width - 1) * dilation[1],
        Cmd.KERNEL_STRIDE: (sx & 1) | (sy & 1) << 1 | part_kernel << 2 | (dilation[1] - 1) << 3
        | (dilation[0] - 1) << 4 | (sx >> 1) << 6 | (sy >> 1) << 9,
        Cmd.IFM_PAD_TOP: padding[0], Cmd.IFM_PAD_LEFT: padding[1],
        Cmd.IFM_PAD_BOTTOM: padding[2], Cmd.IFM_PAD_RIGHT: padding[3],
    }  # fmt: skip


def copy_registers(
    source: int, destination: int, length: int, *, source_region: int = 0, to_shram: bool = False
) -> Registers:
    """A DMA into the arena or SHRAM."""
    return {
        Cmd.DMA0_SRC_REGION: source_region,
        Cmd.DMA0_DST_REGION: 1 << 8 if to_shram else 1,
        Cmd.DMA0_SRC: source,
        Cmd.DMA0_DST: destination,
        Cmd.DMA0_LEN: length,
    }


def stream(*operations: tuple[Mapping[Cmd, int], Cmd, int]) -> bytes:
    """Command stream: registers, operation and parameter, one after the other."""
    commands = []
    for registers, operation, parameter in operations:
        commands += [Command(0, int(key), value) for key, value in registers.items()]
        commands.append(Command(0, int(operation), parameter))
    return encode_all([*commands, Command(0, int(Cmd.NPU_OP_STOP), 0xFFFF)])


def fresh_memory() -> NDArray[np.uint8]:
    """Memory with nothing in it."""
    return np.zeros(SIZE, np.uint8)


def bind(
    memory: NDArray[np.uint8], commands: bytes, accelerator: str = "ethos-u55-128"
) -> BoundStream:
    """Bind a stream to the memory's two regions."""
    model = NpuModel(npu_config(accelerator), memory)
    return model.bind(model.compile(commands), BASES, EXTENTS)


def put(memory: NDArray[np.uint8], at: int, values: NDArray[np.generic] | bytes) -> None:
    """Write an array's bytes."""
    data = values if isinstance(values, bytes) else values.tobytes()
    memory[at : at + len(data)] = np.frombuffer(data, np.uint8)


def get(
    memory: NDArray[np.uint8], at: int, shape: tuple[int, ...], dtype: type[np.signedinteger]
) -> NDArray[np.int64]:
    """Read an array."""
    count = int(np.prod(shape)) * np.dtype(dtype).itemsize
    return memory[at : at + count].view(dtype).reshape(shape).astype(np.int64)


def scale_records(scales: list[tuple[int, int, int]]) -> bytes:
    """Ten-byte records of bias, scale and shift, padded to 16 bytes."""
    data = b"".join(
        (bias & (1 << 40) - 1).to_bytes(5, "little") + scale.to_bytes(4, "little") + bytes([shift])
        for bias, scale, shift in scales
    )
    return data + bytes(-len(data) % 16)

# SPDX-License-Identifier: Apache-2.0
"""One kernel or DMA of a command stream, with the register state that it runs under.

Its typed views (`FeatureMap`, `Kernel`, `Dma`) are what the functional model, the timing model and
whoever cuts streams read; none of them looks at register numbers again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, TypeVar

from .isa import Cmd, CommandStreamError
from .operands import (
    LUT_FIRST,
    LUT_LAST,
    UNARY,
    Access,
    Clip,
    Dma,
    FeatureMap,
    IfmScale,
    Kernel,
    Rounding,
    Span,
    Upscale,
)
from .register_use import BROADCAST_CONSTANT, GLOBAL_SCALE, registers_read


def _signed(value: int, bits: int) -> int:
    return value - (1 << bits) if value >> (bits - 1) & 1 else value


def _stride(value: int) -> int:
    """A byte stride: 40 bits when the parameter extends the payload, else 32; two's complement."""
    return _signed(value & (1 << 40) - 1, 40) if value >> 32 else _signed(value, 32)


_View = TypeVar("_View")


def _once(view: Callable[[Operation], _View]) -> Callable[[Operation], _View]:
    """Keep a view of an operation: timing, segmentation and model each ask for it several times."""
    name = view.__name__

    @wraps(view)
    def kept(self: Operation) -> _View:
        cache = self._cache
        if name not in cache:
            cache[name] = view(self)
        found: _View = cache[name]
        return found

    return kept


@dataclass(frozen=True)
class Operation:
    """One kernel or DMA with the register state it runs under."""

    key: int
    """NPU_OP_CONV, _DEPTHWISE, _POOL, _ELEMENTWISE or _DMA_START."""
    param: int
    """The command's parameter: pooling or elementwise mode, DMA channel."""
    first_word: int
    """Word at which this operation's own commands (registers, waits) begin."""
    word: int
    """Word of the NPU_OP command itself."""
    registers: Mapping[int, int]
    """State at the operation, by command key."""
    written: frozenset[int]
    """Registers set since the operation before it."""
    dma_wait: int | None
    """Parameter of the strictest DMA_WAIT among its own commands."""
    kernel_wait: int | None
    """Parameter of the strictest KERNEL_WAIT among its own commands."""
    _cache: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def is_dma(self) -> bool:
        """Whether it is a DMA rather than a kernel."""
        return self.key == Cmd.NPU_OP_DMA_START

    @_once
    def reads(self) -> frozenset[int]:
        """Registers that it reads."""
        return registers_read(self.key, self.param, self.registers)

    def register(self, key: int) -> int:
        """Value of a register.

        Raises
        ------
        CommandStreamError
            It was never set in this stream.
        """
        try:
            return self.registers[key]
        except KeyError:
            raise CommandStreamError(
                f"{Cmd(self.key).name} reads a register that was never set",
                where=f"command stream word {self.word}",
                found=f"{Cmd(key).name} unset",
                expected="every register an operation reads is set earlier in the same stream",
            ) from None

    @_once
    def kernel(self) -> Kernel:
        """Window of a convolution or pooling."""
        r = self.register
        stride = r(Cmd.KERNEL_STRIDE)
        return Kernel(
            height=r(Cmd.KERNEL_HEIGHT_M1) + 1,
            width=r(Cmd.KERNEL_WIDTH_M1) + 1,
            stride_x=1 + (stride & 1) + (stride >> 6 & 1) * 2,
            stride_y=1 + (stride >> 1 & 1) + (stride >> 9 & 1) * 2,
            dilation_x=1 + (stride >> 3 & 1),
            dilation_y=1 + (stride >> 4 & 1),
            part_kernel_first=bool(stride >> 2 & 1),
            pad_top=r(Cmd.IFM_PAD_TOP),
            pad_left=r(Cmd.IFM_PAD_LEFT),
            pad_bottom=r(Cmd.IFM_PAD_BOTTOM),
            pad_right=r(Cmd.IFM_PAD_RIGHT),
        )

    def _map(self, prefix: str, height: int, width: int, depth: int) -> FeatureMap:
        def r(name: str) -> int:
            return self.register(int(Cmd[f"{prefix}_{name}"]))

        precision = r("PRECISION")
        shift = 1 if prefix == "OFM" else 2
        # The zero point is a 16-bit pattern, signed whatever the tensor's own type is.
        zero = r("ZERO_POINT")
        return FeatureMap(
            region=r("REGION") & 7,
            bases=(r("BASE0"), r("BASE1"), r("BASE2"), r("BASE3")),
            height0=r("HEIGHT0_M1") + 1,
            height1=r("HEIGHT1_M1") + 1,
            width0=r("WIDTH0_M1") + 1,
            stride_y=_stride(r("STRIDE_Y")),
            stride_x=_stride(r("STRIDE_X")),
            stride_c=_stride(r("STRIDE_C")),
            height=height,
            width=width,
            depth=depth,
            bits=8 << (precision >> shift & 3),
            signed=bool(precision & 1),
            nhcwb16=bool(precision >> 6 & 3),
            zero_point=_signed(zero, 16) if precision & 1 else zero,
        )

    @_once
    def ofm(self) -> FeatureMap:
        """Output feature map."""
        r = self.register
        return self._map(
            "OFM", r(Cmd.OFM_HEIGHT_M1) + 1, r(Cmd.OFM_WIDTH_M1) + 1, r(Cmd.OFM_DEPTH_M1) + 1
        )

    @_once
    def ifm(self) -> FeatureMap:
        """Input feature map; height and width follow from the OFM, the window and the padding."""
        r = self.register
        height, width = r(Cmd.OFM_HEIGHT_M1) + 1, r(Cmd.OFM_WIDTH_M1) + 1
        depth = r(Cmd.IFM_DEPTH_M1) + 1
        if self.key != Cmd.NPU_OP_ELEMENTWISE:
            k = self.kernel()
            height = (height - 1) * k.stride_y + k.height - k.pad_top - k.pad_bottom
            width = (width - 1) * k.stride_x + k.width - k.pad_left - k.pad_right
        if self.upscale != Upscale.NONE:
            height, width = (height + 1) // 2, (width + 1) // 2
        return self._map("IFM", max(height, 1), max(width, 1), depth)

    @_once
    def ifm2(self) -> FeatureMap | None:
        """Second operand of an elementwise operation; None for a scalar or a unary one."""
        if self.key != Cmd.NPU_OP_ELEMENTWISE or self.param in UNARY:
            return None
        r = self.register
        broadcast = r(Cmd.IFM2_BROADCAST)
        if broadcast & BROADCAST_CONSTANT:
            return None
        return self._map(
            "IFM2",
            1 if broadcast & 1 else r(Cmd.OFM_HEIGHT_M1) + 1,
            1 if broadcast >> 1 & 1 else r(Cmd.OFM_WIDTH_M1) + 1,
            1 if broadcast >> 2 & 1 else r(Cmd.OFM_DEPTH_M1) + 1,
        )

    @property
    def upscale(self) -> Upscale:
        """Enlargement of the IFM on read."""
        return Upscale(self.register(Cmd.IFM_UPSCALE) & 3)

    @property
    def ifm_is_operand_b(self) -> bool:
        """Whether the operands of an elementwise operation are swapped (IFM2 comes first)."""
        return bool(self.register(Cmd.IFM2_BROADCAST) >> 6 & 1)

    @property
    def global_scale(self) -> bool:
        """Whether OFM_SCALE is used rather than the list of per-channel scales."""
        return bool(self.register(Cmd.OFM_PRECISION) & GLOBAL_SCALE)

    @property
    def ofm_rounding(self) -> Rounding:
        """Rounding of the output scaling."""
        return Rounding(self.register(Cmd.OFM_PRECISION) >> 14 & 3)

    @property
    def ifm_rounding(self) -> Rounding:
        """Rounding of the operand scaling of ADD and SUB."""
        return Rounding(self.register(Cmd.IFM_PRECISION) >> 14 & 3)

    @property
    def ifm_scale(self) -> IfmScale:
        """Which operand ADD and SUB scale with 32 bits."""
        return IfmScale(self.register(Cmd.IFM_PRECISION) >> 8 & 3)

    @property
    def activation(self) -> int:
        """Activation function: 0 none, TANH, SIGMOID, or LUT_FIRST + slot."""
        return self.register(Cmd.ACTIVATION) & 31

    @property
    def clip(self) -> Clip:
        """Clip range of the activation."""
        return Clip(self.register(Cmd.ACTIVATION) >> 12 & 7)

    @property
    def lut_slot(self) -> int | None:
        """Slot of the look-up table, in 256-byte units."""
        a = self.activation
        return a - LUT_FIRST if LUT_FIRST <= a <= LUT_LAST else None

    @property
    def lut_bytes(self) -> int:
        """Bytes of look-up table that it reads; 0 for none.

        256 for 8-bit results, 1024 for 8-bit values looked up as 32-bit ones, 2048 for the
        interpolated 16-bit table. The table is looked up after scaling, so 32-bit operands with a
        16-bit result (int16 softmax) use the latter too.
        """
        if self.lut_slot is None:
            return 0
        ofm = self.register(Cmd.OFM_PRECISION) >> 1 & 3
        if ofm == 1 or self.register(Cmd.IFM_PRECISION) >> 2 & 3 == 1:
            return 2048
        return 1024 if ofm == 2 else 256

    def weights(self) -> Span | None:
        """Compressed weights of a convolution."""
        if self.key not in (Cmd.NPU_OP_CONV, Cmd.NPU_OP_DEPTHWISE):
            return None
        r = self.register
        return Span(r(Cmd.WEIGHT_REGION) & 7, r(Cmd.WEIGHT_BASE), r(Cmd.WEIGHT_LENGTH))

    def scales(self) -> Span | None:
        """Ten-byte bias and scale records, one an output channel."""
        if self.is_dma or self.key == Cmd.NPU_OP_ELEMENTWISE:
            return None
        if self.key == Cmd.NPU_OP_POOL and self.global_scale:
            return None
        r = self.register
        return Span(r(Cmd.SCALE_REGION) & 7, r(Cmd.SCALE_BASE), r(Cmd.SCALE_LENGTH))

    def dma(self) -> Dma:
        """The copy that a DMA_START makes.

        Raises
        ------
        CommandStreamError
            It is strided; Vela emits one-dimensional copies only, and no other is modelled.
        """
        r = self.register
        source, destination = r(Cmd.DMA0_SRC_REGION), r(Cmd.DMA0_DST_REGION)
        if (source | destination) >> 9 & 3:
            raise CommandStreamError(
                "strided DMA is not supported",
                where=f"command stream word {self.word}",
                found=f"stride modes {source >> 9 & 3} and {destination >> 9 & 3}",
                expected="one-dimensional copies, as Vela emits them",
            )
        length = r(Cmd.DMA0_LEN)
        return Dma(
            source=Span(source & 7, r(Cmd.DMA0_SRC), length),
            destination=Span(destination & 7, r(Cmd.DMA0_DST), length),
            source_internal=bool(source >> 8 & 1),
            destination_internal=bool(destination >> 8 & 1),
        )

    @_once
    def accesses(self) -> list[Access]:
        """Bytes that it reads and writes, outside SHRAM except for a DMA's internal side."""
        if self.is_dma:
            d = self.dma()
            return [
                Access(-1 if internal else s.region, s.start, s.start + s.length, write)
                for s, internal, write in (
                    (d.source, d.source_internal, False),
                    (d.destination, d.destination_internal, True),
                )
            ]
        found = []
        for span in (self.weights(), self.scales()):
            if span is not None and span.length:
                found.append(Access(span.region, span.start, span.start + span.length, False))
        maps = [(self.ifm(), False), (self.ofm(), True)]
        second = self.ifm2()
        if second is not None:
            maps.append((second, False))
        for fm, write in maps:
            found.extend(Access(fm.region, start, end, write) for start, end in fm.extents())
        return found

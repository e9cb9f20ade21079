# SPDX-License-Identifier: Apache-2.0
"""Functional model of the Ethos-U55/U65: runs command streams bit-exactly on a flat memory.

`NpuModel.compile` decodes and checks a stream, `NpuModel.bind` gives it addresses, and
`BoundStream.run` executes operations in one compiled call. Checked against tflite_micro; not
against silicon.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hocket_host.errors import HocketError

from ..config import NpuConfig
from ..stream.operation import Operation
from .compiled_stream import CompiledStream, compile_stream
from .faults import Extent, NpuBusError, WeightStreamError, check_access
from .kernels import mlw
from .kernels import row as r
from .kernels.execute import DONE, execute
from .kernels.scaling import rounding_terms
from .kernels.weights import S_VALID, WRONG_COUNT, refill, walk

__all__ = [
    "BoundStream",
    "CompiledStream",
    "Extent",
    "NpuBusError",
    "NpuModel",
    "WeightStreamError",
    "warm_up",
]

_COMPILED = 512
_BOUND = 1024
_REASONS = {
    mlw.TRUNCATED: "the stream ends inside a slice",
    mlw.BAD_HEADER: "a slice header that no Ethos-U accepts",
    mlw.BAD_VALUE: "a weight code out of range",
    mlw.TOO_MANY: "more weights than the operation uses",
    WRONG_COUNT: "fewer weights than the operation uses",
}


class BoundStream:
    """A compiled stream with its addresses, ready to run on the model's memory."""

    __slots__ = ("_memory", "_model", "_program", "compiled", "operations")

    def __init__(
        self, model: NpuModel, compiled: CompiledStream, program: NDArray[np.int64]
    ) -> None:
        self._model = model
        self._memory = model.memory
        self._program = program
        self.compiled = compiled
        self.operations = len(compiled.lowered)
        """Number of operations."""

    def run(self, first: int = 0, last: int | None = None) -> None:
        """Execute operations ``[first, last)``; everything when called without arguments.

        Look-up tables that an earlier operation loaded must still be in SHRAM: run a stream's
        operations in order, without another stream in between.

        Raises
        ------
        WeightStreamError
            Weights in memory do not decode to what the operation needs.
        """
        if last is None:
            last = self.operations
        elif not 0 <= first <= last <= self.operations:
            self._out_of_range(first, last)
        stopped = execute(self._memory, self._model.work, self._program, first, last)
        while stopped != DONE:
            self._refill(stopped)
            stopped = execute(self._memory, self._model.work, self._program, stopped, last)

    def _out_of_range(self, first: int, last: int) -> None:
        raise HocketError(
            "no such operations",
            found=f"[{first}, {last})",
            expected=f"a range within [0, {self.operations})",
        )

    def _refill(self, index: int) -> None:
        row = self._program[index * r.ROW : (index + 1) * r.ROW]
        code = refill(self._memory, row, self._program[row[r.SLOT] :])
        if code == 0:
            return
        op: Operation = self.compiled.operations[index]
        span = op.weights()
        raise WeightStreamError(
            "weights do not decode",
            where=f"command stream word {op.word}",
            found=_REASONS[code],
            expected=None
            if span is None
            else f"{span.length} bytes of compressed weights that "
            "make exactly this operation's weights",
            try_="check that the weights were loaded before the operation runs, and that its "
            "block depth is the one they were encoded for",
        )


class NpuModel:
    """One NPU over one flat memory.

    Parameters
    ----------
    config
        Accelerator configuration.
    memory
        uint8, one-dimensional, contiguous and writable: the whole emulated address space.
    """

    def __init__(self, config: NpuConfig, memory: NDArray[np.uint8]) -> None:
        if (
            memory.dtype != np.uint8
            or memory.ndim != 1
            or not (memory.flags.c_contiguous and memory.flags.writeable)
        ):
            raise HocketError(
                "memory of an NPU model",
                found=f"{memory.dtype} array of {memory.ndim} dimensions",
                expected="a writable, contiguous, one-dimensional uint8 array",
            )
        self.config = config
        self.memory = memory
        self.work: NDArray[np.uint8] = np.zeros(config.shram_bytes, np.uint8)
        """SHRAM, then the buffers of the kernels."""
        self._compiled: OrderedDict[bytes, CompiledStream] = OrderedDict()
        self._bound: OrderedDict[Any, BoundStream] = OrderedDict()

    def compile(self, stream: bytes) -> CompiledStream:
        """Decode, check and compile a command stream; cached by content.

        Raises
        ------
        CommandStreamError
            The stream is malformed, or uses registers or look-up tables that it did not set.
        """
        key = hashlib.blake2b(stream, digest_size=16).digest()
        compiled = self._compiled.get(key)
        if compiled is None:
            compiled = self._compiled[key] = compile_stream(bytes(stream), self.config)
            if len(self._compiled) > _COMPILED:
                self._compiled.popitem(last=False)
        else:
            self._compiled.move_to_end(key)
        return compiled

    def bind(
        self, compiled: CompiledStream, bases: Sequence[int], extents: Sequence[Extent]
    ) -> BoundStream:
        """Give a compiled stream its addresses; cached by stream, bases and extents.

        Parameters
        ----------
        compiled
            What `compile` returned.
        bases
            Offsets of the eight regions in the memory.
        extents
            What it may access; every access must lie in one of them.

        Raises
        ------
        NpuBusError
            It would access anything else.
        """
        key = (compiled, tuple(bases), tuple(extents))
        bound = self._bound.get(key)
        if bound is None:
            bound = self._bound[key] = self._bind(compiled, tuple(bases), extents)
            if len(self._bound) > _BOUND:
                self._bound.popitem(last=False)
        else:
            self._bound.move_to_end(key)
        return bound

    def _bind(
        self, compiled: CompiledStream, bases: tuple[int, ...], extents: Sequence[Extent]
    ) -> BoundStream:
        if len(bases) != 8:
            raise NpuBusError("region bases", found=len(bases), expected=8)
        limit = min(len(self.memory), 1 << self.config.address_bits)
        for op in compiled.operations:
            for access in op.accesses():
                if access.region >= 0:
                    base = bases[access.region]
                    check_access(
                        extents, base + access.start, base + access.end, access.write,
                        f"command stream word {op.word}, region {access.region}", limit,
                    )  # fmt: skip
        program = _assemble(compiled, bases)
        size = self.config.shram_bytes + compiled.work
        if len(self.work) < size:
            grown = np.zeros(size, np.uint8)
            grown[: len(self.work)] = self.work
            self.work = grown
        return BoundStream(self, compiled, program)


def _assemble(compiled: CompiledStream, bases: tuple[int, ...]) -> NDArray[np.int64]:
    """Rows with absolute addresses, then the weight slots.

    Operations share a slot when they use the same weights and no DMA wrote memory between them
    (a buffer that a DMA refills holds other weights for every use).
    """
    slots: dict[tuple[int, ...], int] = {}
    parts: list[NDArray[np.int64]] = []
    rows = np.zeros((len(compiled.lowered), r.ROW), np.int64)
    at = -(-rows.size // 8) * 8
    written: list[tuple[int, int]] = []
    for index, (op, one) in enumerate(zip(compiled.operations, compiled.lowered, strict=True)):
        row = rows[index]
        row[:] = one.row
        for field, region in one.addresses:
            row[field] += bases[region]
        if op.is_dma:
            if not row[r.DMA_TO_SHRAM]:
                start = int(row[r.DMA_DESTINATION])
                written.append((start, start + int(row[r.DMA_LENGTH])))
            continue
        if one.slot is None or one.slot_key is None:
            continue
        key = (*one.slot_key, _last_write(written, row))
        if key not in slots:
            slots[key] = at
            parts.append(one.slot)
            at += len(one.slot)
        row[r.SLOT] = slots[key]
    program = np.zeros(at + 8, np.int64)
    program[: rows.size] = rows.ravel()
    for start, part in zip(slots.values(), parts, strict=True):
        program[start : start + len(part)] = part
        program[start + S_VALID] = 0
    return program


def _last_write(written: list[tuple[int, int]], row: NDArray[np.int64]) -> int:
    """Index of the last DMA that wrote any of a row's weights or scales; -1: none."""
    spans = [
        (int(row[r.WEIGHT_ADDRESS]), int(row[r.WEIGHT_LENGTH])),
        (int(row[r.SCALE_ADDRESS]), int(row[r.SCALE_LENGTH])),
    ]
    for index in range(len(written) - 1, -1, -1):
        low, high = written[index]
        if any(start < high and low < start + length for start, length in spans):
            return index
    return -1


def warm_up() -> None:
    """Compile every kernel, or load them from numba's cache."""
    memory, program = np.zeros(64, np.uint8), np.zeros(r.ROW, np.int64)
    execute(memory, np.zeros(64, np.uint8), program, 0, 0)
    row = np.zeros(r.ROW, np.int64)
    row[r.BLOCK_DEPTH] = row[r.UBLOCK_DEPTH] = row[r.IFM_BLOCK_DEPTH] = row[r.ELEMENT_MULTIPLE] = 1
    row[r.DECOMPOSE_Y] = row[r.DECOMPOSE_X] = 8
    none = np.empty(0, np.int16)
    walk(row, none, none, False)
    rounding_terms(np.int64(0), 0, 0)
    refill(memory, row, program)

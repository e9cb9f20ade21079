# SPDX-License-Identifier: Apache-2.0
"""Compares every intermediate tensor of a network that the NPU computes with tflite_micro's.

Vela's debug database names the tensor that each operation computes. An operation may compute a part
only (a stripe of rows of a cascade, a slice of channels, one time step), into a rolling buffer that
the next part overwrites; so each part is read right after its operation, and a tensor is put
together from its parts and compared once all are there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hocket_tools.reference.oracle import Oracle
from hocket_tools.tflite.model import TfliteModel, TfliteTensor
from hocket_tools.vela import CompiledModel

from .device import Device, addresses

_VIEWS = frozenset({"RESHAPE", "SQUEEZE", "EXPAND_DIMS"})
_PLACED = frozenset({"CONCATENATION", "PACK", "SPLIT", "SPLIT_V", "UNPACK", "SLICE",
                     "STRIDED_SLICE"})  # fmt: skip


@dataclass(frozen=True)
class TensorMatch:
    """One tensor compared."""

    name: str
    elements: int
    mismatches: int
    """Elements that differ."""
    detail: str = ""
    """The first difference, when there is one."""


@dataclass(frozen=True)
class TensorSkip:
    """One tensor of the source model that never exists on the NPU, and why."""

    name: str
    reason: str


@dataclass(frozen=True)
class Part:
    """OFM of one operation, read right after it."""

    values: NDArray[Any]
    """Height × width × depth."""
    addresses: NDArray[np.int64]
    """Byte offset of each element in its region."""
    bricks: bool
    """Whether the format is NHCWB16."""


@dataclass(frozen=True)
class NetworkMatch:
    """What one inference showed."""

    tensors: tuple[TensorMatch, ...]
    skipped: tuple[TensorSkip, ...]

    @property
    def mismatches(self) -> int:
        """Tensors that differ anywhere."""
        return sum(t.mismatches > 0 for t in self.tensors)


def compare_network(
    compiled: CompiledModel, device: Device, oracle: Oracle, inputs: Sequence[NDArray[Any]]
) -> NetworkMatch:
    """Run one inference on both sides and compare outputs and all intermediate tensors.

    Parameters
    ----------
    compiled
        The network as Vela compiled it.
    device, oracle
        The two sides; both keep their state, so that calling again is the next inference.
    inputs
        One array an input.
    """
    source = oracle.source
    expected_outputs = oracle.run(inputs)
    parts = _parts(compiled, device, inputs)
    matches = [
        _match(tensor.name, got, want)
        for tensor, got, want in zip(
            compiled.outputs, device.outputs(), expected_outputs, strict=True
        )
    ]
    done = {m.name for m in matches}
    skipped = []
    for tensor in _intermediates(source):
        if tensor.name in done:
            continue
        found = parts.get(tensor.name)
        values = assemble(found, tensor) if found else None
        if values is None:
            skipped.append(TensorSkip(tensor.name, _reason(source, tensor, found)))
        else:
            want = oracle.tensor(tensor.index)
            matches.append(_match(tensor.name, values.reshape(want.shape), want))
    return NetworkMatch(tuple(matches), tuple(skipped))


def _parts(
    compiled: CompiledModel, device: Device, inputs: Sequence[NDArray[Any]]
) -> dict[str, list[Part]]:
    device.set_inputs(inputs)
    parts: dict[str, list[Part]] = defaultdict(list)
    for index, operation in enumerate(device.operations):
        device.run(index, index + 1)
        name = compiled.operations[index].name
        if operation.is_dma or not name:
            continue
        ofm = operation.ofm()
        parts[name].append(Part(device.read(ofm), addresses(ofm), ofm.nhcwb16))
    return parts


def _intermediates(source: TfliteModel) -> list[TfliteTensor]:
    """Tensors that operators compute."""
    main = source.main
    indices = dict.fromkeys(i for operator in main.operators for i in operator.outputs)
    return [main.tensors[i] for i in indices]


def assemble(parts: Sequence[Part], tensor: TfliteTensor) -> NDArray[Any] | None:
    """Put a tensor together from its parts; None when they are not the tensor's.

    When no two parts share a byte, addresses say where each element belongs, whatever the parts
    are: slices of channels, rows, interleaved pixels. In a rolling buffer addresses repeat; its
    parts are runs of whole rows in the order of execution.

    Returns
    -------
    ndarray or None
        The elements in TFLite's order, flat.
    """
    dtype = np.dtype(tensor.dtype)
    if any(p.values.dtype.itemsize != dtype.itemsize for p in parts):
        return None
    if sum(p.values.size for p in parts) != tensor.elements:
        return None
    values = np.concatenate([p.values.reshape(-1) for p in parts]).astype(dtype)
    if len(parts) == 1:
        return values
    at = np.concatenate([p.addresses.reshape(-1) for p in parts])
    order = np.argsort(at, kind="stable")
    if np.any(np.diff(at[order]) == 0):
        rows = {p.values.shape[1:] for p in parts}
        return values if len(rows) == 1 and next(iter(rows))[1] == tensor.shape[-1] else None
    if not parts[0].bricks:
        return values[order]
    # Bricks of 16 channels: within a row all pixels of one brick come before the next brick.
    width, depth = tensor.shape[-2:]
    sequence = np.arange(width * depth).reshape(width, depth)
    bricks = [sequence[:, c : c + 16].reshape(-1) for c in range(0, depth, 16)]
    found = np.empty_like(values).reshape(-1, width * depth)
    found[:, np.concatenate(bricks)] = values[order].reshape(found.shape)
    return found.reshape(-1)


def _reason(source: TfliteModel, tensor: TfliteTensor, parts: Sequence[Part] | None) -> str:
    producer = next(o for o in source.main.operators if tensor.index in o.outputs)
    if parts:
        return f"{producer.kind}: computed in another form ({len(parts)} operations)"
    if producer.kind in _VIEWS:
        return f"{producer.kind}: no data moves, its input was compared"
    if producer.kind in _PLACED:
        return f"{producer.kind}: placed by addressing, never copied as a whole"
    if producer.kind == "PAD":
        return "PAD: became the padding of the windows that read it"
    return f"{producer.kind}: fused or rewritten by Vela"


def _match(name: str, got: NDArray[Any], want: NDArray[Any]) -> TensorMatch:
    different = got.reshape(-1) != want.reshape(-1)
    count = int(np.count_nonzero(different))
    detail = ""
    if count:
        at = int(np.flatnonzero(different)[0])
        where = tuple(int(i) for i in np.unravel_index(at, want.shape)) if want.shape else ()
        detail = f"at {where}: {int(got.reshape(-1)[at])}, expected {int(want.reshape(-1)[at])}"
    return TensorMatch(name, want.size, count, detail)

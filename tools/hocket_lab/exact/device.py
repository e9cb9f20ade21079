# SPDX-License-Identifier: Apache-2.0
"""One compiled network in a memory of its own, run on the functional model of the NPU."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hocket_host.ethosu.compute.model import Extent, NpuModel
from hocket_host.ethosu.stream.operands import FeatureMap
from hocket_host.ethosu.stream.operation import Operation
from hocket_tools.vela import CompiledModel
from hocket_tools.vela.result import PlacedTensor

_ALIGNMENT = 16
_REGIONS = 8
#: Free bytes between regions: a stray access then hits no region at all.
_GAP = 64


class Device:
    """Memory with the network's regions in it, and the NPU that works on it.

    What nobody initialised holds noise rather than zeros, so that reading it shows.

    Parameters
    ----------
    compiled
        The network.
    seed
        Of the noise.
    """

    def __init__(self, compiled: CompiledModel, seed: int = 1) -> None:
        self.compiled = compiled
        self._bases = [0] * _REGIONS
        extents = []
        end = _GAP
        for region, size in sorted(compiled.regions.items()):
            self._bases[region] = end
            if size:
                extents.append(Extent(end, size, region != compiled.flash_region))
            end += -(-size // _ALIGNMENT) * _ALIGNMENT + _GAP
        self.memory = np.random.default_rng(seed).integers(0, 256, end, np.uint8)
        flash = self._bases[compiled.flash_region]
        self.memory[flash : flash + len(compiled.read_only)] = np.frombuffer(
            compiled.read_only, np.uint8
        )
        self._extents = extents
        self.reset()
        model = NpuModel(compiled.npu, self.memory)
        self.plan = model.compile(compiled.command_stream)
        self.bound = model.bind(self.plan, tuple(self._bases), extents)

    def reset(self) -> None:
        """Give state that outlives an inference its initial value."""
        for state in self.compiled.state:
            at = self._bases[state.region] + state.offset
            self.memory[at : at + len(state.initial)] = np.frombuffer(state.initial, np.uint8)

    @property
    def operations(self) -> Sequence[Operation]:
        """Operations of the command stream."""
        return self.plan.operations

    def place(self, tensor: PlacedTensor) -> NDArray[np.uint8]:
        """Bytes of an input or output, in place."""
        at = self._bases[tensor.region] + tensor.offset
        return self.memory[at : at + tensor.size]

    def set_inputs(self, inputs: Sequence[NDArray[Any]]) -> None:
        """Write the inputs where the network reads them."""
        for tensor, values in zip(self.compiled.inputs, inputs, strict=True):
            self.place(tensor)[:] = np.frombuffer(np.ascontiguousarray(values).tobytes(), np.uint8)

    def run(self, first: int = 0, last: int | None = None) -> None:
        """Carry out operations ``[first, last)``."""
        self.bound.run(first, last)

    def outputs(self) -> list[NDArray[Any]]:
        """Copies of the outputs, in shape and type of the source model."""
        return [
            np.frombuffer(self.place(tensor).tobytes(), np.dtype(tensor.dtype)).reshape(
                tensor.shape
            )
            for tensor in self.compiled.outputs
        ]

    def read(self, feature_map: FeatureMap) -> NDArray[Any]:
        """Copy of a feature map, gathered from tiles, strides and bricks.

        Returns
        -------
        ndarray
            Height × width × depth, of the feature map's own type.
        """
        fm = feature_map
        size = fm.element_bytes
        at = self._bases[fm.region] + addresses(fm)
        raw = np.ascontiguousarray(self.memory[at[..., None] + np.arange(size)])
        return np.asarray(raw.view(np.dtype(f"{'i' if fm.signed else 'u'}{size}"))[..., 0])


def addresses(feature_map: FeatureMap) -> NDArray[np.int64]:
    """Byte offset in its region of each element of a feature map (height × width × depth)."""
    fm = feature_map
    result = np.empty((fm.height, fm.width, fm.depth), np.int64)
    channels = np.arange(fm.depth, dtype=np.int64)
    if fm.nhcwb16:
        channel_at = channels // 16 * fm.stride_c + channels % 16 * fm.element_bytes
        step = 16 * fm.element_bytes
    else:
        channel_at = channels * fm.element_bytes
        step = fm.stride_x
    for _, y0, y1, x0, x1 in fm.tiles():
        rows = np.arange(y1 - y0, dtype=np.int64)[:, None, None] * fm.stride_y
        columns = np.arange(x1 - x0, dtype=np.int64)[None, :, None] * step
        result[y0:y1, x0:x1] = fm.address(y0, x0, 0) + rows + columns + channel_at
    return result

# SPDX-License-Identifier: Apache-2.0
"""How fast the NPU model is beside tflite_micro: same inputs, same process, in turns."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tflite_micro.python.tflite_micro import runtime

from hocket_tools.vela import CompiledModel, VelaError, VelaOptions, compile_model

from ..exact.device import Device

ACCELERATOR = "ethos-u55-128"
#: Alternations of the two; each takes about this long in all.
_ROUNDS = 12
_ROUND_NS = 40_000_000
_ARENA = 4 << 20
#: Share of kernels beyond which a network counts as a recurrent one of many tiny kernels.
_TINY_MACS = 1000


@dataclass(frozen=True)
class Speed:
    """One network on both."""

    model: str
    kernels: int
    macs: int
    ours_ns: int
    """Shortest time of input, inference and output on the NPU model."""
    reference_ns: int
    """The same on tflite_micro."""

    @property
    def ratio(self) -> float:
        """Times as fast as tflite_micro."""
        return self.reference_ns / self.ours_ns

    @property
    def ns_per_kernel(self) -> int:
        """Time of one kernel on average."""
        return self.ours_ns // max(self.kernels, 1)

    @property
    def tiny_kernels(self) -> bool:
        """Whether it consists of so small kernels that their number decides (an unrolled LSTM)."""
        return self.macs < _TINY_MACS * self.kernels and self.kernels > 100


def _shortest(call: Callable[[], object], repeats: int) -> int:
    start = time.perf_counter_ns()
    for _ in range(repeats):
        call()
    return (time.perf_counter_ns() - start) // repeats


def _repeats(call: Callable[[], object]) -> int:
    """Calls that fill a round."""
    call()
    return max(_ROUND_NS // max(_shortest(call, 3), 1), 1)


def measure(path: Path) -> Speed | None:
    """Time one model on both; None if it does not fit the NPU wholly."""
    try:
        compiled = compile_model(path, VelaOptions(ACCELERATOR))
    except VelaError:
        return None
    rng = np.random.default_rng(0)
    inputs = [_noise(rng, tensor.shape, tensor.dtype) for tensor in compiled.inputs]
    ours, reference = _on_model(compiled, inputs), _on_reference(path.read_bytes(), inputs)
    repeats = _repeats(ours), _repeats(reference)
    times = [
        (_shortest(ours, repeats[0]), _shortest(reference, repeats[1])) for _ in range(_ROUNDS)
    ]
    kernels = sum(not op.is_dma for op in compiled.stream.operations)
    return Speed(
        path.stem, kernels, compiled.macs, min(t[0] for t in times), min(t[1] for t in times)
    )


def _on_model(compiled: CompiledModel, inputs: Sequence[NDArray[Any]]) -> Callable[[], object]:
    """One inference on the NPU model: input in, run, output out."""
    device = Device(compiled)
    pairs = [
        (device.place(tensor), values.reshape(-1).view(np.uint8))
        for tensor, values in zip(compiled.inputs, inputs, strict=True)
    ]
    places = [device.place(tensor) for tensor in compiled.outputs]
    run = device.bound.run

    def infer() -> list[bytes]:
        for place, values in pairs:
            place[:] = values
        run()
        return [place.tobytes() for place in places]

    return infer


def _on_reference(model: bytes, inputs: Sequence[NDArray[Any]]) -> Callable[[], object]:
    """The same inference on tflite_micro."""
    interpreter = runtime.Interpreter.from_bytes(model, arena_size=10 * len(model) + _ARENA)

    def infer() -> Any:
        for index, values in enumerate(inputs):
            interpreter.set_input(values, index)
        interpreter.invoke()
        return interpreter.get_output(0)

    return infer


def _noise(rng: np.random.Generator, shape: tuple[int, ...], dtype: str) -> NDArray[Any]:
    info = np.iinfo(dtype)
    return rng.integers(info.min, info.max, size=shape, dtype=dtype, endpoint=True)


def figures(speeds: Sequence[Speed]) -> dict[str, Any]:
    """The speed ratios; networks of tiny kernels count by time a kernel instead."""
    large = [s for s in speeds if not s.tiny_kernels]
    tiny = [s for s in speeds if s.tiny_kernels]
    return {
        "geomean": statistics.geometric_mean(s.ratio for s in large) if large else None,
        "min": min((s.ratio for s in large), default=None),
        "per_model": {s.model: s.ratio for s in speeds},
        "lstm_us_per_kernel": max((s.ns_per_kernel / 1000 for s in tiny), default=None),
    }

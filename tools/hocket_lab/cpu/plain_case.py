# SPDX-License-Identifier: Apache-2.0
"""One-operator cases of any types and operands, for the CPU."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tflite_micro.tensorflow.lite.micro.python import schema_py_generated as schema

from hocket_tools.tflite.builder import ModelBuilder, Quantisation

from ..exact.case import Case

Scale = tuple[float, int] | None


@dataclass(frozen=True)
class Operand:
    """A tensor of a case: an input, or a constant when it has values."""

    shape: tuple[int, ...]
    dtype: str = "int8"
    scale: Scale = None
    values: tuple[float, ...] | None = None
    limit: int = 0
    """Integers that are fed lie in 0 .. limit; 0 for the whole type."""
    variable: bool = False
    channel_scales: bool = False


class _Builder(ModelBuilder):
    """Knows bool, which networks on the NPU have none of."""

    def _tensor(self, name: Any, shape: Any, dtype: Any, quantisation: Any, **more: Any) -> int:
        known = np.dtype(np.int8) if dtype == np.bool_ else dtype
        index = super()._tensor(name, shape, known, quantisation, **more)
        if dtype == np.bool_:
            self._tensors[index].type = schema.TensorType.BOOL
        return index


@dataclass(frozen=True)
class Plain(Case):
    """One operator on operands that are all given."""

    kind: str = "ADD"
    operands: tuple[Operand, ...] = ()
    results: tuple[Operand, ...] = ()
    options: str | None = None
    attributes: tuple[tuple[str, Any], ...] = field(default=())

    @property
    def op(self) -> str:
        """Name of the TFLite operator."""
        return self.kind

    def build(self, model: ModelBuilder) -> None:
        """Add the operator."""
        inputs = []
        for i, operand in enumerate(self.operands):
            dtype = np.dtype(operand.dtype)
            scale = operand.scale and Quantisation.tensor(*operand.scale)
            if operand.values is not None:
                values = np.resize(np.array(operand.values), operand.shape).astype(dtype)
                inputs.append(model.constant(f"constant{i}", values, scale))
            elif operand.variable:
                inputs.append(
                    model.activation(f"state{i}", operand.shape, dtype, scale, variable=True)
                )
            else:
                inputs.append(model.input(f"input{i}", operand.shape, dtype, scale))
        outputs = [
            model.output(
                f"output{i}", r.shape, np.dtype(r.dtype), r.scale and Quantisation.tensor(*r.scale)
            )
            for i, r in enumerate(self.results)
        ]
        model.operator(self.kind, inputs, outputs, self.options, version=2, **dict(self.attributes))

    def model(self) -> bytes:
        """Return the .tflite file."""
        builder = _Builder()
        self.build(builder)
        return builder.finish()

    def inputs(self, dtype: Any, shape: tuple[int, ...], index: int) -> list[NDArray[Any]]:
        """Values of any type, integers within the operand's limit."""
        fed = [o for o in self.operands if o.values is None and not o.variable]
        limit = fed[index].limit
        random = self.generator(f"input{index}")
        if dtype == "bool":
            return [random.integers(0, 2, shape).astype(bool) for _ in range(8)]
        if dtype == "float32" and self.results[0].dtype == "float32":
            return [*_any_floats(random, shape)]
        if dtype == "float32":
            return [*_floats(random, shape, self.results[0].scale)]
        if limit:
            return [random.integers(0, limit, shape, dtype, endpoint=True) for _ in range(8)]
        return super().inputs(dtype, shape, index)


def _floats(random: np.random.Generator, shape: tuple[int, ...], scale: Scale) -> Any:
    """Floats around every boundary between two results, and far outside."""
    step = 1.0 if scale is None else scale[0]
    for reach in (140, 140, 140, 33000):
        ties = (random.integers(-reach, reach + 1, shape) + 0.5).astype(np.float32) * np.float32(
            step
        )
        yield ties.astype(np.float32)
        yield np.nextafter(ties, np.float32(random.choice([-1e9, 1e9]))).astype(np.float32)
    yield (random.normal(0, 60, shape) * step).astype(np.float32)
    yield (random.normal(0, 15000, shape) * step).astype(np.float32)
    yield np.resize(
        np.array([0.0, -0.0, 1e-42, -1e-42, 1e6, -1e6], np.float32) * np.float32(step), shape
    )


def _any_floats(random: np.random.Generator, shape: tuple[int, ...]) -> Any:
    """Floats of like and of far magnitudes, exact ones, subnormal ones, and overflows."""
    for reach in (0, 1, 8, 30):
        power = 2.0 ** random.integers(-reach, reach + 1, shape)
        yield (random.normal(0, 1, shape) * power).astype(np.float32)
    yield random.integers(-300, 300, shape).astype(np.float32)
    yield (random.integers(-(1 << 23), 1 << 23, shape) * 2.0**-149).astype(np.float32)
    bits = random.integers(0, 0x7F800000, shape, np.uint32)
    signs = random.integers(0, 2, shape, np.uint32) << np.uint32(31)
    yield (bits | signs).astype(np.uint32).view(np.float32)
    yield np.resize(np.array([0.0, -0.0, 1.0, 3e38, -1e-40, 1e-45, 6.5], np.float32), shape)

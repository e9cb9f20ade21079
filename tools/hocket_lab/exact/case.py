# SPDX-License-Identifier: Apache-2.0
"""What a one-operator case is, and the quantities that all families of cases share."""

from __future__ import annotations

import zlib
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from tflite_micro.tensorflow.lite.micro.python import schema_py_generated as schema

from hocket_tools.tflite.builder import ModelBuilder, Quantisation

#: Fused activations by their name in the file.
ACTIVATIONS = {
    "none": schema.ActivationFunctionType.NONE,
    "relu": schema.ActivationFunctionType.RELU,
    "relu6": schema.ActivationFunctionType.RELU6,
    "relu_n1_to_1": schema.ActivationFunctionType.RELU_N1_TO_1,
}

PADDINGS = {"same": schema.Padding.SAME, "valid": schema.Padding.VALID}


@dataclass(frozen=True)
class Case(ABC):
    """One operator with everything that decides its arithmetic.

    A family derives from it, adds the attributes of its operators, and writes the model in `build`.
    """

    name: str
    """What is particular about it; with the operator and the type it makes the id."""

    operator: ClassVar[str] = ""
    dtype: str = "int8"

    @property
    def op(self) -> str:
        """Name of the TFLite operator."""
        return self.operator

    @property
    def id(self) -> str:
        """Stable and readable name, by which a test is selected again."""
        return f"{self.op.lower()}-{self.dtype}-{self.name}"

    @property
    def is_int16(self) -> bool:
        """Whether activations are int16, hence symmetric."""
        return self.dtype == "int16"

    def generator(self, purpose: str) -> np.random.Generator:
        """Return a random generator seeded by the id: the same values in every run."""
        return np.random.default_rng(zlib.crc32(f"{self.id}/{purpose}".encode()))

    def quantisation(self, scale: float, zero_point: int = 0) -> Quantisation:
        """Quantisation of an activation; int16 has no zero point in TFLite."""
        return Quantisation.tensor(scale, 0 if self.is_int16 else zero_point)

    def inputs(self, dtype: Any, shape: tuple[int, ...], index: int) -> list[NDArray[Any]]:
        """Values for one input, one array an inference."""
        return patterns(self.id, dtype, shape, index)

    @abstractmethod
    def build(self, model: ModelBuilder) -> None:
        """Add the tensors and the operator to an empty model."""

    def model(self) -> bytes:
        """Return the .tflite file."""
        builder = ModelBuilder()
        self.build(builder)
        return builder.finish()


def window_output(size: int, kernel: int, stride: int, padding: str, dilation: int = 1) -> int:
    """Output height or width of a window that slides over ``size`` elements."""
    reach = (kernel - 1) * dilation + 1
    return -(-size // stride) if padding == "same" else (size - reach) // stride + 1


def spread(products: int, input_scale: float, weight_scale: float, weight_rms: float) -> float:
    """Output scale (int8) at which a sum of random products fills the range and clips now and then.

    A sum that never clips would not test the clamp, one that always clips would test nothing else.
    """
    input_rms = 74.0
    return float(
        input_scale * weight_scale * weight_rms * input_rms * np.sqrt(products) * 2.5 / 128
    )


def patterns(case_id: str, dtype: Any, shape: tuple[int, ...], index: int) -> list[NDArray[Any]]:
    """Inputs that a tensor is fed: both ends, a ramp, ends mixed, random twice, and a bell.

    Parameters
    ----------
    case_id
        Seeds the random ones.
    dtype, shape
        Of the input tensor.
    index
        Position of the tensor among the inputs; later inputs get the constant patterns in another
        order, so that operands meet in different combinations.
    """
    info = np.iinfo(dtype)
    random = np.random.default_rng(zlib.crc32(f"{case_id}/input{index}".encode()))
    middle = (info.max + info.min + 1) // 2
    count = int(np.prod(shape))
    full = random.integers(info.min, info.max, (2, *shape), dtype, endpoint=True)
    bell = random.normal(middle, (info.max - info.min) / 9, shape)
    bell = bell.clip(info.min, info.max).round().astype(dtype)
    ramp = np.linspace(info.min, info.max, max(count, 2)).round().astype(dtype)[:count]
    constants = [
        np.full(shape, info.min, dtype),
        np.full(shape, info.max, dtype),
        np.full(shape, middle, dtype),
    ]
    near = np.array([info.min, info.max, middle - 1, middle, middle + 1]).astype(dtype)
    ends = random.choice(near, shape)
    turn = index % 3
    return [
        *constants[turn:],
        *constants[:turn],
        (ramp if index % 2 == 0 else ramp[::-1]).reshape(shape),
        ends,
        full[0],
        full[1],
        bell,
    ]

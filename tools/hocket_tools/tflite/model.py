# SPDX-License-Identifier: Apache-2.0
"""TFLite files: what they hold, read with every offset and index checked.

Field numbers are those of the public TFLite schema (version 3).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np

from hocket_host.errors import HocketError

from .flatbuffer import FlatBufferError, FlatTable

#: File identifier of TFLite models.
IDENTIFIER = b"TFL3"
#: More elements than any tensor for these devices; keeps a damaged shape from reaching arithmetic.
_MOST_ELEMENTS = 1 << 31


class TfliteError(HocketError):
    """A file that is no TFLite model, or a damaged one."""


@dataclass(frozen=True)
class Quantisation:
    """Affine quantisation: ``real = scale * (stored - zero_point)``, per tensor or per channel."""

    scales: tuple[float, ...]
    zero_points: tuple[int, ...]
    axis: int = 0

    @classmethod
    def tensor(cls, scale: float, zero_point: int = 0) -> Quantisation:
        """One scale for the whole tensor."""
        return cls((scale,), (zero_point,))

    @classmethod
    def channels(cls, scales: Sequence[float], axis: int) -> Quantisation:
        """One symmetric scale for each channel along ``axis``."""
        return cls(tuple(scales), (0,) * len(scales), axis)

    @property
    def scale(self) -> float:
        """The scale of a per-tensor quantisation, rounded to float32 as the file holds it."""
        return float(np.float32(self.scales[0]))

    @property
    def zero_point(self) -> int:
        """The zero point of a per-tensor quantisation."""
        return self.zero_points[0]


@dataclass(frozen=True)
class TfliteTensor:
    """One tensor of a subgraph."""

    index: int
    name: str
    shape: tuple[int, ...]
    """Extents; a dimension that the model leaves open is the 1 that converters store."""
    dtype: str
    """numpy's name of the element type, or the schema's name in lower case where numpy has none."""
    quantization: Quantisation | None
    is_variable: bool
    data: bytes | None
    """Constant contents; None for what is computed."""

    @property
    def elements(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)


@dataclass(frozen=True)
class TfliteOperator:
    """One operator of a subgraph."""

    index: int
    kind: str
    """Name in the schema (``CONV_2D``), or the custom operator's own name."""
    custom: bool
    name: str
    """Name of its first output, which is how converters name layers."""
    inputs: tuple[int, ...]
    """Tensor indices; -1 for an optional input left out."""
    outputs: tuple[int, ...]

    def __str__(self) -> str:
        return f"{self.kind} '{self.name}'" if self.name else f"{self.kind} (operator {self.index})"


@dataclass(frozen=True)
class Subgraph:
    """A graph of operators; the first of a model is its entry."""

    name: str
    tensors: tuple[TfliteTensor, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    operators: tuple[TfliteOperator, ...]


@dataclass(frozen=True)
class TfliteModel:
    """A TFLite file."""

    description: str
    subgraphs: tuple[Subgraph, ...]
    metadata: dict[str, bytes] = field(default_factory=dict, hash=False)
    """Contents of metadata by name; the last of several with one name."""

    @property
    def main(self) -> Subgraph:
        """The subgraph that an inference runs."""
        return self.subgraphs[0]


def read_tflite(source: str | Path | bytes) -> TfliteModel:
    """Read a TFLite file and check that it is whole.

    Parameters
    ----------
    source
        A path, or the file's bytes.

    Raises
    ------
    TfliteError
        The file cannot be read, is no TFLite file, is cut short, or refers outside itself.
    """
    where = None if isinstance(source, bytes) else str(source)
    data = source if isinstance(source, bytes) else read_bytes(source)
    if data[4:8] != IDENTIFIER:
        raise TfliteError(
            "not a TFLite file",
            where=where,
            found=f"identifier {data[4:8]!r}" if len(data) >= 8 else f"{len(data)} bytes",
            expected=f"identifier {IDENTIFIER!r} at byte 4",
            try_="export the model with the TFLite (LiteRT) converter",
        )
    try:
        return _model(FlatTable.root(data))
    except FlatBufferError as error:
        raise TfliteError(
            "damaged TFLite file",
            where=where,
            found=f"{error.found} ({error.where})" if error.where else error.found,
            expected=error.expected,
            try_="copy or export the file again; it may be cut short",
        ) from None
    except TfliteError as error:
        error.where = where if error.where is None else f"{where or 'model'}: {error.where}"
        raise


def read_bytes(path: str | Path) -> bytes:
    """Contents of a model file.

    Raises
    ------
    TfliteError
        It is missing or cannot be read.
    """
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise TfliteError(
            "cannot read the model",
            where=str(path),
            found=error.strerror or type(error).__name__,
            expected="a readable .tflite file",
            try_="check the path",
        ) from None


def _names(kind: str) -> dict[int, str]:
    from importlib import import_module

    enumeration = getattr(import_module(f"ethosu.vela.tflite.{kind}"), kind)
    return {value: name for name, value in vars(enumeration).items() if not name.startswith("_")}


@cache
def _operator_names() -> dict[int, str]:
    return _names("BuiltinOperator")


@cache
def _type_names() -> dict[int, str]:
    return {value: name.lower() for value, name in _names("TensorType").items()}


#: Element sizes in bytes of the types whose constants are checked against their shape.
_ELEMENT_BYTES = {
    "float32": 4, "float16": 2, "float64": 8, "int8": 1, "uint8": 1, "int16": 2, "uint16": 2,
    "int32": 4, "uint32": 4, "int64": 8, "uint64": 8, "bool": 1,
}  # fmt: skip


def _model(root: FlatTable) -> TfliteModel:
    version = root.scalar(0, "I")
    if version != 3:
        raise TfliteError("unknown TFLite schema", found=f"version {version}", expected="version 3")
    codes = root.tables(1, lambda _, t: _code(t))
    buffers = root.tables(4, lambda _, t: t.blob(0))
    subgraphs = root.tables(2, lambda i, t: _subgraph(i, t, codes, buffers))
    if not subgraphs:
        raise TfliteError("the model has no graph", found="no subgraph", expected="at least one")
    notes = root.tables(6, lambda _, t: (t.text(0), t.scalar(1, "I")))
    metadata = {name: buffers[at] or b"" for name, at in notes if at < len(buffers)}
    return TfliteModel(root.text(3), subgraphs, metadata)


def _code(table: FlatTable) -> tuple[str, bool]:
    # Codes above 127 only fit the newer field; older files fill only the older one.
    code = max(table.scalar(0, "b"), table.scalar(3, "i"))
    kind = _operator_names().get(code)
    if kind is None:
        raise TfliteError(
            "unknown operator", found=f"code {code}", expected="an operator of the TFLite schema"
        )
    return (table.text(1), True) if kind == "CUSTOM" else (kind, False)


def _subgraph(
    number: int,
    table: FlatTable,
    codes: tuple[tuple[str, bool], ...],
    buffers: tuple[bytes | None, ...],
) -> Subgraph:
    tensors = table.tables(0, lambda i, t: _tensor(number, i, t, buffers))
    outside = f"tensor indices below {len(tensors)}"

    def indices(found: tuple[int, ...], what: str, optional: bool = False) -> tuple[int, ...]:
        for index in found:
            if not (0 <= index < len(tensors) or (optional and index == -1)):
                raise TfliteError(
                    "damaged TFLite file: a tensor index is out of range",
                    where=f"subgraph {number}, {what}",
                    found=index,
                    expected=outside,
                )
        return found

    def operator(index: int, t: FlatTable) -> TfliteOperator:
        code = t.scalar(0, "I")
        if code >= len(codes):
            raise TfliteError(
                "damaged TFLite file: an operator code is out of range",
                where=f"subgraph {number}, operator {index}",
                found=code,
                expected=f"below {len(codes)}",
            )
        outputs = indices(t.vector(2, "i"), f"outputs of operator {index}")
        return TfliteOperator(
            index=index,
            kind=codes[code][0],
            custom=codes[code][1],
            name=tensors[outputs[0]].name if outputs else "",
            inputs=indices(t.vector(1, "i"), f"inputs of operator {index}", optional=True),
            outputs=outputs,
        )

    return Subgraph(
        name=table.text(4),
        tensors=tensors,
        inputs=indices(table.vector(1, "i"), "inputs"),
        outputs=indices(table.vector(2, "i"), "outputs"),
        operators=table.tables(3, operator),
    )


def _tensor(
    subgraph: int, index: int, table: FlatTable, buffers: tuple[bytes | None, ...]
) -> TfliteTensor:
    name = table.text(3)
    where = f"subgraph {subgraph}, tensor {index} '{name}'"
    shape = table.vector(0, "i")
    if any(n < 0 for n in shape) or math.prod(shape) > _MOST_ELEMENTS:
        raise TfliteError(
            "a tensor has no usable shape",
            where=where,
            found=list(shape),
            expected="extents that are fixed and fit a microcontroller",
            try_="export the model with a fixed batch size and input shape",
        )
    code = table.scalar(1, "b")
    dtype = _type_names().get(code)
    if dtype is None:
        raise TfliteError("unknown element type", where=where, found=f"code {code}")
    buffer = table.scalar(2, "I")
    if buffer >= max(len(buffers), 1):
        raise TfliteError(
            "damaged TFLite file: a buffer index is out of range",
            where=where,
            found=buffer,
            expected=f"below {len(buffers)}",
        )
    data = (buffers[buffer] if buffers else None) or None
    size = _ELEMENT_BYTES.get(dtype)
    if data is not None and size is not None and table.table(6) is None:
        needed = math.prod(shape) * size
        if len(data) != needed:
            raise TfliteError(
                "damaged TFLite file: a constant does not fill its shape",
                where=where,
                found=f"{len(data)} bytes",
                expected=f"{needed} bytes for {list(shape)} of {dtype}",
            )
    return TfliteTensor(
        index=index,
        name=name,
        shape=shape,
        dtype=dtype,
        quantization=_quantization(table.table(4), where),
        is_variable=bool(table.scalar(5, "B")),
        data=data,
    )


def _quantization(table: FlatTable | None, where: str) -> Quantisation | None:
    if table is None:
        return None
    scales = tuple(float(s) for s in table.vector(2, "f"))
    zero_points = table.vector(3, "q")
    if not scales:
        return None
    if zero_points and len(zero_points) not in (1, len(scales)):
        raise TfliteError(
            "damaged TFLite file: scales and zero points disagree",
            where=where,
            found=f"{len(scales)} scales, {len(zero_points)} zero points",
            expected="as many of one as of the other",
        )
    return Quantisation(scales, zero_points or (0,) * len(scales), table.scalar(6, "i"))

# SPDX-License-Identifier: Apache-2.0
"""TFLite files: what they hold, read with every offset and index checked.

Field numbers are those of the public TFLite schema (version 3).
"""

from __future__ import annotations

import math
from functools import cache
from pathlib import Path

from .content import (
    Quantisation,
    Signature,
    Subgraph,
    TfliteError,
    TfliteModel,
    TfliteOperator,
    TfliteTensor,
)
from .flatbuffer import FlatBufferError, FlatTable
from .foreign import foreign
from .whole import check_model, check_operator, check_tensor

__all__ = [
    "IDENTIFIER",
    "Quantisation",
    "Signature",
    "Subgraph",
    "TfliteError",
    "TfliteModel",
    "TfliteOperator",
    "TfliteTensor",
    "read_bytes",
    "read_tflite",
]

#: File identifier of TFLite models.
IDENTIFIER = b"TFL3"
#: More elements than any tensor for these devices; keeps a damaged shape from reaching arithmetic.
_MOST_ELEMENTS = 1 << 26
_MOST_AXES = 8
#: Of a file.
_MOST_BYTES = 1 << 28
#: Metadata of tflite_micro's by which constants are looked up in tables.
_COMPRESSION = "COMPRESSION_METADATA"


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
        raise _no_tflite(data, where)
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
        if where is not None:
            error.where = where if error.where is None else f"{where}: {error.where}"
        raise


def _no_tflite(data: bytes, where: str | None) -> TfliteError:
    known = foreign(data)
    if known is not None:
        what, remedy = known
        return TfliteError(f"not a TFLite file but {what}", where=where, try_=remedy)
    return TfliteError(
        "not a TFLite file",
        where=where,
        found=f"identifier {data[4:8]!r}" if len(data) >= 8 else f"{len(data)} bytes",
        expected=f"identifier {IDENTIFIER!r} at byte 4",
        try_="export the model with the TFLite (LiteRT) converter",
    )


def read_bytes(path: str | Path) -> bytes:
    """Contents of a model file.

    Raises
    ------
    TfliteError
        It is missing or cannot be read.
    """
    try:
        with Path(path).open("rb") as file:
            data = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise TfliteError(
            "cannot read the model",
            where=str(path),
            found=error.strerror or type(error).__name__,
            expected="a readable .tflite file",
            try_="check the path",
        ) from None
    if len(data) > _MOST_BYTES:
        raise TfliteError(
            "the model is too large for any microcontroller",
            where=str(path),
            found=f"more than {_MOST_BYTES >> 20} MiB",
            expected="a network for an Ethos-U: some MiB at most",
        )
    return data


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
    _refuse(check_model(root), None)
    codes = root.tables(1, lambda _, t: _code(t))
    buffers = root.tables(4, lambda _, t: t.blob(0))
    notes = root.tables(6, lambda _, t: (t.text(0), t.scalar(1, "I")))
    if any(name == _COMPRESSION for name, _ in notes):
        _refuse(f"compressed constants (metadata {_COMPRESSION})", None)
    subgraphs = root.tables(2, lambda i, t: _subgraph(i, t, codes, buffers))
    if not subgraphs:
        raise TfliteError("the model has no graph", found="no subgraph", expected="at least one")
    metadata = {name: buffers[at] or b"" for name, at in notes if at < len(buffers)}
    signatures = root.tables(7, lambda i, t: _signature(i, t, subgraphs))
    return TfliteModel(root.text(3), subgraphs, metadata, signatures)


def _refuse(what: str | None, where: str | None) -> None:
    if what is not None:
        raise TfliteError(
            "a model in a form that no microcontroller runs",
            where=where,
            found=what,
            expected="a plain, fully quantised TFLite file",
            try_="export it again with the TFLite (LiteRT) converter, for microcontrollers",
        )


def _signature(index: int, table: FlatTable, subgraphs: tuple[Subgraph, ...]) -> Signature:
    at = table.scalar(4, "I")
    if at >= len(subgraphs):
        raise TfliteError(
            "damaged TFLite file: a signature's subgraph is out of range",
            where=f"signature {index}",
            found=at,
            expected=f"below {len(subgraphs)}",
        )
    graph = subgraphs[at]
    for field in (0, 1):
        for name, tensor in table.tables(field, lambda _, t: (t.text(0), t.scalar(1, "I"))):
            if tensor >= len(graph.tensors):
                raise TfliteError(
                    "damaged TFLite file: a tensor index is out of range",
                    where=f"signature {index}, '{name}'",
                    found=tensor,
                    expected=f"below {len(graph.tensors)}",
                )
    return Signature(table.text(2), at)


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
        if code < len(codes):
            _refuse(check_operator(t), f"operator {index} ({codes[code][0]})")
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
    _refuse(check_tensor(table), where)
    shape = table.vector(0, "i")
    if any(n < 0 for n in shape) or math.prod(shape) > _MOST_ELEMENTS or len(shape) > _MOST_AXES:
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
    if data is not None and size is not None:
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
        quantization=_checked(_quantization(table.table(4), where), shape, dtype, data, where),
        is_variable=bool(table.scalar(5, "B")),
        data=data,
        signature=table.vector(7, "i") or None,
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


#: Least and greatest zero points; of wider types they are taken as they are.
_ZERO_POINTS = {"int8": (-128, 127), "uint8": (0, 255), "int16": (-32768, 32767)}


def _checked(
    quantisation: Quantisation | None,
    shape: tuple[int, ...],
    dtype: str,
    data: bytes | None,
    where: str,
) -> Quantisation | None:
    """Refuse scales and zero points that mean nothing for their tensor."""
    if quantisation is None:
        return None
    scales = quantisation.scales
    # A constant of zeros may have a scale of zero.
    least = 0.0 if data is not None else math.ulp(0.0)
    low, high = _ZERO_POINTS.get(dtype, (-(2**63), 2**63))
    wrong = next((s for s in scales if not (least <= s < math.inf)), None)
    if wrong is not None:
        found, expected = f"scale {wrong}", "a number above zero"
    elif not all(low <= z <= high for z in quantisation.zero_points):
        found, expected = f"zero points {quantisation.zero_points[:4]}", f"{low} to {high}"
    elif len(scales) > 1 and len(scales) not in shape:
        # The axis itself is not to be relied on: biases have that of their weights.
        found = f"{len(scales)} scales for {list(shape)}"
        expected = "one scale, or one an element of an axis"
    else:
        return quantisation
    raise TfliteError(
        "damaged TFLite file: a tensor's quantisation has no meaning",
        where=where,
        found=found,
        expected=expected,
        try_="export the model again",
    )

# SPDX-License-Identifier: Apache-2.0
"""What the schema's own objects will follow in a file, held to the file before they do.

The generated classes trust every length; each part of a model that they read and `model` does not
is looked at here. Parts that no microcontroller has a use for are refused by name.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from tflite_micro.tensorflow.lite.micro.python import schema_py_generated as schema

from .content import TfliteError
from .flatbuffer import FlatTable

#: Tables of options that hold more than numbers: vectors and strings by field, with item sizes.
_VECTORS = {
    "ReshapeOptions": {0: 4},
    "SqueezeOptions": {0: 4},
    "ConcatEmbeddingsOptions": {1: 4, 2: 4},
    "FullyConnectedOptions": {5: 4},
    "VarHandleOptions": {0: 1, 1: 1},
    "BucketizeOptions": {0: 4},
}


@cache
def _vectors() -> dict[int, dict[int, int]]:
    return {getattr(schema.BuiltinOptions, name): fields for name, fields in _VECTORS.items()}


@contextmanager
def damage() -> Iterator[None]:
    """What the schema's own classes raise for a file whose fields leave it, as an error of ours."""
    try:
        yield
    except (struct.error, ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise TfliteError(
            "damaged TFLite file",
            found=f"{type(error).__name__}: {error}",
            expected="every field inside the file",
            try_="copy or export the file again; it may be cut short",
        ) from None


def check_operator(table: FlatTable) -> str | None:
    """Hold an operator's remaining vectors and its options to the file.

    Returns
    -------
    str or None
        What it has that no microcontroller runs.

    Raises
    ------
    FlatBufferError
        Something leaves the file.
    """
    table.check_vector(5, 1)
    table.check_vector(7, 1)
    table.check_vector(8, 4)
    options = table.table(4)
    if options is not None:
        for field, size in _vectors().get(table.scalar(3, "B"), {}).items():
            options.check_vector(field, size)
    if table.scalar(11, "B"):
        return "options of StableHLO"
    if table.scalar(9, "Q") or table.scalar(10, "Q"):
        return "options that lie behind the model"
    return None


def check_tensor(table: FlatTable) -> str | None:
    """Hold a tensor's remaining vectors to the file, as `check_operator`."""
    quantisation = table.table(4)
    if quantisation is not None:
        quantisation.check_vector(0, 4)
        quantisation.check_vector(1, 4)
        if quantisation.scalar(4, "B"):
            return "quantisation of another form than scale and zero point"
    if table.table(6) is not None:
        return "sparse contents"
    if table.tables(9, lambda _, __: None):
        return "elements that are tensors (variants)"
    if table.scalar(10, "I"):
        return "contents in another file"
    return None


def check_model(root: FlatTable) -> str | None:
    """Hold what else a model has to the file, as `check_operator`."""
    root.check_vector(5, 4)
    if any(root.tables(4, lambda _, t: t.scalar(1, "Q") > 1 or t.scalar(2, "Q") > 1)):
        return "contents that lie behind the model"
    if root.tables(9, lambda _, __: None):
        return "contents in other files"
    root.check_vector(8, 4)
    return None

# SPDX-License-Identifier: Apache-2.0
"""The models of a folder: every network of every file, those of other formats included."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from hocket_host.errors import HocketError
from hocket_tools.tflite.model import TfliteError, read_bytes, read_tflite

from .judge import Asked

#: Names of model files; what is not TFLite is refused with advice.
SUFFIXES = (
    ".tflite", ".lite", ".keras", ".h5", ".hdf5", ".onnx", ".ort", ".pt", ".pth", ".pt2", ".pte",
    ".pb",
)  # fmt: skip


def models_of(folder: Path, accelerator: str) -> Iterator[Asked]:
    """Every model in a folder and the folders in it, by name.

    Raises
    ------
    HocketError
        There is none.
    """
    paths = [p for p in sorted(folder.rglob("*")) if p.suffix.lower() in SUFFIXES and p.is_file()]
    if not paths:
        raise HocketError(
            "no models",
            where=folder,
            found="no file of a known name",
            expected=", ".join(SUFFIXES),
            try_="--models with the folder that holds them",
        )
    for path in paths:
        name = str(path.relative_to(folder))
        for signature in signatures_of(path):
            shown = name if signature is None else f"{name} {signature}"
            yield Asked(shown, path, accelerator, signature)


def signatures_of(path: Path) -> tuple[str | None, ...]:
    """Signatures of a file that holds several networks; one None for any other file."""
    try:
        model = read_tflite(read_bytes(path))
    except TfliteError:
        return (None,)
    keys = tuple(s.key for s in model.signatures)
    return keys if len({s.subgraph for s in model.signatures}) > 1 else (None,)

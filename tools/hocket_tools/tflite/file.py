# SPDX-License-Identifier: Apache-2.0
"""A model as a task names it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ModelFile:
    """A file, and which network of it."""

    path: Path
    signature: str | None = None

    def __str__(self) -> str:
        return str(self.path)

    def read(self) -> bytes:
        """The model in its normal form, as `normal.load_model`."""
        from .normal import load_model

        return load_model(self.path, self.signature)

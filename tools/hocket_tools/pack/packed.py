# SPDX-License-Identifier: Apache-2.0
"""A container together with the application that it was made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from .. import container as hkt
from ..app.application import Application
from ..app.notes import Layer, Notes
from ..prove import Proof
from .prove import prove
from .target import Target, resolve_target


@dataclass(frozen=True)
class Packed:
    """A container together with the application that it was made from."""

    target: Target
    image: hkt.Image
    data: bytes
    layers: Mapping[str, tuple[Layer, ...]]
    """Source operator of each NPU operation, by task; empty where the container does not say."""

    @property
    def application(self) -> Application:
        """The application file."""
        return self.target.application

    @cached_property
    def proof(self) -> Proof:
        """Bounds on the response times."""
        return prove(self.target, self.image)


def open_packed(path: Path, data: bytes) -> Packed:
    """Read a container and find its application again.

    Raises
    ------
    HocketError
        The container is damaged or stripped, or its models or inputs are not where they were.
    """
    image = hkt.read(data)
    notes = Notes.from_bytes(image.notes, path)
    return Packed(resolve_target(notes.application(path)), image, data, notes.operations())


def counted(image: hkt.Image) -> tuple[int, int]:
    """Number of NPU segments, and of operators on the CPU."""
    steps = [step for model in image.models for step in model.steps]
    segments = sum(step.kind == hkt.StepKind.NPU for step in steps)
    return segments, len(steps) - segments

# SPDX-License-Identifier: Apache-2.0
"""A container together with the application that it was made from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .. import container as hkt
from ..app.application import Application
from ..app.notes import Notes
from .pack import build_image


@dataclass(frozen=True)
class Packed:
    """A container together with the application that it was made from."""

    application: Application
    image: hkt.Image
    data: bytes


def open_packed(path: Path, data: bytes) -> Packed:
    """Read a container and find its application again.

    Raises
    ------
    HocketError
        The container is damaged or stripped, or its models or inputs are not where they were.
    """
    image = hkt.read(data)
    application = Notes.from_bytes(image.notes, path).application(path)
    return Packed(application, image, data)


def pack(application: Application, *, cut: str | int | None = None) -> Packed:
    """Pack an application in memory, in another way than it asks for if ``cut`` is given."""
    image = build_image(application, cut=cut)
    return Packed(application, image, hkt.build(image))


def counted(image: hkt.Image) -> tuple[int, int]:
    """Number of NPU segments, and of operators on the processor."""
    steps = [step for model in image.models for step in model.steps]
    segments = sum(step.kind == hkt.StepKind.NPU for step in steps)
    return segments, len(steps) - segments

# SPDX-License-Identifier: Apache-2.0
"""The audio front end on the ARM image: its features, its instructions and its heap."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hocket_host.board import board as boards
from hocket_host.machines.common.prompt import device_program
from hocket_tools.image.errors import FirmwareError

from . import console

_DEVICE = Path(__file__).with_name("device_features.py")


@dataclass(frozen=True)
class ImageRun:
    """What the image made of a recording."""

    features: NDArray[np.uint16]
    """(frames, channels)."""
    frame_instructions: int
    """Of the longest frame, with the measurement."""
    step_instructions: int
    """Of the longest step of one."""
    steps: int
    """Of a frame."""
    modules_heap_bytes: int
    """What importing it takes."""
    frontend_heap_bytes: int
    """What one front end takes."""

    def figures(self) -> dict[str, int]:
        """By name, without the features themselves."""
        found = {"frames": len(self.features), "channels": self.features.shape[1]}
        return found | {k: v for k, v in vars(self).items() if k != "features"}

    def __str__(self) -> str:
        return (
            f"{len(self.features)} frames of {self.features.shape[1]} channels\n"
            f"instructions of a frame: {self.frame_instructions} in {self.steps} steps, "
            f"of a step: {self.step_instructions}\n"
            f"heap: {self.modules_heap_bytes} bytes of modules, "
            f"{self.frontend_heap_bytes} of a front end"
        )


def run_on_image(elf: Path, samples: NDArray[np.int16]) -> ImageRun:
    """Run the front end of an image over samples, on QEMU, with the heap locked.

    Parameters
    ----------
    elf
        The image, with the front end frozen in.
    samples
        One axis; more than a window.

    Raises
    ------
    FirmwareError
        QEMU is missing, or the script fails on the image.
    """
    address = boards.load("corstone300").flash_base
    data = samples.astype("<i2").tobytes()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "samples"
        file.write_bytes(data)
        script = device_program(_DEVICE, f"main({address}, {len(data)})")
        run = console.run_script(elf, script, files={address: file})
    lines = [line.split() for line in run.output.splitlines()]
    if run.error or len(lines) < 2:
        raise FirmwareError(
            "the front end did not run on the image",
            where=elf,
            found=run.error or run.output,
            expected="frames of features",
            try_="make firmware",
        )
    heap, *frames = lines
    features = [np.frombuffer(bytes.fromhex(line[3]), "<u2") for line in frames]
    return ImageRun(
        features=np.stack(features).astype(np.uint16),
        frame_instructions=max(int(line[0]) for line in frames),
        step_instructions=max(int(line[1]) for line in frames),
        steps=max(int(line[2]) for line in frames),
        modules_heap_bytes=int(heap[0]),
        frontend_heap_bytes=int(heap[1]),
    )

# SPDX-License-Identifier: Apache-2.0
"""`hocket lab features`: the audio front end on the ARM image."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..checkout import FIRMWARE
from .figures import AsJson, Firmware, Output, deliver, progress


def features(
    recording: Annotated[Path, typer.Argument(help="A recording (.wav) of 16 kHz.")],
    firmware: Firmware = FIRMWARE,
    output: Output = None,
    as_json: AsJson = False,
) -> None:
    """Count what audio features cost on the ARM image."""
    from hocket_tools.frames.features.settings import FrontendSettings
    from hocket_tools.frames.features.stream import read_wav

    from ..image.features import run_on_image
    from ..needs import require

    require(programs={"qemu-system-arm": "qemu-system-arm"}, image=firmware)
    samples = read_wav(recording, FrontendSettings().sample_rate)
    with progress("on the ARM image"):
        run = run_on_image(firmware, samples)
    deliver(
        run.figures(), lambda console: console.print(str(run), markup=False),
        output=output, as_json=as_json,
    )  # fmt: skip

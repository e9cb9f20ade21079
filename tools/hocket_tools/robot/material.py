# SPDX-License-Identifier: Apache-2.0
"""What the suites load into the machine: the demonstration's container, whole, cut and spoilt."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from hocket_host.ethosu.config import npu_config

from .. import container as hkt
from ..application import load
from ..demo import APPLICATION
from ..pack import build_image

_FOREIGN = "ethos-u55-256"


def prepare(folder: Path) -> None:
    """Write the containers that the suites name.

    ``foreign.hkt`` is sound but names another accelerator than the board has; ``corrupt.hkt`` has
    one flipped bit.
    """
    folder.mkdir(parents=True, exist_ok=True)
    application = load(APPLICATION)
    image = build_image(application, folder=folder)
    data = hkt.build(image)
    (folder / "demo.hkt").write_bytes(data)
    whole = replace(build_image(application, cut="none", folder=folder), policy=hkt.Policy.FIFO)
    (folder / "whole.hkt").write_bytes(hkt.build(whole))
    spoilt = bytearray(data)
    spoilt[len(spoilt) // 2] ^= 1
    (folder / "corrupt.hkt").write_bytes(spoilt)
    other = npu_config(_FOREIGN)
    foreign = replace(image, npu_config=other.config_register)
    (folder / "foreign.hkt").write_bytes(hkt.build(foreign))
    (folder / "empty.bin").write_bytes(bytes(16))

# SPDX-License-Identifier: Apache-2.0
"""What the suites load into the machine: containers sound and spoilt, and frames for networks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from hocket_tools import container as hkt
from hocket_tools.app.application import load
from hocket_tools.pack.pack import pack
from hocket_tools.zoo.application import APPLICATION

from . import hostile
from .faulty import FAULTS, with_fault
from .frames import build_frames
from .load import LOADS, loads

#: Frames of each task whose outputs are compared on the device.
_FRAMES = 8


def prepare(folder: Path, applications: Path) -> None:
    """Write the files that the suites name.

    Parameters
    ----------
    folder
        Where to.
    applications
        Folder of application files; each is packed, with frames and outputs beside it.

    Raises
    ------
    HocketError
        An application file is wrong.
    """
    folder.mkdir(parents=True, exist_ok=True)
    demo = load(APPLICATION)
    packed = pack(demo, folder=folder)
    image = packed.image
    whole = replace(pack(demo, cut="none", folder=folder).image, policy=hkt.Policy.FIFO)
    files = {
        "demo.hkt": packed.data,
        "demo.frames": build_frames(packed, _FRAMES),
        "whole.hkt": hkt.build(whole),
        "empty.bin": bytes(16),
    }
    for path in sorted(applications.glob("*.toml")):
        packed = pack(load(path), folder=folder)
        files[f"{path.stem}.hkt"] = packed.data
        files[f"{path.stem}.frames"] = build_frames(packed, _FRAMES)
    for name in LOADS:
        files[f"{name}.hkt"] = hkt.build(loads(image, name))
    for name in FAULTS:
        files[f"{name}.hkt"] = hkt.build(with_fault(image, name))
    files.update(hostile.containers(image))
    for name, content in files.items():
        (folder / name).write_bytes(content)

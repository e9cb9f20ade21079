# SPDX-License-Identifier: Apache-2.0
"""The audio front end on a real MicroPython virtual machine, over whole recordings."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sounds import CLIPS, read, reference

from hocket_tools.frames.features import build_tables
from paths import FIRMWARE

SCRIPT = """
import sys
import micropython
firmware, tables, samples, out = sys.argv[1:]
sys.path.insert(0, firmware)
from hocket.features import Frontend

def run():
    with open(tables, "rb") as file:
        frontend = Frontend(file.read())
    chunk = bytearray(2 * frontend.step_samples)
    with open(samples, "rb") as source, open(out, "wb") as sink:
        while source.readinto(chunk) == len(chunk):
            micropython.heap_lock()
            due = frontend.feed(chunk)
            micropython.heap_unlock()
            if due:
                sink.write(frontend.features)

run()
"""


@pytest.mark.parametrize("clip", CLIPS, ids=lambda clip: clip.stem)
def test_recording_gives_the_features_of_the_reference_with_the_heap_locked(
    clip: Path, tmp_path: Path
) -> None:
    samples = read(clip)
    (tmp_path / "run.py").write_text(SCRIPT)
    (tmp_path / "tables").write_bytes(build_tables())
    (tmp_path / "samples").write_bytes(samples.tobytes())
    paths = [str(tmp_path / name) for name in ("run.py", "tables", "samples", "out")]
    run = subprocess.run(
        [sys.executable, "-m", "micropython", paths[0], str(FIRMWARE), *paths[1:]],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    found = np.frombuffer((tmp_path / "out").read_bytes(), "<u2").reshape(-1, 40)
    assert (found == reference(samples)).all()

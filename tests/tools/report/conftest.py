# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import pytest

from hocket_tools import run as running
from hocket_tools.application import load

MODELS = Path(__file__).parents[2] / "models"

APPLICATION = """
[npu]
accelerator-config = "ethos-u55-128"
clock = "50 MHz"

[schedule]
cut = "all"

[tasks.speech]
model = "{models}/micro_speech.tflite"
period = "5 ms"

[tasks."<b>&person</b>"]
model = "{models}/person_detect.tflite"
period = "60 ms"
"""


@pytest.fixture(scope="session")
def packed(tmp_path_factory: pytest.TempPathFactory) -> running.Packed:
    path = tmp_path_factory.mktemp("report") / "app.toml"
    path.write_text(APPLICATION.format(models=MODELS))
    return running.pack(load(path))


@pytest.fixture(scope="session")
def outcome(packed: running.Packed) -> running.Outcome:
    return running.execute(packed, 120_000_000)

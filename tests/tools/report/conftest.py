# SPDX-License-Identifier: Apache-2.0

import pytest

from hocket_tools.app.application import load
from hocket_tools.pack.pack import pack
from hocket_tools.pack.packed import Packed
from hocket_tools.run import run as running
from paths import MODELS

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
def packed(tmp_path_factory: pytest.TempPathFactory) -> Packed:
    path = tmp_path_factory.mktemp("report") / "app.toml"
    path.write_text(APPLICATION.format(models=MODELS))
    return pack(load(path))


@pytest.fixture(scope="session")
def outcome(packed: Packed) -> running.Outcome:
    return running.execute(packed, 120_000_000)

# SPDX-License-Identifier: Apache-2.0
"""Whole networks on the processor alone, over streams, on MicroPython."""

from __future__ import annotations

import numpy as np
import pytest
from tflite_micro.python.tflite_micro import runtime

from hocket_lab.cpu.check import Job, network_job, run_on_micropython
from hocket_tools.tflite.model import read_tflite
from paths import MODELS


def stream(name: str, frames: int) -> Job:
    data = (MODELS / f"{name}.tflite").read_bytes()
    source = read_tflite(data)
    oracle = runtime.Interpreter.from_bytes(data, arena_size=8 << 20)
    random = np.random.default_rng(7)
    rounds = []
    for _ in range(frames):
        given = [
            random.integers(*_range(t.dtype), t.shape, t.dtype, endpoint=True)
            for t in (source.main.tensors[i] for i in source.main.inputs)
        ]
        for index, values in enumerate(given):
            oracle.set_input(values, index)
        oracle.invoke()
        outputs = range(len(source.main.outputs))
        rounds.append((given, [np.array(oracle.get_output(i)) for i in outputs]))
    return network_job(name, data, rounds)


def _range(dtype: str) -> tuple[int, int]:
    return int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)


def differing(job: Job) -> int:
    return int(run_on_micropython([job])[0]["mismatches"])


def test_streaming_network_with_variables_stays_exact_over_a_hundred_frames() -> None:
    assert differing(stream("mww_alexa", 120)) == 0


@pytest.mark.parametrize(
    "name",
    [
        "hello_world_int8",
        "micro_speech",
        "mlp_ad01_int8",
        "mlp_kws_int8",
        "mlp_resnet8_int8",
        "mlp_vww96_int8",
        "person_detect",
    ],
)
def test_network_is_exact_on_the_processor_alone(name: str) -> None:
    assert differing(stream(name, 2)) == 0

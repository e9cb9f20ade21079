# SPDX-License-Identifier: Apache-2.0
"""Whole networks on the functional model against tflite_micro, bit by bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import paths
from hocket_host.ethosu.config import CONFIGS
from hocket_lab.exact.device import Device
from hocket_tools.reference.oracle import Oracle
from hocket_tools.vela import VelaOptions, compile_model
from rigs.vela_streams import MODELS

Values = NDArray[Any]


def _both(model: str, accelerator: str) -> tuple[Device, Oracle]:
    data = (paths.MODELS / model).read_bytes()
    return Device(compile_model(data, VelaOptions(accelerator))), Oracle(data)


def _random_inputs(device: Device, rng: np.random.Generator) -> list[Values]:
    inputs = []
    for tensor in device.compiled.inputs:
        limits = np.iinfo(np.dtype(tensor.dtype))
        inputs.append(
            rng.integers(limits.min, limits.max + 1, tensor.shape).astype(np.dtype(tensor.dtype))
        )
    return inputs


def _assert_equal(device: Device, oracle: Oracle, inputs: list[Values]) -> None:
    device.set_inputs(inputs)
    device.run()
    for got, want in zip(device.outputs(), oracle.run(inputs), strict=True):
        np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("accelerator", CONFIGS)
@pytest.mark.parametrize("model", MODELS)
def test_outputs_equal_tflite_micro(model: str, accelerator: str) -> None:
    device, oracle = _both(model, accelerator)
    rng = np.random.default_rng(7)
    for _ in range(3):
        _assert_equal(device, oracle, _random_inputs(device, rng))


def test_handwritten_digits_equal_tflite_micro_with_state_carried_over() -> None:
    device, oracle = _both("mnist_lstm_int8.tflite", "ethos-u55-128")
    for file in sorted((paths.DATA / "mnist").glob("*.png")):
        pixels = np.asarray(Image.open(file).convert("L")).astype(np.int16) - 128
        _assert_equal(device, oracle, [pixels.astype(np.int8).reshape(1, 28, 28)])


@pytest.mark.parametrize("picture", ["person.bmp", "no_person.bmp"])
def test_photographs_equal_tflite_micro(picture: str) -> None:
    device, oracle = _both("person_detect.tflite", "ethos-u55-64")
    pixels = np.frombuffer((paths.DATA / "person" / picture).read_bytes()[-96 * 96 :], np.int8)
    _assert_equal(device, oracle, [pixels.reshape(1, 96, 96, 1)])


@pytest.mark.parametrize("model", ["mlp_kws_int8.tflite", "mnist_lstm_int8.tflite"])
def test_a_stream_run_in_pieces_equals_the_whole(model: str) -> None:
    whole, _ = _both(model, "ethos-u55-128")
    parts, _ = _both(model, "ethos-u55-128")
    inputs = _random_inputs(whole, np.random.default_rng(3))
    whole.set_inputs(inputs)
    whole.run()
    parts.set_inputs(inputs)
    at = 0
    for length in (1, 0, 2, 5, 1, 20):
        parts.run(at, at + length)
        at += length
    parts.run(at)
    np.testing.assert_array_equal(parts.memory, whole.memory)

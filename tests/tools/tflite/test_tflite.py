# SPDX-License-Identifier: Apache-2.0
import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hocket_tools.tflite.model import TfliteError, TfliteModel, read_tflite
from paths import MODELS

HELLO = (MODELS / "hello_world_int8.tflite").read_bytes()


def test_names_shapes_and_types_of_every_model_are_read():
    for path in sorted(MODELS.glob("*.tflite")):
        graph = read_tflite(path).main
        assert graph.inputs
        assert graph.outputs
        for index in graph.inputs + graph.outputs:
            assert graph.tensors[index].dtype in ("int8", "uint8")
            assert graph.tensors[index].quantization is not None


def test_operators_carry_their_layer_name():
    first = read_tflite(HELLO).main.operators[0]
    assert first.kind == "FULLY_CONNECTED"
    assert first.name.startswith("sequential/dense/MatMul")


def test_another_format_is_refused_by_its_identifier():
    with pytest.raises(TfliteError, match="not a TFLite file"):
        read_tflite(b"PK\x03\x04" + bytes(64))


def test_a_missing_file_is_an_error_with_its_path():
    with pytest.raises(TfliteError, match=r"nowhere\.tflite"):
        read_tflite("nowhere.tflite")


def test_every_truncation_is_refused():
    for length in range(0, len(HELLO), 7):
        with pytest.raises(TfliteError):
            read_tflite(HELLO[:length])


@settings(max_examples=200)
@given(st.lists(st.tuples(st.integers(0, len(HELLO) - 1), st.integers(0, 255)), max_size=8))
def test_any_damage_is_either_read_or_refused(changes):
    data = bytearray(HELLO)
    for at, value in changes:
        data[at] = value
    with contextlib.suppress(TfliteError):
        assert isinstance(read_tflite(bytes(data)), TfliteModel)


def test_a_file_without_end_is_not_read_to_its_end(tmp_path, monkeypatch):
    monkeypatch.setattr("hocket_tools.tflite.model._MOST_BYTES", 1000)
    path = tmp_path / "large.tflite"
    path.write_bytes(HELLO)
    with pytest.raises(TfliteError, match="too large") as error:
        read_tflite(path)
    assert "large.tflite" in str(error.value.where)

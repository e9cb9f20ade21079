# SPDX-License-Identifier: Apache-2.0
"""Other formats: one line what the file is, one line what to do."""

from __future__ import annotations

import io
import zipfile

import pytest

from hocket_tools.tflite.model import TfliteError, read_tflite


def archive(*names: str) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as file:
        for name in names:
            file.writestr(name, "x")
    return held.getvalue()


@pytest.mark.parametrize(
    ("data", "what", "remedy"),
    [
        (b"\x89HDF\r\n\x1a\n" + bytes(99), "Keras model in HDF5", "TFLiteConverter"),
        (archive("config.json", "model.weights.h5"), "Keras model (.keras)", "TFLiteConverter"),
        (archive("x/archive_format", "x/data/0"), "(.pt2)", "litert-torch"),
        (archive("x/data.pkl", "x/data/0"), "PyTorch checkpoint", "litert-torch"),
        (archive("readme", "net/model.tflite"), "zip archive", "net/model.tflite"),
        (b"PK\x03\x04" + bytes(64), "zip archive", "unpack"),
        (b"\x20\0\0\0ET12" + bytes(64), "ExecuTorch program (.pte)", "litert-torch"),
        (b"\x08\x07\x12\x05torch\x3a\x02\x0a\x00", "ONNX model", "onnx2tf -oiqt"),
        (b"\x08\x0a\x3a\x02\x0a\x00", "ONNX model", "onnx2tf -oiqt"),
        (b"\x1f\x8b\x08" + bytes(64), "gzip archive", "unpack"),
        (b"version https://git-lfs.github.com/spec/v1\noid x", "Git LFS", "git lfs pull"),
        (b"\n <!DOCTYPE html>", "a text file", ".tflite"),
    ],
)
def test_another_format_is_told_in_two_lines(data, what, remedy):
    with pytest.raises(TfliteError) as error:
        read_tflite(data)
    first, second = str(error.value).splitlines()
    assert what in first
    assert remedy in second


def test_a_format_that_is_not_known_shows_its_first_bytes():
    with pytest.raises(TfliteError, match="not a TFLite file") as error:
        read_tflite(b"\xaa" * 40)
    assert r"\xaa\xaa\xaa\xaa" in str(error.value.found)

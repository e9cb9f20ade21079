# SPDX-License-Identifier: Apache-2.0
"""Model files of other kinds, known by their contents: what each is, and what to do with it."""

from __future__ import annotations

import io
import zipfile

_CONVERT = (
    "with tf.lite.TFLiteConverter, full integer quantisation and a representative dataset, "
    "and give the .tflite"
)
_KERAS = f"convert it {_CONVERT}"
_TORCH = "convert the network it was made from with litert-torch (PT2E quantisation, int8)"

#: First bytes: what the file is, and what to do.
_STARTS: tuple[tuple[int, bytes, str, str], ...] = (
    (0, b"\x89HDF\r\n\x1a\n", "a Keras model in HDF5 (.h5)", _KERAS),
    (4, b"ET", "an ExecuTorch program (.pte)", f"{_TORCH}, and give the .tflite"),
    (0, b"OTNR", "an ONNX Runtime model (.ort)", "convert its .onnx with onnx2tf -oiqt"),
    (4, b"ORTM", "an ONNX Runtime model (.ort)", "convert its .onnx with onnx2tf -oiqt"),
    (0, b"\x1f\x8b", "a gzip archive", "unpack it, and give the .tflite inside"),
    (0, b"\x93NUMPY", "a NumPy array (.npy)", "give the .tflite; arrays are inputs"),
    (0, b"HKT", "a container of Hocket's", "hocket run or hocket inspect takes it as it is"),
    (0, b"\x7fELF", "a compiled program (ELF)", "give the .tflite that it was made from"),
    (
        0,
        b"version https://git-lfs",
        "a pointer of Git LFS",
        "git lfs pull fetches it",
    ),
)
#: Members of zip archives.
_MEMBERS: tuple[tuple[str, str, str], ...] = (
    ("model.weights.h5", "a Keras model (.keras)", _KERAS),
    ("archive_format", "an exported PyTorch program (.pt2)", f"{_TORCH}, and give the .tflite"),
    ("models/model.json", "an exported PyTorch program (.pt2)", f"{_TORCH}, and give the .tflite"),
    ("serialized_exported_program.json", "an exported PyTorch program (.pt2)",
     f"{_TORCH}, and give the .tflite"),
    ("data.pkl", "a PyTorch checkpoint (.pt)", f"{_TORCH}, and give the .tflite"),
    ("saved_model.pb", "a TensorFlow SavedModel in an archive", _KERAS),
)  # fmt: skip
#: How many bytes of a message are looked through for names of operators.
_LOOKED = 1 << 16


def foreign(data: bytes) -> tuple[str, str] | None:
    """What a file is that is no TFLite model, and what to do; None where it is not known."""
    for at, start, what, remedy in _STARTS:
        if data[at : at + len(start)] == start:
            return what, remedy
    if data[:2] == b"PK":
        return _zipped(data)
    if _is_onnx(data):
        return "an ONNX model (.onnx)", "convert it with onnx2tf -oiqt, and give the int8 .tflite"
    if data[:1] == b"\x08" and b"saved_model_main_op" in data[:_LOOKED] + data[-_LOOKED:]:
        return "a TensorFlow SavedModel (saved_model.pb)", _KERAS
    if data[:1] in (b"{", b"<") or data.lstrip()[:1] in (b"{", b"<"):
        return "a text file", "give the .tflite"
    return None


def _zipped(data: bytes) -> tuple[str, str] | None:
    try:
        names = zipfile.ZipFile(io.BytesIO(data)).namelist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
        names = []
    for member, what, remedy in _MEMBERS:
        if any(name == member or name.endswith(f"/{member}") for name in names):
            return what, remedy
    models = [name for name in names if name.endswith(".tflite")]
    if models:
        return "a zip archive", f"unpack it, and give {models[0]}"
    return "a zip archive", "unpack it, and give a .tflite"


def _is_onnx(data: bytes) -> bool:
    """ModelProto: the version of the format first, then texts, or the graph."""
    if len(data) < 4 or data[0] != 0x08 or not 1 <= data[1] <= 32:
        return False
    # Fields of ModelProto: producer 2, its version 3, domain 4, doc 6, graph 7, opset 8.
    return data[2] in (0x12, 0x1A, 0x22, 0x32, 0x3A, 0x42)

# SPDX-License-Identifier: Apache-2.0
"""From a Keras model to a full-integer TFLite file with its card."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .macs import count_macs


def tensorflow(seed: int) -> Any:
    """Import TensorFlow, seeded, deterministic and on one core."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()
    return tf


def convolve(layers: Any, x: Any, filters: int, size: Any = 3, stride: Any = 1) -> Any:
    """Apply a convolution with batch normalisation, which the converter folds away."""
    x = layers.Conv2D(filters, size, strides=stride, padding="same", use_bias=False)(x)
    return layers.BatchNormalization()(x)


def separable(layers: Any, x: Any, filters: int, size: Any = 3, stride: Any = 1) -> Any:
    """Apply a depthwise and a pointwise convolution, each normalised and rectified."""
    x = layers.DepthwiseConv2D(size, strides=stride, padding="same", use_bias=False)(x)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    return layers.ReLU()(convolve(layers, x, filters, 1))


def quantise(
    tf: Any, model: Any, samples: Iterable[npt.NDArray[np.float32]], limits: tuple[float, float]
) -> bytes:
    """Convert to a TFLite file whose every tensor is an integer.

    Parameters
    ----------
    tf
        The TensorFlow module.
    model
        A Keras model of one input.
    samples
        Representative inputs, each float32[1, ...]; they set the ranges of the activations.
    limits
        Lowest and highest value of the input. They pin its scale and zero point, so that
        preprocessing can produce the int8 tensor without floating point.
    """
    batch = [np.asarray(sample, dtype=np.float32) for sample in samples]
    pinned = batch[0].copy()
    pinned.flat[0], pinned.flat[1] = limits

    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([sample] for sample in [pinned, *batch])
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.int8
    converter.inference_output_type = tf.int8
    return bytes(converter.convert())


class Quantised:
    """A TFLite file run by TensorFlow's own interpreter, one input at a time.

    Attributes
    ----------
    input
        (shape, scale, zero point) of the input.
    outputs
        The same of each output, by rising last dimension and name.
    """

    def __init__(self, tf: Any, data: bytes) -> None:
        self._interpreter = tf.lite.Interpreter(model_content=data, num_threads=1)
        self._interpreter.allocate_tensors()
        self._input = self._interpreter.get_input_details()[0]
        self._outputs = self._interpreter.get_output_details()
        self.input = self._describe(self._input)
        self.outputs = [self._describe(output) for output in self._outputs]

    @staticmethod
    def _describe(detail: Any) -> tuple[list[int], float, int]:
        scale, zero_point = detail["quantization"]
        return [int(n) for n in detail["shape"]], float(scale), int(zero_point)

    def run(self, tensor: npt.NDArray[np.int8]) -> list[npt.NDArray[np.int8]]:
        """Return the int8 outputs for one int8 input of any shape of the right size."""
        self._interpreter.set_tensor(
            self._input["index"], tensor.reshape(self._input["shape"]).astype(np.int8)
        )
        self._interpreter.invoke()
        return [self._interpreter.get_tensor(output["index"]) for output in self._outputs]


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    text = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


def write_card(
    out: Path, name: str, data: bytes, tables: dict[str, dict[str, object]], tensors: Quantised
) -> None:
    """Write `NAME.tflite` and the card `NAME.toml` that describes it.

    Parameters
    ----------
    out
        Folder of the two files.
    name
        Name of the network.
    data
        The TFLite file.
    tables
        Tables of the card by name; "" holds the keys above every table.
    tensors
        The same file, loaded: the source of shapes and quantisation.
    """
    model = out / f"{name}.tflite"
    model.write_bytes(data)
    head = {
        "name": name,
        **tables.pop(""),
        "licence": "Apache-2.0",
        "file": model.name,
        "bytes": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
        "macs": count_macs(data),
    }
    lines = ["# SPDX-License-Identifier: Apache-2.0"]
    lines += [f"{key} = {_toml(value)}" for key, value in head.items()]
    sections: list[tuple[str, dict[str, object]]] = []
    shape, scale, zero_point = tensors.input
    sections.append(("[input]", {"shape": shape, "scale": scale, "zero_point": zero_point}))
    for shape, scale, zero_point in tensors.outputs:
        entry: dict[str, object] = {"shape": shape, "scale": scale, "zero_point": zero_point}
        sections.append(("[[outputs]]", entry))
    for table, entries in tables.items():
        if table == "input":
            sections[0][1].update(entries)
        else:
            sections.append((f"[{table}]", entries))
    for title, entries in sections:
        lines += ["", title, *(f"{key} = {_toml(value)}" for key, value in entries.items())]
    (out / f"{name}.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")


def packages(*names: str) -> list[str]:
    """Return `name==version` of the packages that a network was trained with."""
    from importlib.metadata import version

    return [f"{name}=={version(name)}" for name in names]


def rounded(value: float | np.floating[Any]) -> float:
    """Round a measured figure to what its test set can tell apart."""
    return round(float(value), 4)


def spread(items: Sequence[Any], count: int) -> list[Any]:
    """Return `count` items taken evenly from `items`."""
    return [items[index] for index in np.linspace(0, len(items) - 1, count).astype(int)]

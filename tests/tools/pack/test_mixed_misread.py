# SPDX-License-Identifier: Apache-2.0
"""What Vela compiles into something else runs on the processor, exactly."""

from __future__ import annotations

import sys
from pathlib import Path

import flatbuffers
import numpy as np
import pytest
from running import application, verified
from tflite_micro.tensorflow.lite.micro.python import schema_py_generated as schema

from hocket_tools.cli import main
from hocket_tools.tflite.builder import ModelBuilder, Quantisation
from hocket_tools.tflite.model import read_tflite
from hocket_tools.vela import VelaError, VelaOptions, compile_network
from hocket_tools.vela.misread import misread
from paths import MODELS

SHAPE = (1, 5, 4, 7)
SCALE = Quantisation.tensor(0.03, -8)


def reduction(
    kind: str, axes: tuple[int, ...], result: tuple[int, ...], dtype: str = "int8"
) -> bytes:
    model = ModelBuilder()
    scale = SCALE if dtype == "int8" else Quantisation.tensor(0.001)
    given = model.input("given", SHAPE, dtype, scale)
    over = model.constant("axes", np.array(axes, np.int32))
    found = model.output("found", result, dtype, scale)
    keep = len(result) == len(SHAPE)
    model.operator(kind, (given, over), (found,), "ReducerOptions", version=2, keepDims=keep)
    return model.finish()


@pytest.mark.parametrize(
    ("kind", "axes", "result", "left"),
    [
        ("REDUCE_MAX", (3,), (1, 5, 4), (0,)),
        ("REDUCE_MIN", (-1,), (1, 5, 4), (0,)),
        ("REDUCE_MAX", (2,), (1, 5, 7), (0,)),
        ("REDUCE_MAX", (3,), (1, 5, 4, 1), ()),
        ("REDUCE_MIN", (1,), (1, 4, 7), ()),
        ("REDUCE_MAX", (1, 2), (1, 7), ()),
        ("SUM", (1, 2), (1, 1, 1, 7), (0,)),
        ("SUM", (0, 3), (5, 4), (0,)),
    ],
)
def test_reduction_over_any_axes_is_exact(
    tmp_path: Path, kind: str, axes: tuple[int, ...], result: tuple[int, ...], left: tuple[int, ...]
) -> None:
    model = reduction(kind, axes, result)
    assert misread(read_tflite(model), model) == left
    verified(application(tmp_path, {"reduction": (model, "")}), 2)


def test_misread_reduction_that_the_processor_lacks_is_refused() -> None:
    model = reduction("REDUCE_MIN", (3,), (1, 5, 4), "int16")
    with pytest.raises(VelaError, match=r"compiles wrongly.*\n.*int16(.|\n)*one axis at a time"):
        compile_network(model, VelaOptions("ethos-u55-128"))


def mirrored(borders: tuple[tuple[int, int], ...], mode: int) -> bytes:
    model = ModelBuilder()
    scale = Quantisation.tensor(0.05, -3)
    shape = (1, 5, 6, 3)[-len(borders) :]
    given = model.input("given", shape, "int8", scale)
    wide = tuple(n + a + b for n, (a, b) in zip(shape, borders, strict=True))
    found = model.output("found", wide, "int8", scale)
    pads = model.constant("borders", np.array(borders, np.int32))
    model.operator("MIRROR_PAD", (given, pads), (found,), "MirrorPadOptions", mode=mode)
    return model.finish()


NONE = (0, 0)


@pytest.mark.parametrize("mode", [0, 1])
@pytest.mark.parametrize(
    ("borders", "left"),
    [
        ((NONE, (2, 4), (1, 3), NONE), ()),
        ((NONE, NONE, NONE, (1, 0)), (0,)),
        ((NONE, (2, 4), (0, 3), (1, 2)), (0,)),
        (((2, 1), (1, 1)), (0,)),
    ],
)
def test_mirrored_borders_of_any_axis_are_exact(
    tmp_path: Path, borders: tuple[tuple[int, int], ...], left: tuple[int, ...], mode: int
) -> None:
    model = mirrored(borders, mode)
    assert misread(read_tflite(model), model) == left
    verified(application(tmp_path, {"pad": (model, "")}), 2)


def softmax(scale: float, beta: float = 1.0, shape: tuple[int, ...] = (3, 11)) -> bytes:
    model = ModelBuilder()
    given = model.input("given", shape, "int16", Quantisation.tensor(scale))
    found = model.output("found", shape, "int16", Quantisation.tensor(1 / 32768))
    model.operator("SOFTMAX", (given,), (found,), "SoftmaxOptions", version=2, beta=beta)
    return model.finish()


@pytest.mark.parametrize(
    ("scale", "beta", "left"),
    [
        (10 / 65535, 1.0, (0,)),
        (20 / 65535, 1.0, (0,)),
        (20 / 65535, 0.5, (0,)),
        (2.5 / 65535, 1.0, (0,)),
        (11 / 65535, 1.0, ()),
        (15.26e-5, 1.0, ()),
    ],
)
def test_softmax_of_any_scale_is_exact(
    tmp_path: Path, scale: float, beta: float, left: tuple[int, ...]
) -> None:
    model = softmax(scale, beta)
    assert misread(read_tflite(model), model) == left
    verified(application(tmp_path, {"softmax": (model, "")}), 2)


def test_misread_softmax_that_the_processor_lacks_is_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "wide.tflite").write_bytes(softmax(10 / 65535, shape=(1, 4096)))
    (tmp_path / "app.toml").write_text('[tasks.wide]\nmodel = "wide.tflite"\nperiod = "1 s"\n')
    monkeypatch.setattr(sys, "argv", ["hocket", "pack", str(tmp_path / "app.toml")])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 2
    told = capsys.readouterr().err
    assert "compiles wrongly" in told
    assert "SOFTMAX 'found'" in told
    assert "4095" in told


def test_model_that_vela_has_compiled_already_is_refused_as_such() -> None:
    tree = schema.ModelT.InitFromPackedBuf((MODELS / "micro_speech.tflite").read_bytes(), 0)
    tree.operatorCodes[0].builtinCode = schema.BuiltinOperator.CUSTOM
    tree.operatorCodes[0].deprecatedBuiltinCode = schema.BuiltinOperator.CUSTOM
    tree.operatorCodes[0].customCode = "ethos-u"
    builder = flatbuffers.Builder()
    builder.Finish(tree.Pack(builder), b"TFL3")
    with pytest.raises(VelaError, match="compiled by Vela already"):
        compile_network(bytes(builder.Output()), VelaOptions("ethos-u55-128"))

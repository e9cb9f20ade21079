# SPDX-License-Identifier: Apache-2.0
"""`run --verify` says whose difference it is, and for which layer there is no reference."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from hocket_lab.exact.cases import ALL, BY_ID
from hocket_lab.exact.pinned import PINNED
from hocket_lab.exact.sweep import feed
from hocket_tools import cli
from hocket_tools.reference.layered import LayeredOracle, WholeOnlyError
from hocket_tools.reference.oracle import Oracle
from hocket_tools.reference.process import ReferenceProcess
from hocket_tools.tflite.builder import ModelBuilder, Quantisation
from hocket_tools.verify.own_arithmetic import own_arithmetic
from paths import MODELS


class Command:
    """`hocket` in a folder with one application of one task."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.monkeypatch = folder, monkeypatch
        monkeypatch.chdir(folder)
        monkeypatch.setenv("COLUMNS", "160")

    def run(self, command: str, model: bytes, lines: str = "", *options: str) -> int:
        (self.folder / "net.tflite").write_bytes(model)
        (self.folder / "app.toml").write_text(
            f'[tasks.net]\nmodel = "net.tflite"\nperiod = "400 ms"\n{lines}\n'
        )
        self.monkeypatch.setattr("sys.argv", ["hocket", command, "app.toml", *options])
        with pytest.raises(SystemExit) as stopped:
            cli.main()
        return int(stopped.value.code or 0)

    def verify(self, model: bytes, lines: str = "", *options: str) -> int:
        return self.run("run", model, lines, "--seconds", "1", "--verify", *options)


@pytest.fixture
def hocket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    return Command(tmp_path, monkeypatch)


SUM = "sum-int8-depth-double-rounding"


def test_difference_names_the_layer_that_vela_rounds_and_how_to_avoid_it(
    hocket: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    assert hocket.verify(BY_ID[SUM].model()) == 1
    told = capsys.readouterr().out
    assert "differs" in told
    assert "SUM int8 'output': Vela rounds a sum once, tflite_micro twice" in told
    assert 'on-cpu = ["output"] makes it exact' in told


def test_following_the_advice_makes_the_outputs_equal(
    hocket: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    assert hocket.verify(BY_ID[SUM].model(), 'on-cpu = ["output"]') == 0
    assert "bit for bit" in capsys.readouterr().out


def test_difference_is_explained_in_json_too(
    hocket: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    assert hocket.verify(BY_ID[SUM].model(), "", "--json") == 1
    (run,) = json.loads(capsys.readouterr().out)["runs"]
    (layer,) = run["verified"]["rounded_by_vela"]["net"]
    assert (layer["kind"], layer["layer"], layer["lacking"]) == ("SUM", "output", None)


def test_pack_says_which_layers_vela_rounds_in_its_own_way(
    hocket: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    assert hocket.run("pack", BY_ID[SUM].model()) == 0
    told = capsys.readouterr().err
    assert "net: Vela rounds in its own way: SUM int8 'output'" in told
    assert 'net: on-cpu = ["output"] makes it exact' in told
    assert hocket.run("pack", BY_ID[SUM].model(), 'on-cpu = ["output"]') == 0
    assert "own way" not in capsys.readouterr().err


def test_pack_is_silent_about_what_differs_at_ties_only(
    hocket: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    assert hocket.run("pack", BY_ID["fully_connected-int8-ties"].model()) == 0
    assert "own way" not in capsys.readouterr().err


@pytest.mark.parametrize("name", PINNED)
def test_every_pinned_difference_is_of_a_layer_that_is_named(name: str) -> None:
    (layer,) = own_arithmetic(BY_ID[name].model())
    assert layer.kind == BY_ID[name].op
    assert own_arithmetic(BY_ID[name].model(), {"output"}) == ()


def test_layers_whose_factors_agree_are_not_named() -> None:
    named = {c.id for c in ALL if c.op in ("MUL", "SUM") and own_arithmetic(c.model())}
    assert "mul-int8-plain" not in named
    assert any(c.op == "MUL" and c.is_int16 and c.id not in named for c in ALL)


LACKING = [
    ("tile-int8-tile", "TILE 'output0'"),
    ("exp-int8-plain", "EXP 'output'"),
    ("resize_bilinear-int16-2x", "RESIZE_BILINEAR 'output'"),
]


@pytest.mark.parametrize(("name", "layer"), LACKING)
def test_layer_without_a_kernel_in_tflite_micro_is_judged_by_litert(
    hocket: Command, capsys: pytest.CaptureFixture[str], name: str, layer: str
) -> None:
    assert hocket.verify(BY_ID[name].model()) == 0
    told = capsys.readouterr().out
    assert "equal the oracles', bit for bit" in told
    assert f"net: tflite_micro has no kernel for {layer}; judged by LiteRT's" in told
    assert hocket.verify(BY_ID[name].model(), "", "--json") == 0
    (run,) = json.loads(capsys.readouterr().out)["runs"]
    assert run["verified"]["other_oracles"] == {"net": {"LiteRT": [layer]}}


@pytest.mark.parametrize(("name", "layer"), LACKING)
def test_without_litert_the_layer_is_named_and_what_to_install(
    hocket: Command,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    layer: str,
) -> None:
    monkeypatch.setattr("hocket_tools.reference.layered.litert_here", lambda: False)
    assert hocket.verify(BY_ID[name].model()) == 2
    told = capsys.readouterr().err
    assert layer in told
    assert "net.tflite" in told
    assert "pip install 'hocket[litert]'" in told
    assert hocket.run("run", BY_ID[name].model()) == 0


def test_softmax_that_ends_the_oracle_is_an_error_with_its_name(
    hocket: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    builder = ModelBuilder()
    scale = Quantisation.tensor(0.05)
    given = builder.input("given", (1, 10), "int8", scale)
    middle = builder.activation("middle", (1, 10), "int8", Quantisation.tensor(1e-20))
    last = builder.output("last", (1, 10), "int8", Quantisation.tensor(1 / 256, -128))
    builder.operator("RELU", (given,), (middle,))
    builder.operator("SOFTMAX", (middle,), (last,), "SoftmaxOptions", beta=1.0)
    assert hocket.verify(builder.finish(), "on-cpu = [0]") == 2
    told = capsys.readouterr().err
    assert "net.tflite: SOFTMAX 'last': tflite_micro crashes on the model" in told
    assert "its process ended by SIGABRT" in told


def layered(model: bytes) -> LayeredOracle:
    return LayeredOracle(model, ReferenceProcess())


def test_only_the_layer_that_lacks_a_kernel_goes_to_the_second_oracle() -> None:
    builder = ModelBuilder()
    scale = Quantisation.tensor(0.05)
    given = builder.input("given", (1, 4, 4, 3), "int8", scale)
    middle = builder.activation("middle", (1, 4, 4, 3), "int8", scale)
    last = builder.output("last", (1, 4, 4, 3), "int8", scale)
    builder.operator("RELU", (given,), (middle,), None)
    builder.operator("EXP", (middle,), (last,), "ExpOptions")
    oracle = layered(builder.finish())
    assert oracle.judged == {"tflite_micro": ["RELU 'middle'"], "LiteRT": ["EXP 'last'"]}
    values = np.arange(-20, 28, dtype=np.int8).reshape(1, 4, 4, 3)
    reals = np.exp(np.maximum(values, 0) * 0.05) / 0.05
    (found,) = oracle.run([values])
    assert found.tolist() == np.minimum(np.round(reals), 127).astype(int).tolist()


@pytest.mark.parametrize("name", ["person_detect", "mnist_lstm_int8", "micro_speech"])
def test_layer_by_layer_a_network_comes_to_what_it_comes_to_as_a_whole(name: str) -> None:
    model = (MODELS / f"{name}.tflite").read_bytes()
    whole, oracle = Oracle(model), layered(model)
    assert set(oracle.judged) == {"tflite_micro"}
    for inputs in feed(whole.source, name)[-2:]:
        for ours, theirs in zip(oracle.run(inputs), whole.run(inputs), strict=True):
            assert np.array_equal(ours, theirs)


def test_variables_are_not_taken_apart() -> None:
    with pytest.raises(WholeOnlyError, match="variables"):
        layered((MODELS / "mww_alexa.tflite").read_bytes())

# SPDX-License-Identifier: Apache-2.0
"""`run --verify` says whose difference it is, and for which layer there is no reference."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hocket_lab.exact.cases import ALL, BY_ID
from hocket_lab.exact.pinned import PINNED
from hocket_lab.exact.sweep import feed
from hocket_tools import cli
from hocket_tools.reference.missing import failing, refused
from hocket_tools.reference.oracle import Oracle
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


@pytest.mark.parametrize(
    ("name", "layer"),
    [
        ("tile-int8-tile", "TILE 'output0'"),
        ("exp-int8-plain", "EXP 'output'"),
        ("resize_bilinear-int16-2x", "RESIZE_BILINEAR 'output'"),
    ],
)
def test_layer_without_a_kernel_in_the_reference_is_named(
    hocket: Command, capsys: pytest.CaptureFixture[str], name: str, layer: str
) -> None:
    assert hocket.verify(BY_ID[name].model()) == 2
    told = capsys.readouterr().err
    assert f"run without --verify; no reference for {layer}" in told
    assert "net.tflite" in told
    assert hocket.run("run", BY_ID[name].model()) == 0


def test_only_the_layer_that_fails_is_named() -> None:
    builder = ModelBuilder()
    scale = Quantisation.tensor(0.05)
    given = builder.input("given", (1, 4, 4, 3), "int8", scale)
    middle = builder.activation("middle", (1, 4, 4, 3), "int8", scale)
    last = builder.output("last", (1, 4, 4, 3), "int8", scale)
    builder.operator("RELU", (given,), (middle,), None)
    builder.operator("EXP", (middle,), (last,), "ExpOptions")
    assert [str(o) for o in refused(builder.finish())] == ["EXP 'last'"]


@pytest.mark.parametrize("name", ["person_detect", "mnist_lstm_int8", "mww_alexa", "micro_speech"])
def test_no_layer_of_a_network_that_the_reference_runs_is_named(name: str) -> None:
    model = (MODELS / f"{name}.tflite").read_bytes()
    oracle = Oracle(model)
    oracle.run(feed(oracle.source, name)[-1])
    assert refused(model) == ()
    assert failing(model, oracle) is None

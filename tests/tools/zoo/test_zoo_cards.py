# SPDX-License-Identifier: Apache-2.0
"""The cards agree with the files that they describe."""

from __future__ import annotations

import csv
import hashlib
import subprocess
import sys
from pathlib import Path

import pytest
from ethosu.vela.tflite.Model import Model

from hocket_lab.train.macs import count_macs
from hocket_tools import zoo

NAMES = [card.name for card in zoo.models()]
PACKAGE = Path(zoo.__file__).parent


def test_the_fastest_task_comes_first() -> None:
    assert NAMES == ["denoiser", "keyword", "digits", "detector"]


def test_an_unknown_name_is_told_with_those_there_are() -> None:
    with pytest.raises(zoo.ZooError, match="no such network") as caught:
        zoo.card("nothing")
    assert "keyword" in str(caught.value)


@pytest.mark.parametrize("name", NAMES)
def test_digest_and_size_are_those_of_the_file(name: str) -> None:
    data = zoo.path(name).read_bytes()
    card = zoo.card(name)
    assert (len(data), hashlib.sha256(data).hexdigest()) == (card.size, card.sha256)


@pytest.mark.parametrize("name", NAMES)
def test_tensors_are_those_of_the_file(name: str) -> None:
    graph = Model.GetRootAs(zoo.path(name).read_bytes(), 0).Subgraphs(0)

    def describe(index: int) -> zoo.CardTensor:
        tensor = graph.Tensors(index)
        scale, zero_point = tensor.Quantization().Scale(0), tensor.Quantization().ZeroPoint(0)
        return zoo.CardTensor(tuple(tensor.ShapeAsNumpy().tolist()), scale, zero_point)

    card = zoo.card(name)
    assert describe(graph.Inputs(0)) == card.input
    outputs = [describe(graph.Outputs(i)) for i in range(graph.OutputsLength())]
    assert outputs == list(card.outputs)


@pytest.mark.parametrize("name", NAMES)
def test_macs_are_those_of_the_file(name: str) -> None:
    assert count_macs(zoo.path(name).read_bytes()) == zoo.card(name).macs


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_left_on_the_cpu(name: str, tmp_path: Path) -> None:
    vela = [sys.executable, "-c", "from ethosu.vela.vela import main; main()"]
    vela += ["--accelerator-config", "ethos-u55-128"]
    told = subprocess.run(
        [*vela, "--output-dir", str(tmp_path), str(zoo.path(name))],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert "CPU operators = 0 (0.0%)" in told
    (summary,) = tmp_path.glob("*summary*.csv")
    (row,) = csv.DictReader(summary.read_text().splitlines())
    # Vela also counts pooling and the parts of softmax, a few per cent at most.
    assert zoo.card(name).macs <= int(row["nn_macs"]) <= 1.02 * zoo.card(name).macs


@pytest.mark.parametrize("name", NAMES)
def test_a_card_says_where_its_network_comes_from_and_what_it_is_not(name: str) -> None:
    card = zoo.card(name)
    assert card.licence == "Apache-2.0"
    assert card.data
    assert card.data_licence
    assert card.command.startswith(f"hocket lab train {name} --seed ")
    assert any(package.startswith("tensorflow") for package in card.packages)
    assert "not " in card.limits


def test_samples_and_streams_stay_small() -> None:
    files = (PACKAGE / "data" / "samples").iterdir()
    assert sum(file.stat().st_size for file in files) < 150_000

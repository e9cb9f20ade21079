# SPDX-License-Identifier: Apache-2.0
"""Networks over both units against tflite_micro, bit for bit, by way of the whole firmware."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from conditions import condition_model
from edges import edge_model, svdf_model
from graphs import mixed_graph
from running import application, verified

from hocket_tools import container as hkt
from hocket_tools.app.application import load
from hocket_tools.pack.compile import compile_networks
from hocket_tools.pack.layout import model_of
from hocket_tools.pack.pack import pack
from hocket_tools.pack.packed import Packed
from hocket_tools.pack.place import PlacedNetwork, place_operators
from hocket_tools.pack.segmented import segment_network
from hocket_tools.pack.target import Target
from hocket_tools.tflite.model import read_tflite
from paths import MODELS

ALEXA = (MODELS / "mww_alexa.tflite").read_bytes()
POLICIES = ("fifo", "fp", "edf", "rr")


def placed(target: Target) -> PlacedNetwork:
    [network] = place_operators(target, compile_networks(target)).values()
    return network


def npu(name: str, more: str = "") -> str:
    return f'[npu]\naccelerator-config = "{name}"\n{more}'


def units(packed) -> list[str]:
    return [step.kind.name for step in packed.image.models[0].steps]


@pytest.mark.parametrize("seed", [0, 3, 7, 13, 37])
def test_a_graph_whose_operators_take_turns_on_both_units_is_exact(tmp_path: Path, seed) -> None:
    packed = application(tmp_path, {"a": (mixed_graph(seed), "")}, npu("ethos-u55-128"))
    assert set(units(packed)) == {"NPU", "CPU"}
    verified(packed, 3)


def test_any_layer_may_be_put_on_the_processor(tmp_path: Path) -> None:
    lines = "on-cpu = [0, 1, 2, 3, 4, 5, 6, 7]"
    packed = application(tmp_path, {"a": (mixed_graph(401), lines)})
    assert set(units(packed)) == {"CPU"}
    verified(packed, 3)


def test_layers_of_int16_on_the_processor_are_exact(tmp_path: Path) -> None:
    packed = application(tmp_path, {"a": (mixed_graph(103, "int16"), "on-cpu = [1, 3, 6]")})
    assert set(units(packed)) == {"NPU", "CPU"}
    verified(packed, 3)


def tiled(packed: Packed, cycles: int) -> Packed:
    """The same application with its NPU operations tiled, and cut everywhere."""
    cut = segment_network(placed(packed.target).tiled(cycles), "all")
    model = model_of("a", cut, 0)
    image = replace(packed.image, models=(model,), arena_size=model.arena_size)
    return replace(packed, image=image, data=hkt.build(image))


def test_parts_tiled_and_cut_everywhere_compute_the_same(tmp_path: Path) -> None:
    whole = application(tmp_path, {"a": (mixed_graph(13), 'cut = "none"')}, npu("ethos-u55-32"))
    cut = tiled(whole, 1000)
    assert len(cut.image.models[0].steps) > len(whole.image.models[0].steps)
    verified(cut, 3)


@pytest.mark.slow
def test_weights_that_parts_share_survive_being_sliced(tmp_path: Path) -> None:
    model = (MODELS / "mlp_resnet8_int8.tflite").read_bytes()
    sums = [o.index for o in read_tflite(model).main.operators if o.kind == "ADD"]
    lines = f'on-cpu = {sums[:2]}\ncut = "none"\nperiod = "4 s"'
    whole = application(tmp_path, {"a": (model, lines)}, npu("ethos-u55-128"))
    cut = tiled(whole, 4000)
    assert len(cut.image.models[0].steps) > 30
    verified(cut, 2)


def test_parts_with_a_fast_memory_of_their_own_are_exact(tmp_path: Path) -> None:
    packed = application(tmp_path, {"a": (mixed_graph(14), "")}, npu("ethos-u65-256"))
    assert set(units(packed)) == {"NPU", "CPU"}
    verified(packed, 3)


@pytest.mark.slow
@pytest.mark.parametrize("accelerator", ["ethos-u55-32", "ethos-u55-256", "ethos-u65-256"])
@pytest.mark.parametrize("seed", range(1000, 1040))
def test_many_graphs_over_both_units_are_exact(tmp_path: Path, seed, accelerator) -> None:
    random = np.random.default_rng(seed)
    dtype = "int16" if seed % 4 == 0 else "int8"
    chosen = sorted({int(i) for i in random.integers(0, 8, random.integers(0, 4))})
    lines = f'on-cpu = {chosen}\ncut = "{random.choice(["auto", "all"])}"'
    packed = application(tmp_path, {"a": (mixed_graph(seed, dtype), lines)}, npu(accelerator))
    verified(packed, 2)


@pytest.mark.parametrize(
    ("before", "after", "inner"),
    [
        ("float32", "float32", "int8"),
        ("uint8", "uint8", "int8"),
        ("int32", "int32", "int8"),
        ("float32", "int16", "int16"),
        ("int8", "float32", "int16"),
    ],
)
def test_edges_of_other_types_are_exact(tmp_path: Path, before, after, inner) -> None:
    packed = application(tmp_path, {"a": (edge_model(before, after, inner), "")})
    verified(packed, 3)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("before", "after"), list(product(("float32", "uint8", "int8", "int16", "int32"), repeat=2))
)
def test_every_pair_of_edges_is_exact(tmp_path: Path, before, after) -> None:
    verified(application(tmp_path, {"a": (edge_model(before, after), "")}), 3)


@pytest.mark.parametrize("edge", [False, True], ids=["inside", "output"])
@pytest.mark.parametrize("lines", ["", "on-cpu = [2]", "on-cpu = [0, 3]"])
def test_truth_values_inside_a_network_and_as_its_output_are_exact(tmp_path, lines, edge) -> None:
    packed = application(tmp_path, {"a": (condition_model(edge=edge), lines)})
    assert len(packed.image.models[0].outputs) == 1 + edge
    verified(packed, 3)


def test_networks_of_several_precisions_share_the_npu(tmp_path: Path) -> None:
    models = {
        "bytes": edge_model("uint8", "uint8"),
        "words": edge_model("int16", "int16", "int16"),
        "floats": edge_model("float32", "float32"),
        "integers": edge_model("int32", "int8"),
    }
    packed = application(tmp_path, {name: (model, "") for name, model in models.items()})
    verified(packed, 3, "rr")


@pytest.mark.parametrize("state", ["int8", "int16"])
def test_a_filter_bank_keeps_its_state_from_one_inference_to_the_next(tmp_path, state) -> None:
    packed = application(tmp_path, {"a": (svdf_model(state), "")})
    assert len(packed.image.models[0].persistent) == 1
    verified(packed, 12)


def test_state_of_the_npu_survives_beside_operators_on_the_processor(tmp_path: Path) -> None:
    model = (MODELS / "mnist_lstm_int8.tflite").read_bytes()
    packed = application(tmp_path, {"a": (model, 'on-cpu = [3]\ncut = "all"')})
    assert units(packed)[-1] == "CPU"
    verified(packed, 4)


def test_the_first_inference_starts_from_the_initial_state(tmp_path: Path) -> None:
    packed = application(tmp_path, {"a": (ALEXA, "")})
    model = packed.image.models[0]
    assert {held.fill for held in model.persistent} == {0x80}
    verified(packed, 1)


def speech(folder: Path, more: str = "") -> Path:
    data = MODELS.parent / "data" / "alexa" / "alexa_en-us.wav"
    text = npu("ethos-u55-128", 'clock = "50 MHz"\n') + (
        f'[tasks.alexa]\nmodel = "{MODELS / "mww_alexa.tflite"}"\nperiod = "30 ms"\n'
        f'input = {{ file = "{data}", features = "micro" }}\n{more}'
    )
    (folder / "app.toml").write_text(text)
    return folder / "app.toml"


def test_a_streaming_network_is_exact_over_a_whole_recording(tmp_path: Path) -> None:
    verified(pack(load(speech(tmp_path))), 100)


@pytest.mark.slow
@pytest.mark.parametrize("policy", POLICIES)
def test_a_streaming_network_is_exact_beside_a_detector(tmp_path: Path, policy) -> None:
    detector = (
        f'[tasks.person]\nmodel = "{MODELS / "person_detect.tflite"}"\nperiod = "40 ms"\n'
        'deadline = "20 ms"\n'
    )
    packed = pack(load(speech(tmp_path, detector)), cut=1_000_000)
    assert len(packed.image.models[1].steps) > 5
    verified(packed, 100, policy)


def test_cpu_steps_of_one_operator_let_another_task_go_first(tmp_path: Path) -> None:
    long = application(
        tmp_path, {"slow": (mixed_graph(13), ""), "fast": (edge_model("int8", "int8"), "")}
    )
    steps = long.image.models[0].steps
    assert max(s.program.steps for s in steps if s.kind == hkt.StepKind.CPU) > 1
    verified(long, 3, "fp")

# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from itertools import combinations
from pathlib import Path

import flatbuffers
import pytest
from tflite_micro.tensorflow.lite.micro.python import schema_py_generated as schema

from hocket_host.errors import HocketError
from hocket_tools import container as hkt
from hocket_tools.app.application import loads
from hocket_tools.pack.layout import PackError
from hocket_tools.pack.pack import pack
from paths import MODELS


def image(text: str, folder: Path | None = None) -> hkt.Image:
    return pack(loads(text, MODELS / "app.toml"), folder=folder).image


def task(name: str, model: str = "micro_speech", more: str = "") -> str:
    return f'[tasks.{name}]\nmodel = "{model}.tflite"\nperiod = "20 ms"\n{more}\n'


def test_the_whole_network_is_one_segment_when_nothing_is_cut() -> None:
    packed = image('[schedule]\ncut = "none"\n' + task("a"))
    assert [len(model.steps) for model in packed.models] == [1]


def test_segments_cover_every_operation_once() -> None:
    steps = image(task("a")).models[0].steps
    ends = [step.first_operation + step.operations for step in steps]
    assert [step.first_operation for step in steps] == [0, *ends[:-1]]


def test_a_length_in_time_bounds_every_segment_that_can_be_cut() -> None:
    wanted = '[npu]\nclock = "10 MHz"\n[schedule]\ncut = "{}"\n' + task("a", "mlp_kws_int8")
    finest = {s.first_operation for s in image(wanted.replace("{}", "all")).models[0].steps}
    steps = image(wanted.replace("{}", "800 us")).models[0].steps
    assert 1 < len(steps) < len(finest)
    for step in steps:
        inside = range(step.first_operation + 1, step.first_operation + step.operations)
        # 800 us of 10 MHz is 8000 cycles; fetch and STOP of a segment come on top.
        assert step.nominal_cycles <= 8_000 + 400 or not finest & set(inside)


def test_arenas_do_not_overlap() -> None:
    packed = image(task("a") + task("b", "mlp_kws_int8") + task("c", "mnist_lstm_int8"))
    spans = [(m.arena_offset, m.arena_offset + m.arena_size) for m in packed.models]
    assert all(a[1] <= b[0] or b[1] <= a[0] for a, b in combinations(spans, 2))
    assert packed.arena_size == max(end for _, end in spans)


def test_two_instances_of_a_network_store_their_data_once() -> None:
    one, two = hkt.build(image(task("a"))), hkt.build(image(task("a") + task("b")))
    assert len(two) < len(one) + 4096


def with_state_at(model: Path, zero_point: int) -> bytes:
    """A network whose int8 state has another zero point; TFLite resets state to that."""
    tree = schema.ModelT.InitFromObj(schema.Model.GetRootAs(model.read_bytes(), 0))
    (state,) = (
        tensor
        for tensor in tree.subgraphs[0].tensors
        if tensor.isVariable and tensor.type == schema.TensorType.INT8
    )
    state.quantization.zeroPoint = [zero_point]
    writer = flatbuffers.Builder(1024)
    writer.Finish(tree.Pack(writer), file_identifier=b"TFL3")
    return bytes(writer.Output())


@pytest.mark.parametrize(("zero_point", "first"), [(0, 0), (7, 7), (-3, 0xFD)])
def test_state_of_a_recurrent_network_is_kept_and_has_its_first_value(
    tmp_path: Path, zero_point: int, first: int
) -> None:
    network = with_state_at(MODELS / "mnist_lstm_int8.tflite", zero_point)
    (tmp_path / "lstm.tflite").write_bytes(network)
    (model,) = pack(loads(task("a", "lstm"), tmp_path / "app.toml")).image.models
    # Twenty cells of 16 bits, which start at 0, and as many outputs of 8 bits.
    kept = sorted((part.size, part.fill, part.initial) for part in model.persistent)
    assert kept == [(20, first, b""), (40, 0, b"")]


def test_a_container_is_the_same_every_time() -> None:
    text = task("a") + task("b", "mlp_kws_int8")
    assert hkt.build(image(text, MODELS)) == hkt.build(image(text, MODELS))


def test_urgency_follows_deadlines() -> None:
    packed = image(task("a") + task("b", more='deadline = "5 ms"'))
    assert [t.priority for t in packed.tasks] == [1, 0]


def test_blocking_is_the_longest_segment_of_a_less_urgent_task() -> None:
    packed = image(task("a", more="priority = 0") + task("b", "mlp_kws_int8", "priority = 1"))
    longest = max(step.worst_cycles for step in packed.models[1].steps)
    assert [entry.blocking_cycles for entry in packed.plan] == [longest, 0]


@pytest.mark.parametrize("accelerator", ["ethos-u55-32", "ethos-u55-256", "ethos-u65-256"])
def test_every_accelerator_can_be_packed_for(accelerator: str) -> None:
    packed = image(f'[npu]\naccelerator-config = "{accelerator}"\n' + task("a"))
    assert packed.accelerator == accelerator


def test_a_users_own_vela_ini_is_read(tmp_path: Path) -> None:
    from hocket_tools.vela.options import vela_ini

    text = vela_ini().read_text().replace("Ethos_U55_Deep_Embedded", "My_Board")
    (tmp_path / "mine.ini").write_text(text.replace("core_clock=200e6", "core_clock=123e6"))
    head = f'[npu]\nconfig = ["{tmp_path / "mine.ini"}"]\nsystem-config = "My_Board"\n'
    assert image(head + task("a")).npu_hz == 123_000_000


def test_an_unknown_system_configuration_is_told_with_the_known_ones() -> None:
    with pytest.raises(HocketError, match="Ethos_U55_Deep_Embedded"):
        image('[npu]\nsystem-config = "Nowhere"\n' + task("a"))


def test_arenas_that_exceed_the_board_are_refused_with_their_sizes(tmp_path: Path) -> None:
    from hocket_host.board import board

    small = board.load("corstone300").path.read_text().replace("3 * 1024 * 1024", "64 * 1024")
    (tmp_path / "board.py").write_text(small)
    with pytest.raises(PackError, match=r"person 72\.7 KiB"):
        image(f'[board]\nname = "{tmp_path}"\n' + task("person", "person_detect"))


TIGHT = """
[npu]
clock = "32 MHz"
[board]
cpu-clock = "400 MHz"
[tasks.urgent]
model = "micro_speech.tflite"
period = "20 ms"
deadline = "4 ms"
[tasks.large]
model = "mlp_ad01_int8.tflite"
period = "100 ms"
"""


def test_cuts_are_no_more_than_the_deadlines_need() -> None:
    easy = image(TIGHT.replace("4 ms", "15 ms"))
    assert [len(model.steps) for model in easy.models] == [1, 1]


def test_long_operations_are_tiled_where_no_other_cut_will_do() -> None:
    from hocket_tools.vela import VelaOptions, compile_model

    whole = compile_model(MODELS / "mlp_ad01_int8.tflite", VelaOptions("ethos-u55-128"))
    packed = image(TIGHT)
    assert all(
        0 < p.response_bound_ns <= t.deadline_ns
        for p, t in zip(packed.plan, packed.tasks, strict=True)
    )
    tiles = sum(step.operations for step in packed.models[1].steps)
    assert tiles > len(whole.stream.operations)


def test_tiled_networks_compute_what_the_reference_does() -> None:
    from hocket_tools.pack.pack import pack
    from hocket_tools.run import run as running

    app = pack(loads(TIGHT, MODELS / "app.toml"))
    outcome = running.execute(app, 200_000_000, verify=True, worst=True)
    assert outcome.verifier is not None
    assert outcome.verifier.mismatches == []
    assert sum(task.misses for task in outcome.run.tasks) == 0

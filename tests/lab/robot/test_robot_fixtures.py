# SPDX-License-Identifier: Apache-2.0
"""What the suites load is what its name says: sound, spoilt in one way, or with one bad stream."""

import re
import struct

import numpy as np
import pytest

from hocket_host.ethosu.compute.model import NpuModel
from hocket_host.ethosu.config import npu_config
from hocket_host.ethosu.device.queue import Ending, Programs
from hocket_host.ethosu.timing.timing import stream_cycles
from hocket_host.sim.bus import Bus, Memory
from hocket_lab.robot import faulty, frames, hostile
from hocket_lab.robot import fixtures as material
from hocket_lab.robot import load as loading
from hocket_tools import container as hkt
from hocket_tools.app.application import load
from hocket_tools.app.inputs import open_inputs
from hocket_tools.pack.pack import pack
from hocket_tools.reference.oracle import Oracle
from hocket_tools.zoo.application import APPLICATION
from paths import ROOT

ROBOT_TESTS = ROOT / "robot_tests"


@pytest.fixture(scope="module")
def demo():
    return pack(load(APPLICATION))


@pytest.fixture(scope="module")
def spoilt(demo):
    return hostile.containers(demo.image)


def test_the_host_refuses_what_is_damaged(spoilt):
    of_another_board = {"foreign.hkt", "architecture.hkt", "arena.hkt"}
    assert of_another_board < set(spoilt)
    for name in set(spoilt) - of_another_board:
        with pytest.raises(hkt.ContainerError):
            hkt.read(spoilt[name])


def test_a_flipped_bit_is_one_bit(demo, spoilt):
    flipped = [data for name, data in spoilt.items() if name.startswith("flip_")]
    assert len(flipped) >= 10
    for data in flipped:
        pairs = zip(data, demo.data, strict=True)
        assert sum((a ^ b).bit_count() for a, b in pairs) == 1


def test_containers_for_other_boards_are_sound_ones(demo, spoilt):
    assert hkt.read(spoilt["foreign.hkt"]).npu_config != demo.image.npu_config
    assert hkt.read(spoilt["arena.hkt"]).arena_size > 3 << 20


@pytest.mark.parametrize(
    ("name", "ending"), [("parse_error", Ending.PARSE_ERROR), ("hang", Ending.QUEUE_END)]
)
def test_a_faulty_stream_ends_as_its_name_says(demo, name, ending):
    npu, system = npu_config(demo.image.accelerator), demo.target.system
    model = NpuModel(npu, Bus([Memory("sram", 0, 1 << 20)]).memory)
    programs = Programs(model, lambda ops: stream_cycles(ops, npu, system), npu)
    image = faulty.with_fault(demo.image, name)
    endings = [programs.load(step.stream).ending for model in image.models for step in model.steps]
    assert endings.count(ending) == 1
    assert endings.count(Ending.STOP) == len(endings) - 1


def test_a_bus_abort_is_addresses_alone(demo):
    image = faulty.with_fault(demo.image, "bus_abort")
    changed = [
        (np.frombuffer(new.stream, "<u4") != np.frombuffer(old.stream, "<u4")).sum()
        for model, before in zip(image.models, demo.image.models, strict=True)
        for new, old in zip(model.steps, before.steps, strict=True)
    ]
    assert sum(count > 0 for count in changed) == 1


@pytest.mark.parametrize("name", faulty.FAULTS)
def test_the_reader_does_not_see_a_faulty_stream(demo, name):
    image = faulty.with_fault(demo.image, name)
    assert hkt.read(hkt.build(image)) == image


@pytest.mark.parametrize("name", loading.LOADS)
def test_a_load_changes_when_and_not_what(demo, name):
    image = loading.loads(demo.image, name)
    assert image.models == demo.image.models
    assert [task.name for task in image.tasks] == [task.name for task in demo.image.tasks]
    assert all(task.deadline_ns == task.period_ns for task in image.tasks)


def test_frames_are_inputs_with_the_references_outputs(demo):
    data = frames.build_frames(demo, 3)
    (count,) = struct.unpack_from("<I", data)
    assert count == len(demo.image.tasks)
    sources = open_inputs(demo.application, demo.image)
    for index, task in enumerate(demo.image.tasks):
        at, number, given, wanted = struct.unpack_from("<4I", data, 4 + 16 * index)
        model = demo.image.models[task.model]
        assert number == 3
        assert at % 16 == 0
        assert (given, wanted) == (
            sum(t.size for t in model.inputs),
            sum(t.size for t in model.outputs),
        )
        oracle = Oracle(
            demo.application.resolve(demo.application.tasks[task.name].model).read_bytes()
        )
        for frame in range(number):
            inputs = next(sources[task.name])
            outputs = oracle.run(inputs)
            expected = b"".join(part.tobytes() for part in (*inputs, *outputs))
            start = at + frame * (given + wanted)
            assert data[start : start + given + wanted] == expected


def test_every_file_that_a_suite_names_is_made(tmp_path):
    material.prepare(tmp_path, ROBOT_TESTS / "applications")
    made = {path.name for path in tmp_path.iterdir()}
    text = "".join(path.read_text() for path in ROBOT_TESTS.glob("*.robot"))
    named = set(re.findall(r"\$\{MATERIAL\}/([\w.]+)", text)) - {""}
    assert {name for name in named if "$" not in name} <= made
    for table in re.findall(r"^\S.*? {2,}(flip_\w+|truncated|noise|foreign|arena)\b", text, re.M):
        assert f"{table}.hkt" in made

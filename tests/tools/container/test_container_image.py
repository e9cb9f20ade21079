# SPDX-License-Identifier: Apache-2.0
import dataclasses
import os

import pytest
from hypothesis import HealthCheck, given, settings
from images import OPERATORS, WEIGHTS, example, images, model, section

from hocket_host.errors import HocketError
from hocket_tools.container import (
    ContainerError,
    Operand,
    PersistentRange,
    PlanEntry,
    Region,
    Step,
    StepKind,
    build,
    read,
    region_slots,
    write,
)
from hocket_tools.container.format import SectionKind


def with_model(**changes):
    first = dataclasses.replace(example().models[0], **changes)
    return dataclasses.replace(example(), models=(first, *example().models[1:]))


def with_input(**changes):
    tensor = dataclasses.replace(example().models[0].inputs[0], **changes)
    return with_model(inputs=(tensor,))


def with_step(**changes):
    step = dataclasses.replace(example().models[0].steps[0], **changes)
    return with_model(steps=(step,))


def with_program(**changes):
    program = dataclasses.replace(OPERATORS[0].program, **changes)
    return with_model(steps=(dataclasses.replace(OPERATORS[0], program=program),))


def with_task(**changes):
    first = dataclasses.replace(example().tasks[0], **changes)
    return dataclasses.replace(example(), tasks=(first, *example().tasks[1:]))


def test_reading_gives_back_the_image_that_was_built():
    assert read(build(example())) == example()


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(images())
def test_any_consistent_image_survives_building_and_reading(image):
    data = build(image)
    assert read(data) == image
    assert build(read(data)) == data


def test_every_section_stream_and_blob_is_16_byte_aligned():
    data = build(example())
    assert len(data) % 16 == 0
    assert all(section(data, kind).offset % 16 == 0 for kind in SectionKind)
    assert data.index(WEIGHTS) % 16 == 0
    assert data.index(bytes(range(24)), section(data, SectionKind.STREAMS).offset) % 16 == 0


def test_equal_read_only_data_is_stored_once():
    assert build(example()).count(WEIGHTS) == 1


def test_equal_streams_are_stored_once():
    programs = 32 + 3 * 12 + 12 + 32 + 12 + 4
    assert section(build(example()), SectionKind.STREAMS).size == 32 + 16 + programs


def test_an_application_without_models_is_a_container():
    empty = dataclasses.replace(example(), models=(), tasks=(), plan=())
    assert read(build(empty)) == empty


def test_models_that_never_run_interleaved_may_share_an_arena():
    first, second = (
        dataclasses.replace(model(name, 0), shared_arena=True) for name in ("first", "second")
    )
    image = dataclasses.replace(example(), models=(first, second), tasks=(), plan=())
    assert read(build(image)) == image


INCONSISTENT = {
    "arena outside the pool": with_model(arena_offset=4096),
    "arena overlapping another": with_model(arena_size=1040),
    "only one of two sharing": dataclasses.replace(
        example(),
        models=(
            dataclasses.replace(model("a", 0), shared_arena=True),
            model("b", 0),
            model("c", 2048),
        ),
    ),
    "state in a shared arena": with_model(
        shared_arena=True, persistent=(PersistentRange(1, 0, 4),)
    ),
    "state outside the arena": with_model(persistent=(PersistentRange(1, 1020, 8),)),
    "state in weights": with_model(persistent=(PersistentRange(0, 0, 8),)),
    "state without bytes": with_model(persistent=(PersistentRange(1, 0, 0),)),
    "too few regions": with_model(regions=(Region(),)),
    "arena region outside its arena": with_model(
        regions=region_slots(
            Region.read_only(WEIGHTS), Region.arena(0, 1024), Region.arena(512, 513)
        )
    ),
    "misaligned region": with_model(
        regions=region_slots(
            Region.read_only(WEIGHTS), Region.arena(8, 512), Region.arena(512, 512)
        )
    ),
    "arena region with data": with_model(
        regions=region_slots(
            Region.read_only(WEIGHTS), dataclasses.replace(Region.arena(0, 1), data=b"1")
        )
    ),
    "state with too little content": with_model(
        persistent=(PersistentRange(1, 0, 8, initial=b"1234567"),)
    ),
    "program for the NPU": with_step(program=OPERATORS[0].program),
    "stream for the CPU": with_step(kind=StepKind.CPU),
    "stream and program": with_step(kind=StepKind.CPU, program=OPERATORS[0].program),
    "program of 256 inputs": with_program(inputs=(Operand(1, 0, 1),) * 256),
    "program without CPU steps": with_program(steps=0),
    "operator code past 16 bits": with_program(code=2**16),
    "no steps": with_model(steps=()),
    "two models of one name": with_model(name="right"),
    "no model name": with_model(name=""),
    "name with an escape": with_model(name="\x1b[2J"),
    "name with a lone surrogate": with_model(name="\ud800"),
    "endless name": with_model(name="n" * 65536),
    "input in weights": with_input(region=0),
    "tensor in an unused region": with_input(region=7),
    "tensor in no region": with_input(region=8),
    "tensor past its region": with_input(offset=1000),
    "negative offset": with_input(offset=-1),
    "size that is not the shape's": with_input(size=31),
    "size that would wrap": with_input(shape=(2**16, 2**16, 2**16), size=0),
    "empty dimension": with_input(shape=(4, 0, 8), size=0),
    "seven dimensions": with_input(shape=(1,) * 7, size=1),
    "scale that float32 cannot hold": with_input(scale=0.1),
    "scale beyond float32": with_input(scale=1e300),
    "infinite scale": with_input(scale=float("inf")),
    "NaN scale": with_input(scale=float("nan")),
    "negative scale": with_input(scale=-0.5),
    "stream of half words": with_step(stream=b"12"),
    "empty stream": with_step(stream=b""),
    "nominal above worst": with_step(nominal_cycles=901),
    "cycles past 32 bits": with_step(worst_cycles=2**32),
    "task without model": with_task(model=3),
    "task without period": with_task(period_ns=0),
    "task without deadline": with_task(deadline_ns=0),
    "priority past 8 bits": with_task(priority=256),
    "two tasks of one name": with_task(name="look"),
    "no plan": dataclasses.replace(example(), plan=()),
    "segment longer than its job": dataclasses.replace(
        example(), plan=(PlanEntry(1, 2, 1), PlanEntry(), PlanEntry())
    ),
    "no clock": dataclasses.replace(example(), npu_hz=0),
    "unknown policy": dataclasses.replace(example(), policy=4),
}


@pytest.mark.parametrize("image", INCONSISTENT.values(), ids=INCONSISTENT)
def test_an_inconsistent_image_is_not_built(image):
    with pytest.raises(ContainerError) as caught:
        build(image)
    assert isinstance(caught.value, HocketError)
    assert caught.value.found is not None
    assert caught.value.expected is not None
    assert caught.value.try_ is not None


def test_write_leaves_a_readable_file_and_nothing_else(tmp_path):
    path = tmp_path / "app.hkt"
    write(path, build(example()))
    assert os.listdir(tmp_path) == ["app.hkt"]
    assert read(path.read_bytes()) == example()


def test_write_replaces_an_older_file(tmp_path):
    path = tmp_path / "app.hkt"
    path.write_bytes(b"older")
    write(path, build(example()))
    assert read(path.read_bytes()) == example()


def test_an_image_that_cannot_be_built_leaves_the_older_file(tmp_path):
    path = tmp_path / "app.hkt"
    path.write_bytes(b"older")
    with pytest.raises(ContainerError):
        write(path, build(dataclasses.replace(example(), npu_hz=0)))
    assert path.read_bytes() == b"older"
    assert os.listdir(tmp_path) == ["app.hkt"]


def test_a_folder_that_is_not_there_is_told(tmp_path):
    with pytest.raises(ContainerError, match="cannot be written"):
        write(tmp_path / "none" / "app.hkt", build(example()))


def test_a_failed_replacement_leaves_no_temporary_file(tmp_path):
    (tmp_path / "app.hkt").mkdir()
    with pytest.raises(ContainerError, match="cannot be written"):
        write(tmp_path / "app.hkt", build(example()))
    assert os.listdir(tmp_path) == ["app.hkt"]


def test_a_step_defaults_to_the_npu():
    assert Step("s", bytes(4), 1, 1, 0, 1).kind == 0


def test_a_step_of_the_processor_has_the_cycles_of_its_longest_cpu_step():
    assert [step.cpu_step_cycles for step in example().models[2].steps] == [0, 500, 0, 0]

# SPDX-License-Identifier: Apache-2.0
import io
import json

import pytest
from rich.console import Console

from hocket_tools.container import (
    ContainerError,
    DType,
    Image,
    Model,
    PlanEntry,
    Policy,
    Region,
    Step,
    Task,
    Tensor,
    build,
    region_slots,
)
from hocket_tools.report.inspect import SEGMENTS_SHOWN, render, summary

WEIGHTS = bytes(range(1, 101))


def image(segments=3):
    steps = tuple(
        Step(f"segment [{i}]", i.to_bytes(4, "little"), 90 + i, 100 + i, 2 * i, 2)
        for i in range(segments)
    )
    models = tuple(
        Model(
            name,
            region_slots(Region.read_only(WEIGHTS), Region.arena(at, 64)),
            (Tensor("x", (2, 3), DType.INT8, 0.5, -1, 1, 0, 6),),
            (Tensor("y", (), DType.INT32, 0.0, 0, 1, 8, 4),),
            steps,
            at,
            64,
        )
        for name, at in (("one", 0), ("other", 64))
    )
    tasks = (Task("tick", 1, 20_000_000, 10_000_000),)
    plan = (PlanEntry(3, 102, 303, 103, 0),)
    return Image("ethos-u55-128", 0x1807, 0x10066001, 10**8, 128, Policy.RR, models, tasks, plan)


def summarised(**arguments):
    made = image(**arguments)
    return summary(made, build(made))


def rendered(told, **arguments):
    text = io.StringIO()
    render(told, Console(file=text, width=140), **arguments)
    return text.getvalue()


def test_a_summary_survives_json():
    told = summarised()
    assert json.loads(json.dumps(told)) == told


def test_the_sections_and_the_header_add_up_to_the_file():
    told = summarised()
    assert (
        told["sections"][0]["offset"] + sum(s["size"] for s in told["sections"])
        == (told["header"]["total_size"])
    )


def test_shared_weights_and_streams_are_counted_as_saved():
    sharing = summarised()["sharing"]
    assert (sharing["data_used"], sharing["data_stored"], sharing["data_saved"]) == (224, 112, 112)
    assert sharing["streams_saved"] == 3 * 16


def test_segment_offsets_point_at_their_streams():
    made = image()
    data = build(made)
    for model, told in zip(made.models, summary(made, data)["models"], strict=True):
        for step, segment in zip(model.steps, told["segments"], strict=True):
            at = segment["stream_offset"]
            assert data[at : at + segment["stream_size"]] == step.stream


def test_cycles_become_nanoseconds_by_the_containers_clock():
    model = summarised()["models"][0]
    assert (model["worst_cycles"], model["worst_ns"]) == (303, 3030)
    assert (model["longest_segment_cycles"], model["longest_segment_ns"]) == (102, 1020)


def test_what_is_not_a_container_is_refused():
    with pytest.raises(ContainerError):
        summary(image(), b"nothing")


def test_brackets_in_names_are_printed_as_they_are():
    assert "segment [1]" in rendered(summarised())


def test_the_middle_of_a_long_model_is_left_out():
    text = rendered(summarised(segments=SEGMENTS_SHOWN + 5))
    assert "… 5 more" in text
    assert text.count("segment [") == 2 * SEGMENTS_SHOWN
    assert f"segment [{SEGMENTS_SHOWN + 4}]" in text


def test_a_full_rendering_leaves_nothing_out():
    text = rendered(summarised(segments=SEGMENTS_SHOWN + 5), full=True)
    assert "more" not in text
    assert text.count("segment [") == 2 * (SEGMENTS_SHOWN + 5)


def test_a_task_without_a_bound_is_said_to_be_not_analysed():
    assert "none yet" in rendered(summarised())


def test_an_application_without_models_is_rendered():
    empty = Image("ethos-u55-32", 0, 0, 1, 0, Policy.FIFO, ())
    assert "ethos-u55-32" in rendered(summary(empty, build(empty)))

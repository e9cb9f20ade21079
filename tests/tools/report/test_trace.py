# SPDX-License-Identifier: Apache-2.0
"""Structure of traces, by the rules of the Trace Event Format that Perfetto's importer follows."""

import json
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hocket_host.machines.results import CpuWork, Job, Run, SegmentRun, TaskRun
from hocket_tools import container as hkt
from hocket_tools.report.summary import lanes
from hocket_tools.report.trace import TraceError, trace, write_trace

# Argument keys that each phase must have beside ph, name, pid and tid.
REQUIRED = {
    "M": {"args"},
    "X": {"ts", "dur"},
    "i": {"ts", "s"},
    "C": {"ts", "args"},
    "s": {"ts", "id", "cat"},
    "f": {"ts", "id", "cat", "bp"},
}


def _task(name: str, priority: int, period: int, jobs: list[Job]) -> TaskRun:
    return TaskRun(name, period, period, 0, priority, tuple(jobs), 1000 // period, 0, 0, 0)


def _job(task: int, index: int, period: int, end: int | None) -> Job:
    release = index * period
    outcome = "done" if end is not None else "unfinished"
    return Job(task, index, release, release + period, end, outcome)  # type: ignore[arg-type]


@pytest.fixture
def run() -> Run:
    """A long job whose two segments a short one comes between; the last short job is late."""
    short = [_job(1, 0, 500, 150), _job(1, 1, 500, 1010)]
    slices = (
        SegmentRun(0, 0, 3, 100),
        SegmentRun(1, 0, 100, 149),
        SegmentRun(0, 1, 151, 501),
        SegmentRun(1, 0, 502, 1009),
    )
    tasks = (_task("long", 1, 1000, [_job(0, 0, 1000, 502)]), _task("short", 0, 500, short))
    cpu = (CpuWork(0, "dispatch", 1, 3), CpuWork(1, "body", 1009, 1010))
    return Run("cpython", 1000, segments=slices, tasks=tasks, cpu=cpu)


@pytest.fixture
def image() -> hkt.Image:
    step = hkt.Step("conv", b"", nominal_cycles=9, worst_cycles=9, first_operation=0, operations=1)
    models = [
        hkt.Model(name, hkt.region_slots(), (), (), (step,) * steps, 0, 0)
        for name, steps in (("long", 2), ("short", 1))
    ]
    tasks = (hkt.Task("long", 0, 1000, 1000, priority=1), hkt.Task("short", 1, 500, 500))
    return hkt.Image(
        "ethos-u55-128", 0, 0, 1_000_000, 0, hkt.Policy.FP, tuple(models), tasks, ()
    )  # fmt: skip


def _events(run: Run, image: hkt.Image, phase: str) -> list[dict[str, Any]]:
    return [event for event in trace(run, image)["traceEvents"] if event["ph"] == phase]


def _threads(run: Run, image: hkt.Image) -> dict[str, int]:
    return {
        event["args"]["name"]: event["tid"]
        for event in _events(run, image, "M")
        if event["name"] == "thread_name"
    }


def test_every_event_has_what_its_phase_requires(run: Run, image: hkt.Image) -> None:
    for event in trace(run, image)["traceEvents"]:
        assert REQUIRED[event["ph"]] | {"ph", "name", "pid", "tid"} <= set(event)
        assert isinstance(event["name"], str)
        assert event.get("ts", 0) >= 0
        assert event.get("dur", 1) > 0


def test_events_are_in_order_of_time(run: Run, image: hkt.Image) -> None:
    times = [event["ts"] for event in trace(run, image)["traceEvents"] if event["ph"] != "M"]
    assert times == sorted(times)


def test_slices_of_a_thread_nest(run: Run, image: hkt.Image) -> None:
    stacks: dict[int, list[float]] = defaultdict(list)
    for event in _events(run, image, "X"):
        stack = stacks[event["tid"]]
        while stack and stack[-1] <= event["ts"]:
            stack.pop()
        end = event["ts"] + event["dur"]
        assert not stack or round(end * 1000) <= round(stack[-1] * 1000)
        stack.append(end)


def test_every_thread_has_a_name_and_the_most_urgent_task_comes_first(
    run: Run, image: hkt.Image
) -> None:
    threads = _threads(run, image)
    named = set(threads.values())
    assert {e["tid"] for e in trace(run, image)["traceEvents"]} <= named | {0}
    assert sorted(threads, key=lambda name: threads[name]) == [
        "NPU",
        "CPU",
        "task short (priority 0)",
        "task long (priority 1)",
    ]


def test_times_are_exact_to_the_nanosecond(run: Run, image: hkt.Image) -> None:
    found = [
        (round(e["ts"] * 1000), round((e["ts"] + e["dur"]) * 1000))
        for e in json.loads(json.dumps(_events(run, image, "X")))
        if e["tid"] == _threads(run, image)["NPU"]
    ]
    assert found == [(s.start_ns, s.end_ns) for s in run.segments]


def test_the_processors_work_has_a_track(run: Run, image: hkt.Image) -> None:
    thread = _threads(run, image)["CPU"]
    names = [e["name"] for e in _events(run, image, "X") if e["tid"] == thread]
    assert names == ["long: dispatch", "short: body"]


@pytest.fixture
def mixed_image(image: hkt.Image) -> hkt.Image:
    """The long network with a step of the processor between its two segments."""
    first, second = image.models[0].steps
    program = hkt.CpuProgram(0, b"", (), ())
    between = hkt.Step.cpu("gather", program, nominal_cycles=0, worst_cycles=0)
    long = replace(image.models[0], steps=(first, between, second))
    return replace(image, models=(long, image.models[1]))


@pytest.fixture
def mixed_run(run: Run) -> Run:
    """The short job comes while the long one is at its step of the processor."""
    slices = (*run.segments[:2], replace(run.segments[2], step=2), run.segments[3])
    steps = (CpuWork(0, "step", 101, 120, 1), CpuWork(0, "step", 130, 151, 1))
    return replace(run, segments=slices, cpu=steps)


def test_a_step_of_the_processor_stands_on_its_track_by_name(
    mixed_run: Run, mixed_image: hkt.Image
) -> None:
    thread = _threads(mixed_run, mixed_image)["CPU"]
    found = [
        (e["name"], e["ts"], e["dur"])
        for e in _events(mixed_run, mixed_image, "X")
        if e["tid"] == thread
    ]
    assert found == [("long: gather", 0.101, 0.019), ("long: gather", 0.13, 0.021)]


def test_who_left_the_npu_for_the_processor_was_not_preempted(
    mixed_run: Run, mixed_image: hkt.Image
) -> None:
    assert _events(mixed_run, mixed_image, "s") == []


def test_a_task_with_steps_on_the_processor_has_a_lane_for_them(mixed_run: Run) -> None:
    found = {lane.name: list(lane.busy) for lane in lanes(mixed_run)}
    assert found["long CPU"] == [(101, 120), (130, 151)]
    assert "short CPU" not in found


def test_an_arrow_leads_from_before_a_preemption_to_after_it(run: Run, image: hkt.Image) -> None:
    (start,), (finish,) = _events(run, image, "s"), _events(run, image, "f")
    assert start["id"] == finish["id"]
    inside = [
        [e["args"]["segment"] for e in _events(run, image, "X") if e["tid"] == flow["tid"]
         and e["ts"] <= flow["ts"] < e["ts"] + e["dur"]]
        for flow in (start, finish)
    ]  # fmt: skip
    assert inside == [[0], [1]]


def test_an_arrow_follows_the_slice_that_it_ends_at(run: Run, image: hkt.Image) -> None:
    events = trace(run, image)["traceEvents"]
    at = next(i for i, e in enumerate(events) if e["ph"] == "f")
    assert any(e["ph"] == "X" and e["ts"] == events[at]["ts"] for e in events[:at])


def test_releases_and_missed_deadlines_are_instants(run: Run, image: hkt.Image) -> None:
    found = [(e["name"], e["ts"], e["args"]["job"]) for e in _events(run, image, "i")]
    assert found == [
        ("release", 0.0, 0),
        ("release", 0.0, 0),
        ("release", 0.5, 1),
        ("deadline missed", 1.0, 1),
    ]


def test_utilisation_is_the_share_of_each_window(run: Run, image: hkt.Image) -> None:
    shares = [(e["ts"], e["args"]["percent"]) for e in _events(run, image, "C")]
    assert shares == [(0.0, 99.0), (0.5, 99.8)]


def test_a_trace_that_cannot_be_written_is_told(run: Run, image: hkt.Image, tmp_path: Path) -> None:
    with pytest.raises(TraceError, match="cannot be written"):
        write_trace(run, image, tmp_path / "none" / "out.json")


def test_the_file_is_the_trace_as_json(run: Run, image: hkt.Image, tmp_path: Path) -> None:
    write_trace(run, image, tmp_path / "out.json")
    assert json.loads((tmp_path / "out.json").read_text()) == trace(run, image)

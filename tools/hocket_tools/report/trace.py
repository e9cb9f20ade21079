# SPDX-License-Identifier: Apache-2.0
"""Traces of emulated runs in Chrome's JSON format, which Perfetto opens (ui.perfetto.dev).

One process is the board. Its threads are the resources, then the tasks, the most urgent first. A
task's thread has its jobs, and inside them their segments and the times during which they were
preempted; arrows lead from the segment before a preemption to the one after it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hocket_host.errors import HocketError
from hocket_host.machines.results import Run
from hocket_host.units import format_hz

from ..container import Image
from .activity import activity

_PID = 1
_NPU = 1
_CPU = 2
_FIRST_TASK = 10
#: Windows of the utilisation counter in one trace, at most.
_MOST_WINDOWS = 2000

Event = dict[str, Any]


class TraceError(HocketError):
    """A trace that cannot be written."""


def write_trace(
    run: Run,
    image: Image,
    path: Path,
    *,
    board: str = "board",
    policy: str | None = None,
) -> None:
    """Write a run as a trace file.

    Parameters
    ----------
    run, image
        An emulation and the container that it ran.
    path
        File to write.
    board
        Name of the process in the trace.
    policy
        NPU policy of the run if it was not the container's own.

    Raises
    ------
    TraceError
        The file cannot be written.
    """
    record = trace(run, image, board=board, policy=policy)
    text = json.dumps(record, separators=(",", ":"))
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise TraceError(
            "the trace cannot be written",
            where=path,
            found=error.strerror,
            expected="a folder that exists and may be written to",
        ) from error


def trace(
    run: Run, image: Image, *, board: str = "board", policy: str | None = None
) -> dict[str, Any]:
    """A run as the JSON value of a trace file.

    Returns
    -------
    dict
        JSON object format; ``ts`` and ``dur`` in microseconds, exact to the nanosecond.
    """
    record = activity(run, image, policy=policy)
    order = sorted(range(len(run.tasks)), key=lambda i: (run.tasks[i].priority, i))
    threads = {task: _FIRST_TASK + rank for rank, task in enumerate(order)}
    timed = [
        *_segments(record, image, threads),
        *_work(record),
        *_jobs(record, threads),
        *_preemptions(record, threads),
        *_utilisation(record),
    ]
    # Of what begins together, slices come before what refers to them, and the longer, which
    # encloses the shorter, comes first.
    timed.sort(key=lambda event: (event["ts"], event["ph"] != "X", -event.get("dur", 0)))
    return {
        "traceEvents": [
            *_names(f"{board}: {image.accelerator} at {format_hz(image.npu_hz)}", record, threads),
            *timed,
        ],
        "displayTimeUnit": "ns",
        "otherData": {
            "accelerator": image.accelerator,
            "npu_hz": image.npu_hz,
            "policy": policy or image.policy.name.lower(),
            "duration_ns": run.duration_ns,
        },
    }


def _us(ns: int) -> float:
    """The format's unit; a double holds whole nanoseconds of up to a hundred days."""
    return ns / 1000


def _event(phase: str, name: str, thread: int, at_ns: int, **rest: Any) -> Event:
    return {"ph": phase, "name": name, "pid": _PID, "tid": thread, "ts": _us(at_ns), **rest}


def _names(process: str, record: dict[str, Any], threads: dict[int, int]) -> Iterator[Event]:
    def meta(what: str, thread: int, **arguments: Any) -> Event:
        return {"ph": "M", "name": what, "pid": _PID, "tid": thread, "args": arguments}

    yield meta("process_name", 0, name=process)
    named = {_NPU: "NPU", _CPU: "CPU"}
    for index, thread in threads.items():
        task = record["tasks"][index]
        named[thread] = f"task {task['name']} (priority {task['priority']})"
    for thread, name in named.items():
        yield meta("thread_name", thread, name=name)
        yield meta("thread_sort_index", thread, sort_index=thread)


def _segments(record: dict[str, Any], image: Image, threads: dict[int, int]) -> Iterator[Event]:
    for task, job, step, start, end in record["npu"]:
        about = record["tasks"][task]
        segment = image.models[about["model"]].steps[step]
        arguments = {
            "task": about["name"],
            "job": about["jobs"][job]["index"],
            "segment": step,
            "operations": segment.operations,
            "nominal cycles": segment.nominal_cycles,
            "worst cycles": segment.worst_cycles,
        }
        rest = {"dur": _us(end - start), "cat": "segment"}
        name = f"{about['name']}: {segment.name}"
        yield _event("X", name, _NPU, start, **rest, args=arguments)
        yield _event("X", segment.name, threads[task], start, **rest)


def _work(record: dict[str, Any]) -> Iterator[Event]:
    for task, what, start, end in record["cpu"]:
        name = f"{record['tasks'][task]['name']}: {what}"
        yield _event("X", name, _CPU, start, dur=_us(end - start), cat="cpu")


def _jobs(record: dict[str, Any], threads: dict[int, int]) -> Iterator[Event]:
    for index, task in enumerate(record["tasks"]):
        thread = threads[index]
        before = 0
        for job in task["jobs"]:
            end = job["end_ns"]
            shown_end = _last_ns(record, index, job) if end is None else end
            # Jobs that wait for their predecessor begin after it: slices of a thread must nest.
            start = max(job["release_ns"], before)
            response = None if end is None else end - job["release_ns"]
            arguments = {**job, "response_ns": response, "deadline after ns": task["deadline_ns"]}
            if shown_end > start:
                yield _event(
                    "X",
                    f"{task['name']} #{job['index']}",
                    thread,
                    start,
                    dur=_us(shown_end - start),
                    cat="job",
                    args=arguments,
                )
                before = shown_end
            yield _instant("release", thread, job["release_ns"], job["index"])
            if job["outcome"] not in ("done", "cut off"):
                yield _instant("deadline missed", thread, job["deadline_ns"], job["index"])
        for at in task["skipped_ns"]:
            ordinal = (at - task["offset_ns"]) // task["period_ns"]
            yield _instant("release skipped", thread, at, ordinal)


def _instant(name: str, thread: int, at_ns: int, job: int) -> Event:
    return _event("i", name, thread, at_ns, s="t", cat="job", args={"job": job})


def _last_ns(record: dict[str, Any], task: int, job: dict[str, Any]) -> int:
    """Until when a job that never ended was seen on the NPU."""
    jobs = record["tasks"][task]["jobs"]
    ends = [end for t, j, _, _, end in record["npu"] if t == task and jobs[j] is job]
    return int(max(ends, default=job["release_ns"]))


def _preemptions(record: dict[str, Any], threads: dict[int, int]) -> Iterator[Event]:
    for number, (first, second) in enumerate(record["preemptions"]):
        task, _, _, _, left = record["npu"][first]
        resumed = record["npu"][second][3]
        yield _event("X", "preempted", threads[task], left, dur=_us(resumed - left), cat="wait")
        flow = {"cat": "preemption", "id": number}
        # An arrow belongs to the slice around its instant: the last nanosecond, not the end.
        yield _event("s", "preempted", _NPU, left - 1, **flow)
        yield _event("f", "preempted", _NPU, resumed, bp="e", **flow)


def _utilisation(record: dict[str, Any]) -> Iterator[Event]:
    """The NPU's share of each window, in percent; windows of a period unless that is too fine."""
    duration = record["duration_ns"]
    shortest = min((task["period_ns"] for task in record["tasks"]), default=duration)
    window = max(shortest, -(-duration // _MOST_WINDOWS), 1)
    busy = [0] * -(-duration // window)
    for _, _, _, start, end in record["npu"]:
        at = start
        while at < min(end, duration):
            edge = min((at // window + 1) * window, end, duration)
            busy[at // window] += edge - at
            at = edge
    for index, work in enumerate(busy):
        length = min(window, duration - index * window)
        share = round(100 * work / length, 1)
        yield _event("C", "NPU utilisation", _NPU, index * window, args={"percent": share})

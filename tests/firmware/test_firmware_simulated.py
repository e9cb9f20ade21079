# SPDX-License-Identifier: Apache-2.0
"""Kernel, agenda and dispatcher do what the execution model of the proofs does, drawn at random.

The model is written without the firmware: who has which unit when, over lists and heaps.
"""

from __future__ import annotations

import random

import pytest
from device_helper import FakeApp, events, make

from hocket_lab.experiment.simulate import SimulatedRun, simulate
from hocket_tools.prove import TaskModel, TaskSet

US = 1000
END_US = 3000
OVERRUNS = {"skip": 0, "queue": 1}
NAMES = ("completed", "skipped", "response_min_us", "response_max_us", "response_mean_us")


def draw(seed: int, policy: str) -> TaskSet:
    """Tasks in whole microseconds, two of which may be equally urgent."""
    rng = random.Random(seed)
    tasks = []
    for index in range(rng.randint(2, 5)):
        period = rng.randint(40, 400) * US
        tasks.append(
            TaskModel(
                f"t{index}",
                period,
                rng.randint(20, 600) * US,
                tuple(rng.randint(1, 40) * US for _ in range(rng.randint(1, 4))),
                cpu_ns=rng.choice([0, 0, rng.randint(1, 20) * US]),
                offset_ns=rng.choice([0, rng.randint(0, 200) * US]),
                priority=rng.randint(0, 3),
                overrun=rng.choice(["skip", "queue"]),
            )
        )
    costs = {
        name: rng.choice([0, rng.randint(1, 5)]) * US
        for name in ("dispatch_ns", "resume_ns", "release_ns")
    }
    return TaskSet(tuple(tasks), policy, **costs)


def expected(run: SimulatedRun, task: int) -> list[int]:
    """Statistics of a task, in us."""
    took = [job.response_ns // US for job in run.jobs[task] if job.response_ns is not None]
    if not took:
        return [0, run.skipped[task], 0, 0, 0]
    return [len(took), run.skipped[task], min(took), max(took), sum(took) // len(took)]


def npu_us(run: SimulatedRun, task: int, end_ns: int) -> int:
    """NPU time of the segments that came to their end."""
    done = [s for s in run.slices if s.task == task and s.end_ns <= end_ns]
    return sum(s.end_ns - s.start_ns for s in done) // US


def blocked_us(drawn: TaskSet, run: SimulatedRun, task: int, end_ns: int) -> int:
    """Longest time that less urgent segments kept a job of the NPU, from its request on."""
    count = len(drawn.tasks[task].segments_ns)
    own = [s for s in run.slices if s.task == task]
    longest = 0
    # A job comes to the CPU, to the NPU and to the CPU.
    for job, request in enumerate(run.arrivals[task][1::3]):
        last = own[job * count + count - 1 :][:1]
        until = last[0].start_ns if last else end_ns
        held = [
            min(s.end_ns - request, s.end_ns - s.start_ns)
            for s in run.slices
            if drawn.tasks[s.task].priority > drawn.tasks[task].priority
            and request < s.end_ns <= until
        ]
        longest = max(longest, sum(held))
    return longest // US


@pytest.mark.parametrize("policy", ["fp", "edf", "fifo", "rr"])
@pytest.mark.parametrize("start_us", [0, (1 << 30) - 1500])
def test_segments_and_jobs_come_at_the_instants_of_the_model(policy: str, start_us: int) -> None:
    for seed in range(25):
        drawn = draw(seed, policy)
        app = FakeApp()
        for task in drawn.tasks:
            app.add(
                task.name, [ns // US for ns in task.segments_ns], task.period_ns // US,
                priority=task.priority, deadline_us=task.deadline_ns // US,
                offset_us=task.offset_ns // US, overrun=OVERRUNS[task.overrun],
                cpu_us=task.cpu_ns // US,
            )  # fmt: skip
        kernel, board = make(
            app, policy, start_us=start_us, dispatch_us=drawn.dispatch_ns // US,
            resume_us=drawn.resume_ns // US, release_us=drawn.release_ns // US,
        )  # fmt: skip
        kernel.run(END_US)
        end_ns = (board.now - start_us) * US
        run = simulate(drawn, END_US * US)

        def at(ns: int) -> int:
            return (start_us + ns // US) % (1 << 30)

        slices = [(at(s.start_ns), s.task, s.segment) for s in run.slices]
        assert events(kernel, "start") == slices, seed
        for index, task in enumerate(drawn.tasks):
            done = [at(job.end_ns) for job in run.jobs[index] if job.end_ns is not None]
            assert [e[0] for e in events(kernel, "complete") if e[1] == index] == done, seed
            stats = kernel.stats(task.name)
            assert [getattr(stats, name) for name in NAMES] == expected(run, index), seed
            assert stats.npu_cycles == npu_us(run, index, end_ns), seed
            assert stats.blocking_max_us == blocked_us(drawn, run, index, end_ns), seed

# SPDX-License-Identifier: Apache-2.0
"""TaskModel sets for tests: UUniFast (Bini and Buttazzo, 2005) over segment lists, and by hand."""

from __future__ import annotations

import functools
import random
from dataclasses import replace

from hocket_host.ethosu.config import npu_config
from hocket_host.ethosu.timing.timing import stream_cycles
from hocket_tools.app.application import loads
from hocket_tools.pack.target import resolve_target
from hocket_tools.prove import CpuRun, TaskModel, TaskSet, deadline_monotonic, with_priorities
from hocket_tools.segment import cut_points, split
from hocket_tools.vela import VelaOptions, compile_model
from paths import MODELS

US = 1_000
MS = 1_000_000


def task(name="t", period_ns=10 * MS, segments_ns=(MS,), **changes):
    """A task whose deadline is its period."""
    return TaskModel(name, period_ns, changes.pop("deadline_ns", period_ns), segments_ns, **changes)


def taskset(*tasks, policy="fp", dispatch_ns=0, resume_ns=0):
    return TaskSet(tasks, policy, dispatch_ns, resume_ns)


@functools.cache
def segment_lists():
    """Cycles of each segment of real networks, cut wherever they may be."""
    found = []
    for name in ("hello_world_int8", "mlp_kws_int8", "mlp_resnet8_int8", "person_detect"):
        path = MODELS / f"{name}.tflite"
        compiled = compile_model(path, VelaOptions(accelerator_config="ethos-u55-128"))
        system = resolve_target(
            loads(f'[tasks.a]\nmodel = "{path.name}"\nperiod = "1 s"\n', MODELS / "app.toml")
        ).system
        npu = npu_config("ethos-u55-128")
        found.append(
            tuple(
                stream_cycles(s.stream.operations, npu, system).total_cycles
                for s in split(compiled, cut_points(compiled))
            )
        )
    return tuple(found)


def uunifast(rng: random.Random, count: int, total: float) -> list[float]:
    shares = []
    for left in range(count - 1, 0, -1):
        rest = total * rng.random() ** (1 / left)
        shares.append(total - rest)
        total = rest
    return [*shares, total]


def draw(seed: int, policy: str, overrun: str = "skip") -> TaskSet:
    """A random set over the real segment lists, neighbouring segments joined at random."""
    rng = random.Random(seed)
    count = rng.randint(2, 5)
    tasks = []
    for index, share in enumerate(uunifast(rng, count, rng.uniform(0.2, 0.95))):
        period = int(10 ** rng.uniform(6, 7.7))
        period -= rng.choice([0, period % 1000])
        segments = _scaled(rng, rng.choice(segment_lists()), max(int(period * share), 100))
        deadline = period * rng.uniform(*((0.5, 3) if overrun == "queue" else (0.4, 1)))
        tasks.append(
            TaskModel(
                f"t{index}",
                period,
                int(deadline),
                segments,
                cpu_ns=int(period * rng.choice([0, 0, rng.uniform(0, 0.1)])),
                priority=rng.randint(0, count),
                overrun=overrun,
            )
        )
    drawn = TaskSet(
        tuple(tasks),
        policy,
        dispatch_ns=rng.choice([0, 1000, 18750]),
        resume_ns=rng.choice([0, 5000, 62500]),
        release_ns=rng.choice([0, 5000, 62500]),
        completion_ns=rng.choice([0, 5000, 62500]),
    )
    return with_priorities(drawn, deadline_monotonic(drawn)) if rng.random() < 0.7 else drawn


def crowded(seed: int) -> TaskSet:
    """Few short tasks, in steps of 10 us, of which some are released before they are done."""
    rng = random.Random(seed)
    tasks = []
    for index in range(rng.randint(2, 3)):
        period = rng.randint(3, 12) * 100 * US
        deadline = period * rng.randint(1, 3)
        segments = tuple(rng.randint(1, 20) * 10 * US for _ in range(rng.randint(1, 2)))
        cpu_ns = rng.choice([0, rng.randint(1, 10) * 10 * US])
        tasks.append(
            TaskModel(f"t{index}", period, deadline, segments, cpu_ns=cpu_ns, priority=index)
        )
    policy = rng.choice(["fp", "edf", "rr", "fifo"])
    return TaskSet(tuple(tasks), policy, rng.choice([0, 10 * US]), rng.choice([0, 10 * US]))


def mixed(seed: int, policy: str, overrun: str = "skip") -> TaskSet:
    """A random set of which some networks have operators for the CPU, or nothing else."""
    rng = random.Random(~seed)
    drawn = draw(seed, policy, overrun)
    return replace(drawn, tasks=tuple(_with_cpu_runs(rng, t) for t in drawn.tasks))


def _with_cpu_runs(rng: random.Random, t: TaskModel) -> TaskModel:
    kind = rng.random()
    if kind < 0.3:
        return t
    segments = t.segments_ns if kind < 0.9 else ()
    places = range(len(segments) + 1)
    chosen = sorted(rng.sample(places, rng.randint(1, min(len(places), 4))))
    budget = int(t.period_ns * rng.uniform(0, 0.3)) // len(chosen)
    runs = []
    for place in chosen:
        steps = []
        for _ in range(rng.randint(1, 2)):
            times = rng.choice([1, 1, 2, 5])
            steps.append((rng.randint(0, max(budget // times, 1)), times))
        runs.append(CpuRun(place, tuple(steps)))
    least = tuple(rng.randint(0, e) for e in segments) if rng.random() < 0.5 else ()
    return replace(t, segments_ns=segments, cpu_runs=tuple(runs), least_ns=least)


def _scaled(rng: random.Random, cycles: tuple[int, ...], total_ns: int) -> tuple[int, ...]:
    joined = [0]
    for length in cycles:
        if rng.random() < 0.5:
            joined.append(0)
        joined[-1] += length
    return tuple(max(total_ns * length // sum(cycles), 1) for length in joined if length)


def with_random_offsets(rng: random.Random, drawn: TaskSet) -> TaskSet:
    """Synchronous, nearly so, or anywhere."""
    return replace(
        drawn,
        tasks=tuple(
            replace(
                t, offset_ns=rng.choice([0, rng.randrange(300_000), rng.randrange(t.period_ns)])
            )
            for t in drawn.tasks
        ),
    )


def sporadic(rng: random.Random, drawn: TaskSet, duration_ns: int) -> dict[str, list[int]]:
    """Releases a period apart at least, each late by its own jitter."""
    releases = {}
    for t in drawn.tasks:
        nominal = rng.randrange(t.period_ns)
        found: list[int] = []
        while nominal < duration_ns:
            found.append(nominal)
            nominal += t.period_ns + rng.choice([0, 0, rng.randrange(t.period_ns)])
        releases[t.name] = found
    return releases

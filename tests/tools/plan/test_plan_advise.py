# SPDX-License-Identifier: Apache-2.0
"""What `hocket check` advises where the CPU is what makes a deadline fail."""

import pytest

from hocket_lab.experiment.mixed import draw_mixed
from hocket_tools.app.application import loads
from hocket_tools.pack.advise import advise
from hocket_tools.pack.pack import pack
from hocket_tools.pack.target import resolve_target
from hocket_tools.plan import diagnosis
from hocket_tools.plan.advice import clock_hint
from hocket_tools.prove import CpuRun, TaskModel, TaskSet, analyse
from paths import MODELS

#: Seconds on the CPU beside a fast network: its busy periods have thousands of releases.
LONG = """
[tasks.person]
model = "person_detect.tflite"
period = "2961 ms"
on-cpu = [0]
[tasks.kws]
model = "mlp_kws_int8.tflite"
period = "20 ms"
"""


@pytest.fixture(scope="module")
def application():
    return loads(LONG, MODELS / "app.toml")


def test_a_network_that_is_long_on_the_cpu_is_proved_beside_a_fast_one(application):
    proof = pack(application).proof
    person, kws = proof.tasks
    assert kws.holds
    assert 2_961_000_000 < person.bound_ns < 3_000_000_000
    said = list(diagnosis(proof))
    assert said[0] == "the CPU is asked for 100 % of its time"
    assert "2.22 s of operators on the CPU" in said[1]
    assert "kws takes 57.5 ms of the NPU" in said[1]


def test_the_costly_operator_and_the_clock_that_nobody_chose_are_named(application):
    hints = advise(resolve_target(application))
    assert any(
        hint.startswith("DEPTHWISE_CONV_2D of person") and hint.endswith("leave it out of on-cpu")
        for hint in hints
    )
    faster = next(hint for hint in hints if "cpu-clock" in hint)
    assert faster.endswith("and the present 32 MHz is only the default")


def test_a_clock_that_was_chosen_is_not_called_a_default():
    said = clock_hint("npu", "clock", 64_000_000, 32_000_000, default=False)
    assert said == 'clock = "64 MHz" in [npu] would do instead of 32 MHz'


def cut(task, pieces):
    """The same work in more segments, each part divided evenly."""
    segments, runs, before = [], [], 0
    by_place = {run.before: run for run in task.cpu_runs}
    for place in range(len(task.segments_ns) + 1):
        if place in by_place:
            runs.append(CpuRun(before, by_place[place].steps))
        if place < len(task.segments_ns):
            whole = task.segments_ns[place]
            count = min(pieces, whole)
            segments += [whole // count + (i < whole % count) for i in range(count)]
            before += count
    changed = {**vars(task), "segments_ns": tuple(segments), "cpu_runs": tuple(runs)}
    fields = TaskModel.__dataclass_fields__
    return TaskModel(**{k: v for k, v in changed.items() if k in fields} | {"least_ns": ()})


@pytest.mark.parametrize("policy", ["fp", "edf"])
def test_cuts_cost_a_bound_little_more_than_their_dispatches(policy):
    for seed in range(30):
        drawn = draw_mixed(seed, policy)
        plain = [cut(task, 1) for task in drawn.tasks]
        costs = {k: getattr(drawn, k) for k in ("resume_ns", "release_ns", "completion_ns")}
        whole = analyse(TaskSet(tuple(plain), policy, 0, **costs))
        parts = analyse(TaskSet(tuple(cut(t, 10) for t in plain), policy, 0, **costs))
        for once, often in zip(whole.tasks, parts.tasks, strict=True):
            if not once.overruns and all(t.holds for t in whole.tasks):
                # Only the last segment, during which nothing delays a job, is shorter.
                slack = max(once.task.segments_ns, default=0)
                assert often.bound_ns is not None
                assert often.bound_ns <= 2 * once.bound_ns + slack

# SPDX-License-Identifier: Apache-2.0
"""A deadline that fails says what it is made of."""

from hypothesis import given, settings
from hypothesis import strategies as st

from hocket_lab.experiment.mixed import draw_mixed
from hocket_tools.plan import diagnosis
from hocket_tools.prove import CpuRun, TaskModel, TaskSet, Work, analyse

MS = 1_000_000


def parts(found, kind, unit):
    return {p.what: p.ns for p in found.parts if (p.kind, p.unit) == (kind, unit)}


def taskset(*tasks):
    return TaskSet(tasks, dispatch_ns=1000, resume_ns=2000, release_ns=3000, completion_ns=4000)


LARGE = TaskModel("large", 400 * MS, 400 * MS, (2 * MS, 7 * MS, MS), priority=2)
FAST = TaskModel("fast", 100 * MS, 5 * MS, (4 * MS,), priority=1)
COMPUTING = TaskModel(
    "computing", 500 * MS, 500 * MS, (), cpu_runs=(CpuRun(0, ((3 * MS, 9),)),), priority=3
)
URGENT = TaskModel("urgent", 100 * MS, 4 * MS, (MS,), priority=0)


def test_the_own_work_is_told_by_unit():
    body = TaskModel("a", 100 * MS, MS, (MS, MS), 5000, cpu_runs=(CpuRun(1, ((MS, 3), (7, 1))),))
    found = analyse(taskset(body)).tasks[0]
    assert parts(found, "own", "NPU") == {"segments": 2 * MS, "dispatches": 2000}
    own = parts(found, "own", "CPU")
    # To submit, four steps, at the end; a release and a completion.
    assert own == {"operators": 3 * MS + 7, "cpu": 5000, "resumes": 6 * 2000 + 3000 + 4000}


def test_what_blocks_is_named_with_its_length():
    proof = analyse(taskset(URGENT, LARGE, COMPUTING))
    found = proof.tasks[0]
    npu = next(p for p in found.parts if (p.kind, p.unit) == ("blocking", "NPU"))
    assert (npu.what, npu.ns, npu.longest_ns, npu.times) == ("large", 7 * MS, 7 * MS, 1)
    # Before its inference and after it; the longest step ends with the job's completion.
    assert parts(found, "blocking", "CPU") == {"computing": 2 * (3 * MS + 2000) + 4000}
    said = next(iter(diagnosis(proof)))
    assert "urgent may take" in said
    assert "a segment (2 of 3) of large blocks it for 7 ms" in said
    assert "2 CPU steps of computing block it for 6.01 ms" in said


def test_who_interferes_is_named():
    found = analyse(taskset(URGENT, FAST)).tasks[1]
    assert parts(found, "interference", "NPU") == {"urgent": MS + 1000}
    assert found.interference_ns >= MS + 1000


@settings(max_examples=30)
@given(seed=st.integers(0, 2**32), policy=st.sampled_from(["fp", "edf", "fifo", "rr"]))
def test_parts_add_up_to_the_bound(seed, policy):
    drawn = draw_mixed(seed, policy)
    for found in analyse(drawn).tasks:
        assert min((p.ns for p in found.parts), default=1) > 0
        assert found.bound_ns is None or sum(p.ns for p in found.parts) == found.bound_ns


def test_an_analysis_that_was_given_up_is_told():
    assert "given up" in next(iter(diagnosis(analyse(taskset(URGENT), Work(1)))))

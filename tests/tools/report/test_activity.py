# SPDX-License-Identifier: Apache-2.0
from _runs import image, job, run

from hocket_host.machines.results import SegmentRun
from hocket_tools.container import Overrun
from hocket_tools.report.activity import activity


def test_segments_belong_to_the_job_that_ran_them() -> None:
    slices = [
        SegmentRun(0, 0, 5, 15),
        SegmentRun(0, 1, 15, 25),
        SegmentRun(0, 0, 105, 115),
        SegmentRun(0, 1, 115, 125),
    ]
    told = activity(run({"a": [job(0, 0, 30, 100), job(1, 100, 130, 100)]}, slices), image("a"))
    assert [row[1] for row in told["npu"]] == [0, 0, 1, 1]
    assert [j["first_ns"] for j in told["tasks"][0]["jobs"]] == [5, 105]


def test_a_job_is_preempted_where_anothers_segment_lies_between_two_of_its_own() -> None:
    slices = [
        SegmentRun(1, 0, 0, 10),
        SegmentRun(0, 0, 10, 20),
        SegmentRun(0, 1, 20, 30),
        SegmentRun(1, 1, 31, 40),
    ]
    jobs = {"a": [job(0, 0, 30, 100)], "b": [job(0, 0, 41, 100)]}
    told = activity(run(jobs, slices), image("a", "b"))
    assert told["preemptions"] == [[0, 3]]


def test_waiting_for_the_dispatcher_is_no_preemption() -> None:
    slices = [SegmentRun(0, 0, 0, 10), SegmentRun(0, 1, 25, 30)]
    told = activity(run({"a": [job(0, 0, 31, 100)]}, slices), image("a"))
    assert told["preemptions"] == []


def test_releases_without_a_job_are_skipped_ones() -> None:
    jobs = [job(0, 0, 250, 100), job(3, 300, 310, 100)]
    slices = [SegmentRun(0, 0, 0, 240), SegmentRun(0, 0, 301, 309)]
    told = activity(run({"a": jobs}, slices), image("a", steps=1))
    assert told["tasks"][0]["skipped_ns"] == [100, 200]
    assert [j["outcome"] for j in told["tasks"][0]["jobs"]] == ["late", "done"]


def test_the_end_of_the_run_cuts_a_job_off() -> None:
    jobs = [job(0, 0, 30, 100)]
    slices = [SegmentRun(0, 0, 0, 10), SegmentRun(0, 1, 10, 20), SegmentRun(0, 0, 301, 310)]
    told = activity(run({"a": jobs}, slices, duration=350), image("a"))
    last = told["tasks"][0]["jobs"][-1]
    assert (last["index"], last["end_ns"], last["outcome"]) == (3, None, "cut off")
    assert told["npu"][2][1] == 1


def test_an_aborted_job_keeps_its_segments() -> None:
    jobs = [job(0, 0, None, 100, "unfinished"), job(1, 100, 150, 100)]
    slices = [SegmentRun(0, 0, 0, 90), SegmentRun(0, 0, 101, 120), SegmentRun(0, 1, 120, 140)]
    told = activity(run({"a": jobs}, slices), image("a", overrun=Overrun.ABORT))
    assert [row[1] for row in told["npu"]] == [0, 1, 1]


def test_a_failed_job_keeps_its_segments_while_the_next_release_waits_in_the_queue() -> None:
    jobs = [job(0, 0, None, 100, "failed"), job(1, 100, 160, 100)]
    slices = [SegmentRun(0, 0, 110, 120), SegmentRun(0, 0, 130, 140), SegmentRun(0, 1, 140, 150)]
    told = activity(run({"a": jobs}, slices), image("a", overrun=Overrun.QUEUE))
    assert [row[1] for row in told["npu"]] == [0, 1, 1]


def test_a_bound_of_zero_is_no_bound() -> None:
    assert activity(run({"a": []}, []), image("a"))["tasks"][0]["bound_ns"] is None
    assert activity(run({"a": []}, []), image("a", bound=7))["tasks"][0]["bound_ns"] == 7


def test_bounds_hold_for_the_containers_own_policy_only() -> None:
    nothing, fixed = run({"a": []}, []), image("a", bound=7)
    assert activity(nothing, fixed, policy="fp")["tasks"][0]["bound_ns"] == 7
    assert activity(nothing, fixed, policy="fifo")["tasks"][0]["bound_ns"] is None

# SPDX-License-Identifier: Apache-2.0
# Nets with steps for the processor: who has which unit when, and what becomes of a job cut short.
from device_helper import FakeApp, Kernel, Work, events, locked_turns, make, raised

from hocket.net import NpuError
from hocket.sync import TimeoutError, sleep_us, wait_for_us
from hocket.trace import KINDS

SKIP, QUEUE, ABORT = 0, 1, 2
ALL = "start", "end", "cpu start", "cpu end"


# NPU for 100 us, processor for 20 and 30 us, NPU for 200 us in two segments.
def single(period_us=1000, overrun=SKIP, **port):
    app = FakeApp()
    work = Work([20, 30])
    app.add("mixed", [100, work, 150, 50], period_us, overrun=overrun)
    kernel, board = make(app, **port)
    return kernel, board, work


# (tick, kind, task, step) of what the two units did.
def units(kernel):
    return [(r[0], KINDS[r[1]], r[2], r[3]) for r in kernel.trace.records() if KINDS[r[1]] in ALL]


def test_stages_follow_each_other_under_the_indices_of_the_net():
    kernel, _, _ = single()
    kernel.run(900)
    assert units(kernel) == [
        (0, "start", 0, 0),
        (100, "end", 0, 0),
        (100, "cpu start", 0, 1),
        (120, "cpu end", 0, 1),
        (120, "cpu start", 0, 1),
        (150, "cpu end", 0, 1),
        (150, "start", 0, 2),
        (300, "end", 0, 2),
        (300, "start", 0, 3),
        (350, "end", 0, 3),
    ]
    assert kernel.stats("mixed").completed == 1


def test_a_net_may_begin_and_end_on_the_processor():
    app = FakeApp()
    app.add("mixed", [Work([5]), 10, Work([7, 1])], 1000)
    kernel, _ = make(app)
    kernel.run(2500)
    assert kernel.stats("mixed").completed == 3
    assert kernel.stats("mixed").response_max_us == 23


def test_a_net_may_be_the_processors_alone():
    app = FakeApp()
    app.add("mixed", [Work([5]), Work([6])], 1000)
    kernel, _ = make(app)
    kernel.run(1500)
    assert kernel.stats("mixed").completed == 2
    assert [e for e in units(kernel) if e[1] == "start"] == []


def test_operators_work_on_the_tensors_of_the_net():
    app = FakeApp()
    app.add("mixed", [10, Work([5, 5]), 10], 1000)
    kernel, _ = make(app)
    seen = []

    @kernel.every("mixed")
    async def body(net):
        await net.infer(b"\x07\x00\x00\x00")
        seen.append(net.output(0)[0])

    kernel.run(1500)
    assert seen == [8, 8]


def test_another_net_has_the_npu_while_the_processor_works():
    app = FakeApp()
    app.add("mixed", [100, Work([200, 200]), 100], 10000, priority=0)
    app.add("other", [300, 300], 10000, priority=1)
    kernel, _ = make(app)
    kernel.run(9000)
    busy = [e for e in units(kernel) if e[2] == 1]
    assert busy == [
        (100, "start", 1, 0),
        (400, "end", 1, 0),
        (400, "start", 1, 1),
        (700, "end", 1, 1),
    ]
    # The second CPU step ends at 500, its NPU segment waits for the other's to end.
    assert [e for e in units(kernel) if e[1:] == ("start", 0, 2)] == [(700, "start", 0, 2)]


def test_a_more_urgent_task_goes_first_between_two_cpu_steps():
    app = FakeApp()
    app.add("mixed", [Work([100, 100, 100])], 10000, priority=5)
    app.add("urgent", [Work([10])], 10000, priority=0, offset_us=50)
    kernel, _ = make(app)
    kernel.run(9000)
    starts = [(tick, task) for tick, task, _ in events(kernel, "cpu start")]
    assert starts == [(0, 0), (100, 1), (110, 0), (210, 0)]


def test_equally_urgent_tasks_take_turns_by_the_cpu_step():
    app = FakeApp()
    app.add("one", [Work([10, 10])], 10000)
    app.add("two", [Work([10, 10])], 10000)
    kernel, _ = make(app)
    kernel.run(9000)
    assert [task for _, task, _ in events(kernel, "cpu start")] == [0, 1, 0, 1]


def test_operators_that_run_on_do_not_let_others_go_between_them():
    app = FakeApp()
    app.add("mixed", [Work([10], runs_on=True), Work([20]), Work([30])], 10000, priority=5)
    app.add("urgent", [Work([1])], 10000, priority=0, offset_us=5)
    kernel, _ = make(app)
    kernel.run(9000)
    steps = [(task, step) for _, task, step in events(kernel, "cpu start")]
    assert steps == [(0, 0), (0, 1), (1, 0), (0, 2)]
    assert len(events(kernel, "resume")) == 3


def test_an_operator_before_a_segment_starts_it_in_the_same_resume():
    kernel, _, _ = single()
    kernel.run(900)
    # For the first segment, the first CPU step, the second with segments behind it, and the end.
    assert [tick for tick, _, _ in events(kernel, "resume")] == [0, 100, 120, 350]


def test_every_policy_runs_mixed_nets_beside_others():
    for policy in ("fifo", "fp", "edf", "rr"):
        app = FakeApp(policy)
        app.add("mixed", [100, Work([50, 60]), 70, Work([5]), Work([5]), 30], 1000, priority=1)
        app.add("state", [Work([20]), 40], 500, priority=0)
        app.add("detect", [100] * 6, 3000, priority=2)
        kernel, _ = make(app, dispatch_us=2, resume_us=3)
        kernel.run(29000)
        for name, jobs in (("mixed", 29), ("state", 58), ("detect", 10)):
            assert kernel.stats(name).completed == jobs, (policy, name)
            assert kernel.stats(name).misses == 0, (policy, name)


def test_edf_puts_the_job_first_whose_deadline_is_first_from_its_second_stage_on():
    app = FakeApp("edf")
    app.add("mixed", [10, Work([10]), 100], 10000, deadline_us=500, priority=9)
    app.add("long", [300, 300], 10000, deadline_us=9000, priority=0)
    kernel, _ = make(app)
    kernel.run(9000)
    starts = [(task, step) for _, task, step in events(kernel, "start")]
    assert starts == [(1, 0), (0, 0), (1, 1), (0, 2)]


def test_skip_drops_a_release_in_the_middle_of_a_cpu_step():
    kernel, _, _ = single(period_us=130)
    kernel.run(1000)
    stats = kernel.stats("mixed")
    assert (stats.jobs, stats.completed, stats.skipped) == (3, 2, 5)


def test_queue_keeps_a_release_in_the_middle_of_a_cpu_step():
    kernel, _, _ = single(period_us=130, overrun=QUEUE)
    kernel.run(1100)
    stats = kernel.stats("mixed")
    assert (stats.jobs, stats.completed, stats.skipped) == (4, 3, 0)
    assert stats.response_max_us == 3 * 350 - 2 * 130


def test_abort_between_two_cpu_steps_begins_the_operator_anew():
    kernel, _, work = single(period_us=118, overrun=ABORT)
    kernel.run(500)
    stats = kernel.stats("mixed")
    # The release at 118 is seen at 120, after the first CPU step; the new job starts right then.
    assert (stats.jobs, stats.completed, stats.aborted) == (5, 0, 4)
    assert work.resets == 4
    assert [step for _, _, step in events(kernel, "start")] == [0] * 5
    assert [tick for tick, _, _ in events(kernel, "cpu start")] == [100, 220, 340, 460]


def test_abort_in_an_npu_stage_after_the_operator_leaves_it_alone():
    kernel, _, work = single(period_us=200, overrun=ABORT)
    kernel.run(390)
    assert kernel.stats("mixed").aborted == 1
    assert work.resets == 0
    # The aborted segment ends first.
    assert [e[:1] + e[3:] for e in units(kernel) if e[1] == "start"] == [(0, 0), (150, 2), (300, 0)]


def test_abort_of_a_body_closes_its_inference_between_two_cpu_steps():
    kernel, _, work = single(period_us=118, overrun=ABORT)
    left = []

    @kernel.every("mixed")
    async def body(net):
        try:
            await net.infer()
        finally:
            left.append(net.inference.working)

    kernel.run(500)
    assert len(left) == kernel.stats("mixed").aborted == 4
    assert work.resets == 4


def test_a_time_limit_ends_an_inference_between_two_cpu_steps():
    app = FakeApp()
    works = Work([40] * 10)
    app.add("mixed", [10, works, 10], 10000)
    kernel, board = make(app)
    told = []

    @kernel.every("mixed")
    async def body(net):
        try:
            await wait_for_us(net.infer(), 100)
        except TimeoutError:
            told.append(board.now)
        await net.infer()
        told.append(board.now)

    kernel.run(9000)
    assert told == [130, 130 + 10 + 400 + 10]
    assert works.resets == 1


def test_an_inference_under_way_on_the_processor_refuses_another():
    app = FakeApp()
    app.add("mixed", [Work([10, 10])], 1000)
    kernel, _ = make(app)
    errors = []

    async def other():
        errors.append(raised(RuntimeError, kernel.net("mixed").infer))

    @kernel.every("mixed")
    async def body(net):
        kernel.spawn(other(), 0)
        await net.infer()

    kernel.run(500)
    assert len(errors) == 1
    assert kernel.stats("mixed").completed == 1


def test_a_fault_of_the_npu_in_a_later_stage_ends_the_job():
    kernel, board, work = single(period_us=500)
    board.fault(2, 0x80)
    kernel.run(900)
    stats = kernel.stats("mixed")
    assert (stats.faults, stats.completed) == (1, 1)
    assert [step for _, _, step in events(kernel, "fault")] == [0x82]
    assert work.resets == 0


def test_a_fault_tells_the_body_and_leaves_the_net_usable():
    kernel, board, _ = single()
    board.fault(0, 0x80)
    told = []

    @kernel.every("mixed")
    async def body(net):
        try:
            await net.infer()
        except NpuError as error:
            told.append(str(error))
        await net.infer()

    kernel.run(900)
    assert len(told) == 1
    assert kernel.stats("mixed").completed == 1


def test_an_error_in_an_operator_ends_the_job_and_begins_the_operator_anew():
    kernel, _, work = single()
    failing = [True]
    step = work.step

    def fail():
        if failing:
            failing.pop()
            raise ArithmeticError("no")
        return step()

    work.step = fail
    raised(ArithmeticError, kernel.run, 900)
    assert work.resets == 1
    kernel.run(1900)
    assert kernel.stats("mixed").completed == 1


def test_a_spawned_coroutine_infers_on_a_mixed_net_without_a_task():
    app = FakeApp()
    app.add_net("mixed", [10, Work([5, 5]), 10])
    kernel, board = make(app)
    ends = []

    async def loop():
        for _ in range(3):
            await kernel.net("mixed").infer()
            ends.append(board.now)
            await sleep_us(70)

    kernel.spawn(loop())
    kernel.run()
    assert ends == [30, 130, 230]


def test_jobs_in_a_shared_arena_do_not_overlap_on_two_units():
    app = FakeApp()
    app.add("one", [10, Work([20, 20]), 10], 1000, shared_arena=True)
    app.add("two", [Work([5]), 10], 1000, shared_arena=True, priority=1)
    kernel, _ = make(app)
    kernel.run(900)
    assert [e[2] for e in units(kernel)] == [0] * 8 + [1] * 4


def test_time_of_the_processor_is_summed():
    kernel, _, _ = single()
    kernel.run(2500)
    assert kernel.net("mixed").cpu_us == 3 * 50
    inference = kernel.net("mixed").inference
    inference.cpu_us = 999999
    kernel.run(1000)
    assert kernel.net("mixed").cpu_us == 1000049
    assert inference.cpu_us < 1000000


def test_an_operator_that_the_firmware_has_not_is_refused_with_its_step():
    app = FakeApp()
    app.add("mixed", [10, Work([5])], 1000)
    app.buffer[app.step_offset(1)] = 127
    error = raised(ValueError, make, app)
    for part in ("mixed", "step 1", "127", "register"):
        assert part in str(error)


def test_a_pure_net_does_not_bring_in_what_mixed_ones_need():
    app = FakeApp()
    app.add("pure", [10], 1000)
    kernel, _ = make(app)
    assert isinstance(kernel, Kernel)
    assert not hasattr(kernel.net("pure"), "cpu_us")


def test_an_inference_over_both_units_allocates_nothing():
    app = FakeApp()
    app.add("mixed", [100, Work([20, 30]), Work([5], True), Work([5]), 70], 500, priority=1)
    app.add("state", [Work([3]), 10, Work([3])], 200, priority=0, overrun=ABORT)
    app.add("detect", [90, 90, 90], 1000, priority=2)
    kernel, _ = make(app, dispatch_us=2, resume_us=3)
    kernel.run(3000)
    for task in kernel.tasks:
        if task.task.coro is None:
            task.prepare()
    locked_turns(kernel, 1000)
    assert kernel.stats("mixed").completed > 20
    assert kernel.net("mixed").cpu_us > 20 * 60


# Numbers that are the same on every interpreter.
class Dice:
    def __init__(self, seed):
        self._state = seed

    def __call__(self, most):
        self._state = (self._state * 1103 + 12345) & 0xFFFFF
        return (self._state >> 5) % most


def drawn(dice):
    app = FakeApp(("fifo", "fp", "edf", "rr")[dice(4)])
    for index in range(2 + dice(3)):
        steps = []
        for _ in range(1 + dice(6)):
            if dice(2):
                steps.append(1 + dice(90))
            else:
                steps.append(Work([1 + dice(40) for _ in range(1 + dice(3))], dice(3) == 0))
        app.add(
            "task" + str(index), steps, 150 + dice(600), priority=dice(4), overrun=dice(3),
            deadline_us=50 + dice(900), offset_us=dice(300), shared_arena=dice(5) == 0,
        )  # fmt: skip
    return app


# What a task's events say of its net: from the first step on, each once, CPU steps of one together.
def check_order(seen, steps):
    before = None
    for kind, step in seen:
        if before is None or kind in ("cpu start", "start"):
            same = before is not None and before[1] == step and kind == "cpu start"
            following = before is not None and step == before[1] + 1
            assert step == 0 or same or following, (before, kind, step)
        before = kind, step
    assert before is None or before[1] < steps


def check_alone(found, begin, end):
    on = None
    for tick, kind, task, step in found:
        if kind == begin:
            assert on is None, (tick, task, step)
            on = task, step
        elif kind == end:
            assert on == (task, step)
            on = None


def test_drawn_applications_keep_the_order_of_steps_on_both_units():
    for seed in range(60):
        dice = Dice(seed * 977 + 1)
        app = drawn(dice)
        kernel, board = make(app, dispatch_us=dice(3), resume_us=dice(4), capacity=8000)
        for step in range(len(app.cycles)):
            if dice(12) == 0:
                board.fault(step, 0x80)
        kernel.run(6000)
        assert kernel.trace.lost == 0
        found = units(kernel)
        check_alone(found, "start", "end")
        check_alone(found, "cpu start", "cpu end")
        for index in range(len(app.tasks)):
            steps = app.nets[app.tasks[index].net].steps
            check_order([(e[1], e[3]) for e in found if e[2] == index], steps)
            stats = kernel.stats(app.tasks[index].name)
            last = [e for e in found if e[2] == index and e[3] == steps - 1 and e[1][-3:] == "end"]
            assert stats.completed <= len(last), seed
            ended = stats.completed + stats.aborted + stats.faults
            assert stats.jobs - 1 <= ended <= stats.jobs, seed

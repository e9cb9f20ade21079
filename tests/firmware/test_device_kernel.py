# SPDX-License-Identifier: Apache-2.0
# The kernel: releases, overruns, misses, and who is resumed first.
from device_helper import FakeApp, Kernel, events, make, raised, starts

from hocket.agenda import Agenda

SKIP, QUEUE, ABORT = 0, 1, 2


# One task whose job takes 250 us on the NPU.
def single(overrun=SKIP, period_us=100, cycles=250, **port):
    app = FakeApp()
    app.add("job", [cycles // 2, cycles - cycles // 2], period_us, overrun=overrun)
    return make(app, **port)


def plan(offsets_us, period_ns=1000000000, now=0):
    kernel, _ = make(FakeApp())
    found = Agenda(len(offsets_us), kernel.port, kernel.dispatcher)
    for index, offset_us in enumerate(offsets_us):
        found.begin(index, now, int(offset_us * 1000), period_ns)
    return found


def test_a_million_periods_do_not_drift_across_the_wrap_of_ticks():
    # 1/3 ms; the sum passes 2**30 us after some 3.2 million periods, so start near the wrap.
    agenda = plan([0], 333333, (1 << 30) - 1000)
    for _ in range(1000000):
        agenda.advance(0)
    assert agenda.advance(0) == (333333 * 1000000 // 1000 - 1000) % (1 << 30)


def test_remainder_of_the_offset_is_kept():
    agenda = plan([1.999], 500)
    assert agenda.advance(0) == 1
    assert agenda.advance(0) == 2


def test_what_is_due_longest_is_released_first_and_then_in_order():
    now = (1 << 30) - 60
    agenda = plan([70, 50, 50, 120], now=now)
    order = []
    while agenda.due(30) >= 0:
        order.append(agenda.due(30))
        agenda.advance(order[-1])
    assert order == [1, 2, 0]


def test_ready_tasks_are_taken_by_priority_and_equals_in_order_of_arrival():
    agenda = plan([0] * 4)
    agenda.words[2] = (1 << 30) - 2  # the sequence wraps between the second and the third
    for index, priority in ((2, 5), (0, 7), (3, 5), (1, 5)):
        agenda.set_priority(index, priority)
        agenda.make_ready(index)
    assert [agenda.pop() for _ in range(5)] == [2, 3, 1, 0, -1]


# An interrupt may make a task ready just before handlers are held for the wait.
def resumed_late(index):
    agenda = plan([1000, 1000])
    port = agenda._port
    hold = port.hold_irq

    def late():
        agenda.make_ready(index)
        return hold()

    port.hold_irq = late
    return agenda.step(None), port.idled


def test_a_task_that_becomes_ready_before_the_wait_is_resumed_and_not_slept_over():
    assert [resumed_late(index) for index in (0, 1)] == [(0, 0), (1, 0)]


def test_releases_lie_on_the_nanosecond_grid_rounded_down():
    app = FakeApp()
    app.add("job", [1], 33, period_ns=333)
    kernel, _ = make(app)
    kernel.run(400)
    ticks = [tick - late for tick, _, late in events(kernel, "release")]
    assert ticks == [33333 * k // 1000 for k in range(13)]


def test_a_busy_processor_delays_a_release_but_moves_no_later_one():
    kernel, board = single(period_us=100, cycles=10)

    @kernel.every("job")
    async def compute(net):
        board.advance(130 if kernel.stats("job").jobs == 1 else 0)

    kernel.run(450)
    assert events(kernel, "release") == [
        (0, 0, 0),
        (130, 0, 30),
        (200, 0, 0),
        (300, 0, 0),
        (400, 0, 0),
    ]


def test_offset_delays_the_first_release():
    app = FakeApp()
    app.add("job", [1], 100, offset_us=40)
    kernel, _ = make(app)
    kernel.run(300)
    assert [r[0] for r in events(kernel, "release")] == [40, 140, 240]


def test_skip_drops_releases_while_a_job_is_unfinished():
    kernel, _ = single(SKIP)
    kernel.run(1000)
    stats = kernel.stats("job")
    assert (stats.jobs, stats.completed, stats.skipped) == (4, 3, 6)
    assert [tick for tick, _, step in events(kernel, "start") if step == 0] == [0, 300, 600, 900]


def test_queue_keeps_every_release_and_counts_response_from_it():
    app = FakeApp()
    app.add("job", [150], 100, overrun=QUEUE, deadline_us=1000)
    kernel, _ = make(app)
    kernel.run(460)
    stats = kernel.stats("job")
    assert (stats.completed, stats.skipped) == (3, 0)
    assert [r[0] for r in events(kernel, "complete")] == [150, 300, 450]
    assert (stats.response_min_us, stats.response_mean_us, stats.response_max_us) == (150, 200, 250)


def test_queue_is_bounded_and_skips_beyond():
    kernel, _ = single(QUEUE, period_us=10, cycles=1000)
    kernel.run(995)
    assert kernel.stats("job").skipped == 99 - 8


def test_abort_gives_up_the_old_job_and_starts_the_new_one_after_its_segment():
    app = FakeApp()
    app.add("job", [70, 70, 70], 100, overrun=ABORT)
    kernel, _ = make(app)
    kernel.run(320)
    stats = kernel.stats("job")
    assert (stats.completed, stats.aborted, stats.misses) == (0, 3, 3)
    # Each new job waits for the segment that was running at its release.
    assert [(t, s) for t, _, s in events(kernel, "start")] == [
        (0, 0), (70, 1), (140, 0), (210, 0), (280, 1),
    ]  # fmt: skip


def test_abort_of_a_job_whose_inference_is_over_leaves_the_net_to_the_next():
    app = FakeApp()
    app.add("busy", [1], 1000, offset_us=50)
    app.add("job", [50], 100, overrun=ABORT, priority=1)
    kernel, board = make(app)

    @kernel.every("busy")
    async def compute(net):
        board.advance(80)

    @kernel.every("job")
    async def infer(net):
        await net.infer()

    kernel.run(900)
    stats = kernel.stats("job")
    assert stats.aborted == 1
    assert stats.completed == stats.jobs - 1


def test_abort_closes_the_coroutine_and_frees_its_locks():
    from hocket.sync import Lock, sleep_us

    kernel, _ = single(ABORT)
    lock = Lock(0)
    entered = []

    @kernel.every("job")
    async def body(net):
        async with lock:
            entered.append(kernel.port.now)
            await sleep_us(1000)

    kernel.run(350)
    assert entered == [0, 100, 200, 300]


def test_a_miss_is_counted_once_a_job_and_told_to_the_hook():
    kernel, _ = single(SKIP, period_us=100, cycles=250)
    told = []
    kernel.on_miss = lambda name, late_us: told.append((name, late_us))
    kernel.run(900)
    assert told == [("job", 0)] * 3
    assert kernel.stats("job").misses == 3


def test_a_job_that_ends_late_without_overrun_is_a_miss_by_its_lateness():
    app = FakeApp()
    app.add("job", [50], 100, deadline_us=40)
    kernel, _ = make(app)
    told = []
    kernel.on_miss = lambda name, late_us: told.append((name, late_us))
    kernel.run(90)
    assert told == [("job", 10)]


def test_a_job_that_ends_at_its_deadline_is_no_miss():
    app = FakeApp()
    app.add("job", [40], 100, deadline_us=40)
    kernel, _ = make(app)
    kernel.run(350)
    assert kernel.stats("job").misses == 0


def test_time_of_the_body_is_charged_once_a_job():
    app = FakeApp()
    app.add("job", [40], 100, cpu_us=9)
    kernel, _ = make(app, resume_us=2)
    kernel.run(90)
    assert kernel.stats("job").response_max_us == 2 + 40 + 2 + 9


def test_the_most_urgent_ready_task_is_resumed_first():
    app = FakeApp()
    for name, priority in (("c", 2), ("a", 0), ("b", 1)):
        app.add(name, [1], 1000, priority=priority)
    kernel, _ = make(app)
    kernel.run(0)
    kernel.run(5)
    assert [task for _, task, _ in events(kernel, "resume")][:3] == [1, 2, 0]


def test_a_body_gets_its_input_in_place_and_its_output():
    app = FakeApp()
    app.add("job", [10], 1000)
    kernel, _ = make(app)
    seen = []

    @kernel.every("job")
    async def body(net):
        await net.infer(bytes((1, 2, 3, 255)))
        net.output(0)[2] = -5
        seen.append((list(net.input(0)), net.output(0)[2]))

    kernel.run(500)
    assert seen == [([1, 2, 3, -1], -5)]


def test_a_task_without_a_body_only_infers():
    kernel, _ = single(period_us=1000)
    kernel.run(500)
    assert kernel.stats("job").completed == 1


def test_persistent_state_starts_with_its_fill():
    app = FakeApp()
    app.add("job", [10], 1000)
    app.nets[0].persistent = [(1, 8, 4, 0x80, 0)]
    _, board = make(app)
    assert bytes(board.view(board.arena_base, 16)) == bytes(8) + b"\x80" * 4 + bytes(4)


# A net of another priority runs between; two nets share an arena and must not.
def test_jobs_in_a_shared_arena_do_not_overlap():
    app = FakeApp()
    app.add("slow", [100, 100], 1000, priority=2, shared_arena=True)
    app.add("fast", [10, 10], 1000, priority=0, shared_arena=True, offset_us=20)
    app.add("middle", [10, 10], 1000, priority=1, offset_us=20)
    kernel, _ = make(app)
    kernel.run(900)
    # The middle task's request stood ready at the end of the slow job, so it has one segment
    # before the fast body got to run.
    assert starts(kernel) == [0, 0, 2, 1, 1, 2]


def test_a_shared_arena_is_kept_until_an_aborted_segment_is_over():
    app = FakeApp()
    app.add("slow", [300], 200, priority=1, shared_arena=True, overrun=ABORT)
    app.add("fast", [10], 2000, priority=0, shared_arena=True, offset_us=20)
    kernel, _ = make(app)
    kernel.run(700)
    assert starts(kernel)[:2] == [0, 0]


def test_spawned_coroutine_may_infer_on_a_net_without_a_task():
    app = FakeApp()
    app.add_net("once", [10, 10])
    kernel, board = make(app)
    ended = []

    async def once():
        await kernel.net("once").infer(b"abcd")
        ended.append(board.now)

    kernel.spawn(once())
    kernel.run()
    assert ended == [20]


def test_run_ends_when_nothing_is_left():
    kernel, _ = make(FakeApp())
    kernel.run()


def test_stop_ends_run():
    kernel, board = single(period_us=100, cycles=10)

    @kernel.every("job")
    async def body(net):
        if kernel.stats("job").jobs == 3:
            kernel.stop()

    kernel.run()
    assert board.now == 200


def test_run_goes_on_where_the_last_one_ended():
    kernel, _ = single(period_us=100, cycles=10)
    kernel.run(150)
    kernel.run(150)
    assert [r[0] for r in events(kernel, "release")] == [0, 100, 200]


def test_what_is_due_when_a_run_ends_is_left_to_the_next():
    from hocket.sync import Event, wait_for_us

    kernel, board = make(FakeApp())
    event = Event()
    ended = []

    async def wait():
        await wait_for_us(event.wait(), 100)
        ended.append(board.now)

    kernel.spawn(wait())
    kernel.run(50)
    kernel.run(50)  # its end is set later than the time limit of the wait, and comes first
    event.set()
    kernel.run(1)
    assert ended == [100]


def test_run_longer_than_the_circle_of_ticks():
    kernel, board = single(period_us=200000000, cycles=10)
    kernel.run(3 << 30)
    assert (board.now, kernel.stats("job").completed) == (3 << 30, (3 << 30) // 200000000 + 1)


def test_an_error_in_a_body_comes_out_of_run():
    kernel, _ = single()

    @kernel.every("job")
    async def body(net):
        raise KeyError("mine")

    raised(KeyError, kernel.run, 1000)


def test_an_error_hook_keeps_the_kernel_running():
    kernel, _ = single(period_us=100)
    told = []
    kernel.on_error = lambda name, error: told.append((name, error.args))

    @kernel.every("job")
    async def body(net):
        raise KeyError("mine")

    kernel.run(250)
    assert told == [("job", ("mine",))] * 3


def test_watchdog_is_fed():
    class Dog:
        fed = 0

        def feed(self):
            self.fed += 1

    kernel, _ = single(period_us=100, cycles=10)
    kernel.watchdog = Dog()
    kernel.run(500)
    assert kernel.watchdog.fed > 10


def test_the_processor_sleeps_between_jobs():
    kernel, board = single(period_us=1000, cycles=10)
    kernel.run(10000)
    assert board.idled < 40


def test_unknown_task_is_named_with_those_there_are():
    kernel, _ = single()
    assert "no task kws, the container has job" in str(raised(ValueError, kernel.every, "kws"))


def test_two_tasks_of_one_net_are_refused():
    app = FakeApp()
    app.add("a", [1], 100)
    app.add("b", [1], 100)
    app.tasks[1].net = 0
    assert "a and b use one net" in str(raised(ValueError, make, app))


def test_an_arena_larger_than_the_board_is_refused():
    app = FakeApp()
    app.add("a", [1], 100)
    _, board = make(app)
    app.arena_size += 16
    assert "arena of 48 bytes, this board has 32" in str(
        raised(ValueError, Kernel, app, None, board)
    )


def test_a_period_that_ticks_cannot_express_is_refused():
    app = FakeApp()
    app.add("a", [1], 300000000)
    assert "period" in str(raised(ValueError, make, app))

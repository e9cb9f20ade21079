# SPDX-License-Identifier: Apache-2.0
# The dispatcher: which segment comes next, and what becomes of one that fails.
from device_helper import FakeApp, events, locked_turns, make, raised, starts

from hocket.net import NpuError

HALF = 1 << 29


# A long job of low priority, and two short ones that arrive in its first segment.
def three(policy, **port):
    app = FakeApp()
    app.add("slow", [100, 100, 100], 10000, priority=2)
    app.add("middle", [10, 10], 10000, priority=1, offset_us=20, deadline_us=400)
    app.add("urgent", [10, 10], 10000, priority=0, offset_us=30, deadline_us=500)
    return make(app, policy, **port)


def test_fifo_runs_each_job_to_completion_in_order_of_arrival():
    kernel, _ = three("fifo")
    kernel.run(1000)
    assert starts(kernel) == [0, 0, 0, 1, 1, 2, 2]


def test_fixed_priority_takes_the_most_urgent_between_segments():
    kernel, _ = three("fp")
    kernel.run(1000)
    assert starts(kernel) == [0, 2, 2, 1, 1, 0, 0]


def test_fixed_priority_keeps_equals_in_order_of_arrival():
    app = FakeApp()
    for name in "abc":
        app.add(name, [10, 10], 10000, priority=3)
    kernel, _ = make(app, "fp")
    kernel.run(1000)
    assert starts(kernel) == [0, 0, 1, 1, 2, 2]


def test_edf_takes_the_nearest_deadline():
    kernel, _ = three("edf")
    kernel.run(1000)
    assert starts(kernel) == [0, 1, 1, 2, 2, 0, 0]


def test_edf_compares_deadlines_across_the_wrap_of_ticks():
    kernel, _ = three("edf", start_us=(1 << 30) - 450)
    kernel.run(1000)
    assert starts(kernel) == [0, 1, 1, 2, 2, 0, 0]


def test_edf_breaks_ties_by_priority():
    app = FakeApp()
    app.add("first", [10], 10000, priority=5, deadline_us=0)
    app.add("less", [10], 1000, priority=2, offset_us=1)
    app.add("more", [10], 1000, priority=1, offset_us=1)
    kernel, _ = make(app, "edf")
    kernel.run(100)
    assert starts(kernel) == [0, 2, 1]


def test_round_robin_gives_each_job_one_segment_in_turn():
    app = FakeApp()
    for name in "abc":
        app.add(name, [10, 10], 10000)
    kernel, _ = make(app, "rr")
    kernel.run(1000)
    assert starts(kernel) == [0, 1, 2, 0, 1, 2]


def test_sequence_wraps_without_changing_the_order():
    kernel, _ = three("fifo")
    kernel.dispatcher.words[2] = (1 << 30) - 2
    kernel.run(1000)
    assert starts(kernel) == [0, 0, 0, 1, 1, 2, 2]


def test_the_next_segment_starts_while_the_processor_is_busy():
    kernel, board = three("fp")

    @kernel.every("middle")
    async def compute(net):
        board.advance(500)

    kernel.run(1000)
    assert [tick for tick, task, _ in events(kernel, "start") if task == 0] == [0, 100, 200]


def test_dispatch_cost_is_charged_before_each_segment():
    kernel, _ = three("fifo", dispatch_us=7)
    kernel.run(1000)
    assert [tick for tick, task, _ in events(kernel, "start") if task == 0] == [7, 114, 221]


def test_segment_is_programmed_with_its_stream_and_the_bases_of_its_net():
    from hocket.ethosu import peek

    app = FakeApp()
    app.add("a", [10, 10], 10000)
    app.add("b", [10, 10], 10000)
    app.nets[1].regions[0] = (1, 0x40, 64)
    kernel, board = make(app)
    kernel.run(1000)
    base = board.npu_base
    assert peek(base, 0x10) == app.address + 3 * 16
    assert peek(base, 0x20) == 16
    assert peek(base, 0x80) == app.address + 0x40
    assert peek(base, 0x88) == (board.arena_base + 32) & 0xFFFFFFFF
    assert peek(base, 0x3C) == 0b01_01_01_01_01_01_00_11


def test_a_fault_costs_its_own_job_only():
    kernel, board = three("fp")
    board.fault(1, 0x4)
    kernel.run(1000)
    assert [kernel.stats(n).faults for n in ("slow", "middle", "urgent")] == [1, 0, 0]
    assert [kernel.stats(n).completed for n in ("slow", "middle", "urgent")] == [0, 1, 1]
    assert starts(kernel) == [0, 2, 2, 1, 1, 0]


def test_a_fault_is_recorded_under_its_task_with_the_status():
    kernel, board = three("fp")
    board.fault(4, 0x84)  # the second segment of the middle task
    board.fault(5, 0x10)  # the first of the urgent one
    kernel.run(1000)
    assert sorted(fault[1:] for fault in events(kernel, "fault")) == [(1, 0x86), (2, 0x12)]


def test_the_task_is_told_why_its_inference_failed():
    app = FakeApp()
    app.add("kws", [10, 10], 10000)
    told = []
    for bits, text in ((0x4, "bus abort"), (0x10, "parse error"), (0x80, "weight"), (0, "before")):
        kernel, board = make(app)

        @kernel.every("kws")
        async def listen(net):
            try:
                await net.infer()
            except NpuError as error:
                told.append(error.args[1])

        board.fault(1, bits)
        kernel.run(100)
        assert text in told[-1]
    assert len(told) == 4


def test_a_fault_does_not_reach_the_next_job():
    app = FakeApp()
    app.add("kws", [10], 100)
    kernel, board = make(app)
    board.fault(0, 0x4)
    kernel.run(350)
    assert (kernel.stats("kws").faults, kernel.stats("kws").completed) == (1, 3)


def test_a_hang_is_found_by_the_watchdog_and_costs_its_own_job_only():
    kernel, board = three("fp")
    board.hang(0)
    kernel.run(5000)
    assert [kernel.stats(n).faults for n in ("slow", "middle", "urgent")] == [1, 0, 0]
    assert [kernel.stats(n).completed for n in ("slow", "middle", "urgent")] == [0, 1, 1]
    # Four times the worst case and the settling time of 100 us.
    assert next(tick for tick, task, _ in events(kernel, "start") if task == 2) == 500


def test_a_segment_that_still_reads_its_stream_is_left_alone():
    app = FakeApp()
    app.add("kws", [1000], 100000)
    app.step_worst_cycles = lambda step: 100
    kernel, _ = make(app)
    kernel.run(5000)
    assert (kernel.stats("kws").faults, kernel.stats("kws").completed) == (0, 1)


# Ticks at which the watchdog looked, of a budget of 500 us.
def looks(cycles):
    app = FakeApp()
    app.add("kws", [cycles], 1000000)
    app.step_worst_cycles = lambda step: 100
    kernel, _ = make(app)
    seen = []
    watch = kernel.dispatcher.watch

    def noted(now):
        seen.append(now)
        watch(now)

    kernel.dispatcher.watch = noted
    kernel.run(20000)
    return seen, events(kernel, "fault")


def test_a_segment_that_still_reads_is_looked_at_again_each_half_of_its_budget():
    assert looks(1400) == ([500, 750, 1000, 1250], [])


def test_a_segment_that_stops_reading_on_the_way_is_found_at_the_next_look():
    # The stream of 16 bytes is read at one in 437 us.
    (seen, faults) = looks(7000)
    assert seen == [500, 750]
    assert [tick for tick, _, _ in faults] == [750]


def test_a_segment_within_its_budget_is_not_looked_at():
    assert looks(500) == ([], [])


def test_those_of_equal_priority_do_not_block_each_other():
    app = FakeApp()
    app.add("first", [100, 100], 10000, priority=1)
    app.add("second", [100], 10000, priority=1, offset_us=10)
    kernel, _ = make(app, "fp")
    kernel.run(1000)
    assert kernel.stats("second").response_max_us == 290
    assert kernel.stats("second").blocking_max_us == 0


def test_blocking_counts_from_the_request_and_while_the_npu_was_held_only():
    app = FakeApp()
    app.add("slow", [100], 10000, priority=1, offset_us=30)
    app.add("urgent", [10], 10000, offset_us=90)
    kernel, _ = make(app)
    kernel.run(1000)
    assert kernel.stats("urgent").blocking_max_us == 40


def test_an_npu_that_stays_in_reset_fails_all_jobs_instead_of_stopping_the_kernel():
    kernel, board = three("fp")
    board.fault(0, 0x10)
    kernel.npu.reset = lambda: False
    kernel.run(25000)
    assert [kernel.stats(n).completed for n in ("slow", "middle", "urgent")] == [0, 0, 0]
    assert [kernel.stats(n).faults for n in ("slow", "middle", "urgent")] == [3, 3, 3]


def test_blocking_is_the_time_that_lesser_priorities_held_the_npu():
    kernel, _ = three("fp")
    kernel.run(1000)
    names = ("slow", "middle", "urgent")
    assert [kernel.stats(n).blocking_max_us for n in names] == [0, 80, 70]


def test_blocking_under_fifo_counts_all_segments_of_lesser_priority():
    kernel, _ = three("fifo")
    kernel.run(1000)
    names = ("slow", "middle", "urgent")
    assert [kernel.stats(n).blocking_max_us for n in names] == [0, 280, 290]


def test_npu_cycles_are_booked_on_the_task_that_used_them():
    kernel, _ = three("rr")
    kernel.run(25000)
    assert [kernel.stats(n).npu_cycles for n in ("slow", "middle", "urgent")] == [900, 60, 60]


def test_npu_cycles_beyond_30_bits_are_kept():
    app = FakeApp()
    app.add("long", [250000000], 260000000)
    app.npu_hz = 10000000
    kernel, _ = make(app)
    kernel.run(1400000000)
    assert kernel.stats("long").npu_cycles == 5 * 250000000


def test_a_board_without_an_interrupt_hook_is_polled():
    kernel, board = three("fp", interrupts=False)
    ticks = board.ticks_us

    def passing():
        board.advance(1)
        return ticks()

    board.ticks_us = passing
    kernel.run(2000)
    assert [kernel.stats(n).completed for n in ("slow", "middle", "urgent")] == [1, 1, 1]


def test_release_dispatch_and_resume_allocate_nothing():
    kernel, _ = three("fp", dispatch_us=7, resume_us=3)
    kernel.run(15000)
    # A run's own setting-up is outside: the loop is what must not allocate.
    for task in kernel.tasks:
        if task.task.coro is None:
            task.prepare()
    locked_turns(kernel, 500)
    assert kernel.stats("slow").completed > 10


def test_waits_and_inferences_of_a_body_allocate_nothing():
    from hocket.sync import Event, Lock, Queue, pause, sleep_us

    app = FakeApp()
    app.add("kws", [10, 10], 1000)
    kernel, _ = make(app)
    event = Event()
    lock = Lock(0)
    queue = Queue(4)
    data = b"\x01\x02\x03\x04"
    rounds = [0]

    async def loop(net):
        while True:
            await net.infer(data)
            await lock.acquire()
            queue.put_nowait(data)
            queue.get_nowait()
            lock.release()
            await sleep_us(5)
            event.set()
            await event.wait()
            await pause()
            rounds[0] += net.output(0)[0] + 1

    @kernel.every("kws")
    async def listen(net):
        await loop(net)

    kernel.run(500)
    before = rounds[0]
    locked_turns(kernel, 200)
    assert rounds[0] > before + 10


def test_close_stops_the_npu_and_forgets_the_jobs():
    kernel, _ = three("fp")
    kernel.run(50)
    kernel.close()
    assert not kernel.dispatcher.busy
    assert all(kernel.dispatcher.idle(slot) for slot in range(3))


def test_two_inferences_of_one_net_at_a_time_are_refused():
    app = FakeApp()
    app.add("kws", [50], 1000)
    kernel, _ = make(app)
    errors = []

    async def other():
        errors.append(raised(RuntimeError, kernel.net("kws").infer))

    @kernel.every("kws")
    async def listen(net):
        kernel.spawn(other())
        await net.infer()

    kernel.run(500)
    assert "kws" in str(errors[0])

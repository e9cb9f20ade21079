# SPDX-License-Identifier: Apache-2.0
# Events, queues, locks, sleep and time limits.
from device_helper import FakeApp, make, raised

from hocket.sync import (
    Event,
    Lock,
    Queue,
    QueueEmpty,
    QueueFull,
    TimeoutError,
    pause,
    sleep_ms,
    sleep_us,
    wait_for_us,
)


# Runs coroutines, given with their priorities, until all have ended; the log is the caller's.
def run(*tasks):
    kernel, board = make(FakeApp())
    for coro, priority in tasks:
        kernel.spawn(coro, priority)
    kernel.run()
    return board.now


def test_sleep_lasts_as_long_as_asked():
    async def sleeper():
        await sleep_us(70)
        await sleep_ms(2)

    assert run((sleeper(), 1)) == 2070


def test_sleepers_wake_in_the_order_of_time():
    log = []

    async def sleeper(us):
        await sleep_us(us)
        log.append(us)

    run((sleeper(30), 1), (sleeper(10), 1), (sleeper(20), 1))
    assert log == [10, 20, 30]


def test_sleep_beyond_the_ticks_is_refused():
    async def sleeper():
        raised(ValueError, sleep_us, 1 << 29)

    run((sleeper(), 1))


def test_pause_lets_an_equal_go_first():
    log = []

    async def one(name):
        log.append(name)
        await pause()
        log.append(name)

    run((one("a"), 1), (one("b"), 1))
    assert log == ["a", "b", "a", "b"]


def test_event_wakes_all_that_wait_most_urgent_first():
    log = []
    event = Event()

    async def waiter(name):
        await event.wait()
        log.append(name)

    async def setter():
        await sleep_us(10)
        event.set()
        log.append("set")

    run((waiter("late"), 5), (waiter("early"), 1), (setter(), 0))
    assert log == ["set", "early", "late"]


def test_event_that_is_set_does_not_wait():
    event = Event()
    event.set()

    async def waiter():
        await event.wait()

    assert run((waiter(), 1)) == 0
    assert event.is_set()


def test_cleared_event_waits_again():
    event = Event()
    log = []

    async def waiter():
        for _ in range(2):
            await event.wait()
            event.clear()
            log.append("woke")

    async def setter():
        for _ in range(2):
            await sleep_us(10)
            event.set()

    run((waiter(), 1), (setter(), 2))
    assert log == ["woke", "woke"]


def test_queue_is_first_in_first_out():
    queue = Queue(3)
    for item in "abc":
        queue.put_nowait(item)
    assert [queue.get_nowait() for _ in range(3)] == ["a", "b", "c"]


def test_queue_refuses_when_full_and_when_empty():
    queue = Queue(1)
    raised(QueueEmpty, queue.get_nowait)
    queue.put_nowait(1)
    raised(QueueFull, queue.put_nowait, 2)


def test_queue_hands_over_between_tasks_with_bounded_room():
    queue = Queue(2)
    got = []

    async def producer():
        for i in range(6):
            await queue.put(i)

    async def consumer():
        for _ in range(6):
            got.append(await queue.get())
            await sleep_us(1)

    run((producer(), 1), (consumer(), 2))
    assert got == list(range(6))


def test_lock_excludes_and_passes_to_the_most_urgent_that_waits():
    lock = Lock(0)
    log = []

    async def user(name):
        async with lock:
            log.append(name)
            await sleep_us(10)

    run((user("holder"), 0), (user("low"), 9), (user("high"), 3))
    assert log == ["holder", "high", "low"]
    assert not lock.locked()


def test_holder_runs_at_the_ceiling():
    lock = Lock(1)
    log = []

    async def low():
        async with lock:
            await pause()
            log.append("low")

    async def middle():
        log.append("middle")

    kernel, _ = make(FakeApp())
    task = kernel.spawn(low(), 5)

    async def starter():
        # As soon as the low task holds the lock, one between its priority and the ceiling comes.
        kernel.spawn(middle(), 3)

    kernel.spawn(starter(), 5)
    kernel.run()
    assert log == ["low", "middle"]
    assert task.priority == 5


def test_nested_locks_give_priority_back_in_steps():
    outer = Lock(3)
    inner = Lock(1)
    seen = []
    kernel, _ = make(FakeApp())

    async def user():
        async with outer:
            seen.append(task.priority)
            async with inner:
                seen.append(task.priority)
            seen.append(task.priority)
        seen.append(task.priority)

    task = kernel.spawn(user(), 7)
    kernel.run()
    assert seen == [3, 1, 3, 7]


def test_locks_may_be_released_in_any_order():
    first = Lock(3)
    second = Lock(1)
    seen = []
    kernel, _ = make(FakeApp())

    async def user():
        await first.acquire()
        await second.acquire()
        first.release()
        seen.append(task.priority)
        second.release()
        seen.append(task.priority)

    task = kernel.spawn(user(), 7)
    kernel.run()
    assert seen == [1, 7]


def test_a_task_above_the_ceiling_is_refused():
    lock = Lock(4)

    async def user():
        assert "above the lock's ceiling 4" in str(raised(RuntimeError, lock.acquire))

    run((user(), 2))


def test_taking_a_lock_twice_is_refused():
    lock = Lock(0)

    async def user():
        await lock.acquire()
        raised(RuntimeError, lock.acquire)

    run((user(), 2))


def test_releasing_the_lock_of_another_is_refused():
    lock = Lock(0)

    async def holder():
        async with lock:
            await sleep_us(10)

    async def thief():
        raised(RuntimeError, lock.release)

    run((holder(), 1), (thief(), 2))


def test_time_limit_interrupts_a_wait():
    event = Event()
    log = []

    async def waiter():
        try:
            await wait_for_us(event.wait(), 50)
        except TimeoutError:
            log.append("timeout")

    assert run((waiter(), 1)) == 50
    assert log == ["timeout"]


def test_time_limit_interrupts_a_sleep():
    async def sleeper():
        try:
            await wait_for_us(sleep_us(1000), 50)
        except TimeoutError:
            return

    assert run((sleeper(), 1)) == 50


def test_time_limit_is_void_once_the_wait_is_over():
    async def sleeper():
        await wait_for_us(sleep_us(10), 50)
        await sleep_us(100)

    assert run((sleeper(), 1)) == 110


def test_time_limit_gives_an_inference_up():
    app = FakeApp()
    app.add("job", [100, 100], 1000)
    kernel, _ = make(app)
    log = []

    @kernel.every("job")
    async def body(net):
        try:
            await wait_for_us(net.infer(), 50)
        except TimeoutError:
            log.append(kernel.port.now)

    kernel.run(2500)
    # The segment under way runs to its end, the next one does not start.
    assert log == [50, 1050, 2050]
    assert kernel.stats("job").npu_cycles == 300


def test_an_interrupt_may_set_an_event():
    event = Event()
    app = FakeApp()
    app.add_net("net", [40])
    kernel, board = make(app)
    log = []

    # The same handler as the board's, with one more thing to do.
    own = board._handler

    def handler(number):
        own(number)
        event.set()

    board.npu_irq(handler)

    async def waiter():
        await event.wait()
        log.append(board.now)

    async def user():
        await kernel.net("net").infer()

    kernel.spawn(waiter(), 1)
    kernel.spawn(user(), 2)
    kernel.run()
    assert log == [40]

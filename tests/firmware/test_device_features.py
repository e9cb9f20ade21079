# SPDX-License-Identifier: Apache-2.0
# The audio front end as a task uses it, on CPython and on MicroPython.
from array import array

from device_helper import FakeApp, make, raised

from hocket.features import Frontend, Spectrogram
from hocket.sync import pause
from hocket.tensor import Tensor


def tone(frontend, steps):
    n = frontend.step_samples
    return [
        array("h", [(i * i * 37 + k * 911) % 20011 - 10000 for i in range(n)]) for k in range(steps)
    ]


def frames(frontend, steps):
    return [bytes(frontend.features) for samples in tone(frontend, steps) if frontend.feed(samples)]


def test_first_frame_needs_a_whole_window():
    frontend = Frontend()
    silence = bytes(2 * frontend.step_samples)
    assert [frontend.feed(silence) for _ in range(5)] == [False, False, True, True, True]


def test_reset_forgets_samples_and_noise():
    frontend = Frontend()
    first = frames(frontend, 6)
    assert frames(frontend, 6) != first
    frontend.reset()
    assert frames(frontend, 6) == first


def test_reset_drops_a_frame_that_was_not_done():
    frontend = Frontend()
    first = frames(frontend, 6)
    frontend.reset()
    for samples in tone(frontend, 3):
        due = frontend.push(samples)
    assert due
    assert not frontend.step()
    frontend.reset()
    assert frontend.step()
    assert frames(frontend, 6) == first


def test_bytes_and_array_are_the_same_samples():
    frontend = Frontend()
    first = frames(frontend, 4)
    other = Frontend()
    assert [bytes(other.features) for s in tone(other, 4) if other.feed(bytes(s))] == first


def test_other_number_of_samples_is_refused():
    frontend = Frontend()
    error = raised(ValueError, frontend.push, array("h", [0] * 159))
    assert "159 samples, must be 160" in str(error)


def test_samples_are_refused_while_a_frame_is_under_way():
    frontend = Frontend()
    for samples in tone(frontend, 3):
        frontend.push(samples)
    frontend.step()
    assert "not done" in str(raised(ValueError, frontend.push, samples))


def test_tables_of_another_length_are_refused():
    assert "99 bytes" in str(raised(ValueError, Frontend, b"\x01" + bytes(98)))


def test_frame_comes_in_steps_and_allocates_nothing():
    import micropython

    frontend = Frontend()
    chunks = tone(frontend, 5)
    steps = 0
    for samples in chunks:
        micropython.heap_lock()
        try:
            due = frontend.push(samples)
            while due:
                steps += 1
                due = not frontend.step()
        finally:
            micropython.heap_unlock()
    assert steps > 3 * 12


class Info:
    name = "x"
    shape = (1, 3, 40)
    dtype = "int8"
    typecode = "b"
    scale = 0.1015625
    zero_point = -128


def spectrogram(fresh=None):
    return Spectrogram(Tensor(Info(), memoryview(bytearray(120))), fresh=fresh)


# Inputs after each step that completed one.
def inputs(taker, steps):
    return [bytes(taker.data) for samples in tone(taker, steps) if taker.feed(samples)]


def test_input_is_whole_after_as_many_frames_as_it_holds():
    taker = spectrogram()
    assert [taker.feed(samples) for samples in tone(taker, 9)] == [
        False, False, False, False, True, False, False, True, False
    ]  # fmt: skip


def test_frames_are_kept_that_are_not_fresh():
    each = inputs(spectrogram(1), 12)
    assert len(each) == 8
    assert inputs(spectrogram(), 12) == [each[0], each[3], each[6]]
    assert [each[i][40:] == each[i + 1][:80] for i in range(7)] == [True] * 7
    assert inputs(spectrogram(2), 12) == each[::2]


def test_features_take_the_scale_of_the_tensor():
    frontend = Frontend()
    taker = spectrogram()
    features = [list(frontend.features) for s in tone(frontend, 5) if frontend.feed(s)]
    (data,) = inputs(taker, 5)
    # 0.0390625 / 0.1015625 is 5 / 13, and 13 is odd: no result lies between two integers.
    want = [min((10 * v + 13) // 26 - 128, 127) & 0xFF for frame in features for v in frame]
    assert list(data) == want


def test_reset_begins_a_new_input():
    taker = spectrogram()
    first = inputs(taker, 5)
    for samples in tone(taker, 3):
        taker.feed(samples)
    taker.reset()
    assert inputs(taker, 5) == first


def test_tensor_of_no_whole_frames_is_refused():
    error = raised(ValueError, Spectrogram, Tensor(Info(), memoryview(bytearray(119))))
    assert "119 elements, must be a multiple of 40" in str(error)


def test_more_fresh_frames_than_there_are_is_refused():
    assert "must be 1 to 3" in str(raised(ValueError, spectrogram, 4))


def test_input_allocates_nothing():
    import micropython

    taker = spectrogram(2)
    ready = 0
    for samples in tone(taker, 9):
        micropython.heap_lock()
        try:
            done = taker.feed(samples)
        finally:
            micropython.heap_unlock()
        ready += done
    assert ready == 3


def test_another_task_runs_between_the_steps_of_a_frame():
    kernel, _ = make(FakeApp())
    taker = spectrogram()
    order = []

    async def listen():
        for samples in tone(taker, 3):
            if taker.push(samples):
                while not taker.step():
                    order.append("step")
                    await pause()

    async def other():
        for _ in range(5):
            order.append("other")
            await pause()

    kernel.spawn(listen(), 3)
    kernel.spawn(other(), 3)
    kernel.run(10_000)
    assert order[:8] == ["step", "other"] * 4 or order[:8] == ["other", "step"] * 4

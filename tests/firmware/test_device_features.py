# SPDX-License-Identifier: Apache-2.0
# The audio front end as a task uses it, on CPython and on MicroPython.
from array import array

from device_helper import raised

from hocket.features import Frontend


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


def test_frame_comes_in_pieces_and_allocates_nothing():
    import micropython

    frontend = Frontend()
    chunks = tone(frontend, 5)
    pieces = 0
    for samples in chunks:
        micropython.heap_lock()
        try:
            due = frontend.push(samples)
            while due:
                pieces += 1
                due = not frontend.step()
        finally:
            micropython.heap_unlock()
    assert pieces > 3 * 12

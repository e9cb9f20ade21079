# SPDX-License-Identifier: Apache-2.0
"""Waiting for what a UART says, with Renode's meaning and in virtual time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hocket_tools.robot.terminal import Terminal, WaitError, Wanted

MS = 1_000_000


class Guest:
    """A machine that says things at set instants."""

    def __init__(self, *sayings, timeout_ns=100 * MS, ends_at=None):
        self.now = 0
        self.sayings = sorted(sayings)
        self.ends_at = ends_at
        self.paused = False
        self.terminal = Terminal(lambda: self.now, self.advance, self.pause, timeout_ns)

    def pause(self):
        self.paused = True

    def advance(self, ns):
        end = self.now + ns
        self.paused = False
        while self.sayings and self.sayings[0][0] <= end and not self.paused:
            self.now, data = self.sayings.pop(0)
            self.terminal.receive(data)
        if self.paused:
            return True
        self.now = end if self.ends_at is None else min(end, self.ends_at)
        return self.ends_at is None or self.now < self.ends_at


def test_a_line_is_found_with_its_instant():
    guest = Guest((3 * MS, b"booting\r\n"), (5 * MS, b"ready\r\n"))
    line = guest.terminal.wait(Wanted("ready"))
    assert (line.Line, line.Timestamp) == ("ready", 5.0)


def test_time_stands_still_at_the_match():
    guest = Guest((3 * MS, b"one\n"), (3 * MS + 1, b"two\n"))
    guest.terminal.wait(Wanted("one"))
    assert guest.now == 3 * MS


def test_a_line_that_came_before_is_found_at_once():
    guest = Guest()
    guest.terminal.receive(b"early\n")
    assert guest.terminal.wait(Wanted("early")).Line == "early"
    assert guest.now == 0


def test_a_match_takes_the_lines_before_it():
    guest = Guest()
    guest.terminal.receive(b"first\nsecond\nthird\n")
    guest.terminal.wait(Wanted("second"))
    with pytest.raises(WaitError):
        guest.terminal.wait(Wanted("first"))
    assert guest.terminal.wait(Wanted("third")).Line == "third"


def test_a_wait_without_a_match_takes_nothing():
    guest = Guest()
    guest.terminal.receive(b"kept\n")
    guest.terminal.must_not_come(Wanted("other"))
    assert guest.terminal.wait(Wanted("kept")).Line == "kept"


def test_the_timeout_is_virtual_and_names_what_came():
    guest = Guest((1 * MS, b"hello\n"), (2 * MS, b">>> "))
    with pytest.raises(WaitError, match="did not say it") as error:
        guest.terminal.wait(Wanted("absent"), 40 * MS)
    assert guest.now == 40 * MS
    assert error.value.found == "hello | >>> "
    assert "40 ms" in error.value.expected


def test_without_a_timeout_the_testers_own_holds():
    guest = Guest(timeout_ns=7 * MS)
    with pytest.raises(WaitError):
        guest.terminal.wait(Wanted("absent"))
    assert guest.now == 7 * MS


def test_a_machine_that_ended_is_told_from_one_that_is_silent():
    guest = Guest(ends_at=2 * MS)
    with pytest.raises(WaitError, match="machine ended"):
        guest.terminal.wait(Wanted("absent"))


def test_an_unfinished_line_is_found_only_if_it_may_be():
    guest = Guest()
    guest.terminal.receive(b">>> ")
    with pytest.raises(WaitError):
        guest.terminal.wait(Wanted(">>>"))
    assert guest.terminal.wait(Wanted(">>>", unfinished=True)).Line == ">>> "


def test_an_unfinished_line_that_matched_is_gone():
    guest = Guest()
    guest.terminal.receive(b">>> ")
    guest.terminal.wait(Wanted(">>>", unfinished=True))
    guest.terminal.receive(b"6 * 7\n")
    assert guest.terminal.wait(Wanted("6 * 7")).Line == "6 * 7"


def test_groups_of_an_expression_are_told():
    guest = Guest()
    guest.terminal.receive(b"keyword 250 249\n")
    line = guest.terminal.wait(Wanted(r"^keyword +(\d+) +(\d+)( late)?$", regex=True))
    assert line.Groups == ["250", "249", ""]


def test_text_that_is_no_expression_is_taken_as_it_is():
    guest = Guest()
    guest.terminal.receive(b"[Errno 5] (CRC)\n")
    assert guest.terminal.wait(Wanted("[Errno 5] (CRC)")).Line == "[Errno 5] (CRC)"


def test_the_next_line_must_be_the_one_where_that_is_asked():
    guest = Guest()
    guest.terminal.receive(b"one\ntwo\n")
    with pytest.raises(WaitError, match="next line is another"):
        guest.terminal.wait(Wanted("two", only_next=True))


def test_a_forbidden_line_ends_the_wait_when_it_comes():
    guest = Guest((1 * MS, b"before\n"), (2 * MS, b"FAULT 3\n"), (3 * MS, b"after\n"))
    guest.terminal.must_not_come(Wanted("nothing of it"), 1 * MS)
    with pytest.raises(WaitError, match="must not come") as error:
        guest.terminal.must_not_come(Wanted("FAULT"), 50 * MS)
    assert error.value.found == "FAULT 3"
    assert guest.now == 2 * MS


def test_a_line_forbidden_for_good_fails_any_wait():
    guest = Guest((1 * MS, b"FAULT 3\n"), (2 * MS, b"ready\n"))
    guest.terminal.forbid(Wanted("FAULT"))
    with pytest.raises(WaitError, match="at all"):
        guest.terminal.wait(Wanted("ready"))


def test_nothing_is_raised_inside_the_emulator():
    """Its callbacks run below foreign code, which exceptions do not cross."""
    guest = Guest()
    guest.terminal.forbid(Wanted("FAULT"))
    guest.terminal.receive(b"FAULT\n")


def test_bytes_that_are_no_text_do_not_stop_a_wait():
    guest = Guest()
    guest.terminal.receive(b"\xff\xfe\nready\n")
    assert guest.terminal.wait(Wanted("ready")).Line == "ready"


@given(
    st.lists(st.text(st.characters(codec="ascii", exclude_categories=["C"])), min_size=1),
    st.integers(1, 7),
)
def test_lines_come_out_as_they_went_in_however_they_are_cut(lines, size):
    guest = Guest()
    data = "".join(f"{line}\r\n" for line in lines).encode()
    for at in range(0, len(data), size):
        guest.terminal.receive(data[at : at + size])
    found = [guest.terminal.wait(Wanted("", only_next=True)).Line for _ in lines]
    assert found == lines
